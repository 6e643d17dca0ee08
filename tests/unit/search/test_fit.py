"""The search for a fit: what it chooses, which reasons it gives against a track, and how it ranks tracks."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from scheduling.domain.hours.reasons import (
    BelowPrescribedDays,
    BelowPrescribedMinutes,
    NoMeetings,
    OverlappingMeetings,
    ShortDay,
    TooManyMinutes,
)
from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import Fit, MeetingFull, NoStartDateLeft, NotAStartDate, find_fits, judge
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from tests.unit.hours.test_rules import meeting
from tests.unit.search.test_commitment_conflicts import busy, need
from timekeeping.reasons import Reason

MONDAY = date(2026, 11, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
MORNINGS = [meeting(day) for day in range(5)]


def offer(*meetings: WeeklyMeeting, full: dict[int, list[date]] | None = None, **more: Any) -> Offer:
    """Create a track. `full` maps a weekday to the dates on which that weekday's meeting has no spot left."""
    offered = (OfferedMeeting(meeting=each, full_on=tuple((full or {}).get(each.weekday, ()))) for each in meetings)
    return Offer(**{"key": "T", "name": "Track"} | more, meetings=tuple(offered))


def fit_of(track: Offer, need: Need) -> Fit:
    (fit,) = find_fits([track], need)
    return fit


def weekdays(choice: tuple[WeeklyMeeting, ...] | None) -> list[int] | None:
    return None if choice is None else [each.weekday for each in choice]


def keys(choice: tuple[WeeklyMeeting, ...] | None) -> list[object] | None:
    return None if choice is None else [each.key for each in choice]


@pytest.mark.parametrize(
    ("asked", "whole", "enough"),
    [
        pytest.param(need(), [0, 1, 2, 3, 4], [0, 1, 2], id="a free week"),
        pytest.param(need(prescribed_minutes=720), [0, 1, 2, 3, 4], [0, 1, 2, 3], id="12 h need four days"),
        pytest.param(need(prescribed_days=4), [0, 1, 2, 3, 4], [0, 1, 2, 3], id="four days need four days"),
        pytest.param(need(prescribed_minutes=600), [0, 1, 2, 3, 4], [0, 1, 2, 3], id="10 h round up to 12"),
        pytest.param(need(prescribed_minutes=900), [0, 1, 2, 3, 4], [0, 1, 2, 3, 4], id="all of it is prescribed"),
        pytest.param(need(busy((1,), "08:00", "16:00")), None, [0, 2, 3], id="at work on Tuesdays"),
        pytest.param(need(busy((1, 2), "08:00", "16:00")), None, [0, 3, 4], id="exactly enough is left"),
        pytest.param(need(busy((1, 2, 3), "08:00", "16:00")), None, None, id="too little is left"),
        pytest.param(need(prescribed_minutes=901), None, None, id="more is prescribed than it has"),
        pytest.param(
            need(prescribed_minutes=300, prescribed_days=1), [0, 1, 2, 3, 4], [0, 1, 2], id="the rules require more"
        ),
        pytest.param(
            need(rules=HoursRules(maximum_minutes=800)), None, [0, 1, 2], id="the whole track is too many hours"
        ),
        pytest.param(need(rules=HoursRules(maximum_days=4)), None, [0, 1, 2], id="the whole track is too many days"),
        pytest.param(
            need(prescribed_minutes=900, rules=HoursRules(maximum_days=4)),
            None,
            None,
            id="enough hours only on too many days",
        ),
    ],
)
def test_a_fit_has_the_whole_track_if_possible_and_just_enough_of_it(
    asked: Need, whole: list[int] | None, enough: list[int] | None
) -> None:
    fit = fit_of(offer(*MORNINGS), asked)
    assert (weekdays(fit.whole), weekdays(fit.enough)) == (whole, enough)
    assert fit.fits == (enough is not None)
    assert weekdays(fit.choice) == (whole or enough or [])


