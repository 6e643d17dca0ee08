"""What a weekly schedule asks of a life, as one number: the stated score by which schedules are ranked.

It is counted in minutes a week, or what is worth as much to most people: the product's own choice, stated in docs/rules.md. The
lower, the better. `Weights` has the exchange rates.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.conflicts import CommitmentMove, missed_dates, resolve_meeting
from scheduling.domain.search.need import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Minutes that each of these is worth. A minute from the first group's start to the last one's end of a day is one."""

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
    """The score of a schedule by its parts, each in its own unit.

    `wait_days` from the day asked for to the first; what `gives` way, with its minutes; dates `missed` in the horizon; `trips`
    and `present_minutes` a week, each day's from its first group to its last; `people` who facilitate; groups `close` to a
    commitment; whether it `is_mixed` from several tracks; `other_days` and `other_groups` than those to be kept, of which
    `at_the_time` are at the same times.
    """

    wait_days: int
    gives: tuple[CommitmentMove, ...]
    missed: int
    trips: int
    present_minutes: int
    people: int
    close: int
    is_mixed: bool
    other_days: int
    other_groups: int
    at_the_time: int

    def points(self, weights: Weights = WEIGHTS) -> int:
        """The score: the lower, the better."""
        return sum(self.parts(weights).values())

    def parts(self, weights: Weights = WEIGHTS) -> dict[str, int]:
        """The points of each part, under its name."""
        return {
            "waiting": self.wait_days * weights.day_of_waiting,
            "giving_way": sum(score_move(give, weights) for give in self.gives),
            "missed": self.missed * weights.missed_date,
            "trips": self.trips * weights.trip,
            "present": self.present_minutes,
            "people": max(0, self.people - 1) * weights.person,
            "close": self.close * weights.close,
            "mixed": self.is_mixed * weights.mixed,
            "other_days": self.other_days * weights.other_day,
            "other_groups": (self.other_groups - self.at_the_time) * weights.other_group
            + self.at_the_time * weights.other_group_at_the_time,
        }


def score_move(give: CommitmentMove, weights: Weights) -> int:
    """A commitment that lasts would move every week; one that passes, once or a few times."""
    return give.minutes + (weights.giving_way_once if give.passes else weights.giving_way)


def score_meetings(
    meetings: Sequence[WeeklyMeeting],
    need: Need,
    *,
    asked: date,
    is_mixed: bool = False,
    kept: Collection[WeeklyMeeting] = (),
) -> Score:
    """What these meetings from `need.from_day` on ask of a life that was to begin on the day `asked`.

    `kept` is the schedule that the patient has until then; empty if none is to be kept.
    """
    days = {meeting.weekday for meeting in meetings}
    strange = [meeting for meeting in meetings if is_new_group(meeting, kept)]
    return Score(
        wait_days=(need.from_day - asked).days,
        gives=tuple(give for meeting in meetings for give in resolve_meeting(meeting, need).gives),
        missed=sum(len(missed_dates(meeting, need)) for meeting in meetings),
        trips=len(days),
        present_minutes=sum(minutes_on_site([each for each in meetings if each.weekday == day]) for day in days),
        people=len({person for meeting in meetings for person in meeting.facilitators}),
        close=sum(resolve_meeting(meeting, need).is_close for meeting in meetings),
        is_mixed=is_mixed,
        other_days=sum(is_new_day(day, kept) for day in days),
        other_groups=len(strange),
        at_the_time=sum(has_same_time(meeting, kept) for meeting in strange),
    )


def minutes_on_site(today: Collection[WeeklyMeeting]) -> int:
    """From the start of a day's first meeting to the end of its last."""
    return max(each.span.end for each in today) - min(each.span.start for each in today)


def is_new_day(weekday: int, kept: Collection[WeeklyMeeting]) -> bool:
    return bool(kept) and all(each.weekday != weekday for each in kept)


def is_new_group(meeting: WeeklyMeeting, kept: Collection[WeeklyMeeting]) -> bool:
    """Whether it is another group than one of those to be kept."""
    return bool(kept) and all(each.key != meeting.key for each in kept)


def has_same_time(meeting: WeeklyMeeting, kept: Collection[WeeklyMeeting]) -> bool:
    """Whether one of those to be kept is at the very times of this one."""
    return any(each.weekday == meeting.weekday and each.span == meeting.span for each in kept)
