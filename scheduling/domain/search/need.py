"""What a patient brings to the search, and what a track has to offer."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from timekeeping.intervals import Interval
from timekeeping.reasons import Key
from timekeeping.weeks import MINUTES_A_DAY, BusyTime, Occasion, minute_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMeeting:
    """A meeting and the dates in the horizon on which no place is left in it."""

    meeting: WeeklyMeeting
    full_on: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A track: its meetings, its individual minutes, and when a patient can begin.

    `entries` are the start dates of a track that takes people in cohorts; None takes them on any day. `level` is the level of
    care whose patients it takes, "" any; `from_age` to `to_age` are the years of those it takes, both inclusive, None without a
    bound. With `mixes`, its patients may attend meetings of other such tracks, and theirs its own.
    """

    key: Key
    name: str
    meetings: tuple[OfferedMeeting, ...]
    individual_minutes: int = 0
    entries: tuple[date, ...] | None = None
    level: str = ""
    from_age: int | None = None
    to_age: int | None = None
    site: Key = ""
    mixes: bool = False

    def mixes_with(self, other: "Offer") -> bool:
        """Whether a patient of one may attend meetings of the other: both mix, at one site, for the same patients."""
        return self.mixes and other.mixes and self.kind == other.kind

    @property
    def kind(self) -> tuple[Key, str, int | None, int | None, int]:
        """Where it is, for whom, and what comes besides its meetings: what tracks that mix have in common."""
        return self.site, self.level, self.from_age, self.to_age, self.individual_minutes

    @property
    def keys(self) -> set[Key]:
        return {offered.meeting.key for offered in self.meetings}

    def next_entry(self, day: date) -> date | None:
        """The first day from `day` on which a patient can begin; None when none is left."""
        if self.entries is None:
            return day
        return min((entry for entry in self.entries if entry >= day), default=None)


def age_on(day: date, born: date) -> int:
    """How old somebody is on a day, in whole years. Who was born on 29 February is a year older on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


DatedSpan = tuple[int, int, int, int, tuple[date, ...]]
"""A weekday, how many days before it something began, from when to when it takes, and on which dates."""


class BusySpan(NamedTuple):
    """A busy time by its number, and the `dates` that it touches, each so many days after it began: from when to when, in
    minutes from midnight, travel included.
    """

    number: int
    days_before: int
    start: int
    end: int
    dates: tuple[date, ...]


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a patient brings: the prescription, when they can begin, and everything else in their life.

    `busy` holds their commitments and the meetings of their other enrollments. Choices are judged on the dates from
    `from_day` for `weeks` weeks, without those on which the site is `closed`. `level` is the level of care in force on
    `from_day`, and `age` the patient's years then; None is not known, and is asked about by nobody.
    """

    prescribed_minutes: int
    prescribed_days: int
    from_day: date
    weeks: int = 12
    busy: tuple[BusyTime, ...] = ()
    rules: HoursRules = field(default_factory=HoursRules)
    closed: tuple[Interval[date], ...] = ()
    level: str = ""
    age: int | None = None

    @property
    def until(self) -> date:
        return self.from_day + timedelta(weeks=self.weeks)

    def dates_of(self, meeting: WeeklyMeeting) -> Sequence[date]:
        """The dates on which the meeting is held while the patient would come."""
        days = self.open_days[meeting.weekday]
        if meeting.anchor is None and meeting.runs_from is None and meeting.runs_until is None:
            return days
        recurrence = meeting.recurrence
        return tuple(on for on in days if recurrence.happens_on(on))

    @cached_property
    def open_days(self) -> tuple[tuple[date, ...], ...]:
        """For each weekday the dates in the horizon on which the site is open."""
        found: list[list[date]] = [[] for _ in range(7)]
        for number in range((self.until - self.from_day).days):
            on = self.from_day + timedelta(days=number)
            if not any(closure.contains(on) for closure in self.closed):
                found[on.weekday()].append(on)
        return tuple(map(tuple, found))

    @cached_property
    def week(self) -> tuple[tuple[BusySpan, ...], ...]:
        """For each weekday what of the busy times touches its dates: on the wall clock it is the same every time."""
        found: list[list[BusySpan]] = [[] for _ in range(7)]
        for number, busy in enumerate(self.busy):
            if busy not in self.touched:
                self.touched[busy] = tuple(self._touched_by(busy))
            for weekday, days_before, start, end, dates in self.touched[busy]:
                found[weekday].append(BusySpan(number, days_before, start, end, dates))
        return tuple(map(tuple, found))

    @cached_property
    def touched(self) -> dict[BusyTime, tuple[DatedSpan, ...]]:
        """What is known of busy times."""
        return {}

    def _touched_by(self, busy: BusyTime) -> Iterator[DatedSpan]:
        """The dates that it touches, by their weekday and how many days before them it began."""
        start = minute_of(busy.starts) - busy.travel_before
        end = minute_of(busy.starts) + busy.minutes + busy.travel_after
        is_open = set().union(*self.open_days)
        for days_before in range(start // MINUTES_A_DAY, (end - 1) // MINUTES_A_DAY + 1):
            later = timedelta(days=days_before)
            found: list[list[date]] = [[] for _ in range(7)]
            for began in busy.recurrence.dates(self.from_day - later, self.until - later):
                if (on := began + later) in is_open:
                    found[on.weekday()].append(on)
            shift = days_before * MINUTES_A_DAY
            for weekday, dates in enumerate(found):
                if dates:
                    yield weekday, days_before, start - shift, end - shift, tuple(dates)

    def but(self, **changes: Any) -> "Need":
        """The same need with other values in some fields. What was worked out for this one and still holds is not forgotten."""
        other = replace(self, **changes)
        if not changes.keys() & {"from_day", "weeks", "closed"}:
            other.__dict__.update(open_days=self.open_days, touched=self.touched)
            if "busy" not in changes:
                other.__dict__.update(remembered=self.remembered, week=self.week)
        return other

    @cached_property
    def occasions_by_day(self) -> dict[int, list[tuple[int, Occasion]]]:
        """Under each day, counted from `from_day`, the busy occasions that touch it, travel included, each with its number in
        `busy`.
        """
        found: dict[int, list[tuple[int, Occasion]]] = {}
        for number, busy in enumerate(self.busy):
            for occasion in busy.occasions(self.from_day, self.until):
                padded = occasion.padded
                for day in range(padded.start // MINUTES_A_DAY, (padded.end - 1) // MINUTES_A_DAY + 1):
                    found.setdefault(day, []).append((number, occasion))
        return found

    @cached_property
    def remembered(self) -> dict[Hashable, Any]:
        """What was worked out for a slot of the week once, for the next meeting at the same times."""
        return {}
