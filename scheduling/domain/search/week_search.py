"""The cheapest weeks of one pool of meetings, one after the other, exactly: best-first, with a bound that is exact for times.

Each track is looked through alone, and then all together for weeks that no track has whole, which cost more from the start.

Meetings at the same times that ask the same of the patient are one slot. A week is built day by day: each day's slots that do
not overlap make its shapes, and what is still to come costs at least what the cheapest shapes of the days left cost that bring
the minutes and days still needed. When a week of shapes is the cheapest, its slots are filled with groups one after the other;
only there it matters how many people lead them, and whether one track has them all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from heapq import heappop, heappush, merge
from itertools import count
from math import inf
from typing import NamedTuple

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.conflicts import missed_dates, resolve_meeting
from scheduling.domain.search.day_options import DAY_OFF_TIMES, DayOptions, DayPlan, SlotTimes
from scheduling.domain.search.group_assignment import GroupAssignment, GroupSlot, SlotMeeting, begin_assignment
from scheduling.domain.search.need import Need
from scheduling.domain.search.score import Weights, has_same_time, is_new_day, is_new_group, score_move
from timekeeping.reasons import Key
from timekeeping.weeks import minute_of

RankKey = tuple[int, tuple[SlotTimes, ...], tuple[str, ...], *tuple[str, ...]]
"""Points, then for each weekday the times of its meetings in minutes, then the meetings' keys. What is first is better."""

Slots = tuple[GroupSlot, ...]
SUNDAY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingPool:
    """Meetings of which a schedule may be made, each with the numbers of the tracks that have it, as bits.

    All are held every week, count, have a place and are free for the patient. `individual_minutes` come on top.
    """

    meetings: Sequence[tuple[WeeklyMeeting, int]]
    individual_minutes: int


@dataclass(frozen=True, slots=True)
class WeekCandidate:
    """Meetings in the order of the week, and the tracks that have all of them, as bits: none if they are of several."""

    order: RankKey
    meetings: tuple[WeeklyMeeting, ...]
    tracks: int

    @property
    def is_mixed(self) -> bool:
        return not self.tracks


def rank_key(points: int, meetings: Sequence[WeeklyMeeting]) -> RankKey:
    """Where a schedule of these meetings comes in the ranking."""
    week = sorted(meetings, key=lambda meeting: meeting.week_order)
    times = (tuple((each.span.start, each.span.end) for each in week if each.weekday == day) for day in range(7))
    return (points, tuple(day or DAY_OFF_TIMES for day in times), tuple(str(each.key) for each in week))


def best_weeks(
    pool: MeetingPool, need: Need, weights: Weights, *, asked: date, kept: Collection[WeeklyMeeting] = ()
) -> Iterator[WeekCandidate]:
    """Every set of the pool's meetings that gives the hours and days that are needed within the rules, the cheapest first.

    No two of a set are at one time of the week. `asked` is the day from which waiting counts, `kept` are the meetings of the
    schedule to be kept. Asking for the next costs only what the next needs.
    """
    slots = _time_slots(pool, need, weights, kept)
    every_track = 0
    for slot in slots:
        every_track |= slot.tracks
    tracks = [1 << number for number in range(every_track.bit_length()) if every_track >> number & 1]
    waiting = (need.from_day - asked).days * weights.day_of_waiting
    streams = [_whole_track_weeks(track, slots, pool, need, weights, kept, waiting) for track in tracks]
    if len(tracks) > 1:
        streams.append(_mixed_weeks(slots, pool, need, weights, kept, waiting))
    return merge(*streams, key=lambda candidate: candidate.order)


def _whole_track_weeks(
    track: int,
    slots: Iterable[GroupSlot],
    pool: MeetingPool,
    need: Need,
    weights: Weights,
    kept: Collection[WeeklyMeeting],
    spent: int,
) -> Iterator[WeekCandidate]:
    """The weeks that a track has whole, given by its bit, and no track before it."""
    own = [part for slot in slots if (part := slot.of_track(track)) is not None]
    for candidate in _search_weeks(own, pool, need, weights, kept, spent):
        if candidate.tracks & -candidate.tracks == track:
            yield candidate


def _mixed_weeks(
    slots: Iterable[GroupSlot],
    pool: MeetingPool,
    need: Need,
    weights: Weights,
    kept: Collection[WeeklyMeeting],
    spent: int,
) -> Iterator[WeekCandidate]:
    """The weeks that no track has whole, which is paid for from the start."""
    for candidate in _search_weeks(slots, pool, need, replace(weights, mixed=0), kept, spent + weights.mixed):
        if candidate.is_mixed:
            yield candidate


