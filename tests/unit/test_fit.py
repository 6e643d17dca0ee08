"""The search against lives, and against trying everything."""

from datetime import date, time, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.domain.choice import as_much_as_possible, just_enough
from scheduling.domain.fit import Need, Offer, OfferedMeeting, judge, search
from scheduling.domain.hours import RuleSet, WeeklyMeeting, add_up
from scheduling.domain.obstacles import Clash, Full, NoStartDateLeft, NotAStartDate
from scheduling.domain.reasons import BelowPrescribedMinutes, TwoAtOnce
from scheduling.domain.week import BusyTime, Recurrence

MONDAY = date(2026, 11, 23)
RULES = RuleSet()


def meeting(day: int, starts: str = "09:00", ends: str = "12:00", key: int | None = None) -> WeeklyMeeting:
    return WeeklyMeeting(
        key=day if key is None else key,
        name=f"Group {day}",
        weekday=day,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
    )


def offer(*meetings: WeeklyMeeting, name: str = "Morning", entries: tuple[date, ...] | None = None) -> Offer:
    return Offer(
        key=name, name=name, meetings=tuple(OfferedMeeting(meeting=each) for each in meetings), entries=entries
    )


def busy(
    days: set[int], starts: str, ends: str, travel: int = 0, anchor: date | None = None, label: str = "Shift"
) -> BusyTime:
    return BusyTime(
        key=label,
        label=label,
        kind="work",
        recurrence=Recurrence(weekdays=frozenset(days), anchor=anchor),
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        travel_before=travel,
        travel_after=travel,
    )


def need(*life: BusyTime, minutes: int = 540, days: int = 3, from_day: date = MONDAY, weeks: int = 12) -> Need:
    return Need(prescribed_minutes=minutes, prescribed_days=days, from_day=from_day, weeks=weeks, busy=life)


MORNINGS = offer(meeting(0), meeting(2), meeting(4))


def test_a_free_life_takes_the_whole_track() -> None:
    [fit] = search([MORNINGS], need())
    assert fit.whole == tuple(each.meeting for each in MORNINGS.meetings)
    assert (fit.minutes, fit.days, fit.obstacles) == (540, 3, ())


@pytest.mark.parametrize(
    ("life", "minutes", "overlap", "gap", "before"),
    [
        pytest.param(busy({0}, "11:00", "15:00"), 60, 60, 0, False, id="the shift begins an hour before the end"),
        pytest.param(busy({0}, "12:15", "15:00", 25), 10, 0, 15, False, id="ten minutes short for the way"),
        pytest.param(busy({0}, "06:00", "08:50", 25), 15, 0, 10, True, id="coming from the night shift"),
        pytest.param(busy({6}, "22:00", "09:30", 0), 30, 30, 0, True, id="a shift that ends on Monday morning"),
        pytest.param(busy({0}, "10:00", "11:00", 10), 80, 60, 0, False, id="in the middle, with the way"),
    ],
)
def test_a_clash_says_by_how_much(life: BusyTime, minutes: int, overlap: int, gap: int, before: bool) -> None:
    [fit] = search([MORNINGS], need(life))
    [clash] = [reason for reason in fit.obstacles if isinstance(reason, Clash)]
    assert (clash.minutes, clash.overlap_minutes, clash.gap_minutes, clash.before) == (minutes, overlap, gap, before)
    assert clash.meeting.weekday == 0
    assert not fit.fits
    assert BelowPrescribedMinutes(360, 540) in fit.obstacles


def test_just_enough_travel_time_is_enough() -> None:
    [fit] = search([MORNINGS], need(busy({0}, "12:25", "15:00", 25)))
    assert fit.whole


def test_alternating_weeks_are_judged_on_their_dates() -> None:
    [fit] = search([MORNINGS], need(busy({0}, "08:00", "16:00", anchor=MONDAY + timedelta(weeks=1)), weeks=4))
    [clash] = [reason for reason in fit.obstacles if isinstance(reason, Clash)]
    assert (clash.first_date, clash.dates) == (MONDAY + timedelta(weeks=1), 2)


def test_enough_of_a_track_is_found_when_the_whole_does_not_fit() -> None:
    long = offer(*(meeting(day) for day in range(5)))
    [fit] = search([long], need(busy({1}, "08:00", "16:00")))
    assert fit.whole is None
    assert [each.weekday for each in fit.enough or ()] == [0, 2, 3]
    assert fit.fits


