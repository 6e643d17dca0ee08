"""The cheapest weeks of one pool of meetings, one after the other, exactly: best-first, with a bound that is exact for times.

Meetings at the same times that ask the same of the patient are one slot. A week is built day by day: each day's slots that do
not overlap make its shapes, and what is still to come costs at least what the cheapest shapes of the days left cost that bring
the minutes and days still needed. When a week of shapes is the cheapest, its slots are filled with groups one after the other;
only there it matters how many people lead them, and whether one track has them all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple

from scheduling.domain.filling import Filling, Group, Slot, begin
from scheduling.domain.hours import WeeklyMeeting
from scheduling.domain.in_life import missed_dates, stance
from scheduling.domain.need import Need
from scheduling.domain.price import Weights, is_at_the_time, is_other, is_other_day, price_of_giving
from scheduling.domain.reasons import Key
from scheduling.domain.week import minute_of

Times = tuple[tuple[int, int], ...]
Order = tuple[int, tuple[Times, ...], tuple[str, ...], *tuple[str, ...]]
"""Points, then for each weekday the times of its meetings in minutes, then the meetings' keys. What is first is better."""

SUNDAY = 6
NOTHING_THEN: Times = ((24 * 60, 24 * 60),)
"""A day without a meeting comes after all others: treatment earlier in the week is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Meetings of which a schedule may be made, each with the numbers of the tracks that have it, as bits.

    All are held every week, count, have a place and are free for the patient. `individual_minutes` come on top.
    """

    meetings: Sequence[tuple[WeeklyMeeting, int]]
    individual_minutes: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """Meetings in the order of the week, and the tracks that have all of them, as bits: none if they are of several."""

    order: Order
    meetings: tuple[WeeklyMeeting, ...]
    tracks: int

    @property
    def is_mixed(self) -> bool:
        return not self.tracks


@dataclass(frozen=True, slots=True)
class _Shape:
    """Slots of one day that do not overlap, with their minutes and all that they cost."""

    times: Times
    minutes: int
    cost: int
    slots: tuple[Slot, ...]

    @property
    def days(self) -> int:
        return 1 if self.slots else 0


NO_SHAPE = _Shape(NOTHING_THEN, 0, 0, ())


def order_of(points: int, meetings: Sequence[WeeklyMeeting]) -> Order:
    """Where a schedule of these meetings comes in the ranking."""
    week = sorted(meetings, key=_place_in_week)
    times = (tuple((each.span.start, each.span.end) for each in week if each.weekday == day) for day in range(7))
    return (points, tuple(day or NOTHING_THEN for day in times), tuple(str(each.key) for each in week))


def best_weeks(
    pool: Pool, need: Need, weights: Weights, *, asked: date, kept: Collection[WeeklyMeeting] = ()
) -> Iterator[Candidate]:
    """Every set of the pool's meetings that gives the hours and days that are needed within the rules, the cheapest first.

    No two of a set are at one time of the week. `asked` is the day from which waiting counts, `kept` are the meetings of the
    schedule to be kept. Asking for the next costs only what the next needs.
    """
    search = _Search(_shapes_by_day(pool, need, weights, kept), need, pool.individual_minutes)
    waiting = (need.from_day - asked).days * weights.day_of_waiting
    heap: list[tuple[int, tuple[Times, ...], tuple[str, ...], int, _Begun | Filling]] = []
    number = count()
    mondays = search.children(0, 0, 0)
    if mondays:
        begun = _Begun(waiting, 0, 0, 0, mondays, 0, ())
        heappush(heap, (waiting + mondays[0][0], (mondays[0][1],), (), next(number), begun))
    while heap:
        points, times, keys, _, node = heappop(heap)
        if isinstance(node, Filling):
            if another := node.another():
                heappush(heap, (another.points, times, (*keys[:-1], another.key), next(number), another))
            if following := node.following(weights):
                heappush(heap, (following.points, times, (*keys, following.key), next(number), following))
            else:
                yield Candidate((points, times, keys), node.meetings, node.tracks)
            continue
        cost, day, minutes, days, siblings, turn, slots = node
        if turn + 1 < len(siblings):
            least, its_times, _ = siblings[turn + 1]
            sibling = _Begun(cost, day, minutes, days, siblings, turn + 1, slots)
            heappush(heap, (cost + least, (*times[:-1], its_times), (), next(number), sibling))
        shape = siblings[turn][2]
        cost, minutes, days, slots = cost + shape.cost, minutes + shape.minutes, days + shape.days, slots + shape.slots
        if day == SUNDAY:
            filling = begin(cost, slots, weights)
            heappush(heap, (filling.points, times, (filling.key,), next(number), filling))
        else:
            children = search.children(day + 1, minutes, days)
            begun = _Begun(cost, day + 1, minutes, days, children, 0, slots)
            heappush(heap, (cost + children[0][0], (*times, children[0][1]), (), next(number), begun))


Child = tuple[int, Times, "_Shape"]
"""A shape that a day may have, after what it and the days after it cost at least, and its times."""


class _Begun(NamedTuple):
    """A week of which the days before `day` are settled; for this one it is the shape's at the index `turn` of `siblings`."""

    cost: int
    day: int
    minutes: int
    days: int
    siblings: Sequence[Child]
    turn: int
    slots: tuple[Slot, ...]


