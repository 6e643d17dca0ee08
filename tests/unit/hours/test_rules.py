"""The weekly-hours rule in selected cases. The rule's totals are compared with a minute-by-minute count."""

from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours.reasons import (
    BelowPrescribedDays,
    BelowPrescribedMinutes,
    NoMeetings,
    OverlappingMeetings,
    ShortDay,
    TooFewDays,
    TooFewMinutes,
    TooManyDays,
    TooManyMinutes,
)
from scheduling.domain.hours.rules import Band, HoursRules, WeeklyMeeting, add_up, assess_choice, assess_track
from timekeeping.reasons import Reason
from timekeeping.weeks import minute_of

MONDAY = date(2026, 11, 2)
RULES = HoursRules()


def meeting(
    weekday: int = 0, starts: str = "09:00", ends: str = "12:00", pause: str = "", **more: Any
) -> WeeklyMeeting:
    """Create a meeting, named by its weekday and start unless `name` is given. `pause` is a break such as "10:20-10:35"."""
    break_starts, break_ends = (time.fromisoformat(part) for part in pause.split("-")) if pause else (None, None)
    name = f"{weekday} {starts}"
    return WeeklyMeeting(
        **{"key": f"{name}-{ends}", "name": name} | more,
        weekday=weekday,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        break_starts=break_starts,
        break_ends=break_ends,
    )


def lasting(minutes: int, weekday: int) -> WeeklyMeeting:
    return meeting(weekday, "07:00", f"{7 + minutes // 60:02}:{minutes % 60:02}")


def each_day(*minutes: int) -> list[WeeklyMeeting]:
    """Create one meeting for each of the given numbers of minutes, on consecutive days from Monday.

    0 means no meeting that day.
    """
    return [lasting(long, weekday) for weekday, long in enumerate(minutes) if long]


@pytest.mark.parametrize(
    ("minutes", "reasons"),
    [
        pytest.param((180, 0, 180, 0, 180), (), id="exactly 9 h over 3 days"),
        pytest.param((300, 300, 300, 300, 300), (), id="exactly 25 h over 5 days"),
        pytest.param((180, 0, 180, 0, 175), (TooFewMinutes(535, 540),), id="8 h 55 min"),
        pytest.param((300, 300, 300, 300, 305), (TooManyMinutes(1505, 1500),), id="25 h 5 min"),
        pytest.param((300, 0, 300), (TooFewDays(2, 3),), id="2 days"),
        pytest.param((120, 120, 120, 120, 120, 120), (TooManyDays(6, 5),), id="6 days"),
        pytest.param((0, 0, 180, 0, 180, 180), (), id="a Saturday is a day like others"),
        pytest.param((300, 180, 0, 0, 300), (), id="unequal days"),
        pytest.param((240,), (TooFewMinutes(240, 540), TooFewDays(1, 3)), id="short on both counts"),
        pytest.param((430,) * 6, (TooManyMinutes(2580, 1500), TooManyDays(6, 5)), id="43 h on 6 days"),
        pytest.param((), (NoMeetings(), TooFewMinutes(0, 540), TooFewDays(0, 3)), id="nothing"),
    ],
)
def test_the_bounds_of_the_rules_are_inclusive(minutes: tuple[int, ...], reasons: tuple[Reason, ...]) -> None:
    verdict = assess_track(each_day(*minutes), RULES)
    assert verdict.reasons == reasons
    assert verdict.allowed == (not reasons)
    assert (verdict.minutes, verdict.days) == (sum(minutes), sum(1 for long in minutes if long))
    assert verdict.minutes_by_weekday == (*minutes, *[0] * (7 - len(minutes)))


@pytest.mark.parametrize(
    ("rules", "minutes", "reasons"),
    [
        pytest.param(HoursRules(minimum_minutes=360), (120, 120, 120), (), id="6 h for adolescents"),
        pytest.param(HoursRules(maximum_minutes=1140), (240,) * 5, (TooManyMinutes(1200, 1140),), id="19 h at most"),
        pytest.param(HoursRules(minimum_days=4), (180,) * 3, (TooFewDays(3, 4),), id="4 days at least"),
        pytest.param(HoursRules(maximum_days=6), (120,) * 6, (), id="6 days allowed"),
        pytest.param(HoursRules(minimum_minutes_per_day=150), (240, 150, 150), (), id="exactly the day's minimum"),
        pytest.param(
            HoursRules(minimum_minutes_per_day=150), (240, 149, 240), (ShortDay(1, 149, 150),), id="a minute below it"
        ),
    ],
)
def test_the_bounds_come_from_the_rule_set(
    rules: HoursRules, minutes: tuple[int, ...], reasons: tuple[Reason, ...]
) -> None:
    assert assess_track(each_day(*minutes), rules).reasons == reasons


