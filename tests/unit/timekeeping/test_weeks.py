"""Weeks, every-other-week patterns across the end of a year, and busy times past midnight, checked by the minute."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import MINUTES_A_DAY, OnDates, Recurrence, RecurrencePattern, Rotation, week_start

MONDAY = date(2026, 11, 2)
EVERY_DAY = frozenset(range(7))

days = st.dates(date(2024, 12, 1), date(2027, 2, 28))
weekdays = st.frozensets(st.integers(0, 6), min_size=1)
walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))


@pytest.mark.parametrize(
    ("day", "first_weekday", "start"),
    [
        pytest.param(date(2026, 11, 2), 0, date(2026, 11, 2), id="a Monday begins its own week"),
        pytest.param(date(2026, 11, 8), 0, date(2026, 11, 2), id="Sunday ends the week that Monday began"),
        pytest.param(date(2026, 11, 8), 6, date(2026, 11, 8), id="Sunday begins it where weeks start on Sunday"),
        pytest.param(date(2026, 11, 7), 6, date(2026, 11, 1), id="Saturday ends it there"),
        pytest.param(date(2027, 1, 3), 0, date(2026, 12, 28), id="ISO week 53 of 2026 reaches into 2027"),
    ],
)
def test_a_week_begins_on_its_first_weekday(day: date, first_weekday: int, start: date) -> None:
    assert week_start(day, first_weekday) == start


@given(days, st.integers(0, 6))
def test_every_day_is_one_of_the_seven_days_of_its_week(day: date, first_weekday: int) -> None:
    start = week_start(day, first_weekday)
    assert start.weekday() == first_weekday
    assert 0 <= (day - start).days < 7


def test_an_every_other_week_pattern_stays_in_step_over_iso_week_53() -> None:
    """2026 has 53 ISO weeks. A pattern based on odd week numbers would fall in two consecutive weeks."""
    shift = Recurrence(weekdays=frozenset({2}), anchor=date(2026, 12, 14))
    assert list(shift.dates(date(2026, 12, 1), date(2027, 2, 1))) == [
        date(2026, 12, 2),
        date(2026, 12, 16),
        date(2026, 12, 30),
        date(2027, 1, 13),
        date(2027, 1, 27),
    ]


@given(weekdays, days, days)
def test_an_every_other_week_pattern_happens_in_one_of_any_two_consecutive_weeks(
    on: frozenset[int], anchor: date, day: date
) -> None:
    shift = Recurrence(weekdays=on, anchor=anchor)
    assert shift.happens_on(day) + shift.happens_on(day + timedelta(weeks=1)) == (day.weekday() in on)
    assert shift.happens_on(day) == shift.happens_on(day + timedelta(weeks=2))
    assert shift.happens_on(week_start(anchor) + timedelta(days=min(on)))


@given(weekdays, st.none() | days, st.none() | days, st.integers(1, 60), days, st.integers(-5, 40))
def test_dates_are_the_days_of_the_range_on_which_the_recurrence_happens(
    on: frozenset[int], anchor: date | None, valid_from: date | None, valid_days: int, first: date, length: int
) -> None:
    recurrence = Recurrence(
        weekdays=on,
        anchor=anchor,
        valid_from=valid_from,
        valid_until=valid_from and valid_from + timedelta(days=valid_days),
    )
    range_days = [first + timedelta(days=step) for step in range(length)]
    assert list(recurrence.dates(first, first + timedelta(days=length))) == [
        day for day in range_days if recurrence.happens_on(day)
    ]


def test_a_recurrence_that_happens_once_has_a_single_date() -> None:
    court = Recurrence.once(date(2026, 11, 5))
    assert list(court.dates(date(2026, 1, 1), date(2027, 12, 31))) == [date(2026, 11, 5)]


@pytest.mark.parametrize(
    "faulty",
    [
        pytest.param({"weekdays": frozenset()}, id="on no weekday"),
        pytest.param({"weekdays": frozenset({7})}, id="on an eighth weekday"),
        pytest.param({"weekdays": EVERY_DAY, "valid_from": MONDAY, "valid_until": MONDAY}, id="over before it begins"),
    ],
)
def test_an_impossible_recurrence_cannot_be_built(faulty: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Recurrence(**faulty)


def busy(
    starts: time, ends: time, recurrence: RecurrencePattern | None = None, before: int = 0, after: int = 0
) -> BusyTime:
    return BusyTime(
        key=1,
        label="Shift",
        kind="work",
        recurrence=recurrence or Recurrence(weekdays=EVERY_DAY),
        starts=starts,
        ends=ends,
        travel_before=before,
        travel_after=after,
    )


def hours(start: float, end: float, day: int = 0) -> Interval[int]:
    return Interval(int((day * 24 + start) * 60), int((day * 24 + end) * 60))


@pytest.mark.parametrize(
    ("time_off", "without_travel", "with_travel"),
    [
        pytest.param(
            busy(time(9), time(17), Recurrence(weekdays=frozenset({1})), 30, 45),
            [hours(9, 17, day=1)],
            [hours(8.5, 17.75, day=1)],
            id="a day shift with the way there and back",
        ),
        pytest.param(
            busy(time(22), time(6), Recurrence(weekdays=frozenset({2}))),
            [hours(22, 30, day=2)],
            [hours(22, 30, day=2)],
            id="a night shift ends the next morning",
        ),
        pytest.param(
            busy(time(22), time(6), Recurrence(weekdays=frozenset({6}))),
            [hours(-2, 6), hours(22, 30, day=6)],
            [hours(-2, 6), hours(22, 30, day=6)],
            id="Sunday's night shift reaches over the week's end, and so did the one before",
        ),
        pytest.param(
            busy(time(22), time(6), Recurrence.once(MONDAY - timedelta(days=1))),
            [hours(-2, 6)],
            [hours(-2, 6)],
            id="one that began the night before the range",
        ),
        pytest.param(
            busy(time(12), time(12), Recurrence(weekdays=frozenset({4}))),
            [hours(12, 36, day=4)],
            [hours(12, 36, day=4)],
            id="a watch of 24 hours",
        ),
        pytest.param(
            busy(time(0, 30), time(4), Recurrence.once(MONDAY + timedelta(days=7)), before=60),
            [hours(0.5, 4, day=7)],
            [hours(-0.5, 4, day=7)],
            id="only the way to it lies within the week",
        ),
        pytest.param(
            busy(time(23), time(22), Recurrence.once(MONDAY - timedelta(days=2)), after=180),
            [hours(23, 46, day=-2)],
            [hours(23, 49, day=-2)],
            id="the way home from a watch that began two days before",
        ),
        pytest.param(
            busy(time(20), time(23, 30), Recurrence.once(MONDAY - timedelta(days=1)), after=30),
            [],
            [],
            id="home by midnight: nothing is left of it",
        ),
        pytest.param(
            busy(time(22), time(6), Recurrence(weekdays=frozenset({0}), anchor=MONDAY + timedelta(days=10))),
            [],
            [],
            id="not in this one of every two weeks",
        ),
    ],
)
def test_a_busy_time_has_its_occasions_in_a_week_with_and_without_travel(
    time_off: BusyTime, without_travel: list[Interval[int]], with_travel: list[Interval[int]]
) -> None:
    found = list(time_off.occasions(MONDAY, MONDAY + timedelta(weeks=1)))
    assert [each.without_travel for each in found] == without_travel
    assert [each.with_travel for each in found] == with_travel


@given(
    weekdays,
    st.none() | st.dates(MONDAY - timedelta(days=30), MONDAY + timedelta(days=30)),
    st.none() | st.dates(MONDAY - timedelta(days=3), MONDAY + timedelta(days=3)),
    walls,
    walls,
    st.sampled_from([0, 15, 480, MINUTES_A_DAY, 2000]),
    st.sampled_from([0, 15, 480, MINUTES_A_DAY, 2000]),
)
def test_occasions_cover_exactly_the_busy_minutes_of_the_range(
    on: frozenset[int], anchor: date | None, valid_from: date | None, starts: time, ends: time, before: int, after: int
) -> None:
    """A minute must be busy if and only if an occurrence covers it, travel included.

    Occurrences from 10 days before the range to 10 days after it are checked.
    """
    time_off = busy(starts, ends, Recurrence(weekdays=on, anchor=anchor, valid_from=valid_from), before, after)
    range_of_days = 3
    expected: set[int] = set()
    for step in range(-10, 14):
        if time_off.recurrence.happens_on(MONDAY + timedelta(days=step)):
            begin = step * MINUTES_A_DAY + starts.hour * 60 + starts.minute
            end = step * MINUTES_A_DAY + ends.hour * 60 + ends.minute + (0 if ends > starts else MINUTES_A_DAY)
            expected.update(range(max(0, begin - before), min(range_of_days * MINUTES_A_DAY, end + after)))
    found: set[int] = set()
    for each in time_off.occasions(MONDAY, MONDAY + timedelta(days=range_of_days)):
        assert each.with_travel.covers(each.without_travel)
        found.update(range(max(0, each.with_travel.start), min(range_of_days * MINUTES_A_DAY, each.with_travel.end)))
    assert found == expected


def test_negative_travel_is_refused() -> None:
    with pytest.raises(ValueError, match="travel"):
        busy(time(9), time(17), before=-5)


@pytest.mark.parametrize(
    ("cycle_days", "days_on", "dates"),
    [
        pytest.param(7, {0, 1, 2, 3}, [2, 3, 4, 5, 9, 10, 11, 12, 16], id="4 on, 3 off"),
        pytest.param(8, {0, 1}, [2, 3, 10, 11], id="the day shifts of 2 days, 2 nights, 4 off"),
        pytest.param(14, {0, 1, 4, 5, 6, 9, 10}, [2, 3, 6, 7, 8, 11, 12, 16], id="2-2-3"),
    ],
)
def test_a_rotation_repeats_by_days(cycle_days: int, days_on: set[int], dates: list[int]) -> None:
    shift = Rotation(cycle_days=cycle_days, days_on=frozenset(days_on), first=MONDAY)
    assert [day.day for day in shift.dates(MONDAY, MONDAY + timedelta(days=15))] == dates


@given(st.integers(1, 40), st.data(), days, days, st.integers(0, 60))
def test_a_rotation_is_the_same_in_every_cycle_before_and_after_its_first_day(
    cycle_days: int, data: st.DataObject, first: date, day: date, length: int
) -> None:
    days_on = data.draw(st.frozensets(st.integers(0, cycle_days - 1), min_size=1))
    shift = Rotation(cycle_days=cycle_days, days_on=days_on, first=first)
    assert shift.happens_on(day) == shift.happens_on(day + timedelta(days=cycle_days))
    assert {(each - first).days % cycle_days for each in shift.dates(day, day + timedelta(days=cycle_days))} == days_on
    range_days = [day + timedelta(days=step) for step in range(length)]
    assert list(shift.dates(day, day + timedelta(days=length))) == [
        each for each in range_days if shift.happens_on(each)
    ]


def test_a_rotation_happens_only_between_its_dates() -> None:
    shift = Rotation(
        cycle_days=2,
        days_on=frozenset({0}),
        first=MONDAY,
        valid_from=MONDAY + timedelta(days=1),
        valid_until=MONDAY + timedelta(days=6),
    )
    assert list(shift.dates(MONDAY - timedelta(days=5), MONDAY + timedelta(days=20))) == [
        MONDAY + timedelta(days=2),
        MONDAY + timedelta(days=4),
    ]


def test_single_dates_come_in_order_and_within_the_range() -> None:
    court = OnDates(frozenset({MONDAY, MONDAY - timedelta(days=1), MONDAY + timedelta(days=9)}))
    assert list(court.dates(MONDAY - timedelta(days=1), MONDAY + timedelta(days=9))) == [
        MONDAY - timedelta(days=1),
        MONDAY,
    ]


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(lambda: Rotation(cycle_days=7, days_on=frozenset(), first=MONDAY), id="a rotation with no day on"),
        pytest.param(lambda: Rotation(cycle_days=3, days_on=frozenset({3}), first=MONDAY), id="a day past the cycle"),
        pytest.param(
            lambda: Rotation(cycle_days=3, days_on=frozenset({1}), first=MONDAY, valid_from=MONDAY, valid_until=MONDAY),
            id="a rotation that ends as it begins",
        ),
        pytest.param(lambda: OnDates(frozenset()), id="no date"),
    ],
)
def test_a_pattern_that_never_happens_cannot_be_built(nonsense: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        nonsense()
