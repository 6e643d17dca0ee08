"""Weekly one-to-one times: against a calendar of minutes, and as a coordinator would say them."""

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
from timekeeping.intervals import Interval
from timekeeping.weeks import MINUTES_A_DAY, BusyTime, OnDates, Recurrence

MONDAY = date(2026, 11, 23)
DAYS = (0, 2, 4)


def wall(minute: int) -> time:
    return time(*divmod(minute, 60))


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


def need(*life: BusyTime, weeks: int = 12, closed: tuple[Interval[date], ...] = ()) -> Need:
    return Need(prescribed_minutes=540, prescribed_days=3, from_day=MONDAY, weeks=weeks, busy=life, closed=closed)


GROUPS = tuple(group(day) for day in DAYS)


def said(found: IndividualProposals) -> list[str]:
    return [
        ", ".join(f"{'MTWtFSs'[hour.weekday]} {wall(hour.starts):%H:%M}-{wall(hour.ends):%H:%M}" for hour in each.hours)
        for each in found.proposals
    ]


def test_right_after_the_group_comes_first_and_a_day_of_its_own_last() -> None:
    found = propose_individual_times(60, [ada(hours(1, 9, 17), hours(2, 8, 17), hours(4, 13, 17))], GROUPS, need())
    assert said(found) == ["W 08:00-09:00", "F 13:00-14:00", "T 09:00-10:00"]
    assert [each.beside for each in found.proposals] == [
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
def test_how_minutes_are_divided(minutes: int, expected: tuple[tuple[int, ...], ...]) -> None:
    assert split_into_sessions(minutes) == expected


def test_two_halves_with_one_counselor_where_no_whole_hour_is_free() -> None:
    short = [OpenHours(weekday=day, starts=720, ends=755) for day in DAYS]
    found = propose_individual_times(60, [ada(*short)], GROUPS, need())
    assert said(found) == [
        "M 12:00-12:30, W 12:00-12:30",
        "M 12:00-12:30, F 12:00-12:30",
        "W 12:00-12:30, F 12:00-12:30",
    ]
    two = [Counselor(key=number, name=f"C{number}", hours=(short[number],)) for number in range(3)]
    assert propose_individual_times(60, two, GROUPS, need()).proposals == ()


def test_the_way_to_work_a_single_date_and_the_counselors_group_are_all_in_the_way() -> None:
    shift = busy({2}, "13:30", "22:00", travel_before=20)
    dentist = BusyTime(
        key=2,
        label="Dentist",
        kind="medical",
        recurrence=OnDates(frozenset({MONDAY + timedelta(weeks=3)})),
        starts=time(12, 30),
        ends=time(13),
    )
    other = busy({4}, "12:00", "12:45", "Family group")
    found = propose_individual_times(
        60, [ada(*(hours(day, 12, 15) for day in DAYS), taken=(other,))], GROUPS, need(shift, dentist)
    )
    assert said(found) == ["W 12:00-13:00", "F 12:45-13:45", "M 13:00-14:00"]


def test_a_closed_day_is_in_nobodys_way() -> None:
    dates = frozenset({MONDAY + timedelta(weeks=3)})
    there = BusyTime(key=1, label="Training", kind="work", recurrence=OnDates(dates), starts=time(12), ends=time(13))
    (day,) = dates
    closed = (Interval(day, day + timedelta(days=1)),)
    open_ = [ada(OpenHours(weekday=0, starts=720, ends=780), taken=(there,))]
    assert propose_individual_times(45, open_, GROUPS, need()).proposals == ()
    assert said(propose_individual_times(45, open_, GROUPS, need(closed=closed))) == ["M 12:00-12:45"]


def test_hours_that_end_within_the_horizon_are_none_unless_others_follow() -> None:
    change = MONDAY + timedelta(weeks=4)
    until = OpenHours(weekday=1, starts=600, ends=720, valid_until=change)
    after = OpenHours(weekday=1, starts=660, ends=780, valid_from=change)
    assert propose_individual_times(60, [ada(until)], GROUPS, need()).proposals == ()
    assert said(propose_individual_times(60, [ada(until, after)], GROUPS, need())) == ["T 11:00-12:00"]


def test_what_comes_nearest_is_said_when_nothing_is_free() -> None:
    taken = busy({1}, "10:30", "11:00", "Skills group")
    shift = busy({1, 3}, "10:45", "18:00")
    found = propose_individual_times(45, [ada(hours(1, 10, 11), hours(3, 10, 12), taken=(taken,))], GROUPS, need(shift))
    assert said(found) == ["t 10:00-10:45"]
    found = propose_individual_times(60, [ada(hours(1, 10, 11), taken=(taken,))], GROUPS, need(shift))
    hour = WeeklyHour(counselor=1, weekday=1, starts=600, ends=660)
    first = MONDAY + timedelta(days=1)
    against = (
        HourConflict(label="Skills group", is_counselors=True, minutes=30, first_date=first, dates=12),
        HourConflict(label="Day shift", is_counselors=False, minutes=15, first_date=first, dates=12),
    )
    assert found == IndividualProposals(none=NoFreeHour(60, NearestHour(name="Ada Park", hour=hour, against=against)))


def test_without_hours_there_is_a_reason_of_its_own_and_hours_too_short_have_no_nearest() -> None:
    assert propose_individual_times(60, [ada()], GROUPS, need()).none == NoCounselorHours()
    assert propose_individual_times(
        60, [ada(OpenHours(weekday=0, starts=600, ends=620))], GROUPS, need()
    ).none == NoFreeHour(60, None)


def test_what_is_chosen_is_asked_about_by_the_same_rules() -> None:
    counselors = [ada(hours(1, 9, 12), hours(2, 12, 15), taken=(busy({1}, "10:00", "11:00", "Family group"),))]

    def reasons(*chosen: tuple[int, int, int]) -> list[object]:
        picked = [WeeklyHour(counselor=1, weekday=day, starts=at, ends=at + long) for day, at, long in chosen]
        return list(check_choice(60, picked, counselors, GROUPS, need()))

    assert reasons((1, 540, 60)) == []
    assert reasons((1, 545, 30), (2, 720, 30)) == []
    (taken,) = reasons((1, 570, 60))
    assert isinstance(taken, HourNotFree)
    assert [each.label for each in taken.against] == ["Family group"]
    (outside,) = reasons((1, 690, 60))
    assert isinstance(outside, HourNotFree)
    assert outside.against == ()
    for wrong in [(), ((1, 540, 45),), ((1, 540, 30), (1, 660, 30)), ((1, 540, 30), (2, 720, 30), (2, 780, 30))]:
        assert reasons(*wrong) == [WrongIndividualTime(60)]
    stranger = WeeklyHour(counselor=7, weekday=1, starts=540, ends=600)
    assert list(check_choice(60, [stranger], counselors, GROUPS, need())) == [WrongIndividualTime(60)]


# Against a calendar of minutes, in a clinic of three days that is open from 8 to 11.

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
    return BusyTime(
        key=1,
        label=draw(st.sampled_from(["a", "b"])),
        kind="work",
        recurrence=draw(st.sampled_from([OnDates(dates), weekly])),
        starts=wall(starts),
        ends=wall(ends),
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
        key=f"{day}{span}", name=f"G{span[0]}", weekday=day, starts=wall(span[0]), ends=wall(span[1])
    ),
    some_day,
    spans(),
)