@pytest.mark.parametrize(
    ("minutes", "band"),
    [
        pytest.param((300, 300, 300, 299), Band.STANDARD, id="a minute below 20 h"),
        pytest.param((300, 300, 300, 300), Band.HIGHER, id="20 h"),
    ],
)
def test_the_higher_band_starts_at_twenty_hours(minutes: tuple[int, ...], band: Band) -> None:
    assert assess_track(each_day(*minutes), RULES).band is band


BREAK = meeting(0, "09:00", "12:00", "10:20-10:35", key="a")
LATER_BREAK = meeting(0, "09:00", "12:00", "11:00-11:15", key="b")
FORTNIGHTLY = meeting(0, "18:00", "20:00", anchor=MONDAY)


@pytest.mark.parametrize(
    ("meetings", "minutes", "breaks_counted"),
    [
        pytest.param([BREAK], 165, 180, id="the break does not count"),
        pytest.param([meeting(), meeting(0, "13:00", "16:00")], 360, 360, id="two blocks with a gap"),
        pytest.param([meeting(), meeting(0, "12:00", "13:00")], 240, 240, id="back to back"),
        pytest.param([meeting(), meeting(key="b")], 180, 180, id="two groups side by side"),
        pytest.param([meeting(), meeting(0, "11:00", "13:00")], 240, 240, id="the hour they share counts once"),
        pytest.param([BREAK, LATER_BREAK], 165, 180, id="side by side with breaks at different times"),
        pytest.param([BREAK, meeting(key="b")], 180, 180, id="only one of the two has a break"),
        pytest.param(
            [meeting(), meeting(0, "10:00", "11:00", countable=False)], 180, 180, id="yoga in the middle of it"
        ),
        pytest.param([meeting(countable=False)], 0, 0, id="a service that does not count"),
        pytest.param([meeting(), FORTNIGHTLY], 180, 180, id="every other week comes on top"),
        pytest.param([meeting(), meeting(0, "09:00", "13:00", anchor=MONDAY)], 180, 180, id="also beside another"),
        pytest.param([], 0, 0, id="nothing"),
    ],
)
def test_simultaneous_meetings_count_once_and_breaks_only_by_rule(
    meetings: list[WeeklyMeeting], minutes: int, breaks_counted: int
) -> None:
    assert add_up(meetings, RULES).by_weekday[0] == minutes
    assert add_up(meetings, HoursRules(breaks_count=True)).by_weekday[0] == breaks_counted


def test_a_daily_break_of_twenty_minutes_turns_nine_hours_into_eight() -> None:
    three = [meeting(day, pause="10:20-10:40") for day in (0, 1, 3)]
    assert assess_track(three, RULES).reasons == (TooFewMinutes(480, 540),)
    assert assess_track(three, HoursRules(breaks_count=True)).allowed


def test_a_day_without_countable_minutes_does_not_count() -> None:
    uncounted = [meeting(1, countable=False), meeting(2, anchor=MONDAY)]
    verdict = assess_track([lasting(300, 0), *uncounted, lasting(300, 4)], RULES)
    assert verdict.reasons == (TooFewDays(2, 3),)


def test_individual_time_counts_as_minutes_but_not_as_a_day() -> None:
    """Some programs combine seven hours of groups with two hours of individual time."""
    groups = each_day(140, 140, 140)
    assert assess_track(groups, RULES, individual_minutes=120).allowed
    assert assess_track(groups, RULES, individual_minutes=119).reasons == (TooFewMinutes(539, 540),)
    assert assess_track(each_day(240, 240), RULES, individual_minutes=120).reasons == (TooFewDays(2, 3),)


parts = st.tuples(st.integers(0, 2), st.integers(14, 20), st.integers(1, 6)).map(
    lambda given: meeting(given[0], *(f"{half // 2:02}:{half % 2 * 30:02}" for half in (given[1], given[1] + given[2])))
)


@given(st.lists(parts, max_size=7))
def test_without_breaks_every_minute_with_a_meeting_counts_once(meetings: list[WeeklyMeeting]) -> None:
    meeting_minutes = {(each.weekday, minute) for each in meetings for minute in range(each.span.start, each.span.end)}
    total = add_up(meetings, RULES)
    assert total.minutes == len(meeting_minutes)
    assert total.days == len({weekday for weekday, _ in meeting_minutes})


