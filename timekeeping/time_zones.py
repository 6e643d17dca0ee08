"""What is stated by the clock of one place, as clocks of another show it: two sites of a clinic can be in two zones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo

from timekeeping.weeks import MINUTES_A_DAY, BusyTime, OnDates, Recurrence, Rotation, minute_of

DAYS_A_WEEK = 7


def clock_differences(of: tzinfo, to: tzinfo, first: date, until: date) -> tuple[int, ...]:
    """By how many minutes clocks in `to` are ahead of those in `of` at noon of the half-open dates: once each, ascending.

    One for zones whose clocks change on the same days.
    """
    noons = (datetime.combine(first + timedelta(days=number), time(12), of) for number in range((until - first).days))
    found = set()
    for noon in noons:
        ahead, behind = noon.astimezone(to).utcoffset(), noon.utcoffset()
        assert ahead is not None
        assert behind is not None
        found.add((ahead - behind) // timedelta(minutes=1))
    return tuple(sorted(found))


def shift_busy_time(busy: BusyTime, ahead: int) -> tuple[BusyTime, ...]:
    """The busy time as clocks show it that are so many minutes ahead, less than a day: one, or two of which one begins in
    another week.

    A whole day stays one: what takes all of a date is meant by the date.
    """
    if ahead == 0 or busy.starts == busy.ends == time(0):
        return (busy,)
    starts, ends = minute_of(busy.starts) + ahead, minute_of(busy.ends) + ahead
    days = starts // MINUTES_A_DAY
    shown = replace(busy, starts=_wall_time(starts), ends=_wall_time(ends))
    return tuple(replace(shown, recurrence=each) for each in _shift_pattern(busy.recurrence, days))


def _wall_time(minutes: int) -> time:
    return time(*divmod(minutes % MINUTES_A_DAY, 60))


def _shift_pattern(pattern: Recurrence | Rotation | OnDates, days: int) -> Iterator[Recurrence | Rotation | OnDates]:
    """What happens on the dates so many days after those of the pattern, at most one before or after."""
    shift = timedelta(days=days)
    if isinstance(pattern, OnDates):
        yield OnDates(frozenset(day + shift for day in pattern.days))
        return
    valid_from = pattern.valid_from and pattern.valid_from + shift
    valid_until = pattern.valid_until and pattern.valid_until + shift
    if isinstance(pattern, Rotation):
        yield replace(pattern, first=pattern.first + shift, valid_from=valid_from, valid_until=valid_until)
        return
    if pattern.anchor is None:
        weekdays = frozenset((day + days) % DAYS_A_WEEK for day in pattern.weekdays)
        yield replace(pattern, weekdays=weekdays, valid_from=valid_from, valid_until=valid_until)
        return
    for weeks in (-1, 0, 1):  # of every other week, a day that gets into the next one is of the others
        moved = frozenset(
            (day + days) % DAYS_A_WEEK for day in pattern.weekdays if (day + days) // DAYS_A_WEEK == weeks
        )
        if moved:
            anchor = pattern.anchor + timedelta(weeks=weeks)
            yield replace(pattern, weekdays=moved, anchor=anchor, valid_from=valid_from, valid_until=valid_until)
