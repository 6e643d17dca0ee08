"""Recurrence patterns in wall-clock time, and the first day of a treatment week."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from math import lcm

MINUTES_A_DAY = 24 * 60


def week_start(day: date, first_weekday: int = 0) -> date:
    """Return the first day of the week that contains `day`. Weeks begin on `first_weekday` (Monday is 0)."""
    return day - timedelta(days=(day.weekday() - first_weekday) % 7)


def minute_of(wall: time) -> int:
    """Convert a wall-clock time to minutes since midnight."""
    return wall.hour * 60 + wall.minute


def wall_time(minutes: int) -> time:
    """Convert minutes since midnight to a wall-clock time. Minutes outside one day wrap around."""
    return time(*divmod(minutes % MINUTES_A_DAY, 60))


def is_within(day: date, first: date | None, until: date | None) -> bool:
    """Whether `day` is in [first, until). If either limit is None, there is no limit on that side."""
    return (first is None or first <= day) and (until is None or day < until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A pattern on certain weekdays (Monday is 0). With an `anchor` date, the pattern is every other week.

    Every other week means the anchor's week, and every second week before and after it. Weeks begin on Monday. The
    pattern applies to dates in [valid_from, valid_until). If either date is None, there is no limit on that side.
    Raises ValueError if there is no weekday, if a weekday is not from 0 to 6, or if the range is empty.
    """

    weekdays: frozenset[int]
    anchor: date | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise ValueError(f"weekdays must be some of 0 to 6: {sorted(self.weekdays)}")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError(f"it must end after it begins: {self.valid_from}..{self.valid_until}")

    @classmethod
    def once(cls, day: date) -> "OnDates":
        """Return a pattern with `day` as its only date."""
        return OnDates(frozenset({day}))

    def happens_on(self, day: date) -> bool:
        """Whether the pattern includes `day`."""
        return (
            day.weekday() in self.weekdays
            and is_within(day, self.valid_from, self.valid_until)
            and (self.anchor is None or (week_start(day) - week_start(self.anchor)).days % 14 == 0)
        )

    def dates(self, first: date, until: date) -> Iterator[date]:
        """Yield the pattern's dates in [first, until), in order."""
        start = max(first, self.valid_from or first)
        stop = min(until, self.valid_until or until)
        weekday = start.weekday()
        for days in range((stop - start).days):
            if (weekday + days) % 7 in self.weekdays and self.happens_on(day := start + timedelta(days=days)):
                yield day


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A shift rotation counted in days, such as 4 on and 3 off, or 2 on, 2 off, 3 on, 2 off, 2 on, 3 off.

    The rotation repeats every `cycle_days` days, both before and after the date `first`. This date is day 0 of a cycle,
    and `days_on` has the numbers of the days on. The pattern applies to dates in [valid_from, valid_until). If either
    date is None, there is no limit on that side. Raises ValueError if no day is on, if a day in `days_on` is outside
    the cycle, or if the range is empty.
    """

    cycle_days: int
    days_on: frozenset[int]
    first: date
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if not self.days_on or not self.days_on <= set(range(self.cycle_days)):
            raise ValueError(f"the days on must be some of 0 to {self.cycle_days - 1}: {sorted(self.days_on)}")
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise ValueError(f"it must end after it begins: {self.valid_from}..{self.valid_until}")

    def happens_on(self, day: date) -> bool:
        """Whether `day` is in the valid range and is an "on" day of the rotation."""
        return (day - self.first).days % self.cycle_days in self.days_on and is_within(
            day, self.valid_from, self.valid_until
        )

    def dates(self, first: date, until: date) -> Iterator[date]:
        """Yield, in order, the dates in [first, until) that are "on" days of the rotation."""
        for days in range((until - first).days):
            if self.happens_on(day := first + timedelta(days=days)):
                yield day


@dataclass(frozen=True, slots=True)
class OnDates:
    """A pattern of single dates: a one-time commitment, or the events of an imported calendar.

    Raises ValueError if there is no date.
    """

    days: frozenset[date]

    def __post_init__(self) -> None:
        if not self.days:
            raise ValueError("it must happen on some date")

    def happens_on(self, day: date) -> bool:
        """Whether the pattern includes `day`."""
        return day in self.days

    def dates(self, first: date, until: date) -> Iterator[date]:
        """Yield the pattern's dates in [first, until), in order."""
        yield from sorted(day for day in self.days if first <= day < until)


RecurrencePattern = Recurrence | Rotation | OnDates
"""The dates of something that recurs: on weekdays, on a shift rotation, or only on certain dates."""


def weekdays_of(pattern: RecurrencePattern) -> frozenset[int]:
    """Return every weekday on which the pattern can fall (Monday is 0)."""
    return frozenset(weekday for weekday in range(7) if on_weekdays(pattern, frozenset({weekday})))


def on_weekdays(pattern: RecurrencePattern, weekdays: frozenset[int]) -> RecurrencePattern | None:
    """Restrict the pattern to the given weekdays (Monday is 0). Return None if no date is left.

    A rotation gets a longer cycle of whole weeks: 4 on, 4 off (8 days) gets a cycle of 56 days.
    """
    if isinstance(pattern, Recurrence):
        left = pattern.weekdays & weekdays
        return replace(pattern, weekdays=left) if left else None
    if isinstance(pattern, OnDates):
        dates = frozenset(day for day in pattern.days if day.weekday() in weekdays)
        return OnDates(dates) if dates else None
    cycle_of_weeks = lcm(pattern.cycle_days, 7)
    days_on = frozenset(
        day
        for day in range(cycle_of_weeks)
        if day % pattern.cycle_days in pattern.days_on and (pattern.first.weekday() + day) % 7 in weekdays
    )
    return replace(pattern, cycle_days=cycle_of_weeks, days_on=days_on) if days_on else None