@pytest.mark.parametrize(
    ("second", "asked", "whole"),
    [
        pytest.param({}, need(), ["a", 2, 4], id="the first of two that are alike"),
        pytest.param({}, need(busy((0,), "12:00", "18:00")), ["a", 2, 4], id="the one without a conflict"),
        pytest.param({"starts": "13:00", "ends": "16:00"}, need(), ["a", "b", 2, 4], id="both when they don't overlap"),
        pytest.param(
            {"starts": "10:00", "ends": "13:00"},
            need(busy((0,), "08:00", "10:00")),
            ["b", 2, 4],
            id="only the later one",
        ),
        pytest.param({"starts": "10:00", "ends": "13:30"}, need(), ["b", 2, 4], id="the longer one"),
        pytest.param(
            {"starts": "10:00", "ends": "13:30"},
            need(busy((0,), "13:00", "15:00")),
            None,
            id="the longer one has a conflict",
        ),
        pytest.param({"pause": "10:00-10:15"}, need(), ["a", 2, 4], id="the one without a break"),
    ],
)
def test_at_most_one_of_two_overlapping_meetings_is_chosen(
    second: dict[str, str], asked: Need, whole: list[object] | None
) -> None:
    track = offer(meeting(key="a"), meeting(0, **second, key="b"), meeting(2, key=2), meeting(4, key=4))
    fit = fit_of(track, asked)
    assert keys(fit.whole) == whole
    assert fit.enough is not None


def test_extra_meetings_belong_to_the_whole_track_but_not_to_enough_of_it() -> None:
    family_night = meeting(2, "18:00", "20:00", anchor=MONDAY)
    yoga = meeting(3, countable=False)
    track = offer(*(MORNINGS[day] for day in (0, 2, 4)), family_night, yoga)
    fit = fit_of(track, need())
    assert len(fit.whole or ()) == 5
    assert weekdays(fit.enough) == [0, 2, 4]
    assert (fit.minutes, fit.days) == (540, 3)
    fit_with_conflict = fit_of(track, need(busy((2,), "18:00", "20:00", anchor=MONDAY)))
    assert (fit_with_conflict.whole, weekdays(fit_with_conflict.enough)) == (None, [0, 2, 4])
    assert [type(reason) for reason in fit_with_conflict.obstacles] == [CommitmentConflict]


def test_individual_minutes_count_toward_the_minutes() -> None:
    short = [meeting(day, "09:00", "11:20") for day in (0, 2, 4)]
    assert fit_of(offer(*short, individual_minutes=120), need()).whole is not None
    assert fit_of(offer(*short, individual_minutes=119), need()).obstacles == (BelowPrescribedMinutes(539, 540),)


@pytest.mark.parametrize(
    ("asked", "full", "obstacles"),
    [
        pytest.param(need(), {}, [], id="nothing"),
        pytest.param(
            need(prescribed_minutes=720, prescribed_days=4),
            {},
            [BelowPrescribedMinutes(540, 720), BelowPrescribedDays(3, 4)],
            id="too little",
        ),
        pytest.param(
            need(rules=HoursRules(maximum_minutes=530, minimum_minutes=180)),
            {},
            [TooManyMinutes(540, 530)],
            id="too much",
        ),
        pytest.param(
            need(rules=HoursRules(minimum_minutes_per_day=181)),
            {},
            [ShortDay(day, 180, 181) for day in (0, 2, 4)],
            id="days too short",
        ),
        pytest.param(
            need(),
            {2: [MONDAY + 2 * DAY, MONDAY + 9 * DAY], 4: [MONDAY + 4 * DAY]},
            [
                MeetingFull(MORNINGS[2], MONDAY + 2 * DAY, 2),
                MeetingFull(MORNINGS[4], MONDAY + 4 * DAY, 1),
                BelowPrescribedMinutes(180, 540),
                BelowPrescribedDays(1, 3),
            ],
            id="two groups are full",
        ),
        pytest.param(need(), {2: [MONDAY - 5 * DAY, MONDAY + 4 * WEEK + 2 * DAY]}, [], id="full before and after"),
    ],
)
def test_every_obstacle_is_named_with_its_numbers(
    asked: Need, full: dict[int, list[date]], obstacles: list[Reason]
) -> None:
    assert list(fit_of(offer(*(MORNINGS[day] for day in (0, 2, 4)), full=full), asked).obstacles) == obstacles


