"""The score that ranks schedules: how much a schedule demands of the patient, as one number.

The unit is one minute on site per week. `Weights` converts everything else to the number of minutes that most people
would find equally bad. A lower score is better. (Product rule, described in docs/rules.md.)
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.need import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Points for each part of a score.

    Each minute on site is one point. The time on site lasts from the start of a day's first group to the end of its
    last group.
    """

    day_of_waiting: int = 30
    giving_way: int = 120
    giving_way_once: int = 60
    missed_date: int = 60
    trip: int = 60
    person: int = 15
    close: int = 10
    mixed: int = 45
    other_day: int = 45
    other_group: int = 30
    other_group_at_the_time: int = 15


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Score:
    """The parts of a schedule's score, each in its own unit.

    `wait_days` is the number of days between the requested and the actual start date. `moves` are the conflicts for
    which a commitment has to move. `missed` is the number of sessions missed in the horizon. `trips` is the number of
    days on site per week, and `present_minutes` is the number of minutes on site per week. `people` is the number of
    facilitators. `close` is the number of groups with little time before or after a commitment. `is_mixed` is whether
    the groups are of several tracks. `other_days` and `other_groups` are the numbers of days and groups that are not in
    the present schedule. `same_time_groups` is how many of these groups are at the same time as a group in the present
    schedule.
    """

    wait_days: int
    moves: tuple[Conflict, ...]
    missed: int
    trips: int
    present_minutes: int
    people: int
    close: int
    is_mixed: bool
    other_days: int
    other_groups: int
    same_time_groups: int

    def points(self, weights: Weights = WEIGHTS) -> int:
        """Return the sum of all parts in points; fewer points are better."""
        return sum(self.parts(weights).values())

    def parts(self, weights: Weights = WEIGHTS) -> dict[str, int]:
        """Map the name of each part to its points."""
        return {
            "waiting": self.wait_days * weights.day_of_waiting,
            "giving_way": sum(score_move(move, weights) for move in self.moves),
            "missed": self.missed * weights.missed_date,
            "trips": self.trips * weights.trip,
            "present": self.present_minutes,
            "people": max(0, self.people - 1) * weights.person,
            "close": self.close * weights.close,
            "mixed": self.is_mixed * weights.mixed,
            "other_days": self.other_days * weights.other_day,
            "other_groups": (self.other_groups - self.same_time_groups) * weights.other_group
            + self.same_time_groups * weights.other_group_at_the_time,
        }


def score_move(move: Conflict, weights: Weights) -> int:
    """Return the points for moving a commitment. A temporary commitment costs less, because it moves fewer times."""
    return move.minutes + (weights.giving_way_once if move.is_temporary else weights.giving_way)


def score_meetings(
    meetings: Sequence[WeeklyMeeting],
    need: Need,
    *,
    asked: date,
    is_mixed: bool = False,
    kept: Collection[WeeklyMeeting] = (),
) -> Score:
    """Return the score of meetings attended from `need.from_day` on. `asked` is the start date that was requested.

    `kept` are the meetings of the patient's present schedule, if there is one.
    """
    days = {meeting.weekday for meeting in meetings}
    conflicts = [need.conflicts_with(meeting) for meeting in meetings]
    new_groups = [meeting for meeting in meetings if is_new_group(meeting, kept)]
    return Score(
        wait_days=(need.from_day - asked).days,
        moves=tuple(move for each in conflicts for move in each.moves),
        missed=sum(len(each.missed) for each in conflicts),
        trips=len(days),
        present_minutes=sum(minutes_on_site([each for each in meetings if each.weekday == day]) for day in days),
        people=len({person for meeting in meetings for person in meeting.facilitators}),
        close=sum(each.is_tight for each in conflicts),
        is_mixed=is_mixed,
        other_days=sum(is_new_day(day, kept) for day in days),
        other_groups=len(new_groups),
        same_time_groups=sum(has_same_time(meeting, kept) for meeting in new_groups),
    )


def minutes_on_site(today: Collection[WeeklyMeeting]) -> int:
    """Return the minutes from the start of a day's first meeting to the end of that day's last meeting.

    Raises ValueError if there are no meetings.
    """
    return max(each.span.end for each in today) - min(each.span.start for each in today)


def is_new_day(weekday: int, kept: Collection[WeeklyMeeting]) -> bool:
    """Whether the weekday is new: no meeting in `kept` is on it. If `kept` is empty, no weekday counts as new."""
    return bool(kept) and all(each.weekday != weekday for each in kept)


def is_new_group(meeting: WeeklyMeeting, kept: Collection[WeeklyMeeting]) -> bool:
    """Whether the meeting is new: it is not in `kept`. If `kept` is empty, no meeting counts as new."""
    return bool(kept) and all(each.key != meeting.key for each in kept)


def has_same_time(meeting: WeeklyMeeting, kept: Collection[WeeklyMeeting]) -> bool:
    """Whether any meeting in `kept` has the same weekday, start and end as `meeting`."""
    return any(each.weekday == meeting.weekday and each.span == meeting.span for each in kept)
