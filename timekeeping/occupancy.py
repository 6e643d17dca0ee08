"""An index of busy times that answers quickly whether a person or a room is free."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from timekeeping.intervals import Interval

DAY = timedelta(days=1)


class BusyIndex:
    """Busy times by key (of a room or a person), indexed by the UTC dates that they touch."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, date], list[Interval[datetime]]] = defaultdict(list)

    def take(self, key: int, time: Interval[datetime]) -> None:
        """Mark the time as busy for `key`."""
        for day in _utc_dates(time):
            self._taken[key, day].append(time)

    def is_free(self, key: int, time: Interval[datetime]) -> bool:
        """Whether no busy time of `key` overlaps the time."""
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