class _Search:
    """The shapes of each day, and what a week begun in one way costs at least from there."""

    def __init__(self, shapes: Sequence[Sequence[_Shape]], need: Need, individual_minutes: int) -> None:
        rules = need.rules
        self.shapes = shapes
        self.cheapest: list[dict[tuple[int, int], int]] = [_cheapest(today) for today in shapes]
        self.least_minutes = max(need.prescribed_minutes, rules.minimum_minutes) - individual_minutes
        self.most_minutes = rules.maximum_minutes - individual_minutes
        self.least_days = max(need.prescribed_days, rules.minimum_days)
        self.most_days = rules.maximum_days
        self.known: list[dict[tuple[int, int], float]] = [{} for _ in range(8)]
        self.offspring: dict[tuple[int, int, int], list[Child]] = {}

    def left(self, day: int, minutes: int, days: int) -> float:
        """The least that the days from this one on cost, when so many minutes and days came before; infinite if in vain."""
        if minutes > self.most_minutes or days > self.most_days:
            return inf
        if day > SUNDAY:
            return 0 if minutes >= self.least_minutes and days >= self.least_days and days else inf
        if days + 7 - day < self.least_days:
            return inf
        known = self.known[day]
        key = (minutes, days)
        least = known.get(key)
        if least is None:
            least = known[key] = min(
                cost + self.left(day + 1, minutes + more, days + trips)
                for (more, trips), cost in self.cheapest[day].items()
            )
        return least

    def children(self, day: int, minutes: int, days: int) -> list[Child]:
        """The shapes of the day with which the week can still be had, the one that costs least from there first."""
        key = (day, minutes, days)
        found = self.offspring.get(key)
        if found is None:
            found = []
            for shape in self.shapes[day]:
                left = self.left(day + 1, minutes + shape.minutes, days + shape.days)
                if left < inf:
                    found.append((shape.cost + int(left), shape.times, shape))
            found.sort(key=lambda child: child[:2])
            self.offspring[key] = found
        return found


def _cheapest(shapes: Sequence[_Shape]) -> dict[tuple[int, int], int]:
    """The least cost of a day by its minutes and whether it is a trip at all."""
    found: dict[tuple[int, int], int] = {}
    for shape in shapes:
        key = (shape.minutes, shape.days)
        found[key] = min(shape.cost, found.get(key, shape.cost))
    return found


def _shapes_by_day(pool: Pool, need: Need, weights: Weights, kept: Collection[WeeklyMeeting]) -> list[list[_Shape]]:
    """For each weekday all that can be attended of it, nothing included."""
    slots = _slots(pool, need, weights, kept)
    rules = need.rules
    found = []
    for weekday in range(7):
        today = sorted((slot for slot in slots if slot.weekday == weekday), key=lambda slot: (slot.start, slot.end))
        trip = weights.trip + (weights.other_day if is_other_day(weekday, kept) else 0)
        shapes = [NO_SHAPE]
        for chosen in _apart(today, rules.maximum_minutes):
            minutes = sum(slot.minutes for slot in chosen)
            if minutes < rules.minimum_minutes_per_day:
                continue
            present = max(slot.end for slot in chosen) - chosen[0].start
            cost = trip + present + sum(slot.cost for slot in chosen)
            shapes.append(_Shape(tuple((slot.start, slot.end) for slot in chosen), minutes, cost, chosen))
        found.append(shapes)
    return found


def _apart(slots: Sequence[Slot], most_minutes: int) -> Iterator[tuple[Slot, ...]]:
    """Every set of a day's slots, given in order, of which no two overlap, but the empty one."""
    begun: list[tuple[tuple[Slot, ...], int, int]] = [((), 0, 0)]
    while begun:
        chosen, minutes, following = begun.pop()
        if chosen:
            yield chosen
        for index in range(following, len(slots)):
            slot = slots[index]
            if minutes + slot.minutes <= most_minutes and not any(_overlap(slot, other) for other in chosen):
                begun.append(((*chosen, slot), minutes + slot.minutes, index + 1))


def _overlap(one: Slot, two: Slot) -> bool:
    return one.start < two.end and two.start < one.end


def _slots(pool: Pool, need: Need, weights: Weights, kept: Collection[WeeklyMeeting]) -> list[Slot]:
    """The pool's meetings, those alike together."""
    bits: dict[Key, int] = {}
    alike: dict[tuple[int, time, time, int, int], list[Group]] = defaultdict(list)
    for meeting, tracks in pool.meetings:
        people = 0
        for person in meeting.facilitators:
            people |= bits.setdefault(person, 1 << len(bits))
        cost = _cost(meeting, need, weights, kept)
        slot = (meeting.weekday, meeting.starts, meeting.ends, meeting.minutes(need.rules), cost)
        alike[slot].append(Group(str(meeting.key), meeting, people, tracks))
    return [
        Slot(
            weekday, minute_of(starts), minute_of(ends), minutes, cost, tuple(sorted(groups, key=lambda each: each.key))
        )
        for (weekday, starts, ends, minutes, cost), groups in alike.items()
    ]


def _cost(meeting: WeeklyMeeting, need: Need, weights: Weights, kept: Collection[WeeklyMeeting]) -> int:
    """What attending it asks, whatever else is attended."""
    stands = stance(meeting, need)
    cost = sum(price_of_giving(give, weights) for give in stands.gives)
    cost += len(missed_dates(meeting, need)) * weights.missed_date + stands.is_close * weights.close
    if is_other(meeting, kept):
        at_the_time = is_at_the_time(meeting, kept)
        cost += weights.other_group_at_the_time if at_the_time else weights.other_group
    return cost


def _place_in_week(meeting: WeeklyMeeting) -> tuple[int, int, int, str]:
    return meeting.weekday, meeting.span.start, meeting.span.end, str(meeting.key)
