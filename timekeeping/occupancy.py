"""Who or what is taken when: answers quickly whether somebody is free."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from timekeeping.intervals import Interval

DAY = timedelta(days=1)


class BusyIndex:
    """Times taken by rooms, by people, by anything with a key; looked up by the UTC days that they touch."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, date], list[Interval[datetime]]] = defaultdict(list)

    def take(self, key: int, time: Interval[datetime]) -> None:
        for day in _utc_days(time):
            self._taken[key, day].append(time)

    def is_free(self, key: int, time: Interval[datetime]) -> bool:
        return not any(
            time.overlaps(other)
            for day in _utc_days(time)
            if (key, day) in self._taken
            for other in self._taken[key, day]
        )


def _utc_days(time: Interval[datetime]) -> Iterator[date]:
    day, last = time.start.date(), time.end.date()
    while day <= last:
        yield day
        day += DAY
