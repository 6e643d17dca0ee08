"""What can stand between a patient and a track, each with its minutes and dates; templates find the words by `code`."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from scheduling.domain.hours.rules import WeeklyMeeting
from timekeeping.reasons import Reason
from timekeeping.weeks import BusyTime


@dataclass(frozen=True, slots=True)
class Obstacle(Reason):
    """One reason against a track, or one of its meetings, for one patient."""


@dataclass(frozen=True, slots=True)
class CommitmentConflict(Obstacle):
    """A meeting and something in the patient's life at one time, or too close for the way between.

    `minutes` is how much is missing, travel included; `overlap_minutes` how much of it is not travel. `gap_minutes` is the
    time between the two, 0 when they overlap. `before` says that the life comes before the meeting.
    """

    code: ClassVar[str] = "clash"
    meeting: WeeklyMeeting
    busy: BusyTime
    minutes: int
    overlap_minutes: int
    gap_minutes: int
    before: bool
    first_date: date
    dates: int

    @property
    def travel_minutes(self) -> int:
        """Minutes of the way that counts here."""
        return self.busy.travel_after if self.before else self.busy.travel_before


@dataclass(frozen=True, slots=True)
class MeetingFull(Obstacle):
    """No place is left in the meeting on some dates."""

    code: ClassVar[str] = "full"
    meeting: WeeklyMeeting
    first_date: date
    dates: int


@dataclass(frozen=True, slots=True)
class WrongLevel(Obstacle):
    """The track takes patients of one level of care, and the patient's is another; "" is none at all."""

    code: ClassVar[str] = "other_level"
    level: str
    needed: str


@dataclass(frozen=True, slots=True)
class OutsideAges(Obstacle):
    """The track takes patients of some ages, inclusive years, and the patient is younger or older on the first day."""

    code: ClassVar[str] = "outside_ages"
    age: int
    from_age: int | None
    to_age: int | None


@dataclass(frozen=True, slots=True)
class MoreOfAnotherTrack(Obstacle):
    """Most of the chosen meetings are of another track: that is the one to stand in."""

    code: ClassVar[str] = "more_of_another_track"
    track: str


@dataclass(frozen=True, slots=True)
class NotAStartDate(Obstacle):
    """The track takes people on start dates; `following` is the next one."""

    code: ClassVar[str] = "not_a_start_date"
    asked: date
    following: date


@dataclass(frozen=True, slots=True)
class NoStartDateLeft(Obstacle):
    """The track takes people on start dates, and none is to come."""

    code: ClassVar[str] = "no_start_date_left"
    asked: date
