"""Plans for one day: the sets of groups that a patient can attend on the day, sorted by cost.

The groups of a plan do not overlap. First, the lowest cost is computed for each total of minutes that a plan can have.
The plans themselves are built later, when they are needed.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf

from scheduling.domain.search.group_assignment import GroupSlot

SlotTimes = tuple[tuple[int, int], ...]
DAY_OFF_TIMES: SlotTimes = ((24 * 60, 24 * 60),)
"""Placeholder times for a day off. They sort after all other times, so that earlier treatment days rank first."""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The slots to attend on one day. The slots do not overlap.

    `minutes` are the total minutes of the slots. `cost` is the cost of the day, including the trip and the time on
    site.
    """

    times: SlotTimes
    minutes: int
    cost: int
    slots: tuple[GroupSlot, ...]

    @property
    def trips(self) -> int:
        """Number of trips to the site on this day: 1, or 0 on a day off."""
        return 1 if self.slots else 0


DAY_OFF = DayPlan(DAY_OFF_TIMES, 0, 0, ())


class DayOptions:
    """All plans for one day.

    A plan is a day off, or a set of slots with `min_minutes` to `max_minutes` in total. `trip` is the cost of coming to
    the site on this day. `sums` has the pair (lowest cost, total) for each total of minutes that a plan can have. The
    cheapest pair comes first.
    """

    def __init__(self, slots: Sequence[GroupSlot], trip: int, min_minutes: int, max_minutes: int) -> None:
        self.slots = sorted(slots, key=lambda slot: (slot.start, slot.end))
        self.trip = trip
        starts = [slot.start for slot in self.slots]
        self.following = [bisect_left(starts, slot.end) for slot in self.slots]
        self.from_slot: list[dict[int, int]] = [{} for _ in self.slots]
        """For each slot, a map from a total of minutes to the lowest cost of the plans that begin with the slot.

        Here, the cost is the sum of the slots' costs plus the end time of the last slot. Subtract the start time of the
        first slot to get the cost of the plan without the trip.
        """
        least = self._find_least_costs(max_minutes)
        possible = ((cost + trip, minutes) for minutes, cost in least.items() if min_minutes <= minutes <= max_minutes)
        self.sums = sorted([(0, 0), *possible])
        self.ranked: dict[int, _RankedPlans] = {}

    def _find_least_costs(self, max_minutes: int) -> dict[int, int]:
        """Return the lowest cost, without the trip, for each total of minutes up to `max_minutes`.

        Also fills the attribute `from_slot`.
        """
        best: list[dict[int, int]] = [{} for _ in range(len(self.slots) + 1)]
        least: dict[int, int] = {}
        for number in range(len(self.slots) - 1, -1, -1):
            slot = self.slots[number]
            own = self.from_slot[number]
            own[slot.minutes] = slot.cost + slot.end
            for minutes, cost in best[self.following[number]].items():
                if minutes + slot.minutes <= max_minutes:
                    own[minutes + slot.minutes] = slot.cost + cost
            now = best[number] = dict(best[number + 1])
            for minutes, cost in own.items():
                if cost < now.get(minutes, inf):
                    now[minutes] = cost
                if cost - slot.start < least.get(minutes, inf):
                    least[minutes] = cost - slot.start
        return least

    @property
    def most_minutes(self) -> int:
        """Highest total of minutes among the plans for the day."""
        return max(minutes for _, minutes in self.sums)

    def plan(self, minutes: int, rank: int) -> DayPlan | None:
        """Return the plan at position `rank` among the plans with `minutes` in total, or None if there is none.

        These plans are sorted by cost and then by times. The first plan has the rank 0.
        """
        if not minutes:
            return None if rank else DAY_OFF
        if minutes not in self.ranked:
            self.ranked[minutes] = _RankedPlans(self, minutes)
        return self.ranked[minutes].plan(rank)


class _RankedPlans:
    """The plans for one day with a given total of minutes, best first. They are computed as needed."""

    def __init__(self, day: DayOptions, minutes: int) -> None:
        self.day = day
        self.minutes = minutes
        self.found: list[DayPlan] = []
        self.number = count()
        self.heap: list[tuple[int, SlotTimes, int, int, int, tuple[GroupSlot, ...]]] = []
        self._push((), (), day.trip, 0, minutes)

    def _push(self, before: tuple[GroupSlot, ...], times: SlotTimes, spent: int, first: int, minutes: int) -> None:
        """Queue every slot that can follow the slots in `before`.

        `first` is the index of the first slot to try. `spent` is the cost so far, and `minutes` is the number of
        minutes that the plan still lacks.
        """
        for number in range(first, len(self.day.slots)):
            least = self.day.from_slot[number].get(minutes)
            if least is not None:
                slot = self.day.slots[number]
                cost = spent + least - (0 if before else slot.start)
                heappush(
                    self.heap,
                    (cost, (*times, (slot.start, slot.end)), next(self.number), number, minutes, (*before, slot)),
                )

    def plan(self, rank: int) -> DayPlan | None:
        """Return the plan at position `rank`, or None if there are too few plans. The first plan has the rank 0."""
        while len(self.found) <= rank and self.heap:
            cost, times, _, last, minutes, slots = heappop(self.heap)
            left = minutes - slots[-1].minutes
            if left:
                least = self.day.from_slot[last][minutes]
                spent = cost - least + slots[-1].cost
                self._push(slots, times, spent, self.day.following[last], left)
            else:
                self.found.append(DayPlan(times, self.minutes, cost, slots))
        return self.found[rank] if rank < len(self.found) else None
