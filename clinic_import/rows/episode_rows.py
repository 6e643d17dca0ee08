"""Row type for the file of episodes of care, past and present."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.permissions import Permission
from clinic_import.reading.cells import read_choice, read_code, read_hours, read_number, read_text
from clinic_import.reading.columns import ImportRow, RowErrors, optional, required
from clinic_import.reading.dates_and_times import read_date
from clinic_import.rows.clinic_rows import A_WEEK
from patients.models import LevelOfCare
from scheduling.formats import full_date

PATIENT_TITLES = {"mrn": "patient", "record_number": "patient", "patient_code": "patient", "patient_id": "patient"}
"""Other titles of the column with the patient's code, in files about patients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRow(ImportRow):
    """One level of care of an episode. An episode with several levels has several rows."""

    table: ClassVar[str] = "episodes"
    key_columns: ClassVar[tuple[str, ...]] = ("patient", "admitted", "level_from")
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = PATIENT_TITLES | {
        "admission": "admitted",
        "admission_date": "admitted",
        "admit_date": "admitted",
        "discharged": "last_day",
        "discharge_date": "last_day",
    }
    patient: str = required(read_code, code_of="patients")
    admitted: date = required(read_date)
    last_day: date | None = optional(read_date, None)
    discharge_reason: str = optional(read_text(120), "")
    referral_source: str = optional(read_text(120), "")
    site: str = optional(read_code, "", code_of="sites")
    level: LevelOfCare = required(read_choice({each.value: each for each in LevelOfCare}))
    level_from: date | None = optional(read_date, None)
    prescribed_hours: int | None = optional(read_hours(1, A_WEEK), None)
    prescribed_minutes: int | None = optional(read_number(1, A_WEEK), None)
    prescribed_days: int = required(read_number(1, 7))
    stated_by: str = required(read_text(120))
    exception_reason: str = optional(read_text(200), "")

    @property
    def weekly_minutes(self) -> int | None:
        return self.prescribed_hours or self.prescribed_minutes

    @property
    def label(self) -> str:
        return f"{self.patient} {self.level_starts}"

    @property
    def level_starts(self) -> date:
        """The first day of the row's level."""
        return self.level_from or self.admitted

    @property
    def ends(self) -> date | None:
        """The day after the last day of the episode, or None."""
        return self.last_day + timedelta(days=1) if self.last_day else None

    def errors(self) -> RowErrors:
        if self.prescribed_hours and self.prescribed_minutes:
            yield "prescribed_minutes", _("Enter the prescribed time either in hours or in minutes, not both.")
        elif not self.weekly_minutes:
            yield "prescribed_hours", _("Enter the prescribed time in hours or in minutes.")
        if self.level_starts < self.admitted:
            yield "level_from", _("The level of care can't start before the admission.")
        if self.last_day and self.last_day < self.admitted:
            yield (
                "last_day",
                _("The last day, %(last_day)s, is before the admission, %(admitted)s.")
                % {"last_day": full_date(self.last_day), "admitted": full_date(self.admitted)},
            )
        elif self.last_day and self.last_day < self.level_starts:
            yield (
                "level_from",
                _("The level of care starts after the last day of the episode, %(last_day)s.")
                % {"last_day": full_date(self.last_day)},
            )
