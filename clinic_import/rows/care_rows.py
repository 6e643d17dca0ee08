"""Row types for the files about patients' care in the program: enrollments and attendance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.permissions import Permission
from attendance.models import AttendanceStatus
from clinic_import.reading.cells import read_choice, read_code, read_codes, read_text
from clinic_import.reading.columns import ImportRow, RowErrors, last_day_errors, optional, required
from clinic_import.reading.dates_and_times import read_date, read_time
from clinic_import.rows.episode_rows import PATIENT_TITLES
from scheduling.formats import clock
from scheduling.models import REASON_MAX_LENGTH, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollmentRow(ImportRow):
    """One row of enrollments.csv.

    A row can leave out the site to which its track and groups belong. Therefore the writer looks up their codes.
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
        yield from last_day_errors(self.starts, self.last_day)
        if self.end_reason and not self.last_day:
            yield "end_reason", _("An end reason needs a last day. Enter the last day, or leave this blank.")


STATUSES = {
    "present": AttendanceStatus.PRESENT,
    "late": AttendanceStatus.PARTIAL,
    "left_early": AttendanceStatus.PARTIAL,
    "excused": AttendanceStatus.EXCUSED,
    "unexcused": AttendanceStatus.UNEXCUSED,
    "no_show": AttendanceStatus.NO_SHOW,
    "canceled": AttendanceStatus.CANCELLED_BY_PROGRAM,
    "cancelled": AttendanceStatus.CANCELLED_BY_PROGRAM,
}
"""Map the words in the column `status` to the attendance that they mean."""
THERE = (AttendanceStatus.PRESENT, AttendanceStatus.PARTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceRow(ImportRow):
    """One row of attendance.csv: what one patient did at one past session."""

    table: ClassVar[str] = "attendance"
    key_columns: ClassVar[tuple[str, ...]] = ("patient", "group", "on")
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = PATIENT_TITLES | {
        "date": "on",
        "session": "group",
        "meeting": "group",
        "attendance": "status",
        "time_in": "arrived",
        "time_out": "left",
    }
    patient: str = required(read_code, code_of="patients")
    group: str = required(read_code)
    on: date = required(read_date)
    status: AttendanceStatus = required(read_choice(STATUSES))
    arrived: time | None = optional(read_time, None)
    left: time | None = optional(read_time, None)
    reason: str = optional(read_text(200), "")
    makes_up: str = optional(read_code, "")
    makes_up_on: date | None = optional(read_date, None)

    def errors(self) -> RowErrors:
        if self.status not in THERE and (self.arrived or self.left):
            column = "arrived" if self.arrived else "left"
            yield column, _("Only patients who attended have times. Correct the status, or leave this blank.")
        if self.status == AttendanceStatus.PARTIAL and not (self.arrived or self.left):
            yield "arrived", _("Enter the time of arrival here, or the time of departure under left.")
        if self.arrived and self.left and self.left <= self.arrived:
            yield (
                "left",
                _("The end, %(ends)s, is not after the start, %(starts)s.")
                % {"ends": clock(self.left), "starts": clock(self.arrived)},
            )
        if self.status == AttendanceStatus.EXCUSED and not self.reason:
            yield "reason", _("An excused absence needs a reason. Fill it in.")
        if bool(self.makes_up) != bool(self.makes_up_on):
            column = "makes_up_on" if self.makes_up else "makes_up"
            yield column, _("A make-up session needs the group's code and the date of the missed session.")
