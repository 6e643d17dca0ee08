"""Choose a group for each time slot of a week. The time slots are already fixed. The cheapest choice comes first.

The cost depends on the groups' facilitators, and on whether a single track has all groups.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import and_
from typing import NamedTuple

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.score import Weights

ALL_BITS = -1
"""A bit set that contains every element, because every bit of -1 is set."""


@dataclass(frozen=True, slots=True)
class SlotMeeting:
    """A meeting that can fill a slot.

    `people` is the bit set of its facilitators. `tracks` is the bit set of the tracks that have the meeting.
    """

    key: str
    meeting: WeeklyMeeting
    people: int
    tracks: int


@dataclass(frozen=True, slots=True)
class GroupSlot:
    """A time slot with interchangeable groups: they are at the same time and have the same cost.

    `start` and `end` are minutes since midnight. `cost` does not include the time on site. `people` is the bit set of
    the facilitators of all groups. If one of the groups has no facilitator, all bits are set. `tracks` is the bit set
    of the tracks that have at least one of the groups.
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
        """Create a slot, and compute its `people` and `tracks` from its groups."""
        in_order = tuple(sorted(groups, key=lambda group: group.key))
        people = tracks = 0
        for group in in_order:
            people |= group.people or ALL_BITS
            tracks |= group.tracks
        return cls(weekday, start, end, minutes, cost, in_order, people, tracks)

    def of_track(self, track: int) -> "GroupSlot | None":
        """Return the slot with only the groups of one track, or None if there are none. `track` is the bit of the track."""
        if not self.tracks & track:
            return None
        own = [group for group in self.groups if group.tracks & track]
        if len(own) == len(self.groups):
            return self
        return GroupSlot.of(self.weekday, self.start, self.end, self.minutes, self.cost, own)


class GroupOption(NamedTuple):
    """A group that could fill the next slot of a week.

    All values describe the week with this group in the slot. `points` is the lowest total cost that the week can still
    have, and `cost` is the cost so far. `people` is the bit set of the facilitators of the groups chosen so far.
    `tracks` is the bit set of the tracks that have all groups chosen so far.
    """

    points: int
    key: str
    cost: int
    people: int
    tracks: int
    group: SlotMeeting


class SettledWeek:
    """A week with fixed time slots. The groups that fill the slots are chosen later.

    `tracks_from[n]` is the bit set of the tracks that have a group in every slot from index n on.
    """

    def __init__(self, slots: Sequence[GroupSlot]) -> None:
        self.slots = slots
        self.tracks_from = [*accumulate((slot.tracks for slot in reversed(slots)), and_, initial=ALL_BITS)][::-1]

    def options(self, number: int, cost: int, people: int, tracks: int, weights: Weights) -> list[GroupOption]:
        """Return the groups that could fill slot `number`, the cheapest first.

        `cost`, `people` and `tracks` are the values for the slots before this one.
        """
        found = []
        number_before = people.bit_count()
        before = weights.person * (number_before - 1 if number_before else 0)
        following = self.slots[number + 1 :]
        tracks_after = self.tracks_from[number + 1]
        for group in self.slots[number].groups:
            people_now, tracks_now = people | group.people, tracks & group.tracks
            number_now = people_now.bit_count()
            mixed = weights.mixed if tracks and not tracks_now else 0
            spent = cost + mixed - before + weights.person * (number_now - 1 if number_now else 0)
            least = spent + weights.mixed if tracks_now and not tracks_now & tracks_after else spent
            new_people, seen = 0, people_now
            for slot in following:
                if not seen & slot.people:
                    new_people += 1
                    seen |= slot.people
            least += weights.person * (new_people if number_now or not new_people else new_people - 1)
            found.append(GroupOption(least, group.key, spent, people_now, tracks_now, group))
        found.sort(key=lambda option: option[:2])
        return found


class GroupAssignment(NamedTuple):
    """A settled week whose slots are filled with groups in order. At least the first slot is filled.

    `options` has the groups that were possible for the most recently filled slot, and `options[turn]` is the group
    chosen for that slot. `chosen` has the groups of all earlier slots.
    """

    week: SettledWeek
    chosen: tuple[WeeklyMeeting, ...]
    options: Sequence[GroupOption]
    turn: int

    @property
    def points(self) -> int:
        """Lowest total cost that the week can have with the groups assigned so far."""
        return self.options[self.turn].points

    @property
    def key(self) -> str:
        """Key of the most recently assigned group."""
        return self.options[self.turn].key

    @property
    def tracks(self) -> int:
        """Bit set of the tracks that have all of the groups assigned so far."""
        return self.options[self.turn].tracks

    @property
    def meetings(self) -> tuple[WeeklyMeeting, ...]:
        """Groups assigned so far, in the order of the slots."""
        return (*self.chosen, self.options[self.turn].group.meeting)

    def another(self) -> "GroupAssignment | None":
        """Return this assignment with one change: the most recently assigned slot gets its next-best group.

        Return None if that slot has no other group.
        """
        return (
            GroupAssignment(self.week, self.chosen, self.options, self.turn + 1)
            if self.turn + 1 < len(self.options)
            else None
        )

    def following(self, weights: Weights) -> "GroupAssignment | None":
        """Return this assignment with the best group added for the next slot. Return None if every slot has a group."""
        meetings = self.meetings
        if len(meetings) == len(self.week.slots):
            return None
        option = self.options[self.turn]
        options = self.week.options(len(meetings), option.cost, option.people, option.tracks, weights)
        return GroupAssignment(self.week, meetings, options, 0)


def begin_assignment(cost: int, slots: Sequence[GroupSlot], weights: Weights) -> GroupAssignment:
    """Return an assignment for a week with these slots. The first slot has its best group. The other slots have none yet.

    `cost` is the cost of the week without the points for facilitators and for mixing tracks. Raises IndexError if there
    are no slots.
    """
    week = SettledWeek(slots)
    return GroupAssignment(week, (), week.options(0, cost, 0, ALL_BITS, weights), 0)
