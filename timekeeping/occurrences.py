"""Expand weekly patterns on the wall clock into dated sessions at instants."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum

from timekeeping.intervals import Interval, minutes_between
from timekeeping.weeks import Recurrence, minute_of, wall_time

GRID_MINUTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingPattern:
    """A weekly slot within one day, on the wall clock; with an `anchor` date it is held every other week.

    `runs_from` to `runs_until` is a half-open range of dates; None leaves that side open. Raises ValueError if the slot does
    not end after it starts, or if its break is not inside it.
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
        """The dates on which it is held, closures not considered."""
        return Recurrence(
            weekdays=frozenset({self.weekday}),
            anchor=self.anchor,
            valid_from=self.runs_from,
            valid_until=self.runs_until,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One dated session; instants are in UTC."""

    on: date
    starts: datetime
    ends: datetime
    break_starts: datetime | None
    break_ends: datetime | None
    countable_minutes: int


def at_wall_clock(day: date, wall: time, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, at which clocks in `zone` show `wall` on `day`.

    A time that a clock change skips is moved forward by the skipped amount. If a time comes twice, the first one is returned.
    """
    return datetime.combine(day, wall, zone).replace(fold=0).astimezone(UTC)


class ClockEffect(StrEnum):
    """What a clock change does to a wall-clock time."""

    SKIPPED = "skipped"
    REPEATED = "repeated"


def clock_effect_at(day: date, wall: time, zone: tzinfo) -> ClockEffect | None:
    """Return whether clocks in `zone` skip the time on that day or show it twice; None on an ordinary day."""
    moment = datetime.combine(day, wall, zone)
    before, after = moment.replace(fold=0).utcoffset(), moment.replace(fold=1).utcoffset()
    if before is None or after is None or before == after:
        return None
    return ClockEffect.SKIPPED if before < after else ClockEffect.REPEATED


def times_hit_by_clock_change(
    pattern: MeetingPattern, first: date, until: date, *, zone: tzinfo, closed: Collection[Interval[date]] = ()
) -> Iterator[tuple[date, time, ClockEffect]]:
    """Yield the pattern's starts and ends in the half-open range of dates that a clock change skips or repeats."""
    for day in occurrence_dates(pattern, first, until, closed):
        for wall in (pattern.starts, pattern.ends):
            effect = clock_effect_at(day, wall, zone)
            if effect is not None:
                yield day, wall, effect


def occurrence_dates(
    pattern: MeetingPattern, first: date, until: date, closed: Collection[Interval[date]] = ()
) -> Iterator[date]:
    """Yield the pattern's dates in the half-open range that are in none of the closures."""
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
    """Return the dated sessions of a pattern in the half-open range of dates, without those on closed dates.

    `countable_minutes` is the elapsed time, less the break unless breaks count, or 0 if the service does not count. A meeting
    that a clock change leaves without a single minute is not held.
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
        return None  # a clock change leaves no room for it
    return Interval(starts, ends)


def centered_break(starts: time, ends: time, minutes: int) -> tuple[time, time]:
    """Place a break of which only the length is known in the middle of a meeting; return its start and end.

    The start is rounded down to the 5-minute grid, or up if rounding down would put it at the start of the meeting. Raises
    ValueError if the break does not fit inside the meeting. The position is a product rule.
    """
    first, last = minute_of(starts), minute_of(ends)
    begin = (first + last - minutes) // 2
    begin -= begin % GRID_MINUTES
    if begin <= first:
        begin += GRID_MINUTES
    if minutes <= 0 or begin <= first or begin + minutes >= last:
        raise ValueError(f"a break of {minutes} minutes does not fit inside {starts:%H:%M}-{ends:%H:%M}")
    return wall_time(begin), wall_time(begin + minutes)
