"""The dates on which clocks go forward or back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A clock change in the 24 hours before noon of `on`. `minutes` is positive if clocks go forward.

    Raises ValueError for a change of 0 minutes.
    """

    on: date
    minutes: int

    def __post_init__(self) -> None:
        if self.minutes == 0:
            raise ValueError(f"a clock change can't be 0 minutes: {self.on}")


def clock_changes(zone: tzinfo, first: date, until: date) -> Iterator[ClockChange]:
    """Yield the clock changes in `zone` on dates in [first, until), in order.

    Each day's UTC offset at noon is compared with the offset at noon of the day before, because clocks change at night.
    """
    for number in range((until - first).days):
        on = first + timedelta(days=number)
        minutes = (_noon_offset(on, zone) - _noon_offset(on - timedelta(days=1), zone)) // timedelta(minutes=1)
        if minutes:
            yield ClockChange(on, minutes)


def _noon_offset(day: date, zone: tzinfo) -> timedelta:
    return datetime.combine(day, time(12), zone).utcoffset() or timedelta()
