"""An index of busy times, for checking quickly whether a person or a room is free."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from timekeeping.intervals import Interval

DAY = timedelta(days=1)


class BusyIndex:
    """Busy times of people or rooms, grouped by the key of the person or room and by UTC date."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, date], list[Interval[datetime]]] = defaultdict(list)

    def take(self, key: int, time: Interval[datetime]) -> None:
        """Record that the person or room with this key is busy during the given time."""
        for day in _utc_dates(time):
            self._taken[key, day].append(time)

    def is_free(self, key: int, time: Interval[datetime]) -> bool:
        """Whether the person or room with this key is free during the whole of the given time."""
        return not any(
            time.overlaps(other)
            for day in _utc_dates(time)
            if (key, day) in self._taken
            for other in self._taken[key, day]
        )


def _utc_dates(time: Interval[datetime]) -> Iterator[date]:
    day, last = time.start.date(), time.end.date()
    while day <= last:
        yield day
        day += DAY