def test_all_obstacles_are_returned_at_once() -> None:
    shift, court = busy((0,), "08:00", "16:00", label="Shift"), busy((2, 4), "11:00", "13:00", label="Court")
    fit = fit_of(offer(*(MORNINGS[day] for day in (0, 2, 4)), full={0: [MONDAY]}), need(shift, court))
    assert not fit.fits
    conflicts = [
        (each.meeting.weekday, each.busy.label, each.minutes)
        for each in fit.obstacles
        if isinstance(each, CommitmentConflict)
    ]
    assert conflicts == [(0, "Shift", 180), (2, "Court", 60), (4, "Court", 60)]
    assert [each for each in fit.obstacles if not isinstance(each, CommitmentConflict)] == [
        MeetingFull(MORNINGS[0], MONDAY, 1),
        BelowPrescribedMinutes(0, 540),
        BelowPrescribedDays(0, 3),
    ]
    assert (fit.missing_minutes, fit.minutes, fit.days) == (540, 0, 0)


def test_obstacles_to_the_whole_track_are_returned_even_if_enough_of_it_fits() -> None:
    fit = fit_of(offer(*MORNINGS), need(busy((1,), "08:00", "16:00"), rules=HoursRules(maximum_minutes=700)))
    assert weekdays(fit.enough) == [0, 2, 3]
    assert [type(reason) for reason in fit.obstacles] == [CommitmentConflict, TooManyMinutes]


@pytest.mark.parametrize(
    ("start_dates", "starts", "fits"),
    [
        pytest.param(None, MONDAY, False, id="any day: the court date of the first week conflicts"),
        pytest.param((MONDAY,), MONDAY, False, id="a cohort that starts on that day"),
        pytest.param((MONDAY - WEEK, MONDAY + 2 * WEEK, MONDAY + WEEK), MONDAY + WEEK, True, id="the next cohort"),
        pytest.param((MONDAY + 9 * WEEK,), MONDAY + 9 * WEEK, True, id="one after the horizon"),
    ],
)
def test_a_cohort_is_judged_from_its_start_date(start_dates: tuple[date, ...] | None, starts: date, fits: bool) -> None:
    court = busy((0,), "08:00", "16:00", valid_until=MONDAY + WEEK)
    fit = fit_of(offer(*MORNINGS[:3], start_dates=start_dates), need(court))
    assert (fit.starts, fit.fits) == (starts, fits)


def test_a_track_without_a_start_date_left_does_not_fit() -> None:
    fit = fit_of(offer(*MORNINGS, start_dates=(MONDAY - DAY,)), need())
    assert not fit.fits
    assert fit.obstacles == (NoStartDateLeft(MONDAY),)


def test_a_day_on_which_no_cohort_starts_is_a_reason() -> None:
    track = offer(*MORNINGS, start_dates=(MONDAY + WEEK,))
    assert judge(track, need(), MORNINGS[:3]) == (NotAStartDate(MONDAY, MONDAY + WEEK),)
    assert judge(track, replace(need(), from_day=MONDAY + WEEK), MORNINGS[:3]) == ()


def test_judging_a_choice_returns_every_reason_against_it() -> None:
    overlapping = meeting(0, "11:00", "13:00", name="B")
    track = offer(*MORNINGS, overlapping, full={1: [MONDAY + DAY], 4: [MONDAY + 4 * DAY]})
    reasons = judge(track, need(busy((0,), "12:30", "14:00")), [MORNINGS[0], overlapping, MORNINGS[1]])
    assert [type(reason) for reason in reasons] == [
        OverlappingMeetings,
        BelowPrescribedMinutes,
        BelowPrescribedDays,
        CommitmentConflict,
        MeetingFull,
    ]
    assert isinstance(judge(track, need(), [])[0], NoMeetings)


def test_the_best_fits_come_first() -> None:
    at_work = busy((1,), "08:00", "16:00")
    evenings = [meeting(day, "18:00", "21:00") for day in range(5)]
    tracks = [
        offer(*MORNINGS[:2], key=1, name="A, two days short"),
        offer(*MORNINGS[:3], key=2, name="B, one day short"),
        offer(*MORNINGS, key=3, name="C, enough"),
        offer(*evenings, key=4, name="D, whole and long"),
        offer(*evenings[:3], key=5, name="F, whole"),
        offer(*evenings[:3], key=6, name="E, whole"),
    ]
    ranked = [fit.offer.name[0] for fit in find_fits(tracks, need(at_work))]
    assert ranked == ["E", "F", "D", "C", "B", "A"]
    assert [fit.missing_minutes for fit in find_fits(tracks, need(at_work))] == [0, 0, 0, 0, 180, 360]
