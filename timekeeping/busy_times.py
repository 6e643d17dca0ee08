"""Times at which a person is busy, with the travel before and after them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

from timekeeping.intervals import Interval
from timekeeping.weeks import (
    MINUTES_A_DAY,
    RecurrencePattern,
    minute_of,
)

TREATMENT = "treatment"
"""The `kind` of a busy time that is booked treatment."""


def treatment_key(meeting: int | str) -> str:
    """Return the key of the busy time of a meeting that a patient attends: "meeting-7" for the meeting with key 7."""
    return f"meeting-{meeting}"


@dataclass(frozen=True, slots=True)
class Occasion:
    """One occurrence of a busy time, in wall-clock minutes counted from midnight of a reference date.

    `without_travel` is the busy time itself. `with_travel` includes the travel before and after it.
    """

    on: date
    without_travel: Interval[int]
    with_travel: Interval[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyTime:
    """A recurring busy time of a person, in wall-clock time.

    If `ends` is not after `starts`, the busy time ends on the next day.

    `travel_before` and `travel_after` are the minutes of travel between the site and the place of the busy time. A flexible
    commitment can start later or end earlier by up to `movable_minutes`. Raises ValueError for negative minutes.
    """

    key: int | str
    label: str
    kind: str
    recurrence: RecurrencePattern
    starts: time
    ends: time
    travel_before: int = 0
    travel_after: int = 0
    movable_minutes: int = 0

    def __post_init__(self) -> None:
        if self.travel_before < 0 or self.travel_after < 0:
            raise ValueError("travel can't take less than no time")
        if self.movable_minutes < 0:
            raise ValueError("nothing can give way by less than nothing")

    @property
    def is_treatment(self) -> bool:
        """Whether the busy time is booked treatment and not a commitment."""
        return self.kind == TREATMENT

    @property
    def minutes(self) -> int:
        """The length in minutes, without travel. Equal start and end times mean a whole day."""
        return (minute_of(self.ends) - minute_of(self.starts) - 1) % MINUTES_A_DAY + 1

    def occasions(self, first: date, until: date) -> Iterator[Occasion]:
        """Yield the occurrences whose time with travel overlaps the dates [first, until).

        Occurrences that cross an edge of the range are returned in full. All minutes are counted from midnight of
        `first`.
        """
        window = Interval(0, (until - first).days * MINUTES_A_DAY)
        reach = timedelta(days=2 + max(self.travel_before, self.travel_after) // MINUTES_A_DAY)
        for on in self.recurrence.dates(first - reach, until + reach):
            start = (on - first).days * MINUTES_A_DAY + minute_of(self.starts)
            end = start + self.minutes
            with_travel = Interval(start - self.travel_before, end + self.travel_after)
            if with_travel.overlaps(window):
                yield Occasion(on, Interval(start, end), with_travel)
