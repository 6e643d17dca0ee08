"""Weekly individual sessions: counselors' hours, proposed times, and the reasons against a time.

Starts and ends are minutes since midnight on the wall clock of the site.
"""

from dataclasses import dataclass
from datetime import date

from timekeeping.intervals import Interval
from timekeeping.reasons import Key, Reason
from timekeeping.weeks import BusyTime, is_within

MIN_SESSION_MINUTES = 30
MAX_SESSION_MINUTES = 90
"""Of one session (product rule). Longer weekly time is split into two sessions if that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours:
    """Hours of a weekday in which a counselor sees patients individually.

    `valid_from` to `valid_until` is a half-open range of dates; None leaves that side open.
    """

    weekday: int
    starts: int
    ends: int
    valid_from: date | None = None
    valid_until: date | None = None

    def happens_on(self, day: date) -> bool:
        """Whether the hours are held on the date."""
        return day.weekday() == self.weekday and is_within(day, self.valid_from, self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counselor:
    """A counselor with their hours for individual sessions and their busy times: groups and other sessions."""

    key: Key
    name: str
    hours: tuple[OpenHours, ...]
    busy: tuple[BusyTime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHour:
    """A weekly time of a counselor for one patient."""

    counselor: Key
    weekday: int
    starts: int
    ends: int

    @property
    def span(self) -> Interval[int]:
        """The minutes of the day that it takes."""
        return Interval(self.starts, self.ends)

    @property
    def minutes(self) -> int:
        """How long it is."""
        return self.ends - self.starts


@dataclass(frozen=True, slots=True)
class AdjacentGroup:
    """The nearest group on the same day, the minutes between the two, and whether the session comes after the group."""

    group: str
    minutes: int
    after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed weekly time: one session or two with one counselor, whose name is `name`.

    `adjacent_groups` has the nearest group for each session, or None if the patient has no group on that day.
    """

    name: str
    hours: tuple[WeeklyHour, ...]
    adjacent_groups: tuple[AdjacentGroup | None, ...]

    @property
    def counselor(self) -> Key:
        """The key of the counselor."""
        return self.hours[0].counselor

    @property
    def days(self) -> tuple[int, ...]:
        """The weekdays of the sessions."""
        return tuple(hour.weekday for hour in self.hours)

    @property
    def trips(self) -> int:
        """On how many days the patient would come only for this."""
        return self.adjacent_groups.count(None)

    @property
    def waiting_minutes(self) -> int:
        """The minutes between the sessions and the groups beside them."""
        return sum(each.minutes for each in self.adjacent_groups if each is not None)

    @property
    def rank(self) -> tuple[int, int, tuple[tuple[int, int], ...], str, str]:
        """The sort key of proposals, best first; no two proposals have the same."""
        when = tuple((hour.weekday, hour.starts) for hour in self.hours)
        return self.trips, self.waiting_minutes, when, self.name, str(self.counselor)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourConflict:
    """A busy time of the counselor, or else of the patient, that overlaps an hour by so many minutes on so many dates."""

    label: str
    is_counselors: bool
    minutes: int
    first_date: date
    dates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestHour:
    """An hour that is not free, and its conflicts, those with the most minutes first."""

    name: str
    hour: WeeklyHour
    conflicts: tuple[HourConflict, ...]


@dataclass(frozen=True, slots=True)
class NoCounselorHours(Reason):
    """No counselor at the site has entered hours for individual sessions."""


@dataclass(frozen=True, slots=True)
class NoFreeHour(Reason):
    """No counselor has a suitable free time for so many minutes a week.

    `nearest` is the hour with the fewest busy minutes, or None if nobody's hours are long enough.
    """

    minutes: int
    nearest: NearestHour | None

    @property
    def conflicts(self) -> tuple[HourConflict, ...]:
        """The conflicts of the nearest hour."""
        return self.nearest.conflicts if self.nearest else ()

    @property
    def can_be_split(self) -> bool:
        """Whether the time may be split into two sessions."""
        return len(split_into_sessions(self.minutes)) > 1


@dataclass(frozen=True, slots=True)
class HourNotFree(Reason):
    """A chosen time is not available, or no longer. Without conflicts, it is outside the counselor's hours."""

    name: str
    hour: WeeklyHour
    conflicts: tuple[HourConflict, ...]


@dataclass(frozen=True, slots=True)
class WrongIndividualTime(Reason):
    """The chosen times do not add up to the weekly minutes of the track, or are split in a way that is not allowed."""

    minutes: int

    @property
    def can_be_split(self) -> bool:
        """Whether the time may be split into two sessions."""
        return len(split_into_sessions(self.minutes)) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IndividualProposals:
    """The best proposal for each counselor and day, and all `others`; or the `refusal`, if there are none.

    Time that is split into two sessions has no `others`: there would be too many.
    """

    proposals: tuple[Proposal, ...] = ()
    others: tuple[Proposal, ...] = ()
    refusal: NoCounselorHours | NoFreeHour | None = None


def split_into_sessions(minutes: int) -> tuple[tuple[int, ...], ...]:
    """Return how weekly minutes may be split into sessions, as lengths in minutes, in the order of preference.

    Halves are multiples of 5 minutes if that leaves both long enough, and the longer one comes first in the week. (Product
    rule.)
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
