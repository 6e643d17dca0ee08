"""Weekly patterns are expanded into dated sessions. A session at 09:00 stays at 09:00 after a clock change."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timekeeping.intervals import Interval
from timekeeping.occurrences import (
    GRID_MINUTES,
    MeetingPattern,
    at_wall_clock,
    centered_break,
    expand_pattern,
    occurrence_dates,
)

NEW_YORK, PHOENIX = ZoneInfo("America/New_York"), ZoneInfo("America/Phoenix")
LONDON, LORD_HOWE = ZoneInfo("Europe/London"), ZoneInfo("Australia/Lord_Howe")
ZONES = (NEW_YORK, PHOENIX, LONDON, LORD_HOWE)

MONDAY, SUNDAY = 0, 6

walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
days_of_2026_and_2027 = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_nine_o_clock_stays_nine_o_clock_all_year(zone: ZoneInfo) -> None:
    pattern = MeetingPattern(
        weekday=SUNDAY, starts=time(9), ends=time(12), break_starts=time(10), break_ends=time(10, 15)
    )
    year = expand_pattern(pattern, date(2026, 1, 1), date(2027, 1, 1), zone=zone)
    assert len(year) == 52
    for each in year:
        assert each.starts.tzinfo is each.ends.tzinfo is UTC
        assert (each.starts.astimezone(zone).date(), each.starts.astimezone(zone).time()) == (each.on, time(9))
        assert each.ends.astimezone(zone).time() == time(12)
        assert each.countable_minutes == 165


@pytest.mark.parametrize(
    ("zone", "before", "after", "change"),
    [
        pytest.param(NEW_YORK, date(2026, 3, 2), date(2026, 3, 9), -60, id="New York goes forward"),
        pytest.param(NEW_YORK, date(2026, 10, 26), date(2026, 11, 2), 60, id="New York goes back"),
        pytest.param(LONDON, date(2026, 3, 23), date(2026, 3, 30), -60, id="London goes forward"),
        pytest.param(LONDON, date(2026, 10, 19), date(2026, 10, 26), 60, id="London goes back"),
        pytest.param(LORD_HOWE, date(2026, 9, 28), date(2026, 10, 5), -30, id="Lord Howe goes forward half an hour"),
        pytest.param(LORD_HOWE, date(2026, 3, 30), date(2026, 4, 6), 30, id="Lord Howe goes back half an hour"),
        pytest.param(PHOENIX, date(2026, 3, 2), date(2026, 3, 9), 0, id="Phoenix stays as it is in March"),
        pytest.param(PHOENIX, date(2026, 10, 26), date(2026, 11, 2), 0, id="Phoenix stays as it is in November"),
    ],
)
def test_a_week_over_a_clock_change_is_longer_or_shorter(
    zone: ZoneInfo, before: date, after: date, change: int
) -> None:
    pattern = MeetingPattern(weekday=MONDAY, starts=time(9), ends=time(12))
    first, second = expand_pattern(pattern, before, after + timedelta(days=1), zone=zone)
    assert (first.on, second.on) == (before, after)
    assert second.starts - first.starts == timedelta(weeks=1, minutes=change)


@pytest.mark.parametrize(
    ("day", "wall", "zone", "instant"),
    [
        pytest.param(
            date(2026, 3, 8), time(2, 30), NEW_YORK, (7, 30), id="a skipped time moves on by what was skipped"
        ),
        pytest.param(date(2026, 3, 8), time(2), NEW_YORK, (7, 0), id="the first skipped minute"),
        pytest.param(date(2026, 3, 8), time(3), NEW_YORK, (7, 0), id="the first minute after it"),
        pytest.param(date(2026, 3, 8), time(1, 59), NEW_YORK, (6, 59), id="the last minute before it"),
        pytest.param(date(2026, 11, 1), time(1, 30), NEW_YORK, (5, 30), id="of a repeated time the first"),
        pytest.param(
            date(2026, 11, 1), time(1, 30, fold=1), NEW_YORK, (5, 30), id="also when the second was asked for"
        ),
        pytest.param(date(2026, 11, 1), time(2), NEW_YORK, (7, 0), id="the first minute after the repeated hour"),
        pytest.param(date(2026, 3, 29), time(1, 15), LONDON, (1, 15), id="a quarter past one is skipped in London"),
        pytest.param(date(2026, 10, 25), time(1, 15), LONDON, (0, 15), id="and comes twice there in October"),
    ],
)
def test_a_wall_clock_time_is_one_instant(day: date, wall: time, zone: ZoneInfo, instant: tuple[int, int]) -> None:
    assert at_wall_clock(day, wall, zone) == datetime(day.year, day.month, day.day, *instant, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "wall", "shown"),
    [
        pytest.param(date(2026, 10, 4), time(2, 10), time(2, 40), id="skipped half an hour"),
        pytest.param(date(2026, 4, 5), time(1, 40), time(1, 40), id="repeated half an hour"),
    ],
)
def test_lord_howe_changes_by_half_an_hour(day: date, wall: time, shown: time) -> None:
    instant = at_wall_clock(day, wall, LORD_HOWE)
    there = instant.astimezone(LORD_HOWE)
    assert (there.date(), there.time(), there.fold) == (day, shown, 0)


@given(days_of_2026_and_2027, walls, st.sampled_from(ZONES))
def test_clocks_show_the_given_time_unless_they_skip_it(day: date, wall: time, zone: ZoneInfo) -> None:
    there = at_wall_clock(day, wall, zone).astimezone(zone)
    meant, shown = datetime.combine(day, wall, UTC), datetime.combine(there.date(), there.time(), UTC)
    assert shown - meant in {timedelta(0), timedelta(minutes=30), timedelta(minutes=60)}
    if shown != meant:
        before = (at_wall_clock(day, wall, zone) - timedelta(hours=2)).astimezone(zone)
        changed = (there.utcoffset() or timedelta(0)) - (before.utcoffset() or timedelta(0))
        assert changed == shown - meant
    assert there.fold == 0


def night(starts: time, ends: time, **more: Any) -> MeetingPattern:
    return MeetingPattern(weekday=SUNDAY, starts=starts, ends=ends, **more)


@pytest.mark.parametrize(
    ("pattern", "day", "minutes"),
    [
        pytest.param(night(time(1), time(4)), date(2026, 3, 8), 120, id="an hour is skipped within it"),
        pytest.param(night(time(1), time(4)), date(2026, 11, 1), 240, id="an hour comes twice within it"),
        pytest.param(night(time(2), time(3)), date(2026, 3, 8), None, id="all of it is skipped"),
        pytest.param(night(time(2, 30), time(3, 15)), date(2026, 3, 8), None, id="it would end before it begins"),
        pytest.param(night(time(2, 30), time(3, 45)), date(2026, 3, 8), 15, id="a quarter of an hour is left of it"),
        pytest.param(
            night(time(1), time(4), break_starts=time(2), break_ends=time(3)),
            date(2026, 3, 8),
            120,
            id="the break alone is skipped",
        ),
        pytest.param(
            night(time(0), time(4), break_starts=time(0, 45), break_ends=time(1, 15)),
            date(2026, 11, 1),
            270,
            id="a break ends the first time the clock says so",
        ),
    ],
)
def test_a_session_over_a_clock_change_counts_elapsed_minutes(
    pattern: MeetingPattern, day: date, minutes: int | None
) -> None:
    found = expand_pattern(pattern, day, day + timedelta(days=1), zone=NEW_YORK)
    assert [each.countable_minutes for each in found] == ([] if minutes is None else [minutes])


@given(
    days_of_2026_and_2027,
    st.lists(walls, min_size=4, max_size=4, unique=True).map(sorted),
    st.sampled_from(ZONES),
    st.booleans(),
)
def test_countable_minutes_are_never_more_than_elapsed_minutes(
    day: date, times: list[time], zone: ZoneInfo, breaks_count: bool
) -> None:
    starts, break_starts, break_ends, ends = times
    pattern = MeetingPattern(
        weekday=day.weekday(), starts=starts, ends=ends, break_starts=break_starts, break_ends=break_ends
    )
    for each in expand_pattern(pattern, day, day + timedelta(days=1), zone=zone, breaks_count=breaks_count):
        assert each.starts < each.ends
        passed = each.ends - each.starts
        if each.break_starts and each.break_ends:
            assert each.starts < each.break_starts < each.break_ends < each.ends
            passed -= timedelta(0) if breaks_count else each.break_ends - each.break_starts
        assert timedelta(minutes=each.countable_minutes) == passed


MORNING = MeetingPattern(weekday=MONDAY, starts=time(9), ends=time(12), break_starts=time(10), break_ends=time(10, 15))


@pytest.mark.parametrize(
    ("rule", "minutes"),
    [
        pytest.param({}, 165, id="less the break"),
        pytest.param({"breaks_count": True}, 180, id="breaks count by rule"),
        pytest.param({"countable": False}, 0, id="a service that does not count"),
        pytest.param({"countable": False, "breaks_count": True}, 0, id="nor do its breaks"),
    ],
)
def test_countable_minutes_depend_on_breaks_and_on_the_service(rule: dict[str, Any], minutes: int) -> None:
    (session,) = expand_pattern(MORNING, date(2026, 11, 2), date(2026, 11, 3), zone=NEW_YORK, **rule)
    assert session.countable_minutes == minutes


@pytest.mark.parametrize(
    ("change", "closed", "dates"),
    [
        pytest.param({}, [], [2, 9, 16, 23], id="every week"),
        pytest.param({"anchor": date(2026, 11, 13)}, [], [9, 23], id="every other week, anchored by another weekday"),
        pytest.param({"runs_from": date(2026, 11, 9)}, [], [9, 16, 23], id="from its first day on"),
        pytest.param({"runs_until": date(2026, 11, 16)}, [], [2, 9], id="until the day before its last"),
        pytest.param({}, [(9, 10)], [2, 16, 23], id="closed for a day"),
        pytest.param({}, [(3, 9)], [2, 9, 16, 23], id="closed up to the day before"),
        pytest.param({}, [(1, 10), (16, 24)], [], id="closed on all of them"),
    ],
)
def test_dates_follow_the_pattern_and_leave_out_closures(
    change: dict[str, Any], closed: list[tuple[int, int]], dates: list[int]
) -> None:
    pattern = MeetingPattern(weekday=MONDAY, starts=time(9), ends=time(12), **change)
    closures = [Interval(date(2026, 11, first), date(2026, 11, until)) for first, until in closed]
    found = occurrence_dates(pattern, date(2026, 11, 1), date(2026, 11, 30), closures)
    assert [each.day for each in found] == dates


def test_every_other_week_stays_in_step_in_a_year_with_53_weeks() -> None:
    pattern = MeetingPattern(weekday=MONDAY, starts=time(9), ends=time(12), anchor=date(2026, 12, 14))
    assert [each.on for each in expand_pattern(pattern, date(2026, 12, 1), date(2027, 2, 1), zone=NEW_YORK)] == [
        date(2026, 12, 14),
        date(2026, 12, 28),
        date(2027, 1, 11),
        date(2027, 1, 25),
    ]


@pytest.mark.parametrize(
    "faulty",
    [
        pytest.param({"weekday": 7}, id="on an eighth weekday"),
        pytest.param({"ends": time(9)}, id="no time at all"),
        pytest.param({"ends": time(1)}, id="past midnight"),
        pytest.param({"break_starts": time(10)}, id="a break without an end"),
        pytest.param({"break_starts": time(9), "break_ends": time(9, 15)}, id="a break at the very start"),
        pytest.param({"break_starts": time(11, 45), "break_ends": time(12)}, id="a break at the very end"),
        pytest.param({"break_starts": time(10, 15), "break_ends": time(10)}, id="a break backwards"),
    ],
)
def test_an_impossible_pattern_cannot_be_built(faulty: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        MeetingPattern(**{"weekday": MONDAY, "starts": time(9), "ends": time(12), **faulty})


@pytest.mark.parametrize(
    ("starts", "ends", "minutes", "pause"),
    [
        pytest.param(time(9), time(12), 20, (time(10, 20), time(10, 40)), id="the very middle"),
        pytest.param(time(9), time(12), 15, (time(10, 20), time(10, 35)), id="begins on the grid at or before"),
        pytest.param(time(9), time(9, 15), 7, (time(9, 5), time(9, 12)), id="in a short meeting on the grid's next"),
    ],
)
def test_a_break_of_known_length_is_placed_in_the_middle(
    starts: time, ends: time, minutes: int, pause: tuple[time, time]
) -> None:
    assert centered_break(starts, ends, minutes) == pause


@pytest.mark.parametrize("minutes", [0, -5, 55, 60, 90])
def test_a_break_that_does_not_fit_is_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        centered_break(time(9), time(10), minutes)


@given(st.integers(0, 1200), st.integers(20, 239), st.integers(1, 120))
def test_a_break_is_inside_on_the_grid_and_near_the_middle(first: int, length: int, minutes: int) -> None:
    starts, ends = time(*divmod(first, 60)), time(*divmod(first + length, 60))
    try:
        begins, over = centered_break(starts, ends, minutes)
    except ValueError:
        assert minutes + 2 * GRID_MINUTES >= length
        return
    assert starts < begins < over < ends
    assert begins.minute % GRID_MINUTES == 0
    begin, end = begins.hour * 60 + begins.minute, over.hour * 60 + over.minute
    assert end - begin == minutes
    assert abs((begin - first) - (first + length - end)) <= 2 * GRID_MINUTES
