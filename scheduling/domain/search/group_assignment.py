"""Which groups to attend once the times of a week are settled, cheapest first.

The cost of a choice depends on who leads the groups and on whether one track has all of them.
"""

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
    """A meeting with who leads it and which tracks have it, both as bits."""

    key: str
    meeting: WeeklyMeeting
    people: int
    tracks: int


@dataclass(frozen=True, slots=True)
class GroupSlot:
    """Interchangeable groups: they are at the same time and cost the same. `cost` leaves out the time on site.

    `people` are the bits of everybody who leads one of them, all bits if one of them has no leader. `tracks` are the bits of
    the tracks that have one of them.
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
        """Build a slot from its groups."""
        in_order = tuple(sorted(groups, key=lambda group: group.key))
        people = tracks = 0
        for group in in_order:
            people |= group.people or ALL_BITS
            tracks |= group.tracks
        return cls(weekday, start, end, minutes, cost, in_order, people, tracks)

    def of_track(self, track: int) -> "GroupSlot | None":
        """Return the slot with the groups of one track only, given by its bit; None if the track has none of them."""
        if not self.tracks & track:
            return None
        own = [group for group in self.groups if group.tracks & track]
        if len(own) == len(self.groups):
            return self
        return GroupSlot.of(self.weekday, self.start, self.end, self.minutes, self.cost, own)


class GroupOption(NamedTuple):
    """A group for the next slot.

    `points` is the least that the week can cost with it and `cost` what it costs so far. `people` are the bits of everybody who
    leads a group so far, `tracks` those of the tracks that have all groups so far.
    """

    points: int
    key: str
    cost: int
    people: int
    tracks: int
    group: SlotMeeting


class SettledWeek:
    """The slots of a week whose times are settled.

    `tracks_from[n]` are the bits of the tracks that have a group in every slot from n on.
    """

    def __init__(self, slots: Sequence[GroupSlot]) -> None:
        self.slots = slots
        self.tracks_from = [*accumulate((slot.tracks for slot in reversed(slots)), and_, initial=ALL_BITS)][::-1]

    def options(self, number: int, cost: int, people: int, tracks: int, weights: Weights) -> list[GroupOption]:
        """Return the groups for slot `number`, the cheapest first.

        `cost`, `people` and `tracks` are those of the slots before it.
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
    """A settled week whose first slots have a group each; the next slot has the option at index `turn`."""

    week: SettledWeek
    chosen: tuple[WeeklyMeeting, ...]
    options: Sequence[GroupOption]
    turn: int

    @property
    def points(self) -> int:
        """The least that the week can cost."""
        return self.options[self.turn].points

    @property
    def key(self) -> str:
        """The key of the last group."""
        return self.options[self.turn].key

    @property
    def tracks(self) -> int:
        """The bits of the tracks that have all groups so far, the last one included."""
        return self.options[self.turn].tracks

    @property
    def meetings(self) -> tuple[WeeklyMeeting, ...]:
        """The groups so far, the last one included."""
        return (*self.chosen, self.options[self.turn].group.meeting)

    def another(self) -> "GroupAssignment | None":
        """Return the assignment with the next best group in the last slot; None if there is none."""
        return (
            GroupAssignment(self.week, self.chosen, self.options, self.turn + 1)
            if self.turn + 1 < len(self.options)
            else None
        )

    def following(self, weights: Weights) -> "GroupAssignment | None":
        """Return the assignment with the best group in the slot after the last; None when every slot has a group."""
        meetings = self.meetings
        if len(meetings) == len(self.week.slots):
            return None
        option = self.options[self.turn]
        options = self.week.options(len(meetings), option.cost, option.people, option.tracks, weights)
        return GroupAssignment(self.week, meetings, options, 0)


def begin_assignment(cost: int, slots: Sequence[GroupSlot], weights: Weights) -> GroupAssignment:
    """Return the assignment with the best group in the first slot of a week whose times cost so much.

    Raises IndexError without a slot.
    """
    week = SettledWeek(slots)
    return GroupAssignment(week, (), week.options(0, cost, 0, ALL_BITS, weights), 0)
