"""The days on which clocks are put forward or back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Clocks change in the night to `on`: by so many minutes, forward when positive."""

    on: date
    minutes: int

    def __post_init__(self) -> None:
        if self.minutes == 0:
            raise ValueError(f"clocks that stay as they are do not change: {self.on}")


def clock_changes(zone: tzinfo, first: date, until: date) -> Iterator[ClockChange]:
    """The changes in the half-open range of dates, in order.

    A day is told from the day before by the zone's offset at noon, as clocks are put forward or back at night.
    """
    for number in range((until - first).days):
        on = first + timedelta(days=number)
        minutes = (_offset(on, zone) - _offset(on - timedelta(days=1), zone)) // timedelta(minutes=1)
        if minutes:
            yield ClockChange(on, minutes)


def _offset(day: date, zone: tzinfo) -> timedelta:
    return datetime.combine(day, time(12), zone).utcoffset() or timedelta()
