"""Timetables that change over time are split into periods, and each period gets its own verdict."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours.reasons import (
    RoomDoubleBooked,
    TooFewDays,
    TooFewMinutes,
)
from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.hours.timetable import Period, assess_timetable
from tests.unit.hours.test_rules import meeting

RULES = HoursRules()
MONDAY = date(2026, 11, 2)
WEEK = timedelta(weeks=1)


def on(day: int) -> date:
    """Return the date that is `day` days after Monday, November 2."""
    return MONDAY + timedelta(days=day)


def runs(*weekdays: int, start: int | None = None, end: int | None = None, **more: Any) -> list[WeeklyMeeting]:
    """Create a three-hour meeting on each weekday. `start` and `end` are in days after Monday, November 2."""
    dates = {"runs_from": None if start is None else on(start), "runs_until": None if end is None else on(end)}
    return [meeting(weekday, **dates | more) for weekday in weekdays]


def summary(periods: tuple[Period, ...]) -> list[tuple[int, int | None, int, bool]]:
    """Return each period's start and end (in days after November 2), its days per week, and whether it is allowed."""
    return [
        (
            (each.first - MONDAY).days,
            (each.until - MONDAY).days if each.until else None,
            each.verdict.days,
            each.verdict.allowed,
        )
        for each in periods
    ]


@pytest.mark.parametrize(
    ("meetings", "periods"),
    [
        pytest.param(runs(0, 2, 4), [(0, None, 3, True)], id="always the same"),
        pytest.param(runs(0, 2, 4, start=-70), [(0, None, 3, True)], id="since long ago"),
        pytest.param(runs(0, 2, 4, start=14), [(14, None, 3, True)], id="the time before it begins is no shortage"),
        pytest.param(runs(0, 2, 4, end=28), [(0, 28, 3, True)], id="nor is the time after its end"),
        pytest.param(runs(0, 2, 4, end=-7), [(0, None, 0, False)], id="nothing that still runs is nothing"),
        pytest.param(
            [*runs(0, 2, 4, end=30), *runs(1, 2, 4, start=30, starts="13:00", ends="16:00")],
            [(0, 30, 3, True), (30, None, 3, True)],
            id="summer and term, with the change in the middle of a week",
        ),
        pytest.param(
            [*runs(0, 2), *runs(4, end=28)],
            [(0, 28, 3, True), (28, None, 2, False)],
            id="a group ends and none follows",
        ),
        pytest.param(
            [*runs(0, 2, 4, end=14), *runs(0, 2, 4, start=28)],
            [(0, 14, 3, True), (14, 28, 0, False), (28, None, 3, True)],
            id="a gap of two weeks",
        ),
        pytest.param(
            [*runs(0, start=7), *runs(2, start=9), *runs(4, start=11)],
            [(7, None, 3, True)],
            id="each group runs from its own first date",
        ),
        pytest.param(
            [*runs(0, end=29), *runs(2, end=31), *runs(4, end=33)],
            [(0, 33, 3, True)],
            id="each group ends after its own last date",
        ),
        pytest.param(
            [*runs(2, 4), *runs(0, end=7), *runs(1, start=8)],
            [(0, 7, 3, True), (7, None, 3, True)],
            id="Monday's group is Tuesday's from the next week on",
        ),
        pytest.param(
            [*runs(0, 2, start=7), *runs(4, start=18)],
            [(7, 18, 2, False), (18, None, 3, True)],
            id="the third day comes a week later",
        ),
        pytest.param(
            [*runs(0, start=-1), *runs(2, start=2), *runs(4, start=4)],
            [(0, None, 3, True)],
            id="it began yesterday, and its other groups follow in this week",
        ),
        pytest.param(
            [*runs(0, 2, 4), *runs(1, start=8, end=10, anchor=on(8))],
            [(0, 8, 3, True), (8, 10, 3, True), (10, None, 3, True)],
            id="what is held every other week comes and goes beside it",
        ),
    ],
)
def test_each_period_has_its_own_verdict(
    meetings: list[WeeklyMeeting], periods: list[tuple[int, int | None, int, bool]]
) -> None:
    assert summary(assess_timetable(meetings, RULES, first=MONDAY)) == periods


def test_a_period_has_its_own_reasons_and_counts_individual_time() -> None:
    short = [*runs(0, 2, 4, end=28), *runs(0, 2, start=28)]
    *_, last = assess_timetable(short, RULES, first=MONDAY, individual_minutes=60)
    assert last == Period(on(28), None, last.verdict)
    assert last.verdict.reasons == (TooFewMinutes(420, 540), TooFewDays(2, 3))


def test_another_group_conflicts_only_while_both_run() -> None:
    own = [*runs(0, 2, 4, end=28, room=1), *runs(0, 2, 4, start=28, room=2)]
    others = runs(0, start=14, room=2, key="x", name="X")
    first, second = assess_timetable(own, RULES, first=MONDAY, others=others)
    assert first.verdict.allowed
    assert second.verdict.reasons == (RoomDoubleBooked(2, 0, "0 09:00", "X"),)
    assert all(
        period.verdict.allowed for period in assess_timetable(own, RULES, first=MONDAY, others=runs(0, end=0, room=1))
    )


starts = st.one_of(st.none(), st.integers(1, 24))
lengths = st.one_of(st.none(), st.integers(1, 24))
changing = st.builds(
    lambda number, weekday, start, length: meeting(
        weekday,
        key=number,
        runs_from=None if start is None else on(start),
        runs_until=None if length is None else on((start or 0) + length),
    ),
    st.integers(),
    st.integers(0, 6),
    starts,
    lengths,
)


@given(st.lists(changing, max_size=6), st.integers(0, 10))
def test_a_period_counts_the_groups_that_are_held_on_its_dates(meetings: list[WeeklyMeeting], first: int) -> None:
    """On each date of a period, the verdict counts exactly the groups that are held on that date."""
    periods = assess_timetable(meetings, RULES, first=on(first))
    verdicts_by_date = {}
    for period in periods:
        until = period.until or on(first + 90)
        for days in range((until - period.first).days):
            verdicts_by_date[period.first + timedelta(days=days)] = period.verdict
    for number in range(first, first + 60):
        day = on(number)
        is_held = any(each.recurrence.happens_on(day) for each in meetings)
        counted = verdicts_by_date[day].minutes_by_weekday[day.weekday()] if day in verdicts_by_date else 0
        assert counted == (180 if is_held else 0)


@given(st.lists(changing, max_size=6), st.data())
def test_equivalent_dates_give_the_same_verdicts(meetings: list[WeeklyMeeting], data: st.DataObject) -> None:
    """The verdicts depend only on the dates on which meetings are held.

    A Friday group has the same dates whether it begins on a Friday or on the Monday before.
    """

    def moved(each: WeeklyMeeting, day: date | None) -> date | None:
        if day is None or day <= MONDAY:
            return day
        held = day + timedelta(days=(each.weekday - day.weekday()) % 7)
        return data.draw(st.dates(max(held - timedelta(days=6), MONDAY + timedelta(days=1)), held))

    equivalent_meetings = []
    for each in meetings:
        begins, ends = moved(each, each.runs_from), moved(each, each.runs_until)
        if begins and ends and begins >= ends:
            begins, ends = each.runs_from, each.runs_until
        equivalent_meetings.append(meeting(each.weekday, key=each.key, runs_from=begins, runs_until=ends))

    def verdicts(them: list[WeeklyMeeting]) -> list[object]:
        return [period.verdict for period in assess_timetable(them, RULES, first=MONDAY)]

    assert verdicts(equivalent_meetings) == verdicts(meetings)