@given(st.lists(parts, max_size=7), st.lists(st.booleans(), min_size=7, max_size=7))
def test_meetings_that_do_not_overlap_add_up(meetings: list[WeeklyMeeting], has_break: list[bool]) -> None:
    """Without overlaps, the total is the sum of the meetings' minutes. With overlaps, the total is at most this sum.

    Some meetings have a break from the 10th to the 20th minute.
    """
    paused = [
        meeting(
            each.weekday,
            f"{each.starts:%H:%M}",
            f"{each.ends:%H:%M}",
            f"{each.starts:%H}:{each.starts.minute + 10}-{each.starts:%H}:{each.starts.minute + 20}" if pause else "",
        )
        for each, pause in zip(meetings, has_break, strict=False)
    ]
    sum_of_meetings = sum(each.minutes(RULES) for each in paused)
    is_disjoint = not any(one.overlaps(two) for i, one in enumerate(paused) for two in paused[:i])
    total = add_up(paused, RULES).minutes
    assert total == sum_of_meetings if is_disjoint else total <= sum_of_meetings
    assert total <= add_up(meetings, RULES).minutes


@pytest.mark.parametrize(
    ("meetings", "reasons"),
    [
        pytest.param(each_day(180, 180, 180), (), id="exactly what is prescribed"),
        pytest.param(
            each_day(180, 180), (BelowPrescribedMinutes(360, 540), BelowPrescribedDays(2, 3)), id="a day is missing"
        ),
        pytest.param(
            [*each_day(180, 180, 180), meeting(0, "09:30", "11:00", name="B")],
            (OverlappingMeetings("0 07:00", "B", 0, 30),),
            id="two alternatives of one hour",
        ),
        pytest.param(each_day(310, 310, 310, 310, 310), (TooManyMinutes(1550, 1500),), id="more than the rules allow"),
        pytest.param(
            (), (NoMeetings(), BelowPrescribedMinutes(0, 540), BelowPrescribedDays(0, 3)), id="nothing chosen"
        ),
    ],
)
def test_a_choice_must_meet_the_prescription_and_the_rules(
    meetings: Sequence[WeeklyMeeting], reasons: tuple[Reason, ...]
) -> None:
    verdict = assess_choice(meetings, RULES, prescribed_minutes=540, prescribed_days=3)
    assert verdict.reasons == reasons


@pytest.mark.parametrize(
    ("prescribed", "reasons"),
    [
        pytest.param((600, 4), (BelowPrescribedMinutes(500, 600), BelowPrescribedDays(2, 4)), id="asks for more"),
        pytest.param((400, 2), (TooFewMinutes(500, 540), TooFewDays(2, 3)), id="met, but the rules ask for more"),
        pytest.param(
            (520, 3), (BelowPrescribedMinutes(500, 520), BelowPrescribedDays(2, 3), TooFewMinutes(500, 540)), id="both"
        ),
    ],
)
def test_the_rules_add_a_reason_only_if_they_require_more(
    prescribed: tuple[int, int], reasons: tuple[Reason, ...]
) -> None:
    """The rules give a reason for a shortage only if they require more than the prescription does."""
    verdict = assess_choice(each_day(250, 250), RULES, prescribed_minutes=prescribed[0], prescribed_days=prescribed[1])
    assert verdict.reasons == reasons


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(lambda: meeting(7), id="an eighth day"),
        pytest.param(lambda: meeting(0, "12:00", "12:00"), id="no time at all"),
        pytest.param(lambda: meeting(0, "22:00", "02:00"), id="past midnight"),
        pytest.param(lambda: meeting(pause="08:50-09:10"), id="a break that begins before it"),
        pytest.param(lambda: meeting(pause="11:50-12:00"), id="a break at its end"),
        pytest.param(lambda: meeting(runs_from=MONDAY, runs_until=MONDAY), id="over before it began"),
        pytest.param(lambda: HoursRules(minimum_minutes=600, maximum_minutes=540), id="a minimum above the maximum"),
        pytest.param(lambda: HoursRules(minimum_days=4, maximum_days=3), id="days the wrong way round"),
        pytest.param(lambda: HoursRules(maximum_days=8), id="eight days a week"),
        pytest.param(lambda: HoursRules(minimum_minutes_per_day=-1), id="less than nothing"),
        pytest.param(lambda: HoursRules(week_starts=7), id="a week from an eighth day"),
    ],
)
def test_impossible_meetings_and_rules_cannot_be_built(nonsense: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        nonsense()


def test_a_break_needs_a_start_and_an_end() -> None:
    with pytest.raises(ValueError, match="both"):
        WeeklyMeeting(key=1, name="", weekday=0, starts=time(9), ends=time(12), break_starts=time(10))


def test_minutes_are_counted_on_the_wall_clock() -> None:
    assert meeting(0, "08:15", "09:50", "09:00-09:05").minutes(RULES) == 90
    assert minute_of(time(23, 59)) == 1439
