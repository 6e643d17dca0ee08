"""Individual time without a fixed hour: who could give it when, what is proposed, and what stands against it."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from timekeeping.intervals import Interval
from timekeeping.reasons import Key, Reason
from timekeeping.weeks import BusyTime, is_within

MIN_SESSION_MINUTES = 30
MAX_SESSION_MINUTES = 90
"""Of one session. Longer individual time is divided at once where that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours:
    """Minutes of a weekday in which a counselor sees people one to one, on half-open dates; None is open."""

    weekday: int
    starts: int
    ends: int
    valid_from: date | None = None
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the hours are held on the date."""
        return day.weekday() == self.weekday and is_within(day, self.valid_from, self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counselor:
    """Who sees people one to one, in which hours, and what else takes them: groups, other one-to-ones, dated sessions."""

    key: Key
    name: str
    hours: tuple[OpenHours, ...]
    busy: tuple[BusyTime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHour:
    """A counselor's time for one patient, every week: minutes from midnight on a weekday."""

    counselor: Key
    weekday: int
    starts: int
    ends: int

    @property
    def span(self) -> Interval[int]:
        return Interval(self.starts, self.ends)

    @property
    def minutes(self) -> int:
        return self.ends - self.starts


@dataclass(frozen=True, slots=True)
class AdjacentGroup:
    """The group of the same day that is nearest, and how many minutes lie between."""

    group: str
    minutes: int
    after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Weekly individual time as it could be: one hour or two, with what each is beside; None on a day without treatment."""

    name: str
    hours: tuple[WeeklyHour, ...]
    beside: tuple[AdjacentGroup | None, ...]

    @property
    def counselor(self) -> Key:
        return self.hours[0].counselor

    @property
    def days(self) -> tuple[int, ...]:
        return tuple(hour.weekday for hour in self.hours)

    @property
    def trips(self) -> int:
        """On how many days the patient would come for this alone."""
        return self.beside.count(None)

    @property
    def waiting_minutes(self) -> int:
        return sum(each.minutes for each in self.beside if each is not None)

    @property
    def place(self) -> tuple[int, int, tuple[tuple[int, int], ...], str, str]:
        """Where it stands in the order; no two proposals share it."""
        when = tuple((hour.weekday, hour.starts) for hour in self.hours)
        return self.trips, self.waiting_minutes, when, self.name, str(self.counselor)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourConflict:
    """What takes minutes of an hour: of the counselor, or else of the patient; from when, and on how many dates."""

    label: str
    is_counselors: bool
    minutes: int
    first_date: date
    dates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestHour:
    """An hour that is not free, and what stands against it, the most minutes first."""

    name: str
    hour: WeeklyHour
    against: tuple[HourConflict, ...]


@dataclass(frozen=True, slots=True)
class NoCounselorHours(Reason):
    """Nobody at the site has stated hours in which they see people one to one."""

    code: ClassVar[str] = "no_counselor_hours"


@dataclass(frozen=True, slots=True)
class NoFreeHour(Reason):
    """No counselor has time that suits; `nearest` is the hour that lacks the fewest minutes, if any is long enough at all."""

    code: ClassVar[str] = "no_free_hour"
    minutes: int
    nearest: NearestHour | None

    @property
    def against(self) -> tuple[HourConflict, ...]:
        """What stands against the nearest."""
        return self.nearest.against if self.nearest else ()

    @property
    def may_be_two(self) -> bool:
        return len(split_into_sessions(self.minutes)) > 1


@dataclass(frozen=True, slots=True)
class HourNotFree(Reason):
    """A time that was chosen can't be had, or no longer; with nothing `against` it, it is outside the counselor's hours."""

    code: ClassVar[str] = "hour_not_free"
    name: str
    hour: WeeklyHour
    against: tuple[HourConflict, ...]


@dataclass(frozen=True, slots=True)
class WrongIndividualTime(Reason):
    """What was chosen does not come to the minutes that were to be arranged, or is divided in a way that is not done."""

    code: ClassVar[str] = "not_the_individual_time"
    minutes: int

    @property
    def may_be_two(self) -> bool:
        return len(split_into_sessions(self.minutes)) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IndividualProposals:
    """The best proposal of each counselor and day, and the `others` where time is not divided; or why there is none."""

    proposals: tuple[Proposal, ...] = ()
    others: tuple[Proposal, ...] = ()
    none: NoCounselorHours | NoFreeHour | None = None


def split_into_sessions(minutes: int) -> tuple[tuple[int, ...], ...]:
    """How weekly minutes may be divided into sessions, in the order in which it is tried.

    Halves are on a grid of 5 minutes where that leaves both long enough; the longer one comes earlier in the week.
    """
    if minutes <= 0:
        return ()
    if minutes < 2 * MIN_SESSION_MINUTES:
        return ((minutes,),)
    longer = -(-minutes // 10) * 5
    halves = (
        (longer, minutes - longer)
        if minutes - longer >= MIN_SESSION_MINUTES
        else (minutes - minutes // 2, minutes // 2)
    )
    return (halves, (minutes,)) if minutes > MAX_SESSION_MINUTES else ((minutes,), halves)
