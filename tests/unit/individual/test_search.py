"""The search for weekly individual sessions, tested on selected cases and against a minute-by-minute calendar."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.individual.proposals import (
    AdjacentGroup,
    Counselor,
    HourConflict,
    HourNotFree,
    IndividualProposals,
    NearestHour,
    NoCounselorHours,
    NoFreeHour,
    OpenHours,
    Proposal,
    WeeklyHour,
    WrongIndividualTime,
    split_into_sessions,
)
from scheduling.domain.individual.search import check_choice, propose_individual_times
from scheduling.domain.search.need import Need
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import MINUTES_A_DAY, OnDates, Recurrence, RecurrencePattern, wall_time

MONDAY = date(2026, 11, 23)
DAYS = (0, 2, 4)


def group(weekday: int, starts: str = "09:00", ends: str = "12:00", name: str = "Skills group") -> WeeklyMeeting:
    begins, until = time.fromisoformat(starts), time.fromisoformat(ends)
    return WeeklyMeeting(key=f"{weekday} {starts}", name=name, weekday=weekday, starts=begins, ends=until)


def busy(weekdays: set[int], starts: str, ends: str, label: str = "Day shift", **more: int) -> BusyTime:
    return BusyTime(
        key=label,
        label=label,
        kind="work",
        recurrence=Recurrence(weekdays=frozenset(weekdays)),
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        **more,
    )


def hours(weekday: int, starts: int, ends: int) -> OpenHours:
    return OpenHours(weekday=weekday, starts=starts * 60, ends=ends * 60)


def ada(*open_: OpenHours, taken: tuple[BusyTime, ...] = ()) -> Counselor:
    return Counselor(key=1, name="Ada Park", hours=open_, busy=taken)


def need(*busy_times: BusyTime, weeks: int = 12, closed: tuple[Interval[date], ...] = ()) -> Need:
    return Need(prescribed_minutes=540, prescribed_days=3, from_day=MONDAY, weeks=weeks, busy=busy_times, closed=closed)


GROUPS = tuple(group(day) for day in DAYS)


def as_text(found: IndividualProposals) -> list[str]:
    return [
        ", ".join(
            f"{'MTWtFSs'[hour.weekday]} {wall_time(hour.starts):%H:%M}-{wall_time(hour.ends):%H:%M}"
            for hour in each.hours
        )
        for each in found.proposals
    ]


def test_times_beside_a_group_come_first_and_times_on_an_extra_day_last() -> None:
    found = propose_individual_times(60, [ada(hours(1, 9, 17), hours(2, 8, 17), hours(4, 13, 17))], GROUPS, need())
    assert as_text(found) == ["W 08:00-09:00", "F 13:00-14:00", "T 09:00-10:00"]
    assert [each.adjacent_groups for each in found.proposals] == [
        (AdjacentGroup("Skills group", 0, after=False),),
        (AdjacentGroup("Skills group", 60, after=True),),
        (None,),
    ]
    assert {other.days for other in found.others} == {(1,), (2,), (4,)}


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param(0, (), id="nothing to arrange"),
        pytest.param(20, ((20,),), id="too short to divide"),
        pytest.param(59, ((59,),), id="two would be under half an hour"),
        pytest.param(60, ((60,), (30, 30)), id="an hour, or two halves"),
        pytest.param(62, ((62,), (31, 31)), id="the grid would leave one too short"),
        pytest.param(75, ((75,), (40, 35)), id="halves on five minutes"),
        pytest.param(90, ((90,), (45, 45)), id="the longest that is tried whole"),
        pytest.param(120, ((60, 60), (120,)), id="longer time is divided at once"),
    ],
)
def test_minutes_are_split_into_sessions(minutes: int, expected: tuple[tuple[int, ...], ...]) -> None:
    assert split_into_sessions(minutes) == expected


def test_two_half_hours_with_one_counselor_replace_a_whole_hour() -> None:
    short = [OpenHours(weekday=day, starts=720, ends=755) for day in DAYS]
    found = propose_individual_times(60, [ada(*short)], GROUPS, need())
    assert as_text(found) == [
        "M 12:00-12:30, W 12:00-12:30",
        "M 12:00-12:30, F 12:00-12:30",
        "W 12:00-12:30, F 12:00-12:30",
    ]
    different_counselors = [Counselor(key=number, name=f"C{number}", hours=(short[number],)) for number in range(3)]
    assert propose_individual_times(60, different_counselors, GROUPS, need()).proposals == ()


def test_travel_single_dates_and_the_counselors_groups_are_avoided() -> None:
    shift = busy({2}, "13:30", "22:00", travel_before=20)
    dentist = BusyTime(
        key=2,
        label="Dentist",
        kind="medical",
        recurrence=OnDates(frozenset({MONDAY + timedelta(weeks=3)})),
        starts=time(12, 30),
        ends=time(13),
    )
    family_group = busy({4}, "12:00", "12:45", "Family group")
    found = propose_individual_times(
        60, [ada(*(hours(day, 12, 15) for day in DAYS), taken=(family_group,))], GROUPS, need(shift, dentist)
    )
    assert as_text(found) == ["W 12:00-13:00", "F 12:45-13:45", "M 13:00-14:00"]


def test_busy_times_on_closed_days_do_not_matter() -> None:
    dates = frozenset({MONDAY + timedelta(weeks=3)})
    training = BusyTime(key=1, label="Training", kind="work", recurrence=OnDates(dates), starts=time(12), ends=time(13))
    (day,) = dates
    closed = (Interval(day, day + timedelta(days=1)),)
    counselors = [ada(OpenHours(weekday=0, starts=720, ends=780), taken=(training,))]
    assert propose_individual_times(45, counselors, GROUPS, need()).proposals == ()
    assert as_text(propose_individual_times(45, counselors, GROUPS, need(closed=closed))) == ["M 12:00-12:45"]


def test_hours_that_end_within_the_horizon_do_not_count_unless_other_hours_follow() -> None:
    change = MONDAY + timedelta(weeks=4)
    until = OpenHours(weekday=1, starts=600, ends=720, valid_until=change)
    after = OpenHours(weekday=1, starts=660, ends=780, valid_from=change)
    assert propose_individual_times(60, [ada(until)], GROUPS, need()).proposals == ()
    assert as_text(propose_individual_times(60, [ada(until, after)], GROUPS, need())) == ["T 11:00-12:00"]


def test_the_nearest_hour_and_its_conflicts_are_given_when_nothing_is_free() -> None:
    taken = busy({1}, "10:30", "11:00", "Skills group")
    shift = busy({1, 3}, "10:45", "18:00")
    found = propose_individual_times(45, [ada(hours(1, 10, 11), hours(3, 10, 12), taken=(taken,))], GROUPS, need(shift))
    assert as_text(found) == ["t 10:00-10:45"]
    found = propose_individual_times(60, [ada(hours(1, 10, 11), taken=(taken,))], GROUPS, need(shift))
    hour = WeeklyHour(counselor=1, weekday=1, starts=600, ends=660)
    first = MONDAY + timedelta(days=1)
    conflicts = (
        HourConflict(label="Skills group", is_counselors=True, minutes=30, first_date=first, dates=12),
        HourConflict(label="Day shift", is_counselors=False, minutes=15, first_date=first, dates=12),
    )
    assert found == IndividualProposals(
        refusal=NoFreeHour(60, NearestHour(name="Ada Park", hour=hour, conflicts=conflicts))
    )


def test_missing_hours_and_too_short_hours_have_different_reasons() -> None:
    assert propose_individual_times(60, [ada()], GROUPS, need()).refusal == NoCounselorHours()
    assert propose_individual_times(
        60, [ada(OpenHours(weekday=0, starts=600, ends=620))], GROUPS, need()
    ).refusal == NoFreeHour(60, None)


def test_an_invalid_choice_of_times_is_refused_with_its_reasons() -> None:
    counselors = [ada(hours(1, 9, 12), hours(2, 12, 15), taken=(busy({1}, "10:00", "11:00", "Family group"),))]

    def reasons(*chosen: tuple[int, int, int]) -> list[object]:
        picked = [WeeklyHour(counselor=1, weekday=day, starts=at, ends=at + long) for day, at, long in chosen]
        return list(check_choice(60, picked, counselors, GROUPS, need()))

    assert reasons((1, 540, 60)) == []
    assert reasons((1, 545, 30), (2, 720, 30)) == []
    (taken,) = reasons((1, 570, 60))
    assert isinstance(taken, HourNotFree)
    assert [each.label for each in taken.conflicts] == ["Family group"]
    (outside,) = reasons((1, 690, 60))
    assert isinstance(outside, HourNotFree)
    assert outside.conflicts == ()
    for invalid in [(), ((1, 540, 45),), ((1, 540, 30), (1, 660, 30)), ((1, 540, 30), (2, 720, 30), (2, 780, 30))]:
        assert reasons(*invalid) == [WrongIndividualTime(60)]
    unknown_counselor = WeeklyHour(counselor=7, weekday=1, starts=540, ends=600)
    assert list(check_choice(60, [unknown_counselor], counselors, GROUPS, need())) == [WrongIndividualTime(60)]


# The tests below compare the search with a minute-by-minute calendar, in a clinic that is open from 8 to 11 on three days.

QUARTERS = range(8 * 60, 11 * 60 + 1, 15)
some_day = st.integers(0, 2)
fives = st.integers(8 * 12, 11 * 12)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    one, two = draw(st.lists(fives, min_size=2, max_size=2, unique=True))
    return min(one, two) * 5, max(one, two) * 5


@st.composite
def busy_times(draw: st.DrawFn) -> BusyTime:
    starts, ends = draw(spans())
    dates = frozenset({MONDAY + timedelta(days=draw(some_day), weeks=draw(st.integers(0, 2)))})
    weekly = Recurrence(weekdays=frozenset({draw(some_day)}))
    patterns: list[RecurrencePattern] = [OnDates(dates), weekly]
    return BusyTime(
        key=1,
        label=draw(st.sampled_from(["a", "b"])),
        kind="work",
        recurrence=draw(st.sampled_from(patterns)),
        starts=wall_time(starts),
        ends=wall_time(ends),
        travel_before=draw(st.sampled_from([0, 10])),
        travel_after=draw(st.sampled_from([0, 20])),
    )


@st.composite
def open_hours(draw: st.DrawFn) -> OpenHours:
    starts, ends = draw(spans())
    change = MONDAY + timedelta(weeks=1)
    first, until = draw(st.sampled_from([(None, None), (None, change), (change, None)]))
    return OpenHours(weekday=draw(some_day), starts=starts, ends=ends, valid_from=first, valid_until=until)


@st.composite
def counselors_of(draw: st.DrawFn) -> list[Counselor]:
    return [
        Counselor(
            key=number,
            name=f"C{number}",
            hours=tuple(draw(st.lists(open_hours(), max_size=3))),
            busy=tuple(draw(st.lists(busy_times(), max_size=2))),
        )
        for number in range(draw(st.integers(0, 2)))
    ]


groups = st.builds(
    lambda day, span: WeeklyMeeting(
        key=f"{day}{span}", name=f"G{span[0]}", weekday=day, starts=wall_time(span[0]), ends=wall_time(span[1])
    ),
    some_day,
    spans(),
)


def minutes_taken(busy_times: tuple[BusyTime, ...], first: date, until: date) -> set[tuple[date, int]]:
    return {
        (first + timedelta(days=minute // MINUTES_A_DAY), minute % MINUTES_A_DAY)
        for each in busy_times
        for occasion in each.occasions(first, until)
        for minute in range(occasion.with_travel.start, occasion.with_travel.end)
    }


def every_choice(
    lengths: tuple[int, ...], counselors: list[Counselor], attended: list[WeeklyMeeting], patient: Need
) -> Iterator[Proposal]:
    """Yield each set of weekly sessions that have these lengths and fit patient and counselor on every date."""
    dates = [patient.from_day + timedelta(days=number) for number in range((patient.until - patient.from_day).days)]
    patient_minutes = minutes_taken(patient.busy, patient.from_day, patient.until)
    patient_minutes |= {
        (on, m) for on in dates for g in attended if g.weekday == on.weekday() for m in range(g.span.start, g.span.end)
    }
    for counselor in counselors:
        counselor_minutes = minutes_taken(counselor.busy, patient.from_day, patient.until)
        free = {
            (on, minute)
            for on in dates
            for each in counselor.hours
            if each.happens_on(on)
            for minute in range(each.starts, each.ends)
        } - patient_minutes - counselor_minutes  # fmt: skip
        days = product(range(3), repeat=len(lengths))
        for weekdays, starts in product(days, product(QUARTERS, repeat=len(lengths))):
            if list(weekdays) != sorted(set(weekdays)):
                continue
            picked = [
                WeeklyHour(counselor=counselor.key, weekday=day, starts=at, ends=at + long)
                for day, at, long in zip(weekdays, starts, lengths, strict=True)
            ]
            if all(
                (on, minute) in free
                for hour in picked
                for on in dates
                if on.weekday() == hour.weekday
                for minute in range(hour.starts, hour.ends)
            ):
                adjacent = tuple(nearest(hour, attended) for hour in picked)
                yield Proposal(name=counselor.name, hours=tuple(picked), adjacent_groups=adjacent)


def nearest(hour: WeeklyHour, attended: list[WeeklyMeeting]) -> AdjacentGroup | None:
    after = [
        (hour.starts - g.span.end, 0, g.name)
        for g in attended
        if g.weekday == hour.weekday and g.span.end <= hour.starts
    ]
    before = [
        (g.span.start - hour.ends, 1, g.name)
        for g in attended
        if g.weekday == hour.weekday and g.span.start >= hour.ends
    ]
    if not after + before:
        return None
    gap, is_before, name = min(after + before)
    return AdjacentGroup(name, gap, after=not is_before)


@given(
    st.sampled_from([25, 30, 60, 75, 95]),
    counselors_of(),
    st.lists(groups, max_size=2),
    st.lists(busy_times(), max_size=2),
)
def test_the_proposals_match_a_calendar_of_minutes(
    minutes: int, counselors: list[Counselor], attended: list[WeeklyMeeting], commitments: list[BusyTime]
) -> None:
    patient = need(*commitments, weeks=2)
    found = propose_individual_times(minutes, counselors, attended, patient)
    for lengths in split_into_sessions(minutes):
        every = sorted(every_choice(lengths, counselors, attended, patient), key=lambda each: each.rank)
        if every:
            break
    best = {(each.counselor, each.days): each for each in reversed(every)}
    assert list(found.proposals) == sorted(best.values(), key=lambda each: each.rank)
    if every and len(every[0].hours) == 1:
        assert sorted([*found.proposals, *found.others], key=lambda each: each.rank) == every
    assert (found.refusal is None) == bool(every)
    for each in every:
        assert not list(check_choice(minutes, each.hours, counselors, attended, patient))


@given(counselors_of(), st.lists(groups, max_size=2), st.lists(busy_times(), max_size=2))
def test_the_nearest_hour_has_the_fewest_busy_minutes(
    counselors: list[Counselor], attended: list[WeeklyMeeting], commitments: list[BusyTime]
) -> None:
    patient = need(*commitments, weeks=2)
    found = propose_individual_times(50, counselors, attended, patient)
    if not isinstance(found.refusal, NoFreeHour):
        return
    counselors_without_busy_times = [replace(each, busy=()) for each in counselors]
    choices = list(every_choice((50,), counselors_without_busy_times, [], need(weeks=2)))
    assert (found.refusal.nearest is None) == (not choices)
    if found.refusal.nearest is None:
        return
    by_key = {counselor.key: counselor for counselor in counselors}

    def busy_minutes(each: Proposal) -> int:
        (hour,) = each.hours
        dates = [patient.from_day + timedelta(days=number) for number in range(14)]
        taken = minutes_taken((*patient.busy, *by_key[hour.counselor].busy), patient.from_day, patient.until)
        taken |= {
            (on, m)
            for on in dates
            for g in attended
            if g.weekday == on.weekday()
            for m in range(g.span.start, g.span.end)
        }
        return len(
            {minute for on, minute in taken if on.weekday() == hour.weekday and hour.starts <= minute < hour.ends}
        )

    nearest_hour = found.refusal.nearest
    assert busy_minutes(Proposal(name="", hours=(nearest_hour.hour,), adjacent_groups=(None,))) == min(
        map(busy_minutes, choices)
    )
    assert nearest_hour.conflicts