def minutes_taken(everything: tuple[BusyTime, ...], first: date, until: date) -> set[tuple[date, int]]:
    return {
        (first + timedelta(days=minute // MINUTES_A_DAY), minute % MINUTES_A_DAY)
        for each in everything
        for occasion in each.occasions(first, until)
        for minute in range(occasion.padded.start, occasion.padded.end)
    }


def every_choice(
    lengths: tuple[int, ...], counselors: list[Counselor], attended: list[WeeklyMeeting], asked: Need
) -> Iterator[Proposal]:
    """All weekly times that nothing stands against, minute by minute and date by date."""
    dates = [asked.from_day + timedelta(days=number) for number in range((asked.until - asked.from_day).days)]
    life = minutes_taken(asked.busy, asked.from_day, asked.until)
    life |= {
        (on, m) for on in dates for g in attended if g.weekday == on.weekday() for m in range(g.span.start, g.span.end)
    }
    for counselor in counselors:
        work = minutes_taken(counselor.busy, asked.from_day, asked.until)
        free = {
            (on, minute)
            for on in dates
            for each in counselor.hours
            if each.holds_on(on)
            for minute in range(each.starts, each.ends)
        } - life - work  # fmt: skip
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
                beside = tuple(nearest(hour, attended) for hour in picked)
                yield Proposal(name=counselor.name, hours=tuple(picked), beside=beside)


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
def test_the_proposals_are_those_of_a_calendar_of_minutes(
    minutes: int, counselors: list[Counselor], attended: list[WeeklyMeeting], life: list[BusyTime]
) -> None:
    asked = need(*life, weeks=2)
    found = propose_individual_times(minutes, counselors, attended, asked)
    for lengths in split_into_sessions(minutes):
        every = sorted(every_choice(lengths, counselors, attended, asked), key=lambda each: each.place)
        if every:
            break
    best = {(each.counselor, each.days): each for each in reversed(every)}
    assert list(found.proposals) == sorted(best.values(), key=lambda each: each.place)
    if every and len(every[0].hours) == 1:
        assert sorted([*found.proposals, *found.others], key=lambda each: each.place) == every
    assert (found.none is None) == bool(every)
    for each in every:
        assert not list(check_choice(minutes, each.hours, counselors, attended, asked))


@given(counselors_of(), st.lists(groups, max_size=2), st.lists(busy_times(), max_size=2))
def test_the_nearest_lacks_the_fewest_minutes(
    counselors: list[Counselor], attended: list[WeeklyMeeting], life: list[BusyTime]
) -> None:
    asked = need(*life, weeks=2)
    found = propose_individual_times(50, counselors, attended, asked)
    if not isinstance(found.none, NoFreeHour):
        return
    unhindered = [replace(each, busy=()) for each in counselors]
    in_hours = list(every_choice((50,), unhindered, [], need(weeks=2)))
    assert (found.none.nearest is None) == (not in_hours)
    if found.none.nearest is None:
        return
    by_key = {counselor.key: counselor for counselor in counselors}

    def lacks(each: Proposal) -> int:
        (hour,) = each.hours
        dates = [asked.from_day + timedelta(days=number) for number in range(14)]
        taken = minutes_taken((*asked.busy, *by_key[hour.counselor].busy), asked.from_day, asked.until)
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

    near = found.none.nearest
    assert lacks(Proposal(name="", hours=(near.hour,), beside=(None,))) == min(map(lacks, in_hours))
    assert near.against
