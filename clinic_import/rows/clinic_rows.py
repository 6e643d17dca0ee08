"""Row types for the files about the clinic itself: sites, rooms, staff, counselor hours, tracks and meetings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.permissions import Permission, Role
from clinic_import.reading.cells import (
    read_address,
    read_choice,
    read_code,
    read_codes,
    read_country,
    read_email,
    read_hours,
    read_number,
    read_phone,
    read_text,
    read_time_zone,
    read_yes_no,
    split,
)
from clinic_import.reading.columns import Cells, ImportRow, RowErrors, last_day_errors, optional, required
from clinic_import.reading.dates_and_times import read_date, read_dates, read_time, read_weekday, several_weekdays
from patients.models import LevelOfCare
from scheduling.formats import clock, full_date, weekday
from scheduling.models import EntryMode, Modality
from timekeeping.occurrences import centered_break

A_DAY, A_WEEK = 24 * 60, 7 * 24 * 60
MAX_AGE = 120
WHEN_TITLES = {
    "time": "starts", "times": "starts", "start": "starts", "start_time": "starts", "end": "ends", "end_time": "ends",
}  # fmt: skip
WEEKS = {"every": "every", "every_week": "every", "every_other": "every_other", "every_other_week": "every_other"}


def read_roles(cell: str) -> tuple[tuple[Role, str], ...]:
    """Parse roles such as `coordinator@NORTH; administrator` into pairs of a role and a site code.

    The site code is empty for a role at every site.
    """
    found = []
    for part in split(cell):
        name, _at, site = (word.strip() for word in part.partition("@"))
        role = read_choice({role.value: role for role in Role})(name)
        if not site and role != Role.ADMINISTRATOR:
            raise ValueError(
                _("“%(part)s” has no site. Add it, such as %(name)s@NORTH. Only an administrator can have all sites.")
                % {"part": part, "name": name}
            )
        found.append((role, site))
    return tuple(sorted(set(found)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow(ImportRow):
    table: ClassVar[str] = "sites"
    key_columns: ClassVar[tuple[str, ...]] = ("code",)
    permission: ClassVar[Permission] = Permission.MANAGE_SITE
    other_titles: ClassVar[Mapping[str, str]] = {"timezone": "time_zone"}
    code: str = required(read_code, code_of="sites")
    name: str = required(read_text(120))
    time_zone: str = required(read_time_zone)
    neutral_name: str = optional(read_text(60), "Appointment")
    letterhead: str = optional(read_text(80), "")
    address: str = optional(read_address, "")
    phone: str = optional(read_phone, "")
    opens: time | None = optional(read_time, None)
    closes: time | None = optional(read_time, None)
    country: str = optional(read_country, "US")
    state: str = optional(read_text(10), "")
    mixes_tracks: bool = optional(read_yes_no, False)
    rules_from: date | None = optional(read_date, None)
    minimum_hours: int = optional(read_hours(1, A_WEEK), 540)
    maximum_hours: int = optional(read_hours(1, A_WEEK), 1500)
    minimum_days: int = optional(read_number(1, 7), 3)
    maximum_days: int = optional(read_number(1, 7), 5)
    minimum_hours_a_day: int = optional(read_hours(0, A_DAY), 0)
    breaks_count: bool = optional(read_yes_no, False)
    week_starts: int = optional(read_weekday, 0)

    def errors(self) -> RowErrors:
        if self.minimum_hours > self.maximum_hours:
            yield "maximum_hours", _("The maximum hours a week are less than the minimum.")
        if self.minimum_days > self.maximum_days:
            yield "maximum_days", _("The maximum days a week are less than the minimum.")
        if self.rules_from and self.rules_from.weekday() != self.week_starts:
            yield (
                "rules_from",
                _("%(date)s is a %(weekday)s. Enter a %(first_day)s, the first day of the site's week.")
                % {
                    "date": full_date(self.rules_from),
                    "weekday": weekday(self.rules_from.weekday()),
                    "first_day": weekday(self.week_starts),
                },
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRow(ImportRow):
    table: ClassVar[str] = "rooms"
    key_columns: ClassVar[tuple[str, ...]] = ("site", "code")
    permission: ClassVar[Permission] = Permission.MANAGE_SITE
    site: str = required(read_code, code_of="sites")
    code: str = required(read_code, code_of="rooms")
    name: str = required(read_text(80))
    places: int = required(read_number(1, 500))


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRow(ImportRow):
    table: ClassVar[str] = "staff"
    key_columns: ClassVar[tuple[str, ...]] = ("email",)
    permission: ClassVar[Permission] = Permission.MANAGE_SITE
    other_titles: ClassVar[Mapping[str, str]] = {"e_mail": "email", "credentials": "credential"}
    email: str = required(read_email)
    name: str = required(read_text(150))
    roles: tuple[tuple[Role, str], ...] = required(read_roles, code_of="sites")
    code: str = optional(read_code, "", code_of="staff")
    credential: str = optional(read_text(60), "")
    active: bool = optional(read_yes_no, True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CounselorHoursRow(ImportRow):
    table: ClassVar[str] = "counselor_hours"
    key_columns: ClassVar[tuple[str, ...]] = ("site", "person", "weekday", "starts", "valid_from")
    permission: ClassVar[Permission] = Permission.MANAGE_TIMETABLE
    other_titles: ClassVar[Mapping[str, str]] = WHEN_TITLES | {"day": "weekday"}
    site: str = required(read_code, code_of="sites")
    person: str = required(read_text(254), code_of="staff")
    weekday: int = required(read_weekday)
    starts: time = required(read_time)
    ends: time = required(read_time)
    valid_from: date | None = optional(read_date, None)
    last_day: date | None = optional(read_date, None)

    @classmethod
    def spread(cls, cells: Cells) -> Sequence[Cells]:
        """Return the cells of each weekday that the row lists."""
        return tuple({**cells, "weekday": day} for day in several_weekdays(cells.get("weekday", ""))) or (cells,)

    @property
    def valid_until(self) -> date | None:
        return self.last_day + timedelta(days=1) if self.last_day else None

    @property
    def label(self) -> str:
        return f"{self.site} {self.person} {self.starts:%H:%M}"

    def errors(self) -> RowErrors:
        if self.starts >= self.ends:
            yield (
                "ends",
                _("The end, %(ends)s, is not after the start, %(starts)s.")
                % {"ends": clock(self.ends), "starts": clock(self.starts)},
            )
        yield from last_day_errors(self.valid_from, self.last_day)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRow(ImportRow):
    table: ClassVar[str] = "tracks"
    key_columns: ClassVar[tuple[str, ...]] = ("site", "code")
    permission: ClassVar[Permission] = Permission.MANAGE_TIMETABLE
    site: str = required(read_code, code_of="sites")
    code: str = required(read_code, code_of="tracks")
    name: str = required(read_text(120))
    population: str = optional(read_text(120), "")
    individual_minutes: int = optional(read_number(0, 1500), 0)
    entry: EntryMode = optional(read_choice({entry.value: entry for entry in EntryMode}), EntryMode.ROLLING)
    cohort_dates: tuple[date, ...] = optional(read_dates, ())
    level: str = optional(read_choice({level.value: level.value for level in LevelOfCare}), "")
    from_age: int | None = optional(read_number(0, MAX_AGE), None)
    to_age: int | None = optional(read_number(0, MAX_AGE), None)
    status: str = optional(read_choice({"draft": "draft", "published": "published"}), "")

    def errors(self) -> RowErrors:
        if self.cohort_dates and self.entry != EntryMode.COHORT:
            yield (
                "cohort_dates",
                _("Only tracks with the entry “cohort” have start dates. Change entry, or leave this blank."),
            )
        if self.from_age is not None and self.to_age is not None and self.to_age < self.from_age:
            yield (
                "to_age",
                _("The maximum age, %(to_age)s, is less than the minimum age, %(from_age)s.")
                % {"to_age": self.to_age, "from_age": self.from_age},
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingRow(ImportRow):
    table: ClassVar[str] = "meetings"
    key_columns: ClassVar[tuple[str, ...]] = ("site", "code", "runs_from")
    permission: ClassVar[Permission] = Permission.MANAGE_TIMETABLE
    other_titles: ClassVar[Mapping[str, str]] = WHEN_TITLES | {
        "day": "weekday",
        "days": "weekday",
        "leader": "lead",
        "spots": "places",
    }
    site: str = required(read_code, code_of="sites")
    code: str = required(read_code, code_of="meetings")
    name: str = required(read_text(120))
    weekday: int = required(read_weekday)
    starts: time = required(read_time)
    ends: time = required(read_time)
    runs_from: date = required(read_date)
    tracks: tuple[str, ...] = optional(read_codes, (), code_of="tracks")
    weeks: str = optional(read_choice(WEEKS), "every")
    anchor: date | None = optional(read_date, None)
    break_starts: time | None = optional(read_time, None)
    break_ends: time | None = optional(read_time, None)
    break_minutes: int = optional(read_number(0, A_DAY), 0)
    service_type: str = optional(read_code, "group")
    room: str = optional(read_code, "", code_of="rooms")
    lead: str = optional(read_text(254), "", code_of="staff")
    assistants: tuple[str, ...] = optional(read_codes, (), code_of="staff")
    places: int | None = optional(read_number(1, 500), None)
    modality: Modality = optional(read_choice({each.value: each for each in Modality}), Modality.IN_PERSON)
    last_day: date | None = optional(read_date, None)

    @classmethod
    def spread(cls, cells: Cells) -> Sequence[Cells]:
        """Return the cells of one group for each weekday in the cell: `AM` on `M/W/F` is `AM-MON`, `AM-WED` and `AM-FRI`."""
        days = several_weekdays(cells.get("weekday", ""))
        if not days or not cells.get("code"):
            return (cells,)
        return tuple({**cells, "weekday": day, "code": f"{cells['code']}-{day[:3].upper()}"} for day in days)

    @property
    def runs_until(self) -> date | None:
        return self.last_day + timedelta(days=1) if self.last_day else None

    @property
    def break_times(self) -> tuple[time, time] | tuple[None, None]:
        """Start and end of the break, or (None, None). A break given only in minutes is centered in the meeting."""
        if self.break_starts and self.break_ends:
            return self.break_starts, self.break_ends
        return centered_break(self.starts, self.ends, self.break_minutes) if self.break_minutes else (None, None)

    def errors(self) -> RowErrors:
        yield from self._time_errors()
        if self.weeks == "every_other" and self.anchor is None:
            yield "anchor", _("A group every other week needs a date in one of its weeks.")
        if self.weeks == "every" and self.anchor is not None:
            yield (
                "anchor",
                _("Only a group every other week needs this date. Enter every_other under weeks, or leave this blank."),
            )
        yield from last_day_errors(self.runs_from, self.last_day)
        if self.lead and self.lead in self.assistants:
            yield (
                "assistants",
                _("%(lead)s already leads this group. Remove the code here or under lead.") % {"lead": self.lead},
            )

    def _time_errors(self) -> RowErrors:
        if self.starts >= self.ends:
            yield (
                "ends",
                _("The end, %(ends)s, is not after the start, %(starts)s.")
                % {"ends": clock(self.ends), "starts": clock(self.starts)},
            )
        elif self.break_minutes and (self.break_starts or self.break_ends):
            yield "break_minutes", _("Enter the break either as times or as minutes, not both.")
        elif bool(self.break_starts) != bool(self.break_ends):
            yield "break_ends" if self.break_starts else "break_starts", _("A break needs a start and an end.")
        elif (
            self.break_starts and self.break_ends and not self.starts < self.break_starts < self.break_ends < self.ends
        ):
            yield "break_starts", _("The break must be within the times of the group.")
        elif self.break_minutes:
            try:
                centered_break(self.starts, self.ends, self.break_minutes)
            except ValueError:
                yield (
                    "break_minutes",
                    _("A break of %(minutes)d minutes is too long for this group.") % {"minutes": self.break_minutes},
                )
