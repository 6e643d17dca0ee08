"""Row types for the files about patients, their commitments, and site closures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.permissions import Permission
from clinic_import.reading.cells import (
    read_address,
    read_choice,
    read_code,
    read_email,
    read_hours,
    read_number,
    read_phone,
    read_rotation,
    read_text,
    read_yes_no,
)
from clinic_import.reading.columns import ImportRow, RowErrors, last_day_errors, optional, required
from clinic_import.reading.dates_and_times import read_birth_date, read_date, read_time, read_weekdays
from clinic_import.rows.clinic_rows import A_WEEK, WEEKS, WHEN_TITLES
from patients.models import CommitmentKind, LevelOfCare, PhoneKind
from patients.models.commitment import MAX_MOVABLE_MINUTES, MIDNIGHT, MIN_MOVABLE_MINUTES
from scheduling.formats import clock, full_date

LONGEST_TRAVEL = 480
PHONE_COLUMNS = (
    ("phone", "phone_kind", "leave_message"),
    ("phone_2", "phone_kind_2", "leave_message_2"),
    ("phone_3", "phone_kind_3", "leave_message_3"),
)
"""The columns of each phone number of a patient: the number, its type, and whether a message is allowed."""
EMERGENCY_COLUMNS = ("emergency_name", "emergency_relationship", "emergency_phone")
PHONE_KINDS = {**{each.value: each.value for each in PhoneKind}, "cell": PhoneKind.MOBILE.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRow(ImportRow):
    table: ClassVar[str] = "patients"
    key_columns: ClassVar[tuple[str, ...]] = ("code",)
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = {
        "mrn": "code",
        "record_number": "code",
        "patient_code": "code",
        "patient_id": "code",
        "dob": "birth_date",
        "date_of_birth": "birth_date",
        "birthdate": "birth_date",
        "e_mail": "email",
        "preferred": "preferred_name",
        "admission": "admitted",
        "admission_date": "admitted",
        "admit_date": "admitted",
        "phone_number": "phone",
        "cell": "phone",
        "cell_phone": "phone",
        "mobile": "phone",
        "mobile_phone": "phone",
        "phone_1": "phone",
        "home_phone": "phone_2",
        "work_phone": "phone_3",
        "phone_type": "phone_kind",
        "phone_2_kind": "phone_kind_2",
        "phone_3_kind": "phone_kind_3",
        "ok_to_leave_message": "leave_message",
        "home_address": "address",
        "emergency_contact": "emergency_name",
        "emergency_contact_name": "emergency_name",
        "emergency_contact_relationship": "emergency_relationship",
        "emergency_contact_phone": "emergency_phone",
    }
    site: str = required(read_code, code_of="sites")
    code: str = required(read_code, code_of="patients")
    first_name: str = optional(read_text(80), "")
    last_name: str = optional(read_text(80), "")
    birth_date: date = required(read_birth_date)
    preferred_name: str = optional(read_text(80), "")
    email: str = optional(read_email, "")
    address: str = optional(read_address, "")
    phone: str = optional(read_phone, "")
    phone_kind: str = optional(read_choice(PHONE_KINDS), "")
    leave_message: bool = optional(read_yes_no, False)
    phone_2: str = optional(read_phone, "")
    phone_kind_2: str = optional(read_choice(PHONE_KINDS), "")
    leave_message_2: bool = optional(read_yes_no, False)
    phone_3: str = optional(read_phone, "")
    phone_kind_3: str = optional(read_choice(PHONE_KINDS), "")
    leave_message_3: bool = optional(read_yes_no, False)
    emergency_name: str = optional(read_text(120), "")
    emergency_relationship: str = optional(read_text(60), "")
    emergency_phone: str = optional(read_phone, "")
    language: str = optional(read_text(40), "English")
    travel_minutes: int = optional(read_number(0, LONGEST_TRAVEL), 0)
    admitted: date | None = optional(read_date, None)
    referral_source: str = optional(read_text(120), "")
    level: LevelOfCare | None = optional(read_choice({each.value: each for each in LevelOfCare}), None)
    level_from: date | None = optional(read_date, None)
    prescribed_hours: int | None = optional(read_hours(1, A_WEEK), None)
    prescribed_minutes: int | None = optional(read_number(1, A_WEEK), None)
    prescribed_days: int | None = optional(read_number(1, 7), None)
    stated_by: str = optional(read_text(120), "")
    exception_reason: str = optional(read_text(200), "")
    another_person: bool = optional(read_yes_no, False)

    @property
    def patient_code(self) -> str:
        return self.code

    @property
    def weekly_minutes(self) -> int | None:
        return self.prescribed_hours or self.prescribed_minutes

    def errors(self) -> RowErrors:
        if not self.first_name and not self.last_name:
            yield "first_name", _("Enter a first name or a last name.")
        if self.prescribed_hours and self.prescribed_minutes:
            yield "prescribed_minutes", _("Enter the prescribed time either in hours or in minutes, not both.")
        yield from self._contact_errors()
        yield from self._care_errors()
        if self.admitted and self.admitted <= self.birth_date:
            yield (
                "admitted",
                _("The admission, %(admitted)s, is not after the birth date, %(birth_date)s.")
                % {"admitted": full_date(self.admitted), "birth_date": full_date(self.birth_date)},
            )
        if self.level_from and (self.admitted is None or self.level_from < self.admitted):
            yield "level_from", _("The level of care can't start before the admission.")

    def _contact_errors(self) -> RowErrors:
        for number, *others in PHONE_COLUMNS:
            if any(getattr(self, other) for other in others) and not getattr(self, number):
                yield number, _("A phone type or a permission for messages needs a phone number. Enter it here.")
        if (self.emergency_phone or self.emergency_relationship) and not self.emergency_name:
            yield "emergency_name", _("Enter the name of the emergency contact.")
        if (self.emergency_name or self.emergency_relationship) and not self.emergency_phone:
            yield "emergency_phone", _("Enter the phone number of the emergency contact.")

    def _care_errors(self) -> RowErrors:
        care = {
            "level": self.level,
            "prescribed_hours": self.weekly_minutes,
            "prescribed_days": self.prescribed_days,
            "stated_by": self.stated_by,
        }
        for column, value in care.items():
            if self.admitted and not value:
                yield column, _("An admitted patient needs this. Fill it in, or leave admitted blank.")
            elif value and not self.admitted:
                yield column, _("Only admitted patients have this. Enter a date under admitted, or leave this blank.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentRow(ImportRow):
    table: ClassVar[str] = "commitments"
    key_columns: ClassVar[tuple[str, ...]] = ("patient", "code")
    permission: ClassVar[Permission] = Permission.MANAGE_PATIENTS
    other_titles: ClassVar[Mapping[str, str]] = WHEN_TITLES | {"day": "weekdays", "days": "weekdays", "mrn": "patient"}
    patient: str = required(read_code, code_of="patients")
    code: str = required(read_code, code_of="commitments")
    kind: CommitmentKind = required(read_choice({each.value: each for each in CommitmentKind}))
    label: str = required(read_text(80))
    starts: time = required(read_time)
    ends: time = required(read_time)
    weekdays: tuple[int, ...] = optional(read_weekdays, ())
    weeks: str = optional(read_choice(WEEKS), "every")
    anchor: date | None = optional(read_date, None)
    rotation: tuple[int, ...] = optional(read_rotation, ())
    on: date | None = optional(read_date, None)
    last_on: date | None = optional(read_date, None)
    movable_minutes: int = optional(read_number(0, MAX_MOVABLE_MINUTES), 0)
    travel_minutes: int = optional(read_number(0, LONGEST_TRAVEL), 0)
    travel_before: int | None = optional(read_number(0, LONGEST_TRAVEL), None)
    travel_after: int | None = optional(read_number(0, LONGEST_TRAVEL), None)
    valid_from: date | None = optional(read_date, None)
    last_day: date | None = optional(read_date, None)

    @property
    def valid_until(self) -> date | None:
        return self.last_day + timedelta(days=1) if self.last_day else None

    @property
    def until(self) -> date | None:
        return self.last_on + timedelta(days=1) if self.last_on else None

    @property
    def date_weekdays(self) -> tuple[int, ...]:
        """The row's weekdays, where Monday is 0. A row with a range of dates but no weekdays has all seven."""
        return self.weekdays or (tuple(range(7)) if self.last_on else ())

    def errors(self) -> RowErrors:
        if self.starts == self.ends and self.starts != MIDNIGHT:
            yield (
                "ends",
                _("The commitment starts and ends at %(starts)s. For all day, enter 0:00 for both.")
                % {"starts": clock(self.starts)},
            )
        elif self.ends <= self.starts and {"starts", "ends"} <= self.unclear_times:
            yield (
                "ends",
                _("%(ends)s could be in the morning or in the afternoon. Write both times with AM or PM.")
                % {"ends": f"{self.ends.hour}:{self.ends:%M}"},
            )
        if 0 < self.movable_minutes < MIN_MOVABLE_MINUTES:
            yield (
                "movable_minutes",
                _("Enter %(minutes)d minutes or more, or 0 if the commitment can't move.")
                % {"minutes": MIN_MOVABLE_MINUTES},
            )
        yield from self._weekday_errors()
        yield from self._date_errors()
        yield from self._week_errors()
        if self.travel_minutes and (self.travel_before is not None or self.travel_after is not None):
            yield (
                "travel_minutes",
                _("Enter the travel time either here or in travel_before and travel_after, not both."),
            )
        yield from last_day_errors(self.valid_from, self.last_day)

    def _weekday_errors(self) -> RowErrors:
        given = [bool(self.weekdays and not self.on), bool(self.rotation), bool(self.on)]
        if given.count(True) != 1 or (self.on and self.weekdays and not self.last_on):
            yield "weekdays", _("Enter one of these: days of the week, a rotation, or a date under on.")

    def _date_errors(self) -> RowErrors:
        if self.last_on and not self.on:
            yield "last_on", _("This is the last of several dates. Enter the first one under on.")
        elif self.on and self.last_on and self.last_on < self.on:
            yield (
                "last_on",
                _("The last date, %(last_on)s, is before the first, %(on)s.")
                % {"last_on": full_date(self.last_on), "on": full_date(self.on)},
            )

    def _week_errors(self) -> RowErrors:
        has_range_or_weeks = self.anchor or self.valid_from or self.last_day or self.weeks != "every"
        if self.on and has_range_or_weeks:
            yield "on", _("A commitment on certain dates has no weeks, first day or last day. Leave them blank.")
        elif self.rotation:
            yield from self._wrong_rotation()
        elif self.weeks == "every_other" and self.anchor is None:
            yield "anchor", _("A commitment every other week needs a date in one of its weeks.")
        elif self.weeks == "every" and self.anchor is not None:
            yield (
                "anchor",
                _(
                    "Only a commitment every other week needs this date. Enter every_other under weeks, or leave this blank."
                ),
            )

    def _wrong_rotation(self) -> RowErrors:
        if self.weeks != "every":
            yield "weeks", _("A rotation does not follow weeks. Leave this blank.")
        elif self.anchor is None:
            yield "anchor", _("A rotation needs the date of its first day.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureRow(ImportRow):
    table: ClassVar[str] = "closures"
    key_columns: ClassVar[tuple[str, ...]] = ("site", "first_day")
    permission: ClassVar[Permission] = Permission.MANAGE_TIMETABLE
    other_titles: ClassVar[Mapping[str, str]] = {
        "date": "first_day",
    }
    site: str = required(read_code, code_of="sites")
    first_day: date = required(read_date)
    reason: str = required(read_text(120))
    last_day: date | None = optional(read_date, None)

    @property
    def ends(self) -> date:
        return (self.last_day or self.first_day) + timedelta(days=1)

    def errors(self) -> RowErrors:
        yield from last_day_errors(self.first_day, self.last_day)
