"""Choose weekly meetings from a pool. An exact best-first search finds the possible weeks, the cheapest first.

Each track is searched separately. One more search goes through all tracks together, and finds the weeks that no single
track can provide. In this search, every cost includes the extra cost of mixing tracks.

A slot combines meetings at the same time with the same cost for the patient. A plan is a set of slots of one day that
do not overlap. A week is built from plans, day by day. For days that have no plan yet, its cost includes the lowest
possible cost. The search always continues with the cheapest week.

Once a week has a plan for every day, its slots are filled with groups one by one. Only then are the costs of
facilitators and of mixing tracks known exactly.
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
from scheduling.domain.search.day_options import DAY_OFF_TIMES, DayOptions, DayPlan, SlotTimes
from scheduling.domain.search.group_assignment import GroupAssignment, GroupSlot, SlotMeeting, begin_assignment
from scheduling.domain.search.need import Need, WeeklyLimits
from scheduling.domain.search.score import Weights, has_same_time, is_new_day, is_new_group, score_move
from timekeeping.reasons import Key
from timekeeping.weeks import minute_of

RankKey = tuple[int, tuple[SlotTimes, ...], tuple[str, ...], *tuple[str, ...]]
"""Sort key: points, then each weekday's meeting times, then the meetings' keys. The best schedule has the lowest key."""

Slots = tuple[GroupSlot, ...]
SUNDAY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingPool:
    """The meetings to choose from for a schedule, each with the bit set of the tracks that have the meeting.

    All meetings in the pool are held every week, count toward the hours, have a spot, and fit the patient.
    `individual_minutes` are the weekly minutes that individual sessions add.
    """

    meetings: Sequence[tuple[WeeklyMeeting, int]]
    individual_minutes: int


@dataclass(frozen=True, slots=True)
class WeekCandidate:
    """The meetings of a possible week, in order, and the bit set of the tracks that have all these meetings.

    `tracks` is 0 if no single track has all of the meetings.
    """

    order: RankKey
    meetings: tuple[WeeklyMeeting, ...]
    tracks: int

    @property
    def is_mixed(self) -> bool:
        """Whether no single track has all of the meetings."""
        return not self.tracks


def rank_key(points: int, meetings: Sequence[WeeklyMeeting]) -> RankKey:
    """Return the sort key of a schedule with these points and meetings."""
    week = sorted(meetings, key=lambda meeting: meeting.week_order)
    times = (tuple((each.span.start, each.span.end) for each in week if each.weekday == day) for day in range(7))
    return (points, tuple(day or DAY_OFF_TIMES for day in times), tuple(str(each.key) for each in week))


def best_weeks(
    pool: MeetingPool, need: Need, weights: Weights, *, asked: date, kept: Collection[WeeklyMeeting] = ()
) -> Iterator[WeekCandidate]:
    """Yield every set of the pool's meetings that meets the prescription and complies with the rules, the cheapest first.

    The meetings of a set do not overlap. Waiting is counted from the requested start date, `asked`. `kept` are the
    meetings of the patient's present schedule. The search runs only as far as the caller iterates.
    """
    slots = _time_slots(pool, need, weights, kept)
    limits = need.weekly_limits(pool.individual_minutes)
    every_track = 0
    for slot in slots:
        every_track |= slot.tracks
    tracks = [1 << number for number in range(every_track.bit_length()) if every_track >> number & 1]
    waiting = (need.from_day - asked).days * weights.day_of_waiting
    streams = [_whole_track_weeks(track, slots, limits, weights, kept, waiting) for track in tracks]
    if len(tracks) > 1:
        streams.append(_mixed_weeks(slots, limits, weights, kept, waiting))
    return merge(*streams, key=lambda candidate: candidate.order)


def _whole_track_weeks(
    track: int,
    slots: Iterable[GroupSlot],
    limits: WeeklyLimits,
    weights: Weights,
    kept: Collection[WeeklyMeeting],
    spent: int,
) -> Iterator[WeekCandidate]:
    """Yield the weeks that one track can provide alone.

    `track` is the bit of the track. A week that several tracks can provide is yielded only for the first of them.
    """
    own = [part for slot in slots if (part := slot.of_track(track)) is not None]
    for candidate in _search_weeks(own, limits, weights, kept, spent):
        if candidate.tracks & -candidate.tracks == track:
            yield candidate


def _mixed_weeks(
    slots: Iterable[GroupSlot],
    limits: WeeklyLimits,
    weights: Weights,
    kept: Collection[WeeklyMeeting],
    spent: int,
) -> Iterator[WeekCandidate]:
    """Yield the weeks that no single track can provide. Every cost includes the cost of mixing tracks."""
    for candidate in _search_weeks(slots, limits, replace(weights, mixed=0), kept, spent + weights.mixed):
        if candidate.is_mixed:
            yield candidate


def _search_weeks(
    slots: Iterable[GroupSlot],
    limits: WeeklyLimits,
    weights: Weights,
    kept: Collection[WeeklyMeeting],
    spent: int,
) -> Iterator[WeekCandidate]:
    """Yield the weeks that can be built from these slots, the cheapest first. Every cost includes `spent`."""
    search = _WeekSearch(_day_options(slots, limits, weights, kept), limits)
    heap: list[tuple[int, tuple[SlotTimes, ...], tuple[str, ...], int, _SearchNode | GroupAssignment]] = []
    number = count()

    def push_day(day: int, before: tuple[SlotTimes, ...], so_far: _PartialWeek, turn: int = 0) -> None:
        child = search.children(day, so_far.minutes, so_far.days).at(turn)
        if child is not None:
            least, its_times, plan = child
            points = so_far.cost + least + so_far.people_points(weights)
            node = _SearchNode(day, so_far, turn, plan, None)
            heappush(heap, (points, (*before, its_times), (), next(number), node))

    push_day(0, (), _PartialWeek(spent, 0, 0, 0, 0, ()))
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
        day, so_far, turn, plan, then = node
        if then is None:
            push_day(day, times[:-1], so_far, turn + 1)
            then = so_far.with_plan(plan)
            more = then.people_points(weights) - so_far.people_points(weights)
            if more:
                node = _SearchNode(day, so_far, turn, plan, then)
                heappush(heap, (points + more, times, (), next(number), node))
                continue
        if day == SUNDAY:
            assignment = begin_assignment(then.cost, then.slots, weights)
            heappush(heap, (assignment.points, times, (assignment.key,), next(number), assignment))
        else:
            push_day(day + 1, times, then)


class _PartialWeek(NamedTuple):
    """The part of a week for which plans are already chosen. `cost` does not include points for facilitators.

    `people` is a lower bound for the number of facilitators: the number of slots that have no facilitator in common.
    `seen` is the bit set of the facilitators of these slots.
    """

    cost: int
    minutes: int
    days: int
    people: int
    seen: int
    slots: Slots

    def with_plan(self, plan: DayPlan) -> "_PartialWeek":
        people, seen = self.people, self.seen
        for slot in plan.slots:
            if not seen & slot.people:
                people += 1
                seen |= slot.people
        cost, minutes, days = self.cost + plan.cost, self.minutes + plan.minutes, self.days + plan.trips
        return _PartialWeek(cost, minutes, days, people, seen, self.slots + plan.slots)

    def people_points(self, weights: Weights) -> int:
        return weights.person * max(0, self.people - 1)


class _SearchNode(NamedTuple):
    """A week that has plans up to and including `day`. The plan for `day` is the one at position `turn`.

    `so_far` has only the plans for the days before `day`. `then` also has the plan for `day`; it is None until it has
    been computed.
    """

    day: int
    so_far: _PartialWeek
    turn: int
    plan: DayPlan
    then: _PartialWeek | None


class _WeekSearch:
    """Finds which plans for a day keep the week within the limits, and the lowest cost of completing a partial week."""

    def __init__(self, week: Sequence[DayOptions], limits: WeeklyLimits) -> None:
        self.week = week
        self.min_minutes, self.max_minutes = limits.min_minutes, limits.max_minutes
        self.min_days, self.max_days = limits.min_days, limits.max_days
        self.still_minutes = [sum(today.most_minutes for today in week[day:]) for day in range(8)]
        self.still_days = [sum(today.most_minutes > 0 for today in week[day:]) for day in range(8)]
        self.known: list[dict[tuple[int, int], float]] = [{} for _ in range(8)]
        self.known_children: dict[tuple[int, int, int], _RankedChildren] = {}

    def least_cost(self, day: int, minutes: int, days: int) -> float:
        """Return the lowest cost of the days from `day` on, or infinity if no plans keep the week within the limits.

        `minutes` and `days` are the totals of the days before `day`.
        """
        if minutes > self.max_minutes or days > self.max_days:
            return inf
        if minutes + self.still_minutes[day] < self.min_minutes or days + self.still_days[day] < self.min_days:
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
                least = min(least, cost + self.least_cost(day + 1, minutes + more, days + (1 if more else 0)))
            known[key] = least
        return least

    def children(self, day: int, minutes: int, days: int) -> "_RankedChildren":
        """Return the plans for `day`, best first. `minutes` and `days` are the totals of the earlier days."""
        key = (day, minutes, days)
        if key not in self.known_children:
            self.known_children[key] = _RankedChildren(self, day, minutes, days)
        return self.known_children[key]


RankedPlan = tuple[int, SlotTimes, DayPlan]
"""A tuple of cost, times and plan for one day.