def _search_weeks(
    slots: Iterable[GroupSlot],
    pool: MeetingPool,
    need: Need,
    weights: Weights,
    kept: Collection[WeeklyMeeting],
    spent: int,
) -> Iterator[WeekCandidate]:
    """The weeks of these slots when so much was spent on them beforehand, the cheapest first."""
    search = _WeekSearch(_day_options(slots, pool, need, weights, kept), need, pool.individual_minutes)
    heap: list[tuple[int, tuple[SlotTimes, ...], tuple[str, ...], int, _SearchNode | GroupAssignment]] = []
    number = count()

    def begun(day: int, before: tuple[SlotTimes, ...], so_far: _PartialWeek, turn: int = 0) -> None:
        child = search.children(day, so_far.minutes, so_far.days).at(turn)
        if child is not None:
            least, its_times, shape = child
            points = so_far.cost + least + so_far.price_of_people(weights)
            heappush(
                heap, (points, (*before, its_times), (), next(number), _SearchNode(day, so_far, turn, shape, None))
            )

    begun(0, (), _PartialWeek(spent, 0, 0, 0, 0, ()))
    while heap:
        points, times, keys, _, node = heappop(heap)
        if isinstance(node, GroupAssignment):
            if another := node.another():
                heappush(heap, (another.points, times, (*keys[:-1], another.key), next(number), another))
            if following := node.following(weights):
                heappush(heap, (following.points, times, (*keys, following.key), next(number), following))
            else:
                yield WeekCandidate((points, times, keys), node.meetings, node.tracks)
            continue
        day, so_far, turn, shape, then = node
        if then is None:
            begun(day, times[:-1], so_far, turn + 1)
            then = so_far.with_shape(shape)
            more = then.price_of_people(weights) - so_far.price_of_people(weights)
            if more:
                node = _SearchNode(day, so_far, turn, shape, then)
                heappush(heap, (points + more, times, (), next(number), node))
                continue
        if day == SUNDAY:
            filling = begin_assignment(then.cost, then.slots, weights)
            heappush(heap, (filling.points, times, (filling.key,), next(number), filling))
        else:
            begun(day + 1, times, then)


class _PartialWeek(NamedTuple):
    """The settled days of a week: what they cost without the people who lead their groups, and how many these are at least:
    so many `strangers`, each of other groups than those whom the bits `seen` are.
    """

    cost: int
    minutes: int
    days: int
    strangers: int
    seen: int
    slots: Slots

    def with_shape(self, shape: DayPlan) -> "_PartialWeek":
        strangers, seen = self.strangers, self.seen
        for slot in shape.slots:
            if not seen & slot.people:
                strangers += 1
                seen |= slot.people
        cost, minutes, days = self.cost + shape.cost, self.minutes + shape.minutes, self.days + shape.trips
        return _PartialWeek(cost, minutes, days, strangers, seen, self.slots + shape.slots)

    def price_of_people(self, weights: Weights) -> int:
        return weights.person * max(0, self.strangers - 1)


class _SearchNode(NamedTuple):
    """A week of which the days before `day` are settled; for this one it is the turn of a `shape`, so far from the best.

    `then` is what is settled with it, once that is known.
    """

    day: int
    so_far: _PartialWeek
    turn: int
    shape: DayPlan
    then: _PartialWeek | None


class _WeekSearch:
    """What a week begun in one way costs at least from there, and the shapes of each day with which it can be had."""

    def __init__(self, week: Sequence[DayOptions], need: Need, individual_minutes: int) -> None:
        rules = need.rules
        self.week = week
        self.least_minutes = max(need.prescribed_minutes, rules.minimum_minutes) - individual_minutes
        self.most_minutes = rules.maximum_minutes - individual_minutes
        self.least_days = max(need.prescribed_days, rules.minimum_days)
        self.most_days = rules.maximum_days
        self.still_minutes = [sum(today.most_minutes for today in week[day:]) for day in range(8)]
        self.still_days = [sum(today.most_minutes > 0 for today in week[day:]) for day in range(8)]
        self.known: list[dict[tuple[int, int], float]] = [{} for _ in range(8)]
        self.offspring: dict[tuple[int, int, int], _RankedChildren] = {}

    def left(self, day: int, minutes: int, days: int) -> float:
        """The least that the days from this one on cost, when so many minutes and days came before; infinite if in vain."""
        if minutes > self.most_minutes or days > self.most_days:
            return inf
        if minutes + self.still_minutes[day] < self.least_minutes or days + self.still_days[day] < self.least_days:
            return inf
        if day > SUNDAY:
            return 0 if days else inf
        known = self.known[day]
        key = (minutes, days)
        least = known.get(key)
        if least is None:
            least = inf
            for cost, more in self.week[day].sums:
                if cost >= least:
                    break
                least = min(least, cost + self.left(day + 1, minutes + more, days + (1 if more else 0)))
            known[key] = least
        return least

    def children(self, day: int, minutes: int, days: int) -> "_RankedChildren":
        key = (day, minutes, days)
        if key not in self.offspring:
            self.offspring[key] = _RankedChildren(self, day, minutes, days)
        return self.offspring[key]


