"""Intervals behave like sets of minutes, even in the night when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timekeeping.intervals import (
    Interval,
    covered_minutes,
    in_utc,
    max_simultaneous,
    merge,
    minutes_between,
    subtract,
)

NEW_YORK = ZoneInfo("America/New_York")
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
FORWARD, BACK = date(2026, 3, 8), date(2026, 11, 1)

starts = st.integers(-40, 40)
intervals = st.builds(lambda start, length: Interval(start, start + length), starts, st.integers(1, 25))
several = st.lists(intervals, max_size=8)


def moments(*them: Interval[int]) -> set[int]:
    return {minute for each in them for minute in range(each.start, each.end)}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(5, 5, id="no time at all"),
        pytest.param(6, 5, id="ends before it starts"),
        pytest.param(date(2026, 11, 2), date(2026, 11, 2), id="no day at all"),
        pytest.param(NINE, NINE, id="no instant"),
        pytest.param(NINE.replace(tzinfo=None), NINE.replace(hour=10, tzinfo=None), id="wall clock without a zone"),
    ],
)
def test_an_invalid_interval_cannot_be_built(start: Any, end: Any) -> None:
    with pytest.raises(ValueError):
        Interval(start, end)


@given(intervals, intervals)
def test_two_intervals_overlap_exactly_when_they_share_a_minute(one: Interval[int], two: Interval[int]) -> None:
    shared = moments(one) & moments(two)
    assert one.overlaps(two) == two.overlaps(one) == bool(shared)
    both = one.intersection(two)
    assert (moments(both) if both else set()) == shared


@given(intervals, intervals, starts)
def test_contains_and_covers_agree_with_sets_of_minutes(one: Interval[int], two: Interval[int], moment: int) -> None:
    assert one.contains(moment) == (moment in moments(one))
    assert one.covers(two) == (moments(two) <= moments(one))


@given(several)
def test_the_most_simultaneous_intervals_are_in_the_fullest_minute(them: list[Interval[int]]) -> None:
    fullest = max((sum(each.contains(minute) for each in them) for minute in moments(*them)), default=0)
    assert max_simultaneous(them) == fullest


def test_touching_intervals_do_not_overlap_and_merge_into_one() -> None:
    morning, noon = Interval(540, 720), Interval(720, 780)
    assert not morning.overlaps(noon)
    assert merge([noon, morning]) == (Interval(540, 780),)


@given(several)
def test_merging_keeps_the_minutes_in_the_fewest_intervals(them: list[Interval[int]]) -> None:
    merged = merge(them)
    assert moments(*merged) == moments(*them)
    assert all(one.end < two.start for one, two in pairwise(merged))
    assert covered_minutes(them) == len(moments(*them))


@given(several, several)
def test_subtraction_leaves_the_minutes_that_are_in_no_hole(
    them: list[Interval[int]], holes: list[Interval[int]]
) -> None:
    left = subtract(them, holes)
    assert moments(*left) == moments(*them) - moments(*holes)
    assert left == merge(left)


def test_instants_are_kept_in_utc_so_that_the_repeated_hour_lasts_an_hour() -> None:
    """On November 1, 2026, the hour from 01:00 to 02:00 occurs twice in New York, so 01:45 EDT is before 01:15 EST."""
    first = datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK)
    second = datetime(2026, 11, 1, 1, 15, fold=1, tzinfo=NEW_YORK)
    night = Interval(first, second)
    assert (night.start, night.end) == (
        datetime(2026, 11, 1, 5, 45, tzinfo=UTC),
        datetime(2026, 11, 1, 6, 15, tzinfo=UTC),
    )
    assert minutes_between(first, second) == 30


@pytest.mark.parametrize(
    ("day", "starts", "ends", "minutes"),
    [
        pytest.param(FORWARD, time(0, 30), time(3, 30), 120, id="clocks go forward"),
        pytest.param(BACK, time(0, 30), time(3, 30), 240, id="clocks go back"),
        pytest.param(NINE.date(), time(9), time(12), 180, id="an ordinary day"),
        pytest.param(NINE.date(), time(9), time(9, 59, 59, 999999), 59, id="never rounded up"),
    ],
)
def test_minutes_are_elapsed_time_and_not_wall_clock_time(day: date, starts: time, ends: time, minutes: int) -> None:
    passed = minutes_between(datetime.combine(day, starts, NEW_YORK), datetime.combine(day, ends, NEW_YORK))
    assert passed == minutes


def test_naive_times_are_refused() -> None:
    naive = in_utc(NINE).replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        minutes_between(naive, naive + timedelta(hours=1))
