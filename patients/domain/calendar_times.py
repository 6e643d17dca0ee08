"""Turn the times of an imported calendar into busy times: weekly patterns where possible, otherwise single dates.

A calendar gives single times, even for an entry that repeats every Monday. But the search for a schedule treats busy
times on single dates as exceptions: it accepts that a few sessions are missed because of them. Therefore a time that
occurs in at least three of every four weeks becomes a weekly pattern (product rule). The pattern also applies in the
weeks without that time. A patient may seem busier than the calendar says, but never less busy.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.weeks import MINUTES_A_DAY, OnDates, Recurrence, RecurrencePattern, wall_time, week_start

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MIN_RUN_WEEKS = 4
EVERY_WEEK, EVERY_OTHER_WEEK = 1, 2

MinuteSpan = tuple[int, int]
"""Start and end in minutes since midnight. An end on the next day is greater than 1,440 (24 hours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTimes:
    """The busy times of an imported calendar on the dates [first, until).

    The travel fields are in minutes. `movable_minutes` means the same as in `BusyTime`.
    """

    key: int
    label: str
    kind: str
    first: date
    until: date
    intervals: tuple[Interval[datetime], ...]
    travel_before: int = 0
    travel_after: int = 0
    movable_minutes: int = 0

    def on_dates(self, zone: tzinfo) -> tuple[BusyTime, ...]:
        """Return all times as busy times on single dates, on the wall clock of `zone`."""
        dates = dates_by_span(self.intervals, zone)
        return tuple(
            self._busy(number, OnDates(frozenset(dates[span])), span) for number, span in enumerate(sorted(dates))
        )

    def in_weeks(self, zone: tzinfo) -> tuple[BusyTime, ...]:
        """Return the times as weekly patterns where possible, and the remaining times on single dates.

        Times are on the wall clock of `zone`. If a weekly time is missing from the calendar in a few weeks, its pattern
        applies in those weeks too.
        """
        patterns: list[tuple[RecurrencePattern, MinuteSpan]] = []
        dates = dates_by_span(self.intervals, zone)
        for span in sorted(dates):
            weekly, rest = weekly_patterns(dates[span], self.first, self.until)
            patterns += [(pattern, span) for pattern in weekly]
            if rest:
                patterns.append((OnDates(rest), span))
        return tuple(self._busy(number, pattern, span) for number, (pattern, span) in enumerate(patterns))

    def _busy(self, number: int, pattern: RecurrencePattern, span: MinuteSpan) -> BusyTime:
        return BusyTime(
            key=f"calendar-{self.key}-{number}",
            label=self.label,
            kind=self.kind,
            recurrence=pattern,
            starts=wall_time(span[0]),
            ends=wall_time(span[1]),
            travel_before=self.travel_before,
            travel_after=self.travel_after,
            movable_minutes=self.movable_minutes,
        )


def dates_by_span(intervals: Iterable[Interval[datetime]], zone: tzinfo) -> Mapping[MinuteSpan, set[date]]:
    """Map each wall-clock span to the dates on which it starts. Seconds are rounded outward to whole minutes."""
    dates: dict[MinuteSpan, set[date]] = defaultdict(set)
    for each in intervals:
        for on, span in _split_at_midnight(each, zone):
            dates[span].add(on)
    return dates


def _split_at_midnight(interval: Interval[datetime], zone: tzinfo) -> Iterator[tuple[date, MinuteSpan]]:
    """Split an interval of more than a day at each midnight, and yield each part with its date.

    An interval of at most a day is yielded as one part with the date of its start, even if it lasts past midnight.
    """
    first = _local_time(interval.start, zone).date()
    starts, ends = _wall_minutes(interval, first, zone)
    if ends - starts <= MINUTES_A_DAY:
        yield first, (starts, ends)
        return
    for number in range(ends // MINUTES_A_DAY + 1):
        on = first + number * DAY
        day = (
            Interval(at_wall_clock(on, time(), zone), at_wall_clock(on + DAY, time(), zone))
            if _date_exists(on, zone)
            else None
        )
        if day is not None and (part := interval.intersection(day)):
            starts, ends = _wall_minutes(part, on, zone)
            yield on, (max(starts, 0), min(ends, MINUTES_A_DAY))


def _date_exists(on: date, zone: tzinfo) -> bool:
    """Whether the date exists in the zone. A zone that moved across the date line skipped a date."""
    return at_wall_clock(on, time(), zone) < at_wall_clock(on + DAY, time(), zone)


def _wall_minutes(interval: Interval[datetime], on: date, zone: tzinfo) -> MinuteSpan:
    """Return the earliest and latest wall-clock time in the interval, in minutes since midnight of the date `on`.

    If clocks go back within the interval, some times occur twice, and the result covers both occurrences.
    """
    midnight = datetime.combine(on, time())
    starts, ends = _local_time(interval.start, zone), _local_time(interval.end, zone)
    lost = _offset(interval.start, zone) - _offset(interval.end, zone)
    if lost > timedelta():
        back = _local_time(_clock_change_in(interval, zone), zone)
        starts, ends = min(starts, back), max(ends, back + lost)
    return (starts - midnight) // MINUTE, -((midnight - ends) // MINUTE)


def _clock_change_in(interval: Interval[datetime], zone: tzinfo) -> datetime:
    """Return the instant at which clocks go back. The clock change must lie within the interval."""
    before, after = interval.start, interval.end
    while after - before > SECOND:
        middle = before + (after - before) // 2
        if _offset(middle, zone) == _offset(interval.end, zone):
            after = middle
        else:
            before = middle
    return after


def _local_time(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def weekly_patterns(dates: Iterable[date], first: date, until: date) -> tuple[tuple[Recurrence, ...], frozenset[date]]:
    """Find weekly patterns in the dates of one wall-clock time. Return the patterns and the dates outside the patterns.

    All dates are in [first, until). A pattern that reaches the start or end of this range is assumed to continue beyond
    it.

    Dates on one weekday become an every-week pattern if they span at least four weeks, and at most one date is missing
    in any four weeks in a row. Then every-other-week patterns are found in the remaining dates. The rule is the same,
    except that only every second week counts.
    """
    left = set(dates)
    weekdays: dict[tuple[date | None, date, date | None], set[int]] = defaultdict(set)
    for step in (EVERY_WEEK, EVERY_OTHER_WEEK):
        for run in [run for weekday in range(7) for run in _runs(sorted(left), weekday, step)]:
            left -= set(run)
            began, ended = week_start(run[0]), week_start(run[-1])
            starts_before = run[0] - step * WEEK < first
            ends_after = run[-1] + 2 * step * WEEK >= until
            key = (
                began if step == EVERY_OTHER_WEEK else None,
                week_start(first) if starts_before else began,
                None if ends_after else ended + WEEK,
            )
            weekdays[key].add(run[0].weekday())
    patterns = tuple(
        Recurrence(weekdays=frozenset(days), anchor=anchor, valid_from=valid_from, valid_until=valid_until)
        for (anchor, valid_from, valid_until), days in weekdays.items()
    )
    return patterns, frozenset(left)


def _runs(dates: Sequence[date], weekday: int, step: int) -> Iterator[list[date]]:
    """Group the dates on the weekday into runs. Yield only the runs that are long enough for a pattern.

    The dates of a run are `step` weeks apart, except where a date is missing.
    """
    for parity in range(step):
        own = [day for day in dates if day.weekday() == weekday and day.toordinal() // 7 % step == parity]
        run: list[date] = []
        missed: date | None = None
        for day in own:
            gap = (day - run[-1]) // (step * WEEK) if run else 1
            before = day - step * WEEK
            may_miss = missed is None or before - missed >= MIN_RUN_WEEKS * step * WEEK
            if gap > 2 or (gap == 2 and not may_miss):
                yield from _if_long_enough(run, step)
                run, missed = [], None
            elif gap == 2:
                missed = before
            run.append(day)
        yield from _if_long_enough(run, step)


def _if_long_enough(run: list[date], step: int) -> Iterator[list[date]]:
    if run and run[-1] - run[0] >= (MIN_RUN_WEEKS - 1) * step * WEEK:
        yield run


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """The difference between two versions of a calendar: the times that were added, and the times that were removed."""

    added: tuple[Interval[datetime], ...]
    gone: tuple[Interval[datetime], ...]


def change_between(before: CalendarTimes, after: CalendarTimes, zone: tzinfo) -> CalendarChange:
    """Compare two versions of a calendar on the dates that both versions cover. Times on other dates are ignored."""
    first, until = max(before.first, after.first), min(before.until, after.until)
    if first >= until:
        return CalendarChange((), ())
    window = Interval(at_wall_clock(first, time(), zone), at_wall_clock(until, time(), zone))
    old, new = ({part for each in times.intervals if (part := each.intersection(window))} for times in (before, after))
    return CalendarChange(tuple(sorted(new - old)), tuple(sorted(old - new)))
