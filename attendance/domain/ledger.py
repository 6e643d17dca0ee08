"""The ledger of a patient's treatment week: prescribed, scheduled, credited and remaining time, and make-up sessions.

The standing of a week compares it with the prescription:

- *Met*: the credited minutes and days reach the prescription.
- *On pace*: they will reach it if the patient attends the remaining sessions.
- *At risk*: the remaining sessions are not enough, but make-up sessions can close the gap.
- *Can't be met*: not even make-up sessions can close the gap.
- *Short*: the week is over, and the prescription was not met.
- *Partial*: the week would be at risk, impossible to meet, or short, but it is not a full week of treatment. The reason
  is an admission, a discharge, a site transfer, a change of level, a leave of absence, or a closure.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cache

from timekeeping.intervals import Interval


class Standing(StrEnum):
    """Where a week stands against its prescription. The docstring of this module defines the values."""

    MET = "met"
    ON_PACE = "on_course"
    AT_RISK = "at_risk"
    CANNOT_BE_MET = "out_of_reach"
    SHORT = "short"
    PARTIAL = "partial"


class PartialReason(StrEnum):
    """Why a week is not a full week of treatment. MOVE is a site transfer."""

    ADMISSION = "admission"
    DISCHARGE = "discharge"
    CLOSURE = "closure"
    LEVEL_CHANGE = "level_change"
    LEAVE = "leave"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedSession:
    """One of the patient's booked sessions in the week. `credited_minutes` is None until attendance is marked."""

    key: int
    on: date
    time: Interval[datetime]
    countable_minutes: int
    credited_minutes: int | None = None
    cancelled: bool = False

    @property
    def is_pending(self) -> bool:
        """Whether minutes can still be credited for the session. True also for a past session that has no mark yet."""
        return self.credited_minutes is None and not self.cancelled and self.countable_minutes > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeupOpening:
    """A session of the week that has a free spot and that the patient could attend as a make-up session."""

    key: int
    on: date
    time: Interval[datetime]
    countable_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekVerdict:
    """The standing of a week, and the minutes and days that the patient has to make up.

    These minutes and days would still be missing if the patient attended all scheduled sessions.
    """

    standing: Standing
    makeup_minutes: int
    makeup_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekPolicy:
    """The minutes and days prescribed for a week, whether the week is over, and any reasons for a partial week.

    Raises ValueError if no minutes, no days or more than 7 days are prescribed.
    """

    prescribed_minutes: int = 540
    prescribed_days: int = 3
    is_over: bool = False
    partial: frozenset[PartialReason] = frozenset()

    def __post_init__(self) -> None:
        if self.prescribed_minutes <= 0 or not 0 < self.prescribed_days <= 7:
            raise ValueError(
                f"not a prescription: {self.prescribed_minutes} minutes over {self.prescribed_days} days a week"
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
        """Return the standing of the week (product rule), and the minutes and days to make up.

        The docstring of this module defines the standings. `remaining_minutes` are the minutes of pending sessions.
        `days_in_reach` is the number of days with credited minutes or a pending session. If `credited_days` and
        `days_in_reach` are both None, days are not checked. `can_be_made_up` says whether make-up sessions can close
        the gap. Pass True if that is unknown.
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
    """The minutes and days of one patient's treatment week, and its standing."""

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
    """Keys of the fewest openings with which the week would meet the prescription.

    If several sets of openings are equally small, the earliest set is chosen.
    """


def build_ledger(
    policy: WeekPolicy, booked: Sequence[BookedSession], openings: Collection[MakeupOpening] = ()
) -> WeekLedger:
    """Build the ledger of a week from the patient's booked sessions and the sessions with free spots.

    A day counts if any minutes of the day are credited. `booked` includes the make-up sessions that are booked in the
    week.
    """
    scheduled = [each for each in booked if not each.cancelled]
    pending = [each for each in scheduled if each.is_pending and not policy.is_over]
    credited_days = {each.on for each in booked if each.credited_minutes}
    days_in_reach = credited_days | {each.on for each in pending}
    credited_minutes = sum(each.credited_minutes or 0 for each in booked)
    remaining_minutes = sum(each.countable_minutes for each in pending)
    verdict = policy.assess(
        credited_minutes=credited_minutes,
        remaining_minutes=remaining_minutes,
        credited_days=len(credited_days),
        days_in_reach=len(days_in_reach),
    )
    makeups: tuple[MakeupOpening, ...] | None = ()
    if verdict.standing == Standing.AT_RISK:
        makeups = find_makeup_openings(
            openings,
            booked=scheduled,
            minutes=verdict.makeup_minutes,
            days=verdict.makeup_days,
            counted_days=days_in_reach,
        )
    return WeekLedger(
        prescribed_minutes=policy.prescribed_minutes,
        prescribed_days=policy.prescribed_days,
        scheduled_minutes=sum(each.countable_minutes for each in scheduled),
        credited_minutes=credited_minutes,
        remaining_minutes=remaining_minutes,
        makeup_minutes=verdict.makeup_minutes,
        credited_days=len(credited_days),
        scheduled_days=len({each.on for each in scheduled if each.countable_minutes}),
        makeup_days=verdict.makeup_days,
        standing=Standing.CANNOT_BE_MET if makeups is None else verdict.standing,
        partial=policy.partial,
        makeup_openings=tuple(each.key for each in makeups or ()),
    )


def find_makeup_openings(
    openings: Collection[MakeupOpening],
    *,
    booked: Sequence[BookedSession],
    minutes: int,
    days: int,
    counted_days: Collection[date],
) -> tuple[MakeupOpening, ...] | None:
    """Return the fewest openings that add the missing `minutes` and `days`, or None if no set of openings adds enough.

    If several sets of openings are equally small, the earliest set is returned. The returned openings overlap neither
    each other nor a booked session. An opening on one of the `counted_days` adds no further day.
    """
    free = [each for each in openings if not any(each.time.overlaps(other.time) for other in booked)]
    free = sorted((each for each in free if each.countable_minutes > 0), key=lambda each: (each.time.start, each.key))
    starts = [each.time.start for each in free]
    following = [range(bisect_left(starts, each.time.end), len(free)) for each in free]

    def days_owed(owed: int, chosen: int, before: int | None) -> int:
        """Return how many of the `owed` days are still needed after the opening `free[chosen]` is added.

        `before` is the index in `free` of the opening added just before `free[chosen]`, or None for the first opening.
        """
        on = free[chosen].on
        is_new = on not in counted_days and (before is None or free[before].on != on)
        return max(0, owed - 1) if is_new else owed

    @cache
    def most_minutes(chosen: int, size: int, owed: int) -> int:
        """Return the most minutes that `size` openings can have together. The first of them is `free[chosen]`.

        The other openings must add at least `owed` days. Return 0 if they can't.
        """
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
