"""Row types for the files of waitlists and of leaves of absence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import ClassVar

from accounts.permissions import Permission
from clinic_import.reading.cells import read_choice, read_code, read_text
from clinic_import.reading.columns import ImportRow, RowErrors, last_day_errors, optional, required
from clinic_import.reading.dates_and_times import read_date, read_day_and_time
from clinic_import.rows.episode_rows import PATIENT_TITLES
from scheduling.models import REASON_MAX_LENGTH, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow(ImportRow):
    table: ClassVar[str] = "waitlist"
    key_columns: ClassVar[tuple[str, ...]] = ("patient", "track")
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = PATIENT_TITLES | {
        "can_start": "from_day",
        "can_start_on": "from_day",
        "added": "requested",
        "requested_on": "requested",
    }
    patient: str = required(read_code, code_of="patients")
    track: str = required(read_code)
    priority: Priority = required(read_choice({each.name.lower(): each for each in Priority}))
    from_day: date = required(read_date)
    note: str = optional(read_text(200), "")
    requested: tuple[date, time | None] | None = optional(read_day_and_time, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRow(ImportRow):
    table: ClassVar[str] = "leaves"
    key_columns: ClassVar[tuple[str, ...]] = ("patient", "first_day")
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = PATIENT_TITLES
    patient: str = required(read_code, code_of="patients")
    first_day: date = required(read_date)
    last_day: date | None = optional(read_date, None)
    reason: str = required(read_text(REASON_MAX_LENGTH))

    @property
    def ends(self) -> date | None:
        """The day on which the patient is back, or None if it is not known."""
        return self.last_day + timedelta(days=1) if self.last_day else None

    def errors(self) -> RowErrors:
        yield from last_day_errors(self.first_day, self.last_day)
