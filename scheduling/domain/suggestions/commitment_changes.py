"""What can give way in a life so that a schedule fits: a commitment ends earlier, begins later, moves further, is nearer, or
does not take place.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from datetime import date, time
from math import ceil
from typing import ClassVar

from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.changes import Adjustment
from timekeeping.weeks import BusyTime, OnDates, Rotation, minute_of, on_weekdays, wall_time, weekdays_of

EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentAdjustment(Adjustment):
    """A commitment gives way when it begins on the `weekday`, or on all its days when that is None."""

    busy: BusyTime
    weekday: int | None = None

    def with_need(self, need: Need) -> Need:
        busy = (after for each in need.busy for after in (self.changed() if each == self.busy else (each,)))
        return need.but(busy=tuple(busy))

    def changed(self) -> tuple[BusyTime, ...]:
        """What becomes of the commitment: on the days that it gives way, and on the others."""
        if self.weekday is None:
            return self.on_its_days(self.busy)
        concerned = on_weekdays(self.busy.recurrence, frozenset({self.weekday}))
        others = on_weekdays(self.busy.recurrence, EVERY_DAY - {self.weekday})
        return (
            *(self.on_its_days(replace(self.busy, recurrence=concerned)) if concerned else ()),
            *((replace(self.busy, recurrence=others),) if others else ()),
        )

    @abstractmethod
    def on_its_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        """What becomes of what concerns its days alone."""

    @abstractmethod
    def lessened(self, ask: Conflict) -> Conflict | None:
        """What a meeting asks of the commitment on such a day then; None for nothing at all."""

    @property
    def days_a_week(self) -> int:
        """On how many days a week, at most, it gives way."""
        if self.weekday is not None:
            return 1
        recurrence = self.busy.recurrence
        if isinstance(recurrence, Rotation):
            return ceil(7 * len(recurrence.days_on) / recurrence.cycle_days)
        return len(weekdays_of(recurrence))

    @property
    def date(self) -> date | None:
        """The date that it is about when the commitment has no other."""
        recurrence = self.busy.recurrence
        return min(recurrence.days) if isinstance(recurrence, OnDates) and len(recurrence.days) == 1 else None

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        return self.rank, self.amount, 7 if self.weekday is None else self.weekday, self.busy.label, self.token


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentSkipped(CommitmentAdjustment):
    """A commitment does not take place."""

    code: ClassVar[str] = "takes_no_place"
    rank: ClassVar[int] = 4

    def on_its_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return ()

    def lessened(self, ask: Conflict) -> Conflict | None:
        return None

    @property
    def amount(self) -> int:
        return self.busy.minutes * self.days_a_week


@dataclass(frozen=True, slots=True, kw_only=True)
class MinutesAdjustment(CommitmentAdjustment):
    """So many `minutes` of a commitment give way, each time."""

    minutes: int

    @property
    def amount(self) -> int:
        return self.minutes * self.days_a_week


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreFlexibility(MinutesAdjustment):
    """A commitment that can give way at either end can do so by more minutes than it may."""

    code: ClassVar[str] = "moves_further"
    rank: ClassVar[int] = 0

    def on_its_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (replace(busy, movable_minutes=self.movable_minutes),)

    def lessened(self, ask: Conflict) -> Conflict | None:
        return ask._replace(movable=self.movable_minutes)

    @property
    def movable_minutes(self) -> int:
        """By how much it can give way then."""
        return self.busy.movable_minutes + self.minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsEarlier(MinutesAdjustment):
    """A protected commitment ends earlier."""

    code: ClassVar[str] = "ends_earlier"
    rank: ClassVar[int] = 1

    def on_its_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (replace(busy, ends=self.ends),)

    def lessened(self, ask: Conflict) -> Conflict | None:
        return _if_overlapping(ask._replace(earlier=ask.earlier - self.minutes))

    @property
    def ends(self) -> time:
        """When it ends then."""
        return _shift_time(self.busy.ends, -self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginsLater(MinutesAdjustment):
    """A protected commitment begins later."""

    code: ClassVar[str] = "begins_later"
    rank: ClassVar[int] = 1

    def on_its_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (replace(busy, starts=self.starts),)

    def lessened(self, ask: Conflict) -> Conflict | None:
        return _if_overlapping(ask._replace(later=ask.later - self.minutes))

    @property
    def starts(self) -> time:
        """When it begins then."""
        return _shift_time(self.busy.starts, self.minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShorterTravel(MinutesAdjustment):
    """The way takes less: to the commitment, `before` it, or from it."""

    code: ClassVar[str] = "shorter_way"
    rank: ClassVar[int] = 2
    before: bool

    def on_its_days(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        return (replace(busy, travel_before=self.way) if self.before else replace(busy, travel_after=self.way),)

    def lessened(self, ask: Conflict) -> Conflict | None:
        if self.before:
            return _if_overlapping(ask._replace(later=ask.later - self.minutes))
        return _if_overlapping(ask._replace(earlier=ask.earlier - self.minutes))

    @property
    def takes(self) -> int:
        """Minutes that the way takes now."""
        return self.busy.travel_before if self.before else self.busy.travel_after

    @property
    def way(self) -> int:
        """Minutes that it takes then."""
        return self.takes - self.minutes


def is_covered_by(one: CommitmentAdjustment, two: CommitmentAdjustment) -> bool:
    """Whether the one is part of the other: the same asked of fewer days or minutes, or less than that it takes no place."""
    if one.busy != two.busy or (two.weekday is not None and one.weekday != two.weekday):
        return False
    if isinstance(two, MinutesAdjustment):
        same_way = not isinstance(one, ShorterTravel) or (isinstance(two, ShorterTravel) and one.before == two.before)
        return type(one) is type(two) and same_way and isinstance(one, MinutesAdjustment) and one.minutes <= two.minutes
    return not isinstance(one, ShorterTravel)


def _if_overlapping(ask: Conflict) -> Conflict | None:
    """None when the two are apart."""
    return ask if ask.earlier > 0 and ask.later > 0 else None


def _shift_time(wall: time, minutes: int) -> time:
    return wall_time(minute_of(wall) + minutes)
