"""Half-open intervals of minutes, dates or instants."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


def in_utc(moment: datetime) -> datetime:
    """Convert an aware datetime to UTC. Raises ValueError for a naive one.

    Python compares and subtracts two datetimes in the same zone by their wall clocks. It says 3 hours where 2 passed, and on
    the night when clocks go back it takes the first 01:30 for the second. In UTC both are right.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"without a time zone this is not an instant: {moment}")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Interval[T: (int, date, datetime)]:
    """The range from `start` up to, but not including, `end`. Instants are converted to UTC.

    Raises ValueError if it does not end after it starts, and for naive datetimes.
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
        """Whether the two share a moment. Intervals that only touch do not overlap."""
        return self.start < other.end and other.start < self.end

    def contains(self, moment: T) -> bool:
        """Whether the moment is inside; the end is not."""
        return self.start <= moment < self.end

    def covers(self, other: "Interval[T]") -> bool:
        """Whether all of the other interval is inside this one."""
        return self.start <= other.start and other.end <= self.end

    def intersection(self, other: "Interval[T]") -> "Interval[T] | None":
        """Return the part that both share, or None if they do not overlap."""
        if not self.overlaps(other):
            return None
        return Interval(max(self.start, other.start), min(self.end, other.end))


def merge[T: (int, date, datetime)](intervals: Iterable[Interval[T]]) -> tuple[Interval[T], ...]:
    """Return the same moments as the fewest possible intervals, in order. Touching intervals become one."""
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
    """Return the moments of `intervals` that are in none of `holes`, as the fewest possible intervals, in order."""
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
    """Return the largest number of intervals that share a moment. Intervals that only touch share none."""
    given = list(intervals)
    return max((sum(other.contains(each.start) for other in given) for each in given), default=0)


def covered_minutes(intervals: Iterable[Interval[int]]) -> int:
    """Count the minutes that are in at least one of the intervals, which are in minutes."""
    return sum(each.end - each.start for each in merge(intervals))


def minutes_between(starts: datetime, ends: datetime) -> int:
    """Return the whole minutes between two instants, rounded down. Raises ValueError for a naive datetime."""
    return (in_utc(ends) - in_utc(starts)) // timedelta(minutes=1)
