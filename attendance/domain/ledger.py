"""A patient's treatment week: what is owed, credited, still to come, and what can save it.

Standings: *met* once the credited minutes and days reach the prescription. While the week runs, *on course* when what is
still to come closes the gap, *at risk* when only make-up sessions would, *out of reach* when not even those do. A week that
is over and not met is *short*. A week cut by admission, discharge, a closure or a change of level is *partial* instead of
being blamed, but met if it was met all the same.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import combinations

from scheduling.domain.interval import Interval

MOST_OPENINGS_TRIED = 20
"""Sets of make-up sessions are tried one by one, smallest first; the earliest openings are enough to choose from."""
MOST_MAKE_UPS = 6


class Standing(StrEnum):
    MET = "met"
    ON_COURSE = "on_course"
    AT_RISK = "at_risk"
    OUT_OF_REACH = "out_of_reach"
    SHORT = "short"
    PARTIAL = "partial"


class PartialReason(StrEnum):
    ADMISSION = "admission"
    DISCHARGE = "discharge"
    CLOSURE = "closure"
    LEVEL_CHANGE = "level_change"


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
    def is_still_to_come(self) -> bool:
        """Also a past session that nobody has marked: it can still be credited."""
        return self.credited_minutes is None and not self.cancelled and self.countable_minutes > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
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
            standing = Standing.ON_COURSE
        elif self.partial:
            standing = Standing.PARTIAL
        elif self.is_over:
            standing = Standing.SHORT
        else:
            standing = Standing.AT_RISK if can_be_made_up else Standing.OUT_OF_REACH
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
    savers: tuple[int, ...] = field(default=())
    """Keys of the openings that together close the gap: as few as possible, then as early as possible."""


def draw_up(policy: WeekPolicy, booked: Sequence[BookedSession], openings: Collection[Opening] = ()) -> WeekLedger:
    """The ledger of a week from the patient's sessions in it and the openings left in it.

    A day counts when something was credited on it. A make-up counts in the week in which it is delivered: it is one of
    `booked` like any other.
    """
    running = [each for each in booked if not each.cancelled]
    to_come = [each for each in running if each.is_still_to_come and not policy.is_over]
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
    saving: tuple[Opening, ...] | None = ()
    if first.standing == Standing.AT_RISK:
        saving = savers(
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
        standing=Standing.OUT_OF_REACH if saving is None else first.standing,
        partial=policy.partial,
        savers=tuple(each.key for each in saving or ()),
    )


def savers(
    openings: Collection[Opening],
    *,
    booked: Sequence[BookedSession],
    minutes: int,
    days: int,
    days_kept: Collection[date],
) -> tuple[Opening, ...] | None:
    """The fewest openings, the earliest among equals, that close a gap of minutes and of days; None when none do.

    No two overlap each other or what is booked. A day counts as new when it is not among `days_kept`.
    """
    free = [each for each in openings if not any(each.time.overlaps(other.time) for other in booked)]
    free = sorted((each for each in free if each.countable_minutes > 0), key=lambda each: (each.time.start, each.key))
    free = free[:MOST_OPENINGS_TRIED]
    longest_first = sorted((each.countable_minutes for each in free), reverse=True)
    for size in range(1, min(MOST_MAKE_UPS, len(free)) + 1):
        if sum(longest_first[:size]) < minutes:
            continue
        for chosen in combinations(free, size):
            new_days = {each.on for each in chosen} - set(days_kept)
            if sum(each.countable_minutes for each in chosen) < minutes or len(new_days) < days:
                continue
            if not any(one.time.overlaps(two.time) for one, two in combinations(chosen, 2)):
                return chosen
    return None
