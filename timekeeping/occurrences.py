"""Expand weekly wall-clock patterns into dated sessions with exact start and end times in UTC."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum

from timekeeping.intervals import Interval, minutes_between
from timekeeping.weeks import Recurrence, minute_of, wall_time

GRID_MINUTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingPattern:
    """A weekly time slot within one day, in wall-clock time. A slot with an `anchor` date is held every other week.

    The pattern runs on dates in [runs_from, runs_until). If either date is None, there is no limit on that side. Raises
    ValueError if the weekday is not from 0 to 6, if the slot does not end after it starts, or if the break is not
    within the slot.
    """

    weekday: int
    starts: time
    ends: time
    break_starts: time | None = None
    break_ends: time | None = None
    anchor: date | None = None
    runs_from: date | None = None
    runs_until: date | None = None

    def __post_init__(self) -> None:
        if self.weekday not in range(7):
            raise ValueError(f"a weekday is 0 to 6: {self.weekday}")
        if self.starts >= self.ends:
            raise ValueError(f"a meeting must end after it starts: {self.starts}..{self.ends}")
        if (self.break_starts is None) != (self.break_ends is None):
            raise ValueError("a break needs both its start and its end")
        if self.break_starts and self.break_ends and not self.starts < self.break_starts < self.break_ends < self.ends:
            raise ValueError(f"the break must lie inside the meeting: {self.break_starts}..{self.break_ends}")

    @property
    def recurrence(self) -> Recurrence:
        """The pattern's dates as a recurrence, ignoring closures."""
        return Recurrence(
            weekdays=frozenset({self.weekday}),
            anchor=self.anchor,
            valid_from=self.runs_from,
            valid_until=self.runs_until,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One dated session. Its datetimes are in UTC."""

    on: date
    starts: datetime
    ends: datetime
    break_starts: datetime | None
    break_ends: datetime | None
    countable_minutes: int


def at_wall_clock(day: date, wall: time, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, at which clocks in `zone` show `wall` on `day`.

    A time that a clock change skips is moved forward by the length of the change. If clocks show the time twice that
    day, the first of the two instants is returned.
    """
    return datetime.combine(day, wall, zone).replace(fold=0).astimezone(UTC)


class ClockEffect(StrEnum):
    """What a clock change does to a wall-clock time: skips it or repeats it."""

    SKIPPED = "skipped"
    REPEATED = "repeated"


def clock_effect_at(day: date, wall: time, zone: tzinfo) -> ClockEffect | None:
    """Return whether a clock change in `zone` skips or repeats the time `wall` on `day`. None if it does neither."""
    moment = datetime.combine(day, wall, zone)
    before, after = moment.replace(fold=0).utcoffset(), moment.replace(fold=1).utcoffset()
    if before is None or after is None or before == after:
        return None
    return ClockEffect.SKIPPED if before < after else ClockEffect.REPEATED


def times_hit_by_clock_change(
    pattern: MeetingPattern, first: date, until: date, *, zone: tzinfo, closed: Collection[Interval[date]] = ()
) -> Iterator[tuple[date, time, ClockEffect]]:
    """Yield the pattern's start and end times that a clock change skips or repeats, for dates in [first, until).

    Each result is the date, the wall-clock time and the effect. Dates within the `closed` intervals are left out.
    """
    for day in occurrence_dates(pattern, first, until, closed):
        for wall in (pattern.starts, pattern.ends):
            effect = clock_effect_at(day, wall, zone)
            if effect is not None:
                yield day, wall, effect


def occurrence_dates(
    pattern: MeetingPattern, first: date, until: date, closed: Collection[Interval[date]] = ()
) -> Iterator[date]:
    """Yield the pattern's dates in [first, until). Dates in any of the `closed` intervals are left out."""
    for day in pattern.recurrence.dates(first, until):
        if not any(closure.contains(day) for closure in closed):
            yield day


def expand_pattern(
    pattern: MeetingPattern,
    first: date,
    until: date,
    *,
    zone: tzinfo,
    closed: Collection[Interval[date]] = (),
    breaks_count: bool = False,
    countable: bool = True,
) -> tuple[Occurrence, ...]:
    """Return the pattern's dated sessions in [first, until). Dates in the `closed` intervals get no session.

    The `countable_minutes` of a session are its elapsed minutes. They include the break only with `breaks_count`. They
    are 0 if `countable` is false. If a clock change leaves no time for a session, the session is left out.
    """
    occurrences = []
    for on in occurrence_dates(pattern, first, until, closed):
        starts, ends = at_wall_clock(on, pattern.starts, zone), at_wall_clock(on, pattern.ends, zone)
        if starts >= ends:
            continue
        pause = _break(pattern, on, zone, Interval(starts, ends))
        minutes = minutes_between(starts, ends)
        if pause and not breaks_count:
            minutes -= minutes_between(pause.start, pause.end)
        occurrences.append(
            Occurrence(
                on=on,
                starts=starts,
                ends=ends,
                break_starts=pause.start if pause else None,
                break_ends=pause.end if pause else None,
                countable_minutes=minutes if countable else 0,
            )
        )
    return tuple(occurrences)


def _break(pattern: MeetingPattern, on: date, zone: tzinfo, session: Interval[datetime]) -> Interval[datetime] | None:
    if pattern.break_starts is None or pattern.break_ends is None:
        return None
    starts, ends = at_wall_clock(on, pattern.break_starts, zone), at_wall_clock(on, pattern.break_ends, zone)
    if not session.start < starts < ends < session.end:
        return None  # because of a clock change, the break no longer fits
    return Interval(starts, ends)


def centered_break(starts: time, ends: time, minutes: int) -> tuple[time, time]:
    """Place a break of the given length in the middle of a meeting. Return the break's start and end.

    The break starts on a multiple of 5 minutes: a break of 15 minutes from 9:00 to 12:00 is from 10:20 to 10:35. Raises
    ValueError if the break does not fit inside the meeting. Product rule for timetables that give only the length of a
    break.
    """
    first, last = minute_of(starts), minute_of(ends)
    begin = (first + last - minutes) // 2
    begin -= begin % GRID_MINUTES
    if begin <= first:
        begin += GRID_MINUTES
    if minutes <= 0 or begin <= first or begin + minutes >= last:
        raise ValueError(f"a break of {minutes} minutes does not fit inside {starts:%H:%M}-{ends:%H:%M}")
    return wall_time(begin), wall_time(begin + minutes)
