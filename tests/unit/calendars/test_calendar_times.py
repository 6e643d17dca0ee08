"""Imported calendar times become busy times. Times that repeat become weekly patterns, and no busy minute is lost."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patients.domain.calendar_times import CalendarTimes, change_between, weekly_patterns
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import MINUTES_A_DAY, OnDates, Recurrence

NEW_YORK = ZoneInfo("America/New_York")
FIRST, UNTIL = date(2026, 9, 7), date(2027, 3, 8)
MONDAYS = [FIRST + timedelta(weeks=number) for number in range(26)]
ZONES = [
    "America/New_York",
    "America/Havana",  # clocks go back to midnight, so the hour after midnight occurs twice
    "America/Asuncion",
    "Asia/Beirut",  # clocks go forward at midnight, so the hour after midnight is skipped
    "Australia/Lord_Howe",  # clocks change by half an hour
    "Europe/Berlin",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
]


def times(*intervals: Interval[datetime], **fields: Any) -> CalendarTimes:
    given: dict[str, Any] = {
        "key": 1,
        "label": "Work calendar",
        "kind": "work",
        "first": FIRST,
        "until": UNTIL,
    } | fields
    return CalendarTimes(intervals=intervals, **given)


def at(day: date, starts: str, ends: str, days: int = 0) -> Interval[datetime]:
    """Return an interval that starts on `day` and ends `days` days later, on the wall clock of New York."""
    return Interval(
        datetime.combine(day, time.fromisoformat(starts), NEW_YORK),
        datetime.combine(day + timedelta(days=days), time.fromisoformat(ends), NEW_YORK),
    )


def minutes_shown(busy: tuple[BusyTime, ...], first: date, until: date) -> set[tuple[date, int]]:
    """Return each busy minute in [first, until) as a pair of its date and its minute of the day."""
    return {
        (first + timedelta(days=minute // MINUTES_A_DAY), minute % MINUTES_A_DAY)
        for each in busy
        for occasion in each.occasions(first, until)
        for minute in range(occasion.without_travel.start, occasion.without_travel.end)
    }


stretches = st.builds(
    lambda minute, length, second: Interval(
        start := datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=minute, seconds=second),
        start + timedelta(seconds=length),
    ),
    st.integers(0, 60 * 24 * 170),
    st.one_of(st.integers(1, 7200), st.integers(1, 60 * 60 * 30), st.integers(1, 60 * 60 * 24 * 5)),
    st.integers(0, 59),
)


@given(st.lists(stretches, max_size=6), st.sampled_from(ZONES), st.booleans())
@example(
    [Interval(datetime(2026, 11, 1, 5, 50, tzinfo=UTC), datetime(2026, 11, 1, 6, 10, tzinfo=UTC))], ZONES[0], False
)
@example([Interval(datetime(2026, 11, 1, 5, 50, tzinfo=UTC), datetime(2026, 11, 2, 6, 45, tzinfo=UTC))], ZONES[0], True)
@example([Interval(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC))], ZONES[0], True)
def test_busy_times_cover_every_minute_of_the_calendar(
    intervals: list[Interval[datetime]], zone_name: str, in_weeks: bool
) -> None:
    zone = ZoneInfo(zone_name)
    calendar = times(*intervals)
    busy = calendar.in_weeks(zone) if in_weeks else calendar.on_dates(zone)
    shown = minutes_shown(busy, date(2026, 9, 28), date(2027, 4, 1))
    for each in intervals:
        moment = each.start
        while moment < each.end:
            wall = moment.astimezone(zone)
            assert (wall.date(), wall.hour * 60 + wall.minute) in shown
            moment += timedelta(minutes=1)


@given(st.lists(stretches, max_size=6))
def test_without_clock_changes_single_dates_add_no_busy_minutes(intervals: list[Interval[datetime]]) -> None:
    shown = minutes_shown(times(*intervals).on_dates(UTC), date(2026, 9, 28), date(2027, 4, 1))
    expected = {
        (minute.date(), minute.hour * 60 + minute.minute)
        for each in intervals
        for number in range(-((each.start - each.end) // timedelta(minutes=1)) + 1)
        if (minute := each.start.replace(second=0) + timedelta(minutes=number)) < each.end
    }
    assert shown == expected


@pytest.mark.parametrize(
    ("interval", "slots"),
    [
        pytest.param(at(FIRST, "09:00", "17:00"), [(FIRST, "09:00", "17:00")], id="a shift"),
        pytest.param(at(FIRST, "22:00", "06:00", 1), [(FIRST, "22:00", "06:00")], id="a night is one time"),
        pytest.param(at(FIRST, "00:00", "00:00", 1), [(FIRST, "00:00", "00:00")], id="a whole day"),
        pytest.param(
            at(FIRST, "16:00", "09:30", 2),
            [
                (FIRST + timedelta(days=2), "00:00", "09:30"),
                (FIRST + timedelta(days=1), "00:00", "00:00"),
                (FIRST, "16:00", "00:00"),
            ],
            id="a journey is parted at every midnight",
        ),
        pytest.param(
            at(date(2026, 11, 1), "00:30", "03:00"),
            [(date(2026, 11, 1), "00:30", "03:00")],
            id="over an hour that comes twice",
        ),
    ],
)
def test_a_time_becomes_busy_times_on_its_dates_split_at_midnight(
    interval: Interval[datetime], slots: list[tuple[date, str, str]]
) -> None:
    found = times(interval).on_dates(NEW_YORK)
    assert [
        (*sorted(each.recurrence.days), f"{each.starts:%H:%M}", f"{each.ends:%H:%M}")
        for each in found
        if isinstance(each.recurrence, OnDates)
    ] == sorted(slots, key=lambda slot: slot[1])
    assert all(isinstance(each.recurrence, OnDates) for each in found)


def weekly(
    weekdays: set[int], valid_from: date | None, valid_until: date | None, anchor: date | None = None
) -> Recurrence:
    return Recurrence(weekdays=frozenset(weekdays), anchor=anchor, valid_from=valid_from, valid_until=valid_until)


@pytest.mark.parametrize(
    ("dates", "patterns", "left"),
    [
        pytest.param(MONDAYS, [weekly({0}, FIRST, None)], [], id="every week, and on"),
        pytest.param(
            [day for number, day in enumerate(MONDAYS) if number % 4 != 1],
            [weekly({0}, FIRST, None)],
            [],
            id="three of four",
        ),
        pytest.param(
            [*MONDAYS[:10], *MONDAYS[12:]],
            [weekly({0}, FIRST, MONDAYS[10]), weekly({0}, MONDAYS[12], None)],
            [],
            id="two weeks away part it",
        ),
        pytest.param(MONDAYS[4:12], [weekly({0}, MONDAYS[4], MONDAYS[12])], [], id="a job of eight weeks"),
        pytest.param(MONDAYS[4:7], [], MONDAYS[4:7], id="three weeks are dates"),
        pytest.param(
            [MONDAYS[4], *MONDAYS[6:8]], [weekly({0}, MONDAYS[4], MONDAYS[8])], [], id="three times in four weeks"
        ),
        pytest.param(MONDAYS[:25], [weekly({0}, FIRST, None)], [], id="a holiday at the end"),
        pytest.param(MONDAYS[:24], [weekly({0}, FIRST, MONDAYS[24])], [], id="over two weeks before the end"),
        pytest.param(MONDAYS[::2], [weekly({0}, FIRST, None, FIRST)], [], id="every other week"),
        pytest.param(MONDAYS[::3], [], MONDAYS[::3], id="every third week are dates"),
        pytest.param([MONDAYS[3]], [], [MONDAYS[3]], id="once"),
        pytest.param(
            [day + timedelta(days=number) for day in MONDAYS for number in range(5)],
            [weekly({0, 1, 2, 3, 4}, FIRST, None)],
            [],
            id="working days are one pattern",
        ),
    ],
)
def test_weekly_patterns_are_found(dates: list[date], patterns: list[Recurrence], left: list[date]) -> None:
    assert weekly_patterns(dates, FIRST, UNTIL) == (tuple(patterns), frozenset(left))


@given(st.sets(st.integers(0, 181)))
def test_a_weekly_pattern_occurs_in_at_least_three_of_any_four_weeks(numbers: set[int]) -> None:
    dates = {FIRST + timedelta(days=number) for number in numbers}
    patterns, left = weekly_patterns(dates, FIRST, UNTIL)
    pattern_dates = [day for pattern in patterns for day in pattern.dates(FIRST, UNTIL)]
    assert dates <= {*pattern_dates, *left}
    assert left <= dates
    for pattern in patterns:
        for weekday in pattern.weekdays:
            weekly_recurrence = weekly({weekday}, pattern.valid_from, pattern.valid_until, pattern.anchor)
            is_busy = [day in dates for day in weekly_recurrence.dates(FIRST, UNTIL)]
            begins, ends = is_busy.index(True), len(is_busy) - is_busy[::-1].index(True)
            assert ends - begins >= 4
            assert all(sum(is_busy[number : number + 4]) >= 3 for number in range(begins, ends - 3))


def test_a_range_that_starts_midweek_keeps_the_working_days_together() -> None:
    wednesday = FIRST + timedelta(days=2)
    dates = [day + timedelta(days=number) for day in MONDAYS for number in range(5)]
    patterns, left = weekly_patterns([day for day in dates if day >= wednesday], wednesday, UNTIL)
    assert patterns == (weekly({0, 1, 2, 3, 4}, FIRST, None),)
    assert not left


def test_travel_and_movable_minutes_come_from_the_calendar() -> None:
    [busy] = times(at(FIRST, "09:00", "17:00"), travel_before=20, travel_after=35, movable_minutes=30).in_weeks(
        NEW_YORK
    )
    assert (busy.travel_before, busy.travel_after, busy.movable_minutes) == (20, 35, 30)
    assert (busy.label, busy.kind) == ("Work calendar", "work")
    assert isinstance(busy.recurrence, OnDates)


def test_a_later_version_differs_by_added_and_removed_times() -> None:
    unchanged, old_time, new_time = (
        at(MONDAYS[3], "09:00", "12:00"),
        at(MONDAYS[4], "09:00", "12:00"),
        at(MONDAYS[4], "10:00", "13:00"),
    )
    past, beyond = at(MONDAYS[0], "09:00", "12:00"), at(date(2027, 3, 15), "09:00", "12:00")
    before = times(past, unchanged, old_time)
    after = times(unchanged, new_time, beyond, first=MONDAYS[2], until=date(2027, 3, 22))
    change = change_between(before, after, NEW_YORK)
    assert (change.added, change.gone) == ((new_time,), (old_time,))


def test_calendars_without_a_common_day_do_not_differ() -> None:
    later = times(at(date(2028, 1, 3), "09:00", "12:00"), first=date(2028, 1, 3), until=date(2028, 7, 3))
    change = change_between(times(at(FIRST, "09:00", "12:00")), later, NEW_YORK)
    assert (change.added, change.gone) == ((), ())
