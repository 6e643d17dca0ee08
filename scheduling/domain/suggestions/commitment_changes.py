"""Adjustments of a commitment: it ends earlier, starts later, can move further, needs less travel, or is skipped."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from datetime import date, time
from math import ceil
from typing import ClassVar, override

from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.changes import Adjustment
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import OnDates, Rotation, minute_of, on_weekdays, wall_time, weekdays_of

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentAdjustment(Adjustment):
    """A change to a commitment on one weekday, or on all its days if `weekday` is None.

    A commitment that runs past midnight belongs to the weekday on which it starts.
    """

    busy: BusyTime
    weekday: int | None = None

    def with_need(self, need: Need) -> Need:
        """Return the patient's need with the changed commitment."""
        busy = (after for each in need.busy for after in (self.changed() if each == self.busy else (each,)))
        return replace(need, busy=tuple(busy))

    def changed(self) -> tuple[BusyTime, ...]:
        """Return the changed commitment: first the part on the days that change, then the part on the other days."""
        if self.weekday is None:
            return self.adjust_days(self.busy)
        affected = on_weekdays(self.busy.recurrence, frozenset({self.weekday}))
        others = on_weekdays(self.busy.recurrence, EVERY_DAY - {self.weekday})
        return (
            *(self.adjust_days(replace(self.busy, recurrence=affected)) if affected else ()),
            *((replace(self.busy, recurrence=others),) if others else ()),
        )

    def is_on(self, weekday: int) -> bool:
        """Whether the commitment changes on the weekday."""
        return self.weekday in (None, weekday)

    @abstractmethod
    def adjust_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        """Return `busy` after the change. The change affects all days of `busy`."""

    @abstractmethod
    def reduce(self, conflict: Conflict) -> Conflict | None:
        """Return the conflict as it would be after the change, or None if the change resolves it.

        The conflict must be with this commitment, on a day that changes.
        """

    @property
    def days_a_week(self) -> int:
        """Highest number of days per week on which the commitment changes."""
        if self.weekday is not None:
            return 1
        recurrence = self.busy.recurrence
        if isinstance(recurrence, Rotation):
            return ceil(7 * len(recurrence.days_on) / recurrence.cycle_days)
        return len(weekdays_of(recurrence))

    @property
    def date(self) -> date | None:
        """The only date of the commitment, or None if the commitment has more than one date."""
        recurrence = self.busy.recurrence
        return min(recurrence.days) if isinstance(recurrence, OnDates) and len(recurrence.days) == 1 else None

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        """Sort key: rank, size of the change (smallest first), weekday, and the commitment's label."""
        return self.rank, self.amount, 7 if self.weekday is None else self.weekday, self.busy.label, self.token


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentSkipped(CommitmentAdjustment):
    """A commitment is skipped on one weekday, or on all its days."""

    code: ClassVar[str] = "takes_no_place"
    rank: ClassVar[int] = 4

    @override
    def adjust_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return ()

    @override
    def reduce(self, conflict: Conflict) -> Conflict | None:
        return None

    @property
    def amount(self) -> int:
        """Minutes of the commitment that are skipped per week."""
        return self.busy.minutes * self.days_a_week


@dataclass(frozen=True, slots=True, kw_only=True)
class MinutesAdjustment(CommitmentAdjustment):
    """A commitment changes by a number of `minutes` each time it takes place."""

    minutes: int

    @property
    def amount(self) -> int:
        """Minutes per week by which the commitment changes."""
        return self.minutes * self.days_a_week


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreFlexibility(MinutesAdjustment):
    """A commitment that can already move becomes able to move by `minutes` more."""

    code: ClassVar[str] = "moves_further"
    rank: ClassVar[int] = 0

    @override
    def adjust_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (replace(busy, movable_minutes=self.movable_minutes),)

    @override
    def reduce(self, conflict: Conflict) -> Conflict | None:
        return conflict._replace(movable_minutes=self.movable_minutes)

    @property
    def movable_minutes(self) -> int:
        """Minutes by which the commitment could move after the change."""
        return self.busy.movable_minutes + self.minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsEarlier(MinutesAdjustment):
    """A protected commitment, which normally cannot move, ends `minutes` earlier."""

    code: ClassVar[str] = "ends_earlier"
    rank: ClassVar[int] = 1

    @override
    def adjust_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (replace(busy, ends=self.ends),)

    @override
    def reduce(self, conflict: Conflict) -> Conflict | None:
        return _if_overlapping(conflict._replace(minutes_earlier=conflict.minutes_earlier - self.minutes))

    @property
    def ends(self) -> time:
        """New end of the commitment."""
        return _shift_time(self.busy.ends, -self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginsLater(MinutesAdjustment):
    """A protected commitment, which normally cannot move, starts `minutes` later."""

    code: ClassVar[str] = "begins_later"
    rank: ClassVar[int] = 1

    @override
    def adjust_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (replace(busy, starts=self.starts),)

    @override
    def reduce(self, conflict: Conflict) -> Conflict | None:
        return _if_overlapping(conflict._replace(minutes_later=conflict.minutes_later - self.minutes))

    @property
    def starts(self) -> time:
        """New start of the commitment."""
        return _shift_time(self.busy.starts, self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShorterTravel(MinutesAdjustment):
    """Travel to or from a commitment takes fewer minutes.

    `before` is True for the trip to the commitment, and False for the trip from it.
    """

    code: ClassVar[str] = "shorter_way"
    rank: ClassVar[int] = 2
    before: bool

    @override
    def adjust_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (
            replace(busy, travel_before=self.new_travel)
            if self.before
            else replace(busy, travel_after=self.new_travel),
        )

    @override
    def reduce(self, conflict: Conflict) -> Conflict | None:
        if self.before:
            return _if_overlapping(conflict._replace(minutes_later=conflict.minutes_later - self.minutes))
        return _if_overlapping(conflict._replace(minutes_earlier=conflict.minutes_earlier - self.minutes))

    @property
    def travel(self) -> int:
        """Current minutes of travel."""
        return self.busy.travel_before if self.before else self.busy.travel_after

    @property
    def new_travel(self) -> int:
        """Minutes of travel after the change."""
        return self.travel - self.minutes


def is_covered_by(one: CommitmentAdjustment, two: CommitmentAdjustment) -> bool:
    """Whether change `two` includes change `one`. Both must be to the same commitment, and `two` on all days of `one`.

    - A change by minutes includes the same kind of change by the same or fewer minutes.
    - Skipping a commitment includes every other change to the commitment, except shorter travel.
    """
    if one.busy != two.busy or (two.weekday is not None and one.weekday != two.weekday):
        return False
    if isinstance(two, MinutesAdjustment):
        same_leg = not isinstance(one, ShorterTravel) or (isinstance(two, ShorterTravel) and one.before == two.before)
        return type(one) is type(two) and same_leg and isinstance(one, MinutesAdjustment) and one.minutes <= two.minutes
    return not isinstance(one, ShorterTravel)


def _if_overlapping(conflict: Conflict) -> Conflict | None:
    """Return the conflict, or None if the busy time and the meeting no longer overlap."""
    return conflict if conflict.minutes_earlier > 0 and conflict.minutes_later > 0 else None


def _shift_time(wall: time, minutes: int) -> time:
    return wall_time(minute_of(wall) + minutes)
