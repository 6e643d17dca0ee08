"""Row types for the files about patients' care in the program: enrollments and attendance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.permissions import Permission
from clinic_import.reading.cells import read_choice, read_code, read_codes, read_text
from clinic_import.reading.columns import ImportRow, RowErrors, optional, required
from clinic_import.reading.dates_and_times import read_date
from clinic_import.rows.episode_rows import PATIENT_TITLES
from scheduling.formats import full_date
from scheduling.models import REASON_MAX_LENGTH, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentRow(ImportRow):
    """One row of enrollments.csv.

    The codes of the track and of the groups belong to a site that the row need not name, so the writer finds them.
    """

    table: ClassVar[str] = "enrollments"
    key_columns: ClassVar[tuple[str, ...]] = ("patient", "track", "starts")
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = PATIENT_TITLES | {
        "first_day": "starts",
        "start_date": "starts",
        "end_date": "last_day",
    }
    patient: str = required(read_code, code_of="patients")
    track: str = required(read_code)
    starts: date = required(read_date)
    site: str = optional(read_code, "", code_of="sites")
    groups: tuple[str, ...] = optional(read_codes, ())
    modality: Modality = optional(
        read_choice({each.value: each for each in (Modality.IN_PERSON, Modality.TELEHEALTH)}), Modality.IN_PERSON
    )
    last_day: date | None = optional(read_date, None)
    end_reason: str = optional(read_text(REASON_MAX_LENGTH), "")

    @property
    def ends(self) -> date | None:
        return self.last_day + timedelta(days=1) if self.last_day else None

    def errors(self) -> RowErrors:
        if self.last_day and self.last_day < self.starts:
            yield (
                "last_day",
                _("The last day, %(last_day)s, is before the first day, %(valid_from)s.")
                % {"last_day": full_date(self.last_day), "valid_from": full_date(self.starts)},
            )
        if self.end_reason and not self.last_day:
            yield "end_reason", _("Only an enrollment with a last day has this. Enter the day, or leave this blank.")
