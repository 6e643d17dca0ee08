"""What a patient brings to the search, and what a track has to offer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.conflicts import ConflictFinder, MeetingConflicts
from timekeeping.intervals import Interval
from timekeeping.reasons import Key
from timekeeping.weeks import BusyTime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMeeting:
    """A meeting, and the dates in the horizon on which it has no place left."""

    meeting: WeeklyMeeting
    full_on: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A track: its meetings, its individual minutes a week, whom it takes, and from when.

    `start_dates` are the dates on which a track that takes patients in cohorts starts; None means that a patient can start on
    any day. `level` is the only level of care that the track takes, "" for any. `from_age` to `to_age` are the ages in years
    that it takes, inclusive, None for no bound. A track that `mixes` lets its patients attend meetings of other such tracks,
    and theirs attend its own.
    """

    key: Key
    name: str
    meetings: tuple[OfferedMeeting, ...]
    individual_minutes: int = 0
    start_dates: tuple[date, ...] | None = None
    level: str = ""
    from_age: int | None = None
    to_age: int | None = None
    site: Key = ""
    mixes: bool = False

    def mixes_with(self, other: "Offer") -> bool:
        """Whether patients of one track may attend meetings of the other: both mix and share their mixing key."""
        return self.mixes and other.mixes and self.mixing_key == other.mixing_key

    @property
    def mixing_key(self) -> tuple[Key, str, int | None, int | None, int]:
        """What tracks that mix have in common: the site, the patients that they take, and their individual minutes."""
        return self.site, self.level, self.from_age, self.to_age, self.individual_minutes

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The keys of its meetings."""
        return frozenset(offered.meeting.key for offered in self.meetings)

    @property
    def weekly_meetings(self) -> tuple[WeeklyMeeting, ...]:
        """The meetings of this offer, without the dates on which each one is full."""
        return tuple(offered.meeting for offered in self.meetings)

    def next_start_date(self, day: date) -> date | None:
        """The first day from `day` on which a patient can start; None when no start date is left."""
        if self.start_dates is None:
            return day
        return min((start for start in self.start_dates if start >= day), default=None)


def age_on(day: date, born: date) -> int:
    """How old a person is on a day, in whole years. A person born on February 29 turns a year older on March 1."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyLimits:
    """What the meetings of a week must add up to, in counted minutes and in days; all bounds are inclusive."""

    min_minutes: int
    max_minutes: int
    min_days: int
    max_days: int
    min_minutes_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a patient brings: the prescription in minutes and days a week, the first day, and all their busy times.

    `busy` are their commitments and the meetings of their other enrollments. Schedules are judged for `weeks` weeks from
    `from_day`, without the days on which the site is `closed`. `level` is the level of care on `from_day`, and `age` the
    patient's age then in years; None means unknown, and is never checked.

    `finder` remembers conflicts that were found. `dataclasses.replace` passes it on, and the new need keeps what is still true
    of it; replace it with an empty `ConflictFinder()` to forget everything.
    """

    prescribed_minutes: int
    prescribed_days: int
    from_day: date
    weeks: int = 12
    busy: tuple[BusyTime, ...] = ()
    rules: HoursRules = field(default_factory=HoursRules)
    closed: tuple[Interval[date], ...] = ()
    level: str = ""
    age: int | None = None
    finder: ConflictFinder = field(default_factory=ConflictFinder, compare=False, repr=False)

    def __post_init__(self) -> None:
        finder = self.finder.adapted_to(self.from_day, self.weeks, self.closed, self.busy)
        object.__setattr__(self, "finder", finder)

    @property
    def until(self) -> date:
        """The day after the last one for which schedules are judged."""
        return self.finder.horizon.until

    @property
    def temporary_busy_times(self) -> tuple[BusyTime, ...]:
        """The commitments that happen on single dates or end within the horizon."""
        return tuple(self.busy[number] for number in sorted(self.finder.temporary))

    def dates_of(self, meeting: WeeklyMeeting) -> Sequence[date]:
        """The dates on which the meeting is held while the patient would attend it, in order."""
        return self.finder.horizon.dates_of(meeting)

    def conflicts_with(self, meeting: WeeklyMeeting) -> MeetingConflicts:
        """What the meeting overlaps in the patient's busy times, travel included."""
        return self.finder.conflicts_with(meeting)

    def weekly_limits(self, individual_minutes: int) -> WeeklyLimits:
        """What the meetings of a week must add up to by the prescription and the rules, beside individual minutes."""
        rules = self.rules
        return WeeklyLimits(
            min_minutes=max(self.prescribed_minutes, rules.minimum_minutes) - individual_minutes,
            max_minutes=rules.maximum_minutes - individual_minutes,
            min_days=max(self.prescribed_days, rules.minimum_days, 1),
            max_days=rules.maximum_days,
            min_minutes_per_day=rules.minimum_minutes_per_day,
        )
