"""A patient's treatment week: what is owed, credited, still to come, and what can save it.

Standings: *met* once the credited minutes and days reach the prescription. While the week runs, *on course* when what is
still to come closes the gap, *at risk* when only make-up sessions would, *out of reach* when not even those do. A week that
is over and not met is *short*. A week cut by admission, discharge, a closure, a leave of absence or a change of level is
*partial* instead of being blamed, but met if it was met all the same.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cache

from timekeeping.intervals import Interval


class Standing(StrEnum):
    MET = "met"
    ON_PACE = "on_course"
    AT_RISK = "at_risk"
    CANNOT_BE_MET = "out_of_reach"
    SHORT = "short"
    PARTIAL = "partial"


class PartialReason(StrEnum):
    ADMISSION = "admission"
    DISCHARGE = "discharge"
    CLOSURE = "closure"
    LEVEL_CHANGE = "level_change"
    LEAVE = "leave"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedSession:
    """A patient's place in a session of the week. `credited_minutes` None: not marked yet."""

    key: int
    on: date
    time: Interval[datetime]
    countable_minutes: int
    credited_minutes: int | None = None
    cancelled: bool = False

    @property
    def is_pending(self) -> bool:
        """Also a past session that nobody has marked: it can still be credited."""
        return self.credited_minutes is None and not self.cancelled and self.countable_minutes > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeupOpening:
    """A session of the week with a place that the patient could take."""

    key: int
    on: date
    time: Interval[datetime]
    countable_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekVerdict:
    """How the minutes and days of a week stand. `makeup_minutes` and `makeup_days` are what nothing scheduled covers."""

    standing: Standing
    makeup_minutes: int
    makeup_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekPolicy:
    """What was prescribed for the week, in minutes and days."""

    prescribed_minutes: int = 540
    prescribed_days: int = 3
    is_over: bool = False
    partial: frozenset[PartialReason] = frozenset()

    def __post_init__(self) -> None:
        if self.prescribed_minutes <= 0 or not 0 < self.prescribed_days <= 7:
            raise ValueError(
                f"nothing to owe: {self.prescribed_minutes} minutes over {self.prescribed_days} days a week"
            )

    def assess(
        self,
        *,
        credited_minutes: int,
        remaining_minutes: int = 0,
        credited_days: int | None = None,
        days_in_reach: int | None = None,
        can_be_made_up: bool = True,
    ) -> WeekVerdict:
        """How the week stands. Days None: not looked at. `days_in_reach` are the credited ones and those still to come.

        `can_be_made_up` says whether make-up sessions exist that close the gap; when that is not known, it is assumed.
        """
        if self.is_over:
            remaining_minutes, days_in_reach, can_be_made_up = 0, credited_days, False
        makeup_minutes = max(0, self.prescribed_minutes - credited_minutes - remaining_minutes)
        makeup_days = 0 if days_in_reach is None else max(0, self.prescribed_days - days_in_reach)
        enough_days = credited_days is None or credited_days >= self.prescribed_days
        if credited_minutes >= self.prescribed_minutes and enough_days:
            standing = Standing.MET
        elif not self.is_over and not makeup_minutes and not makeup_days:
            standing = Standing.ON_PACE
        elif self.partial:
            standing = Standing.PARTIAL
        elif self.is_over:
            standing = Standing.SHORT
        else:
            standing = Standing.AT_RISK if can_be_made_up else Standing.CANNOT_BE_MET
        return WeekVerdict(standing=standing, makeup_minutes=makeup_minutes, makeup_days=makeup_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekLedger:
    """Minutes and days of one patient's treatment week, and how it stands."""

    prescribed_minutes: int
    prescribed_days: int
    scheduled_minutes: int
    credited_minutes: int
    remaining_minutes: int
    makeup_minutes: int
    credited_days: int
    scheduled_days: int
    makeup_days: int
    standing: Standing
    partial: frozenset[PartialReason] = frozenset()
    makeup_openings: tuple[int, ...] = field(default=())
    """Keys of the openings that together close the gap: as few as possible, then as early as possible."""


def build_ledger(
    policy: WeekPolicy, booked: Sequence[BookedSession], openings: Collection[MakeupOpening] = ()
) -> WeekLedger:
    """The ledger of a week from the patient's sessions in it and the openings left in it.

    A day counts when something was credited on it. A make-up counts in the week in which it is delivered: it is one of
    `booked` like any other.
    """
    running = [each for each in booked if not each.cancelled]
    to_come = [each for each in running if each.is_pending and not policy.is_over]
    credited_on = {each.on for each in booked if each.credited_minutes}
    credited = sum(each.credited_minutes or 0 for each in booked)
    remaining = sum(each.countable_minutes for each in to_come)
    in_reach = credited_on | {each.on for each in to_come}
    first = policy.assess(
        credited_minutes=credited,
        remaining_minutes=remaining,
        credited_days=len(credited_on),
        days_in_reach=len(in_reach),
    )
    saving: tuple[MakeupOpening, ...] | None = ()
    if first.standing == Standing.AT_RISK:
        saving = find_makeup_openings(
            openings, booked=running, minutes=first.makeup_minutes, days=first.makeup_days, days_kept=in_reach
        )
    return WeekLedger(
        prescribed_minutes=policy.prescribed_minutes,
        prescribed_days=policy.prescribed_days,
        scheduled_minutes=sum(each.countable_minutes for each in running),
        credited_minutes=credited,
        remaining_minutes=remaining,
        makeup_minutes=first.makeup_minutes,
        credited_days=len(credited_on),
        scheduled_days=len({each.on for each in running if each.countable_minutes}),
        makeup_days=first.makeup_days,
        standing=Standing.CANNOT_BE_MET if saving is None else first.standing,
        partial=policy.partial,
        makeup_openings=tuple(each.key for each in saving or ()),
    )


def find_makeup_openings(
    openings: Collection[MakeupOpening],
    *,
    booked: Sequence[BookedSession],
    minutes: int,
    days: int,
    days_kept: Collection[date],
) -> tuple[MakeupOpening, ...] | None:
    """The fewest openings, the earliest among equals, that close a gap of minutes and of days; None when none do.

    No two overlap each other or what is booked. A day counts as new when it is not among `days_kept`. Exact for any number
    of openings: what can follow an opening is any that starts once it ends, so the best continuations are computed once
    each, from the week's end backwards.
    """
    free = [each for each in openings if not any(each.time.overlaps(other.time) for other in booked)]
    free = sorted((each for each in free if each.countable_minutes > 0), key=lambda each: (each.time.start, each.key))
    starts = [each.time.start for each in free]
    following = [range(bisect_left(starts, each.time.end), len(free)) for each in free]

    def days_owed(owed: int, chosen: int, before: int | None) -> int:
        """New days still owed once `chosen` has come after `before`; openings of one day follow each other."""
        on = free[chosen].on
        is_new = on not in days_kept and (before is None or free[before].on != on)
        return max(0, owed - 1) if is_new else owed

    @cache
    def most_minutes(chosen: int, size: int, owed: int) -> int:
        """The most minutes of `size` openings beginning with `chosen`, with `owed` new days after its own; 0: none."""
        if owed >= size:
            return 0
        if size == 1:
            return free[chosen].countable_minutes
        best = max((most_minutes(k, size - 1, days_owed(owed, k, chosen)) for k in following[chosen]), default=0)
        return best and best + free[chosen].countable_minutes

    def earliest(size: int) -> tuple[MakeupOpening, ...] | None:
        picked: list[int] = []
        missing, owed, candidates = minutes, days, range(len(free))
        for left in range(size, 0, -1):
            before = picked[-1] if picked else None
            closing = (k for k in candidates if most_minutes(k, left, days_owed(owed, k, before)) >= max(1, missing))
            chosen = next(closing, None)
            if chosen is None:
                return None
            owed = days_owed(owed, chosen, before)
            missing -= free[chosen].countable_minutes
            candidates = following[chosen]
            picked.append(chosen)
        return tuple(free[k] for k in picked)

    longest_first = sorted((each.countable_minutes for each in free), reverse=True)
    enough = (size for size in range(1, len(free) + 1) if sum(longest_first[:size]) >= minutes)
    return next((found for size in enough if (found := earliest(size))), None)
