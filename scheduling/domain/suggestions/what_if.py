"""Would something fit if this or that gave way? What each meeting meets in a life is worked out once; then only what a change
concerns is asked again. It is whether, and not which: `schedules.find` finds those.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.conflicts import (
    Conflict,
    ConflictKey,
    MeetingConflicts,
    find_conflicts,
    resolve_conflicts,
    temporary_numbers,
)
from scheduling.domain.search.feasibility import ReachableHours, WeeklyLimits
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.domain.search.schedules import counts_toward_hours, pool_offers
from scheduling.domain.suggestions.changes import Adjustment, MorePlaces, OneMorePlace
from scheduling.domain.suggestions.commitment_changes import CommitmentAdjustment
from timekeeping.reasons import Key
from timekeeping.weeks import BusyTime

_NO_MEETINGS: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _PooledMeeting:
    """A meeting, what it meets, the dates on which it is full, and by number what lasts in a life and is in its way."""

    meeting: WeeklyMeeting
    meets: MeetingConflicts
    full_on: frozenset[date]
    lasting: frozenset[int]


def _pooled_meeting(offered: OfferedMeeting, need: Need) -> _PooledMeeting:
    meets = find_conflicts(offered.meeting, need)
    full_on = frozenset(on for on in offered.full_on if need.from_day <= on < need.until)
    exceptions = temporary_numbers(need)
    in_the_way = (hit[0] for hit, ask in meets.asks.items() if ask.minutes > ask.movable)
    return _PooledMeeting(
        offered.meeting, meets, full_on, frozenset(number for number in in_the_way if number not in exceptions)
    )


class FeasibilityCheck:
    """The tracks that are open to a need, to be asked about changes. Those of the day on which one can begin are not for it."""

    def __init__(self, offers: Iterable[Offer], need: Need) -> None:
        self.need = need
        self.numbers: dict[BusyTime, set[int]] = defaultdict(set)
        for number, busy in enumerate(need.busy):
            self.numbers[busy].add(number)
        self.pools = [_PoolCheck(pooled, then) for pooled, then in pool_offers(offers, need)]

    def opens(self, *changes: Adjustment) -> bool:
        """Whether something fits with all of the changes."""
        lives: list[tuple[set[int], CommitmentAdjustment]] = []
        places: set[Key] = set()
        numbers: list[Adjustment] = []
        for change in changes:
            if isinstance(change, CommitmentAdjustment):
                lives.append((self.numbers[change.busy], change))
            elif isinstance(change, MorePlaces):
                places |= change.keys
            else:
                numbers.append(change)
        return any(pool.opens(lives, places, numbers) for pool in self.pools)

    def asks_of(self, busy: BusyTime) -> Iterator[tuple[int, Conflict]]:
        """What meetings ask of a commitment, each with the weekday on which that would give way."""
        numbers = self.numbers[busy]
        for pool in self.pools:
            for asked in pool.asked:
                for hit, ask in asked.meets.asks.items():
                    if hit[0] in numbers:
                        yield _busy_weekday(hit, asked.meeting), ask

    @cached_property
    def full(self) -> tuple[OneMorePlace, ...]:
        """What it is that meetings have a place more in which there is none."""
        found: dict[Key, OneMorePlace] = {}
        for pool in self.pools:
            for asked in pool.asked:
                if asked.full_on:
                    place = OneMorePlace(meeting=asked.meeting, full_on=tuple(sorted(asked.full_on)))
                    found.setdefault(asked.meeting.key, place)
        return tuple(found.values())


class _PoolCheck:
    """The meetings of tracks that mix, or of one, each with what it meets."""

    def __init__(self, pooled: tuple[Offer, ...], need: Need) -> None:
        self.need = need
        self.individual_minutes = pooled[0].individual_minutes
        offered = {
            each.meeting.key: each
            for offer in reversed(pooled)
            for each in offer.meetings
            if counts_toward_hours(each.meeting)
        }
        self.asked = [_pooled_meeting(each, need) for each in offered.values()]
        self.is_open = sum(1 << number for number, asked in enumerate(self.asked) if self._is_open(asked, [], set()))
        self.reach = ReachableHours([asked.meeting for asked in self.asked], need)

    @cached_property
    def numbers(self) -> dict[Key, int]:
        return {asked.meeting.key: number for number, asked in enumerate(self.asked)}

    @cached_property
    def touched(self) -> dict[tuple[int, int], set[int]]:
        """Under a busy time's number and each weekday on which it begins, the meetings that run into it then."""
        found: dict[tuple[int, int], set[int]] = defaultdict(set)
        for number, asked in enumerate(self.asked):
            for hit in asked.meets.asks:
                found[hit[0], _busy_weekday(hit, asked.meeting)].add(number)
        return found

    def opens(
        self, lives: list[tuple[set[int], CommitmentAdjustment]], places: set[Key], numbers: list[Adjustment]
    ) -> bool:
        need = self.need
        for change in numbers:
            need = change.with_need(need)
        concerned = {self.numbers[key] for key in places if key in self.numbers}
        giving: set[int] = set()
        for those, change in lives:
            giving |= those
            weekdays = range(7) if change.weekday is None else (change.weekday,)
            for slot in product(those, weekdays):
                concerned |= self.touched.get(slot, _NO_MEETINGS)
        is_open = self.is_open
        for number in concerned:
            asked = self.asked[number]
            if asked.lasting <= giving:
                if self._is_open(asked, lives, places):
                    is_open |= 1 << number
                else:
                    is_open &= ~(1 << number)
        return self.reach.gives(is_open, WeeklyLimits.of(need, self.individual_minutes))

    def _is_open(
        self, asked: _PooledMeeting, lives: list[tuple[set[int], CommitmentAdjustment]], places: set[Key]
    ) -> bool:
        """As the search has it: nothing is in its way, and there is a place on every date on which the patient comes."""
        asks = dict(asked.meets.asks)
        for numbers, change in lives:
            for hit, ask in list(asks.items()):
                if hit[0] in numbers and change.weekday in (None, _busy_weekday(hit, asked.meeting)):
                    less = change.lessened(ask)
                    if less is None:
                        del asks[hit]
                    else:
                        asks[hit] = less
        blocking, _, missed = resolve_conflicts(asked.meets, asks, self.need)
        return not blocking and (asked.meeting.key in places or asked.full_on <= missed)


def _busy_weekday(hit: ConflictKey, meeting: WeeklyMeeting) -> int:
    """The weekday on which a busy time begins that the meeting runs into."""
    return (meeting.weekday - hit[1]) % 7
