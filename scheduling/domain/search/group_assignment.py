"""Which groups to attend once the times of a week are settled, by who leads them and which track has them: cheapest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import and_
from typing import NamedTuple

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.score import Weights

ALL_BITS = -1
"""Every bit."""


@dataclass(frozen=True, slots=True)
class SlotMeeting:
    """A meeting, who leads it and which tracks have it, as bits."""

    key: str
    meeting: WeeklyMeeting
    people: int
    tracks: int


@dataclass(frozen=True, slots=True)
class GroupSlot:
    """Groups at the same times that ask the same, each of which will do; `cost` without the time from start to end.

    `people` are all who lead one of them, every bit if nobody leads one; `tracks` those that have one of them.
    """

    weekday: int
    start: int
    end: int
    minutes: int
    cost: int
    groups: tuple[SlotMeeting, ...]
    people: int
    tracks: int

    @classmethod
    def of(
        cls, weekday: int, start: int, end: int, minutes: int, cost: int, groups: Iterable[SlotMeeting]
    ) -> "GroupSlot":
        in_order = tuple(sorted(groups, key=lambda group: group.key))
        people = tracks = 0
        for group in in_order:
            people |= group.people or ALL_BITS
            tracks |= group.tracks
        return cls(weekday, start, end, minutes, cost, in_order, people, tracks)

    def of_track(self, track: int) -> "GroupSlot | None":
        """With the groups of one track alone, by its bit; None if that has none of them."""
        if not self.tracks & track:
            return None
        own = [group for group in self.groups if group.tracks & track]
        if len(own) == len(self.groups):
            return self
        return GroupSlot.of(self.weekday, self.start, self.end, self.minutes, self.cost, own)


class GroupOption(NamedTuple):
    """A group for the next slot: what the week costs at least with it, its key, what it costs so far, who was met, and which
    tracks have all so far.
    """

    points: int
    key: str
    cost: int
    people: int
    tracks: int
    group: SlotMeeting


class SettledWeek:
    """The slots of a settled week; `tracks_from` are the tracks that can have all of them from each on."""

    def __init__(self, slots: Sequence[GroupSlot]) -> None:
        self.slots = slots
        self.tracks_from = [*accumulate((slot.tracks for slot in reversed(slots)), and_, initial=ALL_BITS)][::-1]

    def options(self, number: int, cost: int, people: int, tracks: int, weights: Weights) -> list[GroupOption]:
        """The groups of the slot, the cheapest first, when so much was spent on the slots before it."""
        found = []
        met = people.bit_count()
        before = weights.person * (met - 1 if met else 0)
        following = self.slots[number + 1 :]
        can_be_one = self.tracks_from[number + 1]
        for group in self.slots[number].groups:
            now, track = people | group.people, tracks & group.tracks
            known = now.bit_count()
            mixed = weights.mixed if tracks and not track else 0
            spent = cost + mixed - before + weights.person * (known - 1 if known else 0)
            least = spent + weights.mixed if track and not track & can_be_one else spent
            strangers, seen = 0, now
            for slot in following:
                if not seen & slot.people:
                    strangers += 1
                    seen |= slot.people
            least += weights.person * (strangers if known or not strangers else strangers - 1)
            found.append(GroupOption(least, group.key, spent, now, track, group))
        found.sort(key=lambda option: option[:2])
        return found


class GroupAssignment(NamedTuple):
    """A settled week of which the first slots are filled: for the next it is the turn of the option at the index `turn`."""

    week: SettledWeek
    chosen: tuple[WeeklyMeeting, ...]
    options: Sequence[GroupOption]
    turn: int

    @property
    def points(self) -> int:
        """What the week costs at least."""
        return self.options[self.turn].points

    @property
    def key(self) -> str:
        return self.options[self.turn].key

    @property
    def tracks(self) -> int:
        """The tracks that have all that is filled, this one included."""
        return self.options[self.turn].tracks

    @property
    def meetings(self) -> tuple[WeeklyMeeting, ...]:
        """What is filled, this one included."""
        return (*self.chosen, self.options[self.turn].group.meeting)

    def another(self) -> "GroupAssignment | None":
        """The same with the next best group in this slot; None if there is none."""
        return (
            GroupAssignment(self.week, self.chosen, self.options, self.turn + 1)
            if self.turn + 1 < len(self.options)
            else None
        )

    def following(self, weights: Weights) -> "GroupAssignment | None":
        """With this group, the next slot filled with the best group for it; None when the week is full."""
        meetings = self.meetings
        if len(meetings) == len(self.week.slots):
            return None
        option = self.options[self.turn]
        options = self.week.options(len(meetings), option.cost, option.people, option.tracks, weights)
        return GroupAssignment(self.week, meetings, options, 0)


def begin_assignment(cost: int, slots: Sequence[GroupSlot], weights: Weights) -> GroupAssignment:
    """A settled week with its first slot filled, when its times cost so much. It has at least one slot."""
    week = SettledWeek(slots)
    return GroupAssignment(week, (), week.options(0, cost, 0, ALL_BITS, weights), 0)
