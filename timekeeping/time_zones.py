"""Convert wall-clock times between time zones, for clinics whose sites are in different zones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import available_timezones

from timekeeping.busy_times import BusyTime
from timekeeping.weeks import MINUTES_A_DAY, OnDates, RecurrencePattern, Rotation, minute_of, wall_time

DAYS_A_WEEK = 7
CONTINENTS_AND_OCEANS = frozenset(
    {
        "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
    }
)  # fmt: skip


def city_time_zones() -> frozenset[str]:
    """Return the IANA names of the time zones that are named after a place, such as America/Chicago.

    Other names are left out. They are obsolete, such as US/Eastern, or stand for a fixed difference from UTC, such as
    Etc/GMT+5.
    """
    return frozenset(name for name in available_timezones() if name.partition("/")[0] in CONTINENTS_AND_OCEANS)


def clock_differences(of: tzinfo, to: tzinfo, first: date, until: date) -> tuple[int, ...]:
    """Return the differences in minutes between the clocks of two time zones, at noon of the dates in [first, until).

    A difference is positive if clocks in the zone `to` are ahead of clocks in the zone `of`. Each distinct difference
    is returned once, in ascending order. From Chicago to New York, where clocks change on the same dates, the result is
    (60,).
    """
    noons = (datetime.combine(first + timedelta(days=number), time(12), of) for number in range((until - first).days))
    differences = set()
    for noon in noons:
        ahead, behind = noon.astimezone(to).utcoffset(), noon.utcoffset()
        assert ahead is not None
        assert behind is not None
        differences.add((ahead - behind) // timedelta(minutes=1))
    return tuple(sorted(differences))


def shift_busy_time(busy: BusyTime, ahead: int) -> tuple[BusyTime, ...]:
    """Convert a busy time to a time zone whose clocks are `ahead` minutes ahead, or behind if `ahead` is negative.

    The difference must be less than a day.

    The result is usually one busy time. A pattern for every other week becomes two busy times if only some of its days
    move into another week. A busy time from midnight to midnight keeps its date.
    """
    if ahead == 0 or busy.starts == busy.ends == time(0):
        return (busy,)
    starts, ends = minute_of(busy.starts) + ahead, minute_of(busy.ends) + ahead
    days = starts // MINUTES_A_DAY
    shown = replace(busy, starts=wall_time(starts), ends=wall_time(ends))
    return tuple(replace(shown, recurrence=each) for each in _shift_pattern(busy.recurrence, days))


def _shift_pattern(pattern: RecurrencePattern, days: int) -> Iterator[RecurrencePattern]:
    """Yield the pattern moved by `days`, which is -1, 0 or 1."""
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
    # The pattern is for every other week. A weekday that moves into the previous or the next week gets an anchor there.
    for weeks in (-1, 0, 1):
        moved = frozenset(
            (day + days) % DAYS_A_WEEK for day in pattern.weekdays if (day + days) // DAYS_A_WEEK == weeks
        )
        if moved:
            anchor = pattern.anchor + timedelta(weeks=weeks)
            yield replace(pattern, weekdays=moved, anchor=anchor, valid_from=valid_from, valid_until=valid_until)
