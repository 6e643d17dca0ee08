"""All that can be attended of one day, the cheapest first by its minutes, one after the other.

Groups of a day follow each other like the stations of a line: what a day costs from one group on does not depend on those
before it. So the least that each sum of minutes costs is worked out from the last group back, and the days themselves are put
together only when they are asked for.
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
"""A day without a meeting comes after all others: treatment earlier in the week is better."""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """Slots of one day that do not overlap, with their minutes and all that they cost."""

    times: SlotTimes
    minutes: int
    cost: int
    slots: tuple[GroupSlot, ...]

    @property
    def trips(self) -> int:
        return 1 if self.slots else 0


DAY_OFF = DayPlan(DAY_OFF_TIMES, 0, 0, ())


class DayOptions:
    """The slots of a day. `sums` are the minutes that it can have, each after the least that they cost, the cheapest first."""

    def __init__(self, slots: Sequence[GroupSlot], trip: int, least_minutes: int, most_minutes: int) -> None:
        self.slots = sorted(slots, key=lambda slot: (slot.start, slot.end))
        self.trip = trip
        starts = [slot.start for slot in self.slots]
        self.following = [bisect_left(starts, slot.end) for slot in self.slots]
        self.from_slot: list[dict[int, int]] = [{} for _ in self.slots]
        """For each slot, by minutes, the least that these cost if they begin with it, and when they end."""
        best: list[dict[int, int]] = [{} for _ in range(len(self.slots) + 1)]
        least: dict[int, int] = {}
        for number in range(len(self.slots) - 1, -1, -1):
            slot = self.slots[number]
            own = self.from_slot[number]
            own[slot.minutes] = slot.cost + slot.end
            for minutes, cost in best[self.following[number]].items():
                if minutes + slot.minutes <= most_minutes:
                    own[minutes + slot.minutes] = slot.cost + cost
            now = best[number] = dict(best[number + 1])
            for minutes, cost in own.items():
                if cost < now.get(minutes, inf):
                    now[minutes] = cost
                if cost - slot.start < least.get(minutes, inf):
                    least[minutes] = cost - slot.start
        possible = (
            (cost + trip, minutes) for minutes, cost in least.items() if least_minutes <= minutes <= most_minutes
        )
        self.sums = sorted([(0, 0), *possible])
        self.lines: dict[int, _RankedPlans] = {}

    @property
    def most_minutes(self) -> int:
        return max(minutes for _, minutes in self.sums)

    def shape(self, minutes: int, number: int) -> DayPlan | None:
        """Of all with so many minutes the one that comes so far after the best, by cost and times; None after the last."""
        if not minutes:
            return None if number else DAY_OFF
        if minutes not in self.lines:
            self.lines[minutes] = _RankedPlans(self, minutes)
        return self.lines[minutes].shape(number)


class _RankedPlans:
    """The shapes of a day with so many minutes, the best first, as far as they were asked for."""

    def __init__(self, day: DayOptions, minutes: int) -> None:
        self.day = day
        self.minutes = minutes
        self.found: list[DayPlan] = []
        self.number = count()
        self.heap: list[tuple[int, SlotTimes, int, int, int, tuple[GroupSlot, ...]]] = []
        self._push((), (), day.trip, 0, minutes)

    def _push(self, before: tuple[GroupSlot, ...], times: SlotTimes, spent: int, first: int, minutes: int) -> None:
        """What can come next after some slots that cost `spent`, from the slot `first` on, for so many minutes."""
        for number in range(first, len(self.day.slots)):
            least = self.day.from_slot[number].get(minutes)
            if least is not None:
                slot = self.day.slots[number]
                cost = spent + least - (0 if before else slot.start)
                heappush(
                    self.heap,
                    (cost, (*times, (slot.start, slot.end)), next(self.number), number, minutes, (*before, slot)),
                )

    def shape(self, number: int) -> DayPlan | None:
        while len(self.found) <= number and self.heap:
            cost, times, _, last, minutes, slots = heappop(self.heap)
            left = minutes - slots[-1].minutes
            if left:
                least = self.day.from_slot[last][minutes]
                spent = cost - least + slots[-1].cost
                self._push(slots, times, spent, self.day.following[last], left)
            else:
                self.found.append(DayPlan(times, self.minutes, cost, slots))
        return self.found[number] if number < len(self.found) else None
