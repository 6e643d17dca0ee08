"""Step-down ahead: the way through a course of care is the one that trying every way finds, and says what it keeps."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.domain.search.schedules import Schedule, find_schedules
from scheduling.domain.search.score import score_meetings
from scheduling.domain.step_down import (
    BEAM_WIDTHS,
    BEAM_WIDTHS_FOR_MORE,
    NOT_ENROLLED,
    ChangedDays,
    EnrolledMeetings,
    Step,
    StepPlan,
    compare_schedules,
    plan_steps,
)
from tests.unit.hours.test_rules import meeting
from tests.unit.search.test_schedules import a_life, a_world
from timekeeping.reasons import Key
from timekeeping.weeks import BusyTime, Recurrence

MONDAY = date(2026, 11, 2)
WEEK = timedelta(weeks=1)
WORLDS = 200
EVERY = 10_000
Told = tuple[int, tuple[tuple[Key, ...], ...]]


def evening(weekday: int, **more: object) -> WeeklyMeeting:
    return meeting(weekday, "18:00", "21:00", **{"key": f"E{weekday}"} | more)


def morning(weekday: int, **more: object) -> WeeklyMeeting:
    return meeting(weekday, "09:00", "12:00", **{"key": f"M{weekday}"} | more)


def track(name: str, *meetings: WeeklyMeeting, **more: object) -> Offer:
    return Offer(key=name, name=name, meetings=tuple(OfferedMeeting(meeting=each) for each in meetings), **more)


EVENINGS = track("Evenings", *(evening(day) for day in range(5)))
MORNINGS = track("Mornings", *(morning(day) for day in (0, 2, 4)))


def step(
    minutes: int, days: int, *offers: Offer, week: int = 0, busy: tuple[BusyTime, ...] = (), **more: object
) -> Step:
    need = Need(prescribed_minutes=minutes, prescribed_days=days, from_day=MONDAY + week * WEEK, busy=busy)
    return Step(need=need, offers=offers or (EVENINGS, MORNINGS), **more)


def shift(weekdays: Sequence[int], starts: str, ends: str) -> BusyTime:
    times = meeting(0, starts, ends)
    recurrence = Recurrence(weekdays=frozenset(weekdays))
    return BusyTime(key=starts, label="Shift", kind="work", recurrence=recurrence, starts=times.starts, ends=times.ends)


def keys(stage: StepPlan) -> list[Key]:
    return [each.key for each in stage.meetings]


def test_the_next_level_keeps_groups_of_the_one_before():
    stages = plan_steps([step(900, 5), step(540, 3, week=4)])
    assert [keys(stage) for stage in stages] == [["E0", "E1", "E2", "E3", "E4"], ["E0", "E1", "E2"]]
    difference = stages[1].difference
    assert difference is not None
    assert difference.days == (ChangedDays("kept", (0, 1, 2)), ChangedDays("dropped", (3, 4)))


def test_the_first_schedule_is_one_that_more_can_be_kept_of():
    """By itself the morning is as good as the evening and comes first; only the evening goes on after the new shift begins."""
    now, later = step(540, 3), step(540, 3, week=4, busy=(shift(range(5), "08:00", "16:00"),))
    assert keys(plan_steps([now])[0]) == ["M0", "M2", "M4"]
    stages = plan_steps([now, later])
    assert stages[0].rank > 1
    assert [keys(stage) for stage in stages] == [["E0", "E1", "E2"], ["E0", "E1", "E2"]]
    assert stages[1].difference is not None
    assert stages[1].difference.is_empty


def test_what_is_attended_now_is_kept_by_what_comes_next():
    standing = EnrolledMeetings(meetings=(evening(2), evening(3), evening(4)), tracks=frozenset({"Evenings"}))
    [stage] = plan_steps([step(540, 3)], enrolled=standing)
    assert keys(stage) == ["E2", "E3", "E4"]


def test_what_is_arranged_stays_and_is_kept():
    arranged = EnrolledMeetings(meetings=(evening(1), evening(3), evening(4)), tracks=frozenset({"Evenings"}))
    first, second = plan_steps([step(540, 3, arranged=arranged), step(540, 3, week=4)])
    assert (first.schedule, keys(first), keys(second)) == (None, ["E1", "E3", "E4"], ["E1", "E3", "E4"])


def test_what_is_arranged_and_no_longer_enough_is_looked_for_anew():
    arranged = EnrolledMeetings(meetings=(evening(1), evening(3)), tracks=frozenset({"Evenings"}))
    only = step(540, 3, arranged=arranged)
    assert [reason.code for reason in only.arranged_reasons] == ["below_prescribed_minutes", "below_prescribed_days"]
    [stage] = plan_steps([only], enrolled=arranged)
    assert {"E1", "E3"} < set(keys(stage))


def test_where_nothing_fits_the_next_level_keeps_what_was_before():
    busy = (shift(range(5), "08:00", "22:00"),)
    first, second, third = plan_steps([step(540, 3, MORNINGS), step(540, 3, week=2, busy=busy), step(540, 3, week=4)])
    assert (keys(second), second.difference) == ([], None)
    assert keys(third) == keys(first) == ["M0", "M2", "M4"]


def test_who_is_in_a_track_goes_on_in_it_without_a_start_date():
    cohort = replace(MORNINGS, start_dates=(MONDAY,))
    first, second = plan_steps(
        [
            step(540, 3, cohort, offers_if_enrolled=(MORNINGS,)),
            step(540, 3, cohort, EVENINGS, week=4, offers_if_enrolled=(MORNINGS,)),
        ]
    )
    assert (keys(first), keys(second)) == (["M0", "M2", "M4"], ["M0", "M2", "M4"])
    [alone] = plan_steps([step(540, 3, cohort, EVENINGS, week=4, offers_if_enrolled=(MORNINGS,))])
    assert keys(alone) == ["E0", "E1", "E2"]


def test_a_group_that_changes_from_a_date_is_the_same_group():
    later = meeting(0, "18:30", "21:30", key="E0 later")
    evenings = track("Evenings", later, *(evening(day) for day in (1, 2, 3)))
    first, second = plan_steps([step(540, 3, EVENINGS), step(540, 3, evenings, week=4, follows={"E0": later})])
    assert keys(first) == ["E0", "E1", "E2"]
    assert second.before[0] is later


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param([evening(0), evening(1)], [evening(1)], ([1], [], [0], []), id="one dropped"),
        pytest.param([evening(1)], [evening(1), evening(2)], ([1], [], [], [2]), id="one added"),
        pytest.param([evening(1)], [evening(1, key="other")], ([], [1], [], []), id="another group at the time"),
        pytest.param([evening(1)], [morning(1)], ([], [], [1], [1]), id="another time of the day"),
    ],
)
def test_what_changes_from_week_to_week(before, after, told):
    difference = compare_schedules(before, after)
    groups = (difference.kept, difference.same_time, difference.dropped, difference.added)
    assert tuple([each.weekday for each in group] for group in groups) == told


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        pytest.param([evening(1)], [evening(1)], "kept", id="as it was"),
        pytest.param([evening(1)], [evening(1, key="other")], "other_group", id="at the same time"),
        pytest.param([evening(1)], [morning(1)], "other_times", id="at another time"),
        pytest.param([evening(1), morning(1)], [evening(1)], "part", id="less of it"),
        pytest.param([evening(1)], [evening(1), morning(1)], "more", id="more of it"),
        pytest.param([evening(1)], [evening(1, key="other"), morning(1)], "other_times", id="another group and more"),
        pytest.param([evening(1)], [], "dropped", id="nothing any more"),
        pytest.param([], [evening(1)], "added", id="nothing before"),
    ],
)
def test_what_becomes_of_a_day(before, after, code):
    assert compare_schedules(before, after).days == (ChangedDays(code, (1,)),)


def test_so_many_schedules_are_weighed():
    assert BEAM_WIDTHS == {1: (1,), 2: (50, 1)}
    assert BEAM_WIDTHS_FOR_MORE == (12, 3, 1)


def a_course(random: Random) -> tuple[list[Step], EnrolledMeetings]:
    """Two or three levels at one small clinic, with a life that changes; at times one stands in a track already."""
    offers, first, wish = a_world(random)
    steps = []
    for number in range(random.randint(2, 3)):
        need = replace(
            first,
            from_day=MONDAY + 3 * number * WEEK,
            prescribed_minutes=random.choice((120, 180, 240)),
            prescribed_days=random.randint(1, 2),
            busy=tuple(a_life(random, key) for key in range(random.randint(0, 2))),
            rules=HoursRules(minimum_minutes=120, maximum_minutes=360, minimum_days=1, maximum_days=3),
        )
        known = tuple(replace(offer, start_dates=None) for offer in offers)
        steps.append(Step(need=need, offers=tuple(offers), offers_if_enrolled=known))
    tracks = frozenset({offers[0].key}) if wish.kept else frozenset()
    return steps, EnrolledMeetings(meetings=wish.kept, tracks=tracks)


def tried(steps: Sequence[Step], standing: EnrolledMeetings, found: dict[object, tuple[Schedule, ...]]) -> Told:
    """The least that all the ways ask, and the first of them, by trying every schedule of every step."""
    if not steps:
        return 0, ()
    step, *rest = steps
    offers = step.open_to(standing.tracks)
    key = (step.starts, standing.tracks)
    if key not in found:
        found[key] = find_schedules(offers, step.need, most=EVERY)
    ways = []
    for each in found[key]:
        price = score_meetings(
            each.meetings, each.need, asked=step.starts, is_mixed=each.is_mixed, kept=standing.meetings
        ).points()
        on = tried(rest, EnrolledMeetings(meetings=each.meetings, tracks=frozenset({each.offer.key})), found)
        ways.append(((price + on[0], price, each.order[1:]), (tuple(one.key for one in each.meetings), *on[1])))
    if not ways:
        on = tried(rest, standing, found)
        return on[0], ((), *on[1])
    (points, _, _), way = min(ways, key=lambda way: way[0])
    return points, way


@pytest.mark.parametrize("fifty", range(WORLDS // 50))
def test_the_best_way_is_that_of_trying_every_way(fifty):
    kept = 0
    for seed in range(fifty * 50, fifty * 50 + 50):
        steps, standing = a_course(Random(seed))
        stages = plan_steps(steps, enrolled=standing, widths=(EVERY,) * 3)
        points = sum(stage.schedule.points for stage in stages if stage.schedule)
        assert (points, tuple(tuple(keys(stage)) for stage in stages)) == tried(steps, standing, {}), seed
        kept += sum(bool(stage.difference and stage.difference.kept) for stage in stages)
        within = plan_steps(steps, enrolled=standing)
        assert sum(stage.schedule.points for stage in within if stage.schedule) >= points
    assert kept > 10


def test_nothing_ahead_is_nothing():
    assert plan_steps([]) == ()
    assert plan_steps([], enrolled=NOT_ENROLLED) == ()
