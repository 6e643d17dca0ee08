"""A person's week on the wall clock: what recurs, when they are not free, and when a treatment week begins."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from math import lcm

from timekeeping.intervals import Interval

MINUTES_A_DAY = 24 * 60
TREATMENT = "treatment"
"""The kind of a busy time that is no part of a life."""


def week_start(day: date, first_weekday: int = 0) -> date:
    """The date on which the week of `day` begins, for weeks that begin on `first_weekday` (Monday is 0)."""
    return day - timedelta(days=(day.weekday() - first_weekday) % 7)


def minute_of(wall: time) -> int:
    """Minutes from midnight on the wall clock."""
    return wall.hour * 60 + wall.minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """On which dates something happens: on weekdays (Monday is 0), every week or, with an `anchor`, every other week.

    Every other week means the weeks, from Monday, that are an even number of weeks from the anchor's.
    `valid_from` to `valid_until` are half-open; None is open.
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
        """On one date alone."""
        return OnDates(frozenset({day}))

    def happens_on(self, day: date) -> bool:
        return (
            day.weekday() in self.weekdays
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day < self.valid_until)
            and (self.anchor is None or (week_start(day) - week_start(self.anchor)).days % 14 == 0)
        )

    def dates(self, first: date, until: date) -> Iterator[date]:
        """Its dates in the half-open range, in order."""
        start = max(first, self.valid_from or first)
        stop = min(until, self.valid_until or until)
        weekday = start.weekday()
        for days in range((stop - start).days):
            if (weekday + days) % 7 in self.weekdays and self.happens_on(day := start + timedelta(days=days)):
                yield day


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A pattern of shifts that goes round by days, not by weeks: 4 on and 3 off, or 2 on, 2 off, 3 on, 2 off, 2 on, 3 off.

    Of every `cycle_days` days, counted from the date `first` in both directions, those numbered in `days_on` (0 is `first`
    itself). `valid_from` to `valid_until` are half-open; None is open.
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
        return (
            (day - self.first).days % self.cycle_days in self.days_on
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day < self.valid_until)
        )

    def dates(self, first: date, until: date) -> Iterator[date]:
        """Its dates in the half-open range, in order."""
        for days in range((until - first).days):
            if self.happens_on(day := first + timedelta(days=days)):
                yield day


@dataclass(frozen=True, slots=True)
class OnDates:
    """On these dates alone: an exception in a life, or what a calendar gave that somebody sent."""

    days: frozenset[date]

    def __post_init__(self) -> None:
        if not self.days:
            raise ValueError("it must happen on some date")

    def happens_on(self, day: date) -> bool:
        return day in self.days

    def dates(self, first: date, until: date) -> Iterator[date]:
        """Its dates in the half-open range, in order."""
        yield from sorted(day for day in self.days if first <= day < until)


RecurrencePattern = Recurrence | Rotation | OnDates
"""When something happens: on weekdays, going round by days, or on dates alone."""


def weekdays_of(pattern: RecurrencePattern) -> frozenset[int]:
    """The weekdays on which it happens, now or at some time."""
    return frozenset(weekday for weekday in range(7) if on_weekdays(pattern, frozenset({weekday})))


def on_weekdays(pattern: RecurrencePattern, weekdays: frozenset[int]) -> RecurrencePattern | None:
    """What of the pattern happens on these weekdays alone; None for nothing.

    What goes round by days falls on the same weekdays again only after seven rounds, at most.
    """
    if isinstance(pattern, Recurrence):
        left = pattern.weekdays & weekdays
        return replace(pattern, weekdays=left) if left else None
    if isinstance(pattern, OnDates):
        dates = frozenset(day for day in pattern.days if day.weekday() in weekdays)
        return OnDates(dates) if dates else None
    round_of_weeks = lcm(pattern.cycle_days, 7)
    days_on = frozenset(
        day
        for day in range(round_of_weeks)
        if day % pattern.cycle_days in pattern.days_on and (pattern.first.weekday() + day) % 7 in weekdays
    )
    return replace(pattern, cycle_days=round_of_weeks, days_on=days_on) if days_on else None


@dataclass(frozen=True, slots=True)
class Occasion:
    """One occurrence of a busy time, in wall-clock minutes counted from midnight of a first date."""

    on: date
    bare: Interval[int]
    padded: Interval[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyTime:
    """Time a person is not free, on the wall clock; `ends` at or before `starts` is on the next day.

    Travel is minutes needed between this place and the site, before and after. What is not protected can give way at either
    end, by up to `movable_minutes`: begin so much later, or end so much earlier. 0 protects it.
    """

    key: int | str
    label: str
    kind: str
    recurrence: RecurrencePattern
    starts: time
    ends: time
    travel_before: int = 0
    travel_after: int = 0
    movable_minutes: int = 0

    def __post_init__(self) -> None:
        if self.travel_before < 0 or self.travel_after < 0:
            raise ValueError("travel can't take less than no time")
        if self.movable_minutes < 0:
            raise ValueError("nothing can give way by less than nothing")

    @property
    def is_treatment(self) -> bool:
        """Whether it is other treatment, and not a commitment: that gives way to nothing."""
        return self.kind == TREATMENT

    @property
    def is_dated(self) -> bool:
        """Whether it happens on dates alone, and so is an exception in the week and not part of it."""
        return isinstance(self.recurrence, OnDates)

    @property
    def minutes(self) -> int:
        """How long it takes without travel: up to a whole day, which is what equal times mean."""
        return (minute_of(self.ends) - minute_of(self.starts) - 1) % MINUTES_A_DAY + 1

    def occasions(self, first: date, until: date) -> Iterator[Occasion]:
        """Those that reach into the half-open dates, travel included, also when they began before or end after."""
        window = Interval(0, (until - first).days * MINUTES_A_DAY)
        reach = timedelta(days=2 + max(self.travel_before, self.travel_after) // MINUTES_A_DAY)
        for on in self.recurrence.dates(first - reach, until + reach):
            start = (on - first).days * MINUTES_A_DAY + minute_of(self.starts)
            bare = Interval(start, start + self.minutes)
            padded = Interval(bare.start - self.travel_before, bare.end + self.travel_after)
            if padded.overlaps(window):
                yield Occasion(on, bare, padded)
