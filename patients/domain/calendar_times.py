"""From the times of a calendar to a week on the wall clock: what goes on by weeks, and on which dates the rest is.

A calendar comes as single times, also where it means "every Monday". The search takes dates alone for exceptions, of which it
lets a few be missed; so what occurs in at least three of every four weeks is told to it as going on by weeks (the product's own
choice). Nobody is taken to be less busy than their calendar says: a repetition also holds in the weeks that it leaves out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.weeks import MINUTES_A_DAY, BusyTime, OnDates, Recurrence, RecurrencePattern, wall_time, week_start

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MIN_RUN_WEEKS = 4
EVERY_WEEK, EVERY_OTHER_WEEK = 1, 2

MinuteSpan = tuple[int, int]
"""The minutes of the day at which it begins and ends; more than a day's where it ends on the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTimes:
    """What a calendar takes of somebody's time on the half-open dates from `first` to `until`, as it was read.

    Travel is minutes before and after each; `movable_minutes` as of any busy time.
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
        """Every time on its date and on no other, as clocks in `zone` show it."""
        slots = dates_by_time(self.intervals, zone)
        return tuple(
            self._busy(number, OnDates(frozenset(slots[slot])), slot) for number, slot in enumerate(sorted(slots))
        )

    def in_weeks(self, zone: tzinfo) -> tuple[BusyTime, ...]:
        """The same, with what goes on by weeks as such: at least as much, as it also holds in the weeks it was left out."""
        found: list[tuple[RecurrencePattern, MinuteSpan]] = []
        slots = dates_by_time(self.intervals, zone)
        for slot in sorted(slots):
            weekly, rest = weekly_patterns(slots[slot], self.first, self.until)
            found += [(pattern, slot) for pattern in weekly]
            if rest:
                found.append((OnDates(rest), slot))
        return tuple(self._busy(number, pattern, slot) for number, (pattern, slot) in enumerate(found))

    def _busy(self, number: int, pattern: RecurrencePattern, slot: MinuteSpan) -> BusyTime:
        return BusyTime(
            key=f"calendar-{self.key}-{number}",
            label=self.label,
            kind=self.kind,
            recurrence=pattern,
            starts=wall_time(slot[0]),
            ends=wall_time(slot[1]),
            travel_before=self.travel_before,
            travel_after=self.travel_after,
            movable_minutes=self.movable_minutes,
        )


def dates_by_time(intervals: Iterable[Interval[datetime]], zone: tzinfo) -> Mapping[MinuteSpan, set[date]]:
    """Under each slot the dates on which it begins. A minute that is begun is a whole one."""
    found: dict[MinuteSpan, set[date]] = defaultdict(set)
    for each in intervals:
        for on, slot in _split_at_midnight(each, zone):
            found[slot].add(on)
    return found


def _split_at_midnight(interval: Interval[datetime], zone: tzinfo) -> Iterator[tuple[date, MinuteSpan]]:
    """What takes up to a day is one piece, also past midnight; what takes longer is parted at every midnight."""
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
    """Whether the date comes at all: where the date line was moved, one was left out."""
    return at_wall_clock(on, time(), zone) < at_wall_clock(on + DAY, time(), zone)


def _wall_minutes(interval: Interval[datetime], on: date, zone: tzinfo) -> MinuteSpan:
    """From the earliest to the latest that clocks show during the interval, in minutes from midnight of the date.

    Clocks that are put back within it show some times twice: both are in it.
    """
    midnight = datetime.combine(on, time())
    starts, ends = _local_time(interval.start, zone), _local_time(interval.end, zone)
    lost = _offset(interval.start, zone) - _offset(interval.end, zone)
    if lost > timedelta():
        back = _local_time(_clock_change_in(interval, zone), zone)
        starts, ends = min(starts, back), max(ends, back + lost)
    return (starts - midnight) // MINUTE, -((midnight - ends) // MINUTE)


def _clock_change_in(interval: Interval[datetime], zone: tzinfo) -> datetime:
    """The instant, to the minute, from which clocks are put back, in an interval at whose end they are."""
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
    """What goes on by weeks among the dates of one slot, which lie between `first` and `until`, and the dates that are left.

    A weekday goes on every week, or every other week, as long as at least three of every four of these weeks have it, over
    four or more. It is taken to have gone on before a window that begins in it, and to go on after one that ends in it, until
    a later calendar is known.
    """
    left = set(dates)
    weekdays: dict[tuple[date | None, date, date | None], set[int]] = defaultdict(set)
    for step in (EVERY_WEEK, EVERY_OTHER_WEEK):
        for run in [run for weekday in range(7) for run in _runs(sorted(left), weekday, step)]:
            left -= set(run)
            began, ended = week_start(run[0]), week_start(run[-1])
            goes_on = run[-1] + 2 * step * WEEK >= until
            went_on = run[0] - step * WEEK < first
            key = (
                began if step == EVERY_OTHER_WEEK else None,
                week_start(first) if went_on else began,
                None if goes_on else ended + WEEK,
            )
            weekdays[key].add(run[0].weekday())
    patterns = tuple(
        Recurrence(weekdays=frozenset(days), anchor=anchor, valid_from=valid_from, valid_until=valid_until)
        for (anchor, valid_from, valid_until), days in weekdays.items()
    )
    return patterns, frozenset(left)


def _runs(dates: Sequence[date], weekday: int, step: int) -> Iterator[list[date]]:
    """The stretches of the weekday's dates that go on by so many weeks, long enough to be told as such."""
    for parity in range(step):
        own = [day for day in dates if day.weekday() == weekday and day.toordinal() // 7 % step == parity]
        run: list[date] = []
        missed: date | None = None
        for day in own:
            gap = (day - run[-1]) // (step * WEEK) if run else 1
            before = day - step * WEEK
            goes_on = gap == 1 or (gap == 2 and (missed is None or before - missed >= MIN_RUN_WEEKS * step * WEEK))
            if not goes_on:
                yield from _long_enough(run, step)
                run, missed = [], None
            elif gap == 2:
                missed = before
            run.append(day)
        yield from _long_enough(run, step)


def _long_enough(run: list[date], step: int) -> Iterator[list[date]]:
    if run and run[-1] - run[0] >= (MIN_RUN_WEEKS - 1) * step * WEEK:
        yield run


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """What is otherwise in a later calendar, as far as both know: times that are new in it, and times that are no longer."""

    added: tuple[Interval[datetime], ...]
    gone: tuple[Interval[datetime], ...]


def change_between(before: CalendarTimes, after: CalendarTimes, zone: tzinfo) -> CalendarChange:
    """Compared on the dates that both windows have; times beyond either are no difference."""
    first, until = max(before.first, after.first), min(before.until, after.until)
    if first >= until:
        return CalendarChange((), ())
    window = Interval(at_wall_clock(first, time(), zone), at_wall_clock(until, time(), zone))
    old, new = ({part for each in times.intervals if (part := each.intersection(window))} for times in (before, after))
    return CalendarChange(tuple(sorted(new - old)), tuple(sorted(old - new)))
