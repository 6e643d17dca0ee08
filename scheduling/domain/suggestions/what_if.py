"""Check whether a schedule would fit after some adjustments.

The conflicts of each meeting are found once. For an adjustment, only the conflicts that it affects are checked again.
The check tells whether a schedule fits. `schedules.find_schedules` finds the schedules themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.conflicts import Conflict, MeetingConflicts, resolve_conflicts
from scheduling.domain.search.feasibility import ReachableHours
from scheduling.domain.search.meeting_choice import counts_toward_hours
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.domain.search.schedules import pool_offers
from scheduling.domain.suggestions.changes import Adjustment, MorePlaces, OneMorePlace
from scheduling.domain.suggestions.commitment_changes import CommitmentAdjustment
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Key

_NO_MEETINGS: frozenset[int] = frozenset()

NumberedAdjustments = list[tuple[set[int], CommitmentAdjustment]]
"""Adjustments of commitments, each with the indexes of the busy times that it changes."""


@dataclass(frozen=True, slots=True)
class _PooledMeeting:
    """A meeting with its conflicts and the dates on which it is full.

    `permanent` has the indexes of the busy times that block the meeting and are not temporary.
    """

    meeting: WeeklyMeeting
    conflicts: MeetingConflicts
    full_on: frozenset[date]
    permanent: frozenset[int]


def _pooled_meeting(offered: OfferedMeeting, need: Need) -> _PooledMeeting:
    conflicts = need.conflicts_with(offered.meeting)
    full_on = frozenset(on for on in offered.full_on if need.from_day <= on < need.until)
    permanent = frozenset(each.number for each in conflicts.blocking if not each.is_temporary)
    return _PooledMeeting(offered.meeting, conflicts, full_on, permanent)


class FeasibilityCheck:
    """Checks whether any of the tracks that take a patient would fit after some adjustments.

    Each start date needs its own FeasibilityCheck, because the conflicts depend on the start date.
    """

    def __init__(self, offers: Iterable[Offer], need: Need) -> None:
        self.need = need
        self.numbers: dict[BusyTime, set[int]] = defaultdict(set)
        for number, busy in enumerate(need.busy):
            self.numbers[busy].add(number)
        self.pools = [_PoolCheck(pooled, then) for pooled, then in pool_offers(offers, need)]

    def allows_fit(self, *changes: Adjustment) -> bool:
        """Whether a schedule fits if all of the changes are made."""
        of_commitments: NumberedAdjustments = []
        places: set[Key] = set()
        others: list[Adjustment] = []
        for change in changes:
            if isinstance(change, CommitmentAdjustment):
                of_commitments.append((self.numbers[change.busy], change))
            elif isinstance(change, MorePlaces):
                places |= change.keys
            else:
                others.append(change)
        return any(pool.allows_fit(of_commitments, places, others) for pool in self.pools)

    def conflicts_with(self, busy: BusyTime) -> Iterator[Conflict]:
        """Yield every meeting's conflicts with the commitment `busy`."""
        numbers = self.numbers[busy]
        for pool in self.pools:
            for pooled in pool.meetings:
                for conflict in pooled.conflicts.conflicts:
                    if conflict.number in numbers:
                        yield conflict

    @cached_property
    def full(self) -> tuple[OneMorePlace, ...]:
        """For each meeting that is full on some dates, the adjustment that adds a spot on these dates."""
        found: dict[Key, OneMorePlace] = {}
        for pool in self.pools:
            for pooled in pool.meetings:
                if pooled.full_on:
                    place = OneMorePlace(meeting=pooled.meeting, full_on=tuple(sorted(pooled.full_on)))
                    found.setdefault(pooled.meeting.key, place)
        return tuple(found.values())


class _PoolCheck:
    """Checks the meetings of one track, or of several tracks that mix.

    Bit n of `is_open` is set if the patient can attend meeting n without adjustments.
    """

    def __init__(self, pooled: tuple[Offer, ...], need: Need) -> None:
        self.need = need
        self.individual_minutes = pooled[0].individual_minutes
        offered = {
            each.meeting.key: each
            for offer in reversed(pooled)
            for each in offer.meetings
            if counts_toward_hours(each.meeting)
        }
        self.meetings = [_pooled_meeting(each, need) for each in offered.values()]
        self.is_open = sum(1 << number for number, each in enumerate(self.meetings) if self._is_open(each, [], set()))
        self.reachable = ReachableHours([each.meeting for each in self.meetings], need)

    @cached_property
    def numbers(self) -> dict[Key, int]:
        """Maps each meeting's key to the meeting's index in `meetings`."""
        return {pooled.meeting.key: number for number, pooled in enumerate(self.meetings)}

    @cached_property
    def conflicting(self) -> dict[tuple[int, int], set[int]]:
        """Maps the index and starting weekday of a busy time to the indexes of the meetings that conflict with it."""
        found: dict[tuple[int, int], set[int]] = defaultdict(set)
        for number, pooled in enumerate(self.meetings):
            for conflict in pooled.conflicts.conflicts:
                found[conflict.number, conflict.weekday].add(number)
        return found

    def allows_fit(self, of_commitments: NumberedAdjustments, places: set[Key], others: list[Adjustment]) -> bool:
        """Whether a schedule fits after these changes, if each meeting in `places` also gets one more spot."""
        need = self.need
        for change in others:
            need = change.with_need(need)
        affected = {self.numbers[key] for key in places if key in self.numbers}
        changed: set[int] = set()
        for numbers, of_commitment in of_commitments:
            changed |= numbers
            weekdays = range(7) if of_commitment.weekday is None else (of_commitment.weekday,)
            for slot in product(numbers, weekdays):
                affected |= self.conflicting.get(slot, _NO_MEETINGS)
        is_open = self.is_open
        for number in affected:
            pooled = self.meetings[number]
            if pooled.permanent <= changed:
                if self._is_open(pooled, of_commitments, places):
                    is_open |= 1 << number
                else:
                    is_open &= ~(1 << number)
        return self.reachable.allow(is_open, need.weekly_limits(self.individual_minutes))

    def _is_open(self, pooled: _PooledMeeting, of_commitments: NumberedAdjustments, places: set[Key]) -> bool:
        """Whether nothing blocks the meeting, and the meeting has a spot on every date that the patient would attend."""
        conflicts: Iterable[Conflict] = pooled.conflicts.conflicts
        for numbers, change in of_commitments:
            conflicts = [
                after
                for each in conflicts
                if (after := change.reduce(each) if each.number in numbers and change.is_on(each.weekday) else each)
                is not None
            ]
        resolution = resolve_conflicts(conflicts, pooled.conflicts.sessions)
        return not resolution.blocking and (pooled.meeting.key in places or pooled.full_on <= resolution.missed)
