"""Conflicts between dated sessions and busy times, in wall-clock time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import MINUTES_A_DAY, minute_of


def find_overlaps[T](
    times: Sequence[tuple[T, datetime, datetime]], busy: Iterable[BusyTime]
) -> tuple[tuple[T, BusyTime], ...]:
    """Find the busy times that overlap any of the `times`. Travel before and after counts as busy.

    Each item of `times` is a key, a start and an end. The start and the end are aware datetimes in the site's time
    zone. The result is pairs of a key and a busy time, without duplicates and in the order of `times`.
    """
    if not times:
        return ()
    first = min(starts.date() for _, starts, _ in times)
    until = max(starts.date() for _, starts, _ in times) + timedelta(days=1)
    taken = [(each, occasion.with_travel) for each in busy for occasion in each.occasions(first, until)]
    overlaps: list[tuple[T, BusyTime]] = []
    for key, starts, ends in times:
        midnight = (starts.date() - first).days * MINUTES_A_DAY
        length = (ends.replace(tzinfo=None) - starts.replace(tzinfo=None)) // timedelta(minutes=1)
        if length <= 0:  # clocks go back during the session, so its wall-clock end is not after its start
            continue
        begins = midnight + minute_of(starts.time())
        time = Interval(begins, begins + length)
        overlaps += ((key, each) for each, taken_time in taken if taken_time.overlaps(time))
    return tuple(dict.fromkeys(overlaps))