RankedPlan = tuple[int, SlotTimes, DayPlan]
"""A shape that a day may have, after what it and the days after it cost at least, and its times."""


class _RankedChildren:
    """The shapes of a day with which a week begun in one way can be had, the best first, as far as they were asked for."""

    def __init__(self, search: _WeekSearch, day: int, minutes: int, days: int) -> None:
        self.search = search
        self.day, self.minutes, self.days = day, minutes, days
        self.found: list[RankedPlan] = []
        self.sums = iter(search.week[day].sums)
        self.following = next(self.sums, None)
        self.heap: list[tuple[int, SlotTimes, int, int, int, DayPlan]] = []
        self.number = count()

    def at(self, turn: int) -> RankedPlan | None:
        """The one that comes so far after the best; None after the last."""
        while len(self.found) <= turn:
            while self.following is not None and (not self.heap or self.following[0] <= self.heap[0][0]):
                _, more = self.following
                left = self.search.left(self.day + 1, self.minutes + more, self.days + (1 if more else 0))
                if left < inf:
                    self._push(more, 0, int(left))
                self.following = next(self.sums, None)
            if not self.heap:
                return None
            least, times, _, turn_of_sum, left_then, shape = heappop(self.heap)
            self.found.append((least, times, shape))
            self._push(shape.minutes, turn_of_sum + 1, left_then)
        return self.found[turn]

    def _push(self, minutes: int, turn: int, left: int) -> None:
        shape = self.search.week[self.day].shape(minutes, turn)
        if shape is not None:
            heappush(self.heap, (shape.cost + left, shape.times, next(self.number), turn, left, shape))


def _day_options(
    slots: Iterable[GroupSlot], pool: MeetingPool, need: Need, weights: Weights, kept: Collection[WeeklyMeeting]
) -> list[DayOptions]:
    """For each weekday what can be attended of it."""
    by_day: list[list[GroupSlot]] = [[] for _ in range(7)]
    for slot in slots:
        by_day[slot.weekday].append(slot)
    rules = need.rules
    return [
        DayOptions(
            today,
            weights.trip + (weights.other_day if is_new_day(weekday, kept) else 0),
            rules.minimum_minutes_per_day,
            rules.maximum_minutes - pool.individual_minutes,
        )
        for weekday, today in enumerate(by_day)
    ]


def _time_slots(pool: MeetingPool, need: Need, weights: Weights, kept: Collection[WeeklyMeeting]) -> list[GroupSlot]:
    """The pool's meetings, those alike together."""
    bits: dict[Key, int] = {}
    alike: dict[tuple[int, time, time, int, int], list[SlotMeeting]] = defaultdict(list)
    for meeting, tracks in pool.meetings:
        people = 0
        for person in meeting.facilitators:
            people |= bits.setdefault(person, 1 << len(bits))
        cost = _meeting_cost(meeting, need, weights, kept)
        slot = (meeting.weekday, meeting.starts, meeting.ends, meeting.minutes(need.rules), cost)
        alike[slot].append(SlotMeeting(str(meeting.key), meeting, people, tracks))
    return [
        GroupSlot.of(weekday, minute_of(starts), minute_of(ends), minutes, cost, groups)
        for (weekday, starts, ends, minutes, cost), groups in alike.items()
    ]


def _meeting_cost(meeting: WeeklyMeeting, need: Need, weights: Weights, kept: Collection[WeeklyMeeting]) -> int:
    """What attending it asks, whatever else is attended."""
    stands = resolve_meeting(meeting, need)
    cost = sum(score_move(give, weights) for give in stands.gives)
    cost += len(missed_dates(meeting, need)) * weights.missed_date + stands.is_close * weights.close
    if is_new_group(meeting, kept):
        at_the_time = has_same_time(meeting, kept)
        cost += weights.other_group_at_the_time if at_the_time else weights.other_group
    return cost
