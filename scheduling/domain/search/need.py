"""Input of the schedule search: what a patient needs, and what a track offers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.conflicts import ConflictFinder, MeetingConflicts
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.reasons import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMeeting:
    """A meeting of a track, and the dates in the horizon on which it is full."""

    meeting: WeeklyMeeting
    full_on: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a track offers: its meetings, weekly individual minutes, the patients it takes, and its start dates.

    If the track takes patients in cohorts, `start_dates` are the dates on which cohorts start. If `start_dates` is
    None, a patient can start on any day. `level` is the only level of care that the track takes, or "" for any.
    `from_age` and `to_age` are inclusive bounds in years; None means that there is no bound. If `mixes` is True, the
    track's patients may attend meetings of other tracks that mix, and vice versa.
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
        """Whether patients of either track may attend meetings of the other: both mix, and their mixing keys are equal."""
        return self.mixes and other.mixes and self.mixing_key == other.mixing_key

    @property
    def mixing_key(self) -> tuple[Key, str, int | None, int | None, int]:
        """Values that two tracks must share to mix: site, level of care, age range, and weekly individual minutes."""
        return self.site, self.level, self.from_age, self.to_age, self.individual_minutes

    @cached_property
    def keys(self) -> frozenset[Key]:
        """Keys of the track's meetings."""
        return frozenset(offered.meeting.key for offered in self.meetings)

    @property
    def weekly_meetings(self) -> tuple[WeeklyMeeting, ...]:
        """The track's meetings, without the dates on which they are full."""
        return tuple(offered.meeting for offered in self.meetings)

    def next_start_date(self, day: date) -> date | None:
        """Return the first day on or after `day` on which a patient can start, or None if no start date is left."""
        if self.start_dates is None:
            return day
        return min((start for start in self.start_dates if start >= day), default=None)


def age_on(day: date, born: date) -> int:
    """Return a person's age on a day in whole years.

    A person born on February 29 becomes a year older on March 1, except in leap years.
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclass(frozen=True, slots=True)
class CurrentEnrollment:
    """An enrollment in a track. Its last day is the day before `ends`; None means that it has no end."""

    track: Key
    starts: date
    ends: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyLimits:
    """Inclusive limits for the meetings of a week, in countable minutes and in days."""

    min_minutes: int
    max_minutes: int
    min_days: int
    max_days: int
    min_minutes_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a patient needs: prescribed minutes and days per week, a start date, and busy times to avoid.

    `busy` has the patient's commitments and the meetings of current enrollments. `enrollments` are these enrollments, the
    first one first. Schedules are checked for `weeks` weeks, starting on `from_day`. Days in `closed` are not checked,
    because the site is closed on them. `level` and `age` (in years) are the patient's level of care and age on
    `from_day`. An age of None is unknown and is not checked.

    `finder` caches conflicts. `dataclasses.replace` passes it on, and the new need reuses the results that still apply.
    To clear the cache, replace `finder` with an empty `ConflictFinder()`.
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
    enrollments: tuple[CurrentEnrollment, ...] = ()
    finder: ConflictFinder = field(default_factory=ConflictFinder, compare=False, repr=False)

    def __post_init__(self) -> None:
        finder = self.finder.adapted_to(self.from_day, self.weeks, self.closed, self.busy)
        object.__setattr__(self, "finder", finder)

    @property
    def until(self) -> date:
        """The day after the last day for which schedules are checked."""
        return self.finder.horizon.until

    @property
    def is_enrolled(self) -> bool:
        """Whether the busy times include groups in which the patient is enrolled."""
        return any(busy.is_treatment for busy in self.busy)

    def enrollment_in(self, track: Key) -> CurrentEnrollment | None:
        """Return the enrollment in the track that is in force on `from_day` or starts later, or None."""
        in_track = (each for each in self.enrollments if each.track == track)
        return next((each for each in in_track if each.ends is None or each.ends > self.from_day), None)

    @property
    def temporary_busy_times(self) -> tuple[BusyTime, ...]:
        """The patient's commitments that end within the horizon or are on single dates."""
        return tuple(self.busy[number] for number in sorted(self.finder.temporary))

    def dates_of(self, meeting: WeeklyMeeting) -> Sequence[date]:
        """Return the dates in the horizon on which the meeting is held, in order."""
        return self.finder.horizon.dates_of(meeting)

    def conflicts_with(self, meeting: WeeklyMeeting) -> MeetingConflicts:
        """Return the meeting's conflicts with the patient's busy times, travel included."""
        return self.finder.conflicts_with(meeting)

    def weekly_limits(self, individual_minutes: int) -> WeeklyLimits:
        """Return the limits that the prescription and the rules set for the meetings of a week.

        `individual_minutes` is the individual time per week. It counts toward the hours, so it is subtracted from the
        minimum and the maximum of the minutes.
        """
        rules = self.rules
        return WeeklyLimits(
            min_minutes=max(self.prescribed_minutes, rules.minimum_minutes) - individual_minutes,
            max_minutes=rules.maximum_minutes - individual_minutes,
            min_days=max(self.prescribed_days, rules.minimum_days, 1),
            max_days=rules.maximum_days,
            min_minutes_per_day=rules.minimum_minutes_per_day,
        )
