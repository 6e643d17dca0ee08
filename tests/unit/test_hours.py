"""The weekly-hours rule as a table."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours import (
    Band,
    RuleSet,
    WeeklyMeeting,
    assess_choice,
    assess_timetable,
    assess_track,
)
from scheduling.domain.reasons import (
    BelowPrescribedDays,
    BelowPrescribedMinutes,
    FacilitatorInTwoPlaces,
    NoMeetings,
    Reason,
    RoomInTwoPlaces,
    ShortDay,
    TooFewDays,
    TooFewMinutes,
    TooManyDays,
    TooManyMinutes,
    TwoAtOnce,
)

RULES = RuleSet()
MONDAY = date(2026, 11, 23)


def meeting(day: int, minutes: int = 180, starts: str = "09:00", **fields: object) -> WeeklyMeeting:
    """`minutes` long, on a weekday; its key says which, unless one is given."""
    begin = time.fromisoformat(starts)
    end = begin.hour * 60 + begin.minute + minutes
    values = {"key": f"{day} {starts} {minutes}", "name": f"Group {day} {starts}"} | fields
    return WeeklyMeeting(weekday=day, starts=begin, ends=time(*divmod(end, 60)), **values)


def days(*weekdays: int, minutes: int = 180, **fields: object) -> list[WeeklyMeeting]:
    return [meeting(day, minutes, **fields) for day in weekdays]


TABLE = [
    pytest.param(days(0, 2, 4), 540, 3, (), id="exactly 9 h over 3 days"),
    pytest.param([*days(0, 2), meeting(4, 175)], 535, 3, (TooFewMinutes(535, 540),), id="8 h 55"),
    pytest.param(days(0, 1, 2, 3, 4, minutes=300), 1500, 5, (), id="exactly 25 h over 5 days"),
    pytest.param(
        [*days(0, 1, 2, 3, minutes=300), meeting(4, 305)], 1505, 5, (TooManyMinutes(1505, 1500),), id="25 h 05"
    ),
    pytest.param(days(0, 2, minutes=270), 540, 2, (TooFewDays(2, 3),), id="2 days"),
    pytest.param(days(0, 1, 2, 3, 4, 5, minutes=120), 720, 6, (TooManyDays(6, 5),), id="6 days"),
    pytest.param(days(0, minutes=100), 100, 1, (TooFewMinutes(100, 540), TooFewDays(1, 3)), id="every reason at once"),
    pytest.param([], 0, 0, (NoMeetings(), TooFewMinutes(0, 540), TooFewDays(0, 3)), id="nothing"),
    pytest.param([*days(0, 2, 4), meeting(0, 180, "10:00")], 600, 3, (), id="shared minutes count once"),
    pytest.param([*days(0, 2, 4), meeting(0, 60, "13:00")], 600, 3, (), id="two blocks a day are one day"),
    pytest.param([*days(0, 2, 4), meeting(5, 60, countable=False)], 540, 3, (), id="what does not count adds nothing"),
    pytest.param([*days(0, 2, 4), meeting(5, 60, anchor=MONDAY)], 540, 3, (), id="every other week comes on top"),
]


@pytest.mark.parametrize(("meetings", "minutes", "number_of_days", "reasons"), TABLE)
def test_a_track_adds_up_and_is_allowed_or_refused(
    meetings: list[WeeklyMeeting], minutes: int, number_of_days: int, reasons: tuple[Reason, ...]
) -> None:
    verdict = assess_track(meetings, RULES)
    assert (verdict.minutes, verdict.days, verdict.reasons) == (minutes, number_of_days, reasons)
    assert verdict.allowed is (not reasons)


def test_breaks_count_only_if_the_rules_say_so() -> None:
    meetings = days(0, 2, 4, minutes=195, break_starts=time(10), break_ends=time(10, 15))
    assert assess_track(meetings, RULES).minutes == 540
    assert assess_track(meetings, RuleSet(breaks_count=True)).minutes == 585


def test_individual_minutes_count_toward_minutes_and_not_toward_days() -> None:
    verdict = assess_track(days(0, 2, minutes=210), RULES, individual_minutes=120)
    assert (verdict.minutes, verdict.days, verdict.reasons) == (540, 2, (TooFewDays(2, 3),))


def test_a_day_that_is_too_short_is_named() -> None:
    verdict = assess_track([*days(0, 2, 4), meeting(3, 30)], RuleSet(minimum_minutes_per_day=60))
    assert verdict.reasons == (ShortDay(3, 30, 60),)


@pytest.mark.parametrize(("minutes", "band"), [(1195, Band.STANDARD), (1200, Band.HIGHER)])
def test_from_20_hours_on_it_is_the_higher_band(minutes: int, band: Band) -> None:
    per_day = minutes // 5
    assert assess_track(days(0, 1, 2, 3, 4, minutes=per_day), RULES).band == band


def test_a_room_and_a_facilitator_are_in_one_place_at_a_time() -> None:
    one = meeting(0, key=1, room=7, facilitators=frozenset({3}))
    beside = meeting(0, starts="11:00", key=2, room=7, facilitators=frozenset({3}), name="Beside")
    after = meeting(0, starts="12:00", key=3, room=7, facilitators=frozenset({3}))
    own = [one, *days(2, 4)]
    assert assess_track(own, RULES, others=[after]).allowed
    assert assess_track(own, RULES, others=[one]).allowed, "a group that tracks share is one group"
    assert assess_track(own, RULES, others=[beside]).reasons == (
        RoomInTwoPlaces(7, 0, one.name, "Beside"),
        FacilitatorInTwoPlaces(3, 0, one.name, "Beside"),
    )


def test_every_other_week_meetings_clash_only_in_the_same_weeks() -> None:
    one = meeting(0, key=1, room=7, anchor=MONDAY)
    same = meeting(0, key=2, room=7, anchor=MONDAY + timedelta(weeks=2))
    between = meeting(0, key=3, room=7, anchor=MONDAY + timedelta(weeks=1))
    assert one.overlaps(same)
    assert not one.overlaps(between)


def test_each_stretch_of_a_timetable_is_judged() -> None:
    summer = days(0, 2, 4, runs_until=date(2027, 1, 4))
    term = days(0, 2, minutes=270, starts="13:00", runs_from=date(2027, 1, 4))
    periods = assess_timetable([*summer, *term], RULES, first=MONDAY)
    assert [(each.first, each.until, each.verdict.reasons) for each in periods] == [
        (MONDAY, date(2027, 1, 4), ()),
        (date(2027, 1, 4), None, (TooFewDays(2, 3),)),
    ]


def test_a_patients_choice_names_every_reason() -> None:
    one, two = meeting(0), meeting(0, starts="11:00")
    verdict = assess_choice([one, two], RULES, prescribed_minutes=600, prescribed_days=3)
    assert verdict.reasons == (
        TwoAtOnce(one.name, two.name, 0, 60),
        BelowPrescribedMinutes(300, 600),
        BelowPrescribedDays(1, 3),
    )


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 20), st.integers(1, 12)), max_size=8))
def test_minutes_are_those_of_a_minute_by_minute_calendar(blocks: list[tuple[int, int, int]]) -> None:
    meetings = [
        meeting(day, quarters * 15, f"{7 + begin // 4:02}:{begin % 4 * 15:02}", key=number)
        for number, (day, begin, quarters) in enumerate(blocks)
    ]
    covered = {(each.weekday, minute) for each in meetings for minute in range(each.span.start, each.span.end)}
    verdict = assess_track(meetings, RULES)
    assert verdict.minutes == len(covered)
    assert verdict.days == len({day for day, _ in covered})
