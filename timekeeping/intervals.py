"""Half-open intervals of minutes, dates or instants."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


def in_utc(moment: datetime) -> datetime:
    """Convert an aware datetime to UTC. Raises ValueError for a naive datetime.

    Python compares and subtracts two datetimes in the same time zone by their wall-clock times. Across a clock change,
    the difference can be an hour off. On the night when clocks go back, the first and the second 01:30 compare as
    equal. In UTC, comparison and subtraction are both correct.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"without a time zone this is not an instant: {moment}")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Interval[T: (int, date, datetime)]:
    """The half-open range [start, end) of minutes, dates or aware datetimes. Datetimes are converted to UTC.

    Raises ValueError if `end` is not after `start`, and for naive datetimes.
    """

    start: T
    end: T

    def __post_init__(self) -> None:
        if isinstance(self.start, datetime) and isinstance(self.end, datetime):
            object.__setattr__(self, "start", in_utc(self.start))
            object.__setattr__(self, "end", in_utc(self.end))
        if self.start >= self.end:
            raise ValueError(f"interval must end after it starts: {self.start}..{self.end}")

    def overlaps(self, other: "Interval[T]") -> bool:
        """Whether the two intervals overlap. Intervals that only touch do not."""
        return self.start < other.end and other.start < self.end

    def contains(self, moment: T) -> bool:
        """Whether the moment is in the interval. The start is included; the end is not."""
        return self.start <= moment < self.end

    def covers(self, other: "Interval[T]") -> bool:
        """Whether the other interval lies entirely within this one."""
        return self.start <= other.start and other.end <= self.end

    def intersection(self, other: "Interval[T]") -> "Interval[T] | None":
        """Return the overlap of the two intervals, or None if they do not overlap."""
        if not self.overlaps(other):
            return None
        return Interval(max(self.start, other.start), min(self.end, other.end))


def merge[T: (int, date, datetime)](intervals: Iterable[Interval[T]]) -> tuple[Interval[T], ...]:
    """Merge intervals that overlap or touch. Return the result in chronological order."""
    merged: list[Interval[T]] = []
    for each in sorted(intervals, key=lambda interval: interval.start):
        if merged and each.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, each.end))
        else:
            merged.append(each)
    return tuple(merged)


def subtract[T: (int, date, datetime)](
    intervals: Iterable[Interval[T]], holes: Iterable[Interval[T]]
) -> tuple[Interval[T], ...]:
    """Remove the parts of `intervals` that are in any of `holes`. Return the rest, merged and in chronological order."""
    left = list(merge(intervals))
    for hole in merge(holes):
        remaining: list[Interval[T]] = []
        for each in left:
            if not each.overlaps(hole):
                remaining.append(each)
                continue
            if each.start < hole.start:
                remaining.append(Interval(each.start, hole.start))
            if hole.end < each.end:
                remaining.append(Interval(hole.end, each.end))
        left = remaining
    return tuple(left)


def max_simultaneous[T: (int, date, datetime)](intervals: Iterable[Interval[T]]) -> int:
    """Return the largest number of intervals that overlap at any one moment. Intervals that only touch do not overlap."""
    given = list(intervals)
    return max((sum(other.contains(each.start) for other in given) for each in given), default=0)


def covered_minutes(intervals: Iterable[Interval[int]]) -> int:
    """Return how many minutes lie in at least one of the intervals. Overlapping minutes count once."""
    return sum(each.end - each.start for each in merge(intervals))


def minutes_between(starts: datetime, ends: datetime) -> int:
    """Return the whole minutes between two instants, rounded down. Raises ValueError for a naive datetime."""
    return (in_utc(ends) - in_utc(starts)) // timedelta(minutes=1)