def test_of_two_alternatives_the_free_one_is_chosen() -> None:
    evening = meeting(0, "17:30", "20:30", key=10)
    both = offer(meeting(0), evening, meeting(2), meeting(4))
    [fit] = search([both], need(busy({0}, "08:00", "16:00")))
    assert [each.key for each in fit.enough or ()] == [10, 2, 4]


def test_a_full_date_stands_against_a_meeting() -> None:
    full = Offer(
        key="full",
        name="Full",
        meetings=(
            OfferedMeeting(meeting=meeting(0), full_on=(MONDAY + timedelta(weeks=2),)),
            OfferedMeeting(meeting=meeting(2)),
            OfferedMeeting(meeting=meeting(4)),
        ),
    )
    [fit] = search([full], need())
    assert not fit.fits
    assert Full(full.meetings[0].meeting, MONDAY + timedelta(weeks=2), 1) in fit.obstacles


def test_cohorts_begin_on_their_dates() -> None:
    later = MONDAY + timedelta(weeks=3)
    cohort = offer(meeting(0), meeting(2), meeting(4), entries=(MONDAY - timedelta(weeks=1), later))
    [fit] = search([cohort], need())
    assert (fit.starts, fit.fits) == (later, True)
    chosen = [each.meeting for each in cohort.meetings]
    assert judge(cohort, need(), chosen) == (NotAStartDate(MONDAY, later),)
    [over] = search([offer(meeting(0), entries=(MONDAY - timedelta(weeks=1),))], need())
    assert NoStartDateLeft(MONDAY) in over.obstacles


def test_whole_tracks_come_first_then_enough_then_the_least_missing() -> None:
    whole = offer(meeting(0), meeting(2), meeting(4), name="whole")
    enough = offer(*(meeting(day) for day in range(5)), name="enough")
    close = offer(meeting(1), meeting(2), meeting(4), name="close")
    far = offer(meeting(1), name="far")
    found = search([far, close, enough, whole], need(busy({1}, "08:00", "16:00")))
    assert [fit.offer.name for fit in found] == ["whole", "enough", "close", "far"]


def test_judging_two_alternatives_refuses_them() -> None:
    both = [meeting(0), meeting(0, "10:00", "13:00", key=9), meeting(2), meeting(4)]
    assert any(isinstance(reason, TwoAtOnce) for reason in judge(offer(*both), need(), both))


blocks = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(2, 8)), min_size=1, max_size=7)


def as_meetings(found: list[tuple[int, int, int]]) -> list[WeeklyMeeting]:
    return [
        WeeklyMeeting(
            key=number,
            name=str(number),
            weekday=day,
            starts=time(8 + begin),
            ends=time(8 + begin + halves // 2, halves % 2 * 30),
        )
        for number, (day, begin, halves) in enumerate(found)
    ]


def possible(meetings: list[WeeklyMeeting]) -> list[tuple[WeeklyMeeting, ...]]:
    """Every set of meetings of which no two overlap."""
    return [
        chosen
        for size in range(len(meetings) + 1)
        for chosen in combinations(meetings, size)
        if not any(one.overlaps(two) for one, two in combinations(chosen, 2))
    ]


@settings(max_examples=60, deadline=None)
@given(blocks, st.integers(2, 12), st.integers(1, 4))
def test_the_smallest_choice_is_as_small_as_trying_everything_finds(
    found: list[tuple[int, int, int]], hours: int, days: int
) -> None:
    meetings, rules = as_meetings(found), RuleSet(minimum_minutes=60, minimum_days=1)
    sums = [add_up(chosen, rules) for chosen in possible(meetings)]
    enough = [each.minutes for each in sums if hours * 60 <= each.minutes <= 1500 and days <= each.days <= 5]
    chosen = just_enough(meetings, rules, minutes=hours * 60, days=days)
    assert (add_up(chosen, rules).minutes if chosen is not None else None) == min(enough, default=None)
    if chosen is not None:
        assert chosen in [
            tuple(sorted(each, key=lambda m: (m.weekday, m.starts, m.ends, str(m.key)))) for each in possible(meetings)
        ]


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_as_much_as_possible_is_as_much_as_trying_everything_finds(found: list[tuple[int, int, int]]) -> None:
    meetings = as_meetings(found)
    most = max(add_up(chosen, RULES).minutes for chosen in possible(meetings))
    assert add_up(as_much_as_possible(meetings, RULES), RULES).minutes == most
