"""A busy time that is converted to another time zone still covers the same minutes."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timekeeping.busy_times import BusyTime
from timekeeping.time_zones import clock_differences, shift_busy_time
from timekeeping.weeks import OnDates, Recurrence, RecurrencePattern, Rotation

MONDAY = date(2026, 11, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NEW_YORK, CHICAGO, PHOENIX = (ZoneInfo(f"America/{city}") for city in ("New_York", "Chicago", "Phoenix"))


def shift(pattern: RecurrencePattern, starts: str, ends: str) -> BusyTime:
    return BusyTime(
        key=1,
        label="Shift",
        kind="work",
        recurrence=pattern,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        travel_before=10,
        travel_after=20,
    )


weekdays = st.frozensets(st.integers(0, 6), min_size=1)
bounds = st.sampled_from(
    [(None, None), (MONDAY + 3 * DAY, None), (None, MONDAY + 16 * DAY), (MONDAY, MONDAY + 9 * DAY)]
)
patterns = st.one_of(
    st.builds(
        lambda days, anchor, valid: Recurrence(weekdays=days, anchor=anchor, valid_from=valid[0], valid_until=valid[1]),
        weekdays,
        st.sampled_from([None, MONDAY, MONDAY + 6 * DAY, MONDAY - WEEK]),
        bounds,
    ),
    st.builds(
        lambda on, first: Rotation(cycle_days=7, days_on=on, first=MONDAY + first * DAY), weekdays, st.integers(-9, 9)
    ),
    st.builds(
        lambda days: OnDates(frozenset(MONDAY + day * DAY for day in days)),
        st.frozensets(st.integers(0, 20), min_size=1),
    ),
)
walls = st.sampled_from([time(0), time(0, 30), time(9), time(17, 15), time(22), time(23, 30)])


@given(patterns, walls, walls, st.sampled_from([-180, -60, -30, 0, 30, 60, 180]))
def test_every_occasion_is_shifted_by_the_difference(
    pattern: RecurrencePattern, starts: time, ends: time, ahead: int
) -> None:
    if starts == ends:
        return
    busy = replace(shift(pattern, "09:00", "10:00"), starts=starts, ends=ends)
    first, until = MONDAY - 2 * WEEK, MONDAY + 5 * WEEK

    def occasions(parts: tuple[BusyTime, ...], later: int) -> list[tuple[int, int]]:
        found = [
            (each.with_travel.start + later, each.with_travel.end + later)
            for part in parts
            for each in part.occasions(first, until)
        ]
        within = range(2 * 1440, (until - first).days * 1440 - 2 * 1440)
        return sorted(one for one in found if one[0] in within)

    assert occasions(shift_busy_time(busy, ahead), 0) == occasions((busy,), ahead)


def test_a_busy_time_of_a_whole_day_is_not_shifted() -> None:
    trip = shift(OnDates(frozenset({MONDAY})), "00:00", "00:00")
    assert shift_busy_time(trip, 60) == (trip,)


def test_every_other_sunday_night_becomes_the_mondays_of_the_other_weeks() -> None:
    nights = shift(Recurrence(weekdays=frozenset({5, 6}), anchor=MONDAY), "23:30", "07:00")
    saturday, sunday = shift_busy_time(nights, 60)
    assert saturday.recurrence == Recurrence(weekdays=frozenset({6}), anchor=MONDAY)
    assert sunday.recurrence == Recurrence(weekdays=frozenset({0}), anchor=MONDAY + WEEK)
    assert (sunday.starts, sunday.ends) == (time(0, 30), time(8))


@pytest.mark.parametrize(
    ("of", "to", "first", "ahead"),
    [
        pytest.param(NEW_YORK, CHICAGO, MONDAY, (-60,), id="an hour behind all year"),
        pytest.param(CHICAGO, NEW_YORK, MONDAY, (60,), id="and ahead"),
        pytest.param(NEW_YORK, NEW_YORK, MONDAY, (0,), id="the same"),
        pytest.param(NEW_YORK, PHOENIX, MONDAY, (-180, -120), id="clocks that do not change"),
    ],
)
def test_every_clock_difference_of_a_year_is_found(
    of: ZoneInfo, to: ZoneInfo, first: date, ahead: tuple[int, ...]
) -> None:
    assert clock_differences(of, to, first, first + timedelta(days=366)) == ahead
    noon = datetime.combine(first, time(12), of)
    assert noon.astimezone(to).hour * 60 - 12 * 60 in ahead