The cost is the lowest possible total for this day plus all later days, if this day has this plan.
"""


class _RankedChildren:
    """The plans for one day with which a partial week can still be completed. The best comes first.

    The plans are computed as needed.
    """

    def __init__(self, search: _WeekSearch, day: int, minutes: int, days: int) -> None:
        self.search = search
        self.day, self.minutes, self.days = day, minutes, days
        self.found: list[RankedPlan] = []
        self.sums = iter(search.week[day].sums)
        self.following = next(self.sums, None)
        self.heap: list[tuple[int, SlotTimes, int, int, int, DayPlan]] = []
        self.number = count()

    def at(self, turn: int) -> RankedPlan | None:
        """Return the plan at position `turn`, or None if there are fewer plans. The first plan has the position 0."""
        while len(self.found) <= turn:
            while self.following is not None and (not self.heap or self.following[0] <= self.heap[0][0]):
                _, more = self.following
                left = self.search.least_cost(self.day + 1, self.minutes + more, self.days + (1 if more else 0))
                if left < inf:
                    self._push(more, 0, int(left))
                self.following = next(self.sums, None)
            if not self.heap:
                return None
            least, times, _, rank, left_then, plan = heappop(self.heap)
            self.found.append((least, times, plan))
            self._push(plan.minutes, rank + 1, left_then)
        return self.found[turn]

    def _push(self, minutes: int, rank: int, left: int) -> None:
        plan = self.search.week[self.day].plan(minutes, rank)
        if plan is not None:
            heappush(self.heap, (plan.cost + left, plan.times, next(self.number), rank, left, plan))


def _day_options(
    slots: Iterable[GroupSlot], limits: WeeklyLimits, weights: Weights, kept: Collection[WeeklyMeeting]
) -> list[DayOptions]:
    """Return the possible plans for each weekday, from Monday to Sunday."""
    by_day: list[list[GroupSlot]] = [[] for _ in range(7)]
    for slot in slots:
        by_day[slot.weekday].append(slot)
    return [
        DayOptions(
            today,
            weights.trip + (weights.other_day if is_new_day(weekday, kept) else 0),
            limits.min_minutes_per_day,
            limits.max_minutes,
        )
        for weekday, today in enumerate(by_day)
    ]


def _time_slots(pool: MeetingPool, need: Need, weights: Weights, kept: Collection[WeeklyMeeting]) -> list[GroupSlot]:
    """Group the pool's meetings into slots: meetings with the same time, minutes and cost are interchangeable."""
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
    """Return the points for attending a meeting, without points that depend on the other meetings of the week."""
    conflicts = need.conflicts_with(meeting)
    cost = sum(score_move(move, weights) for move in conflicts.moves)
    cost += len(conflicts.missed) * weights.missed_date + conflicts.is_tight * weights.close
    if is_new_group(meeting, kept):
        cost += weights.other_group_at_the_time if has_same_time(meeting, kept) else weights.other_group
    return cost
