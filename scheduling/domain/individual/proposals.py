"""Values for weekly individual sessions: counselors' hours, proposed times, and reasons why a time is not possible.

Starts and ends are minutes since midnight, in the site's local time.
"""

from dataclasses import dataclass
from datetime import date

from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.reasons import Key, Reason
from timekeeping.weeks import is_within

MIN_SESSION_MINUTES = 30
MAX_SESSION_MINUTES = 90
"""Above this number of minutes a week, two shorter sessions are preferred to one (product rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours:
    """A period on a weekday in which a counselor sees patients individually.

    `starts` and `ends` are minutes since midnight. The hours apply on dates in [valid_from, valid_until); None means
    that there is no limit on that side.
    """

    weekday: int
    starts: int
    ends: int
    valid_from: date | None = None
    valid_until: date | None = None

    def happens_on(self, day: date) -> bool:
        """Whether the counselor has these hours on the date."""
        return day.weekday() == self.weekday and is_within(day, self.valid_from, self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counselor:
    """A counselor's hours for individual sessions, and the counselor's busy times (groups and other sessions)."""

    key: Key
    name: str
    hours: tuple[OpenHours, ...]
    busy: tuple[BusyTime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHour:
    """A weekly time slot in which a counselor sees one patient.

    `starts` and `ends` are minutes since midnight.
    """

    counselor: Key
    weekday: int
    starts: int
    ends: int

    @property
    def span(self) -> Interval[int]:
        """Start and end of the slot, in minutes since midnight."""
        return Interval(self.starts, self.ends)

    @property
    def minutes(self) -> int:
        """Length of the slot in minutes."""
        return self.ends - self.starts


@dataclass(frozen=True, slots=True)
class AdjacentGroup:
    """The group that is nearest to an individual session on the same day.

    `group` is the name of the group, and `minutes` is the time between the group and the session. `after` is True if
    the session comes after the group, and False if it comes before.
    """

    group: str
    minutes: int
    after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed weekly time for individual sessions: one session, or two with the same counselor.

    `name` is the counselor's name. For each session, `adjacent_groups` has the nearest group on the same day, or None
    if the patient has no group on that day.
    """

    name: str
    hours: tuple[WeeklyHour, ...]
    adjacent_groups: tuple[AdjacentGroup | None, ...]

    @property
    def counselor(self) -> Key:
        """Key of the counselor who leads the sessions."""
        return self.hours[0].counselor

    @property
    def days(self) -> tuple[int, ...]:
        """Weekday of each session (Monday is 0)."""
        return tuple(hour.weekday for hour in self.hours)

    @property
    def trips(self) -> int:
        """Number of days a week on which the patient would come only for an individual session."""
        return self.adjacent_groups.count(None)

    @property
    def waiting_minutes(self) -> int:
        """Minutes a week that the patient would wait between individual sessions and the nearest groups."""
        return sum(each.minutes for each in self.adjacent_groups if each is not None)

    @property
    def rank(self) -> tuple[int, int, tuple[tuple[int, int], ...], str, str]:
        """Sort key that puts the best proposal first; no two proposals have the same key."""
        when = tuple((hour.weekday, hour.starts) for hour in self.hours)
        return self.trips, self.waiting_minutes, when, self.name, str(self.counselor)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourConflict:
    """A busy time that overlaps a weekly hour for an individual session.

    `is_counselors` is True if the counselor is busy, and False if the patient is. `minutes` is the length of the
    overlap. `dates` is the number of dates with this conflict, and `first_date` is the first of them.
    """

    label: str
    is_counselors: bool
    minutes: int
    first_date: date
    dates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestHour:
    """The weekly hour that comes closest to being free.

    `name` is the counselor's name. `conflicts` has the longest conflict first.
    """

    name: str
    hour: WeeklyHour
    conflicts: tuple[HourConflict, ...]


@dataclass(frozen=True, slots=True)
class NoCounselorHours(Reason):
    """No counselor at the site has entered hours for individual sessions."""


@dataclass(frozen=True, slots=True)
class NoFreeHour(Reason):
    """No counselor has a free time that suits the patient. The patient needs `minutes` of sessions each week.

    `nearest` is the time with the fewest busy minutes, or None if none of the counselors' hours are long enough.
    """

    minutes: int
    nearest: NearestHour | None

    @property
    def conflicts(self) -> tuple[HourConflict, ...]:
        """Conflicts of the nearest hour. Empty if there is no nearest hour."""
        return self.nearest.conflicts if self.nearest else ()

    @property
    def can_be_split(self) -> bool:
        """Whether the weekly minutes may be split into two sessions."""
        return len(split_into_sessions(self.minutes)) > 1


@dataclass(frozen=True, slots=True)
class HourNotFree(Reason):
    """The chosen time is not free. If `conflicts` is empty, the time is outside the counselor's hours."""

    name: str
    hour: WeeklyHour
    conflicts: tuple[HourConflict, ...]


@dataclass(frozen=True, slots=True)
class WrongIndividualTime(Reason):
    """The chosen times have the wrong total, are split in a way that is not allowed, or name an unknown counselor.

    `minutes` is the weekly individual time of the track, which the chosen times must add up to.
    """

    minutes: int

    @property
    def can_be_split(self) -> bool:
        """Whether the weekly minutes may be split into two sessions."""
        return len(split_into_sessions(self.minutes)) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IndividualProposals:
    """Proposed times for individual sessions, or the `refusal` that says why there are none.

    `proposals` has the best time for each counselor and day, and `others` has every other free time. If the weekly time
    is split into two sessions, `others` is empty, because there would be too many combinations.
    """

    proposals: tuple[Proposal, ...] = ()
    others: tuple[Proposal, ...] = ()
    refusal: NoCounselorHours | NoFreeHour | None = None


def split_into_sessions(minutes: int) -> tuple[tuple[int, ...], ...]:
    """Return the allowed ways to divide weekly minutes into sessions, the preferred way first.

    Each way is a tuple of session lengths in minutes, in the order of the week, the longer session first. For example,
    75 gives (75,) and (40, 35). The longer session is a multiple of 5 minutes, unless the shorter session would then
    have less than `MIN_SESSION_MINUTES`. (Product rule.)
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
