"""Everything that can be attended on one day, for each sum of minutes the cheapest first.

The groups of a day follow each other, so what they cost from one group on does not depend on those before it. The least cost of
each sum of minutes is computed from the last group back. The plans of a day are put together only when they are needed.
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
"""Sorts a day without a meeting after all others: treatment earlier in the week is better."""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """Slots of one day that do not overlap, with the sums of their minutes and of their cost."""

    times: SlotTimes
    minutes: int
    cost: int
    slots: tuple[GroupSlot, ...]

    @property
    def trips(self) -> int:
        """The trips to the site on this day: one, or none on a day off."""
        return 1 if self.slots else 0


DAY_OFF = DayPlan(DAY_OFF_TIMES, 0, 0, ())


class DayOptions:
    """The plans that the slots of a day allow, when the day must have `min_minutes` to `max_minutes` or be a day off.

    `trip` is what coming on this day costs. `sums` are pairs of a least cost and its sum of minutes, the cheapest first.
    """

    def __init__(self, slots: Sequence[GroupSlot], trip: int, min_minutes: int, max_minutes: int) -> None:
        self.slots = sorted(slots, key=lambda slot: (slot.start, slot.end))
        self.trip = trip
        starts = [slot.start for slot in self.slots]
        self.following = [bisect_left(starts, slot.end) for slot in self.slots]
        self.from_slot: list[dict[int, int]] = [{} for _ in self.slots]
        """For each slot, the least cost of each sum of minutes of plans that begin with it, plus the time of their end."""
        least = self._find_least_costs(max_minutes)
        possible = ((cost + trip, minutes) for minutes, cost in least.items() if min_minutes <= minutes <= max_minutes)
        self.sums = sorted([(0, 0), *possible])
        self.ranked: dict[int, _RankedPlans] = {}

    def _find_least_costs(self, max_minutes: int) -> dict[int, int]:
        """Fill `from_slot`, and return the least cost of each sum of minutes up to the maximum."""
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
        """The largest sum of minutes that the day can have."""
        return max(minutes for _, minutes in self.sums)

    def plan(self, minutes: int, rank: int) -> DayPlan | None:
        """Return the plan of that rank (from 0, by cost and times) with so many minutes; None after the last."""
        if not minutes:
            return None if rank else DAY_OFF
        if minutes not in self.ranked:
            self.ranked[minutes] = _RankedPlans(self, minutes)
        return self.ranked[minutes].plan(rank)


class _RankedPlans:
    """The plans of a day with so many minutes, the best first, computed as needed."""

    def __init__(self, day: DayOptions, minutes: int) -> None:
        self.day = day
        self.minutes = minutes
        self.found: list[DayPlan] = []
        self.number = count()
        self.heap: list[tuple[int, SlotTimes, int, int, int, tuple[GroupSlot, ...]]] = []
        self._push((), (), day.trip, 0, minutes)

    def _push(self, before: tuple[GroupSlot, ...], times: SlotTimes, spent: int, first: int, minutes: int) -> None:
        """Add every slot from number `first` on that can follow the slots `before`, which cost `spent`."""
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
        """Return the plan of that rank, from 0; None after the last."""
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
