"""Planning a step-down: the plan is the best possible. It says which groups each step keeps from the step before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

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
from tests.unit.search.test_schedules import random_busy_time, random_world
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Key
from timekeeping.weeks import Recurrence

MONDAY = date(2026, 11, 2)
WEEK = timedelta(weeks=1)
WORLDS = 200
EVERY = 10_000
Expected = tuple[int, tuple[tuple[Key, ...], ...]]


def evening(weekday: int, **more: Any) -> WeeklyMeeting:
    return meeting(weekday, "18:00", "21:00", **{"key": f"E{weekday}"} | more)


def morning(weekday: int, **more: Any) -> WeeklyMeeting:
    return meeting(weekday, "09:00", "12:00", **{"key": f"M{weekday}"} | more)


def track(name: str, *meetings: WeeklyMeeting, **more: Any) -> Offer:
    return Offer(key=name, name=name, meetings=tuple(OfferedMeeting(meeting=each) for each in meetings), **more)


EVENINGS = track("Evenings", *(evening(day) for day in range(5)))
MORNINGS = track("Mornings", *(morning(day) for day in (0, 2, 4)))


def step(minutes: int, days: int, *offers: Offer, week: int = 0, busy: tuple[BusyTime, ...] = (), **more: Any) -> Step:
    need = Need(prescribed_minutes=minutes, prescribed_days=days, from_day=MONDAY + week * WEEK, busy=busy)
    return Step(need=need, offers=offers or (EVENINGS, MORNINGS), **more)


def shift(weekdays: Sequence[int], starts: str, ends: str) -> BusyTime:
    times = meeting(0, starts, ends)
    recurrence = Recurrence(weekdays=frozenset(weekdays))
    return BusyTime(key=starts, label="Shift", kind="work", recurrence=recurrence, starts=times.starts, ends=times.ends)


def keys(plan: StepPlan) -> list[Key]:
    return [each.key for each in plan.meetings]


def test_the_next_level_keeps_groups_of_the_one_before() -> None:
    plans = plan_steps([step(900, 5), step(540, 3, week=4)])
    assert [keys(plan) for plan in plans] == [["E0", "E1", "E2", "E3", "E4"], ["E0", "E1", "E2"]]
    difference = plans[1].difference
    assert difference is not None
    assert difference.days == (ChangedDays("kept", (0, 1, 2)), ChangedDays("dropped", (3, 4)))


def test_the_first_schedule_is_the_one_that_can_be_kept_longer() -> None:
    """If the first step were planned alone, it would use the morning groups.

    But once the new shift starts, only evening groups can continue.
    """
    now, later = step(540, 3), step(540, 3, week=4, busy=(shift(range(5), "08:00", "16:00"),))
    assert keys(plan_steps([now])[0]) == ["M0", "M2", "M4"]
    plans = plan_steps([now, later])
    assert plans[0].rank > 1
    assert [keys(plan) for plan in plans] == [["E0", "E1", "E2"], ["E0", "E1", "E2"]]
    assert plans[1].difference is not None
    assert plans[1].difference.is_empty


def test_the_first_step_keeps_the_present_meetings() -> None:
    enrolled = EnrolledMeetings(meetings=(evening(2), evening(3), evening(4)), tracks=frozenset({"Evenings"}))
    [plan] = plan_steps([step(540, 3)], enrolled=enrolled)
    assert keys(plan) == ["E2", "E3", "E4"]


def test_arranged_meetings_stay_and_the_next_step_keeps_them() -> None:
    arranged = EnrolledMeetings(meetings=(evening(1), evening(3), evening(4)), tracks=frozenset({"Evenings"}))
    first, second = plan_steps([step(540, 3, arranged=arranged), step(540, 3, week=4)])
    assert (first.schedule, keys(first), keys(second)) == (None, ["E1", "E3", "E4"], ["E1", "E3", "E4"])


def test_a_step_whose_arranged_meetings_are_too_few_is_planned_again() -> None:
    arranged = EnrolledMeetings(meetings=(evening(1), evening(3)), tracks=frozenset({"Evenings"}))
    only = step(540, 3, arranged=arranged)
    assert [reason.code for reason in only.arranged_reasons] == ["below_prescribed_minutes", "below_prescribed_days"]
    [plan] = plan_steps([only], enrolled=arranged)
    assert {"E1", "E3"} < set(keys(plan))


def test_after_a_step_in_which_nothing_fits_the_meetings_before_it_are_kept() -> None:
    busy = (shift(range(5), "08:00", "22:00"),)
    first, second, third = plan_steps([step(540, 3, MORNINGS), step(540, 3, week=2, busy=busy), step(540, 3, week=4)])
    assert (keys(second), second.difference) == ([], None)
    assert keys(third) == keys(first) == ["M0", "M2", "M4"]


def test_an_enrolled_patient_stays_in_a_track_without_a_start_date() -> None:
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


def test_a_new_version_of_a_group_counts_as_the_same_group() -> None:
    later = meeting(0, "18:30", "21:30", key="E0 later")
    evenings = track("Evenings", later, *(evening(day) for day in (1, 2, 3)))
    first, second = plan_steps([step(540, 3, EVENINGS), step(540, 3, evenings, week=4, follows={"E0": later})])
    assert keys(first) == ["E0", "E1", "E2"]
    assert second.before[0] is later


@pytest.mark.parametrize(
    ("before", "after", "weekdays"),
    [
        pytest.param([evening(0), evening(1)], [evening(1)], ([1], [], [0], []), id="one dropped"),
        pytest.param([evening(1)], [evening(1), evening(2)], ([1], [], [], [2]), id="one added"),
        pytest.param([evening(1)], [evening(1, key="other")], ([], [1], [], []), id="another group at the same time"),
        pytest.param([evening(1)], [morning(1)], ([], [], [1], [1]), id="another time of the day"),
    ],
)
def test_groups_are_kept_replaced_dropped_or_added(
    before: list[WeeklyMeeting], after: list[WeeklyMeeting], weekdays: tuple[list[int], ...]
) -> None:
    difference = compare_schedules(before, after)
    groups = (difference.kept, difference.same_time, difference.dropped, difference.added)
    assert tuple([each.weekday for each in group] for group in groups) == weekdays


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        pytest.param([evening(1)], [evening(1)], "kept", id="unchanged"),
        pytest.param([evening(1)], [evening(1, key="other")], "other_group", id="at the same time"),
        pytest.param([evening(1)], [morning(1)], "other_times", id="at another time"),
        pytest.param([evening(1), morning(1)], [evening(1)], "part", id="fewer groups"),
        pytest.param([evening(1)], [evening(1), morning(1)], "more", id="more groups"),
        pytest.param([evening(1)], [evening(1, key="other"), morning(1)], "other_times", id="another group and more"),
        pytest.param([evening(1)], [], "dropped", id="no group any more"),
        pytest.param([], [evening(1)], "added", id="no group before"),
    ],
)
def test_each_weekday_has_the_code_of_its_change(
    before: list[WeeklyMeeting], after: list[WeeklyMeeting], code: str
) -> None:
    assert compare_schedules(before, after).days == (ChangedDays(code, (1,)),)


def test_fewer_schedules_are_tried_for_later_steps() -> None:
    assert BEAM_WIDTHS == {1: (1,), 2: (50, 1)}
    assert BEAM_WIDTHS_FOR_MORE == (12, 3, 1)


def random_steps(random: Random) -> tuple[list[Step], EnrolledMeetings]:
    """Return two or three steps of a random patient at a small clinic, and the present enrollment, which can be empty.

    The patient's commitments are different in each step.
    """
    offers, first, preferences = random_world(random)
    steps = []
    for number in range(random.randint(2, 3)):
        need = replace(
            first,
            enrollments=(),
            from_day=MONDAY + 3 * number * WEEK,
            prescribed_minutes=random.choice((120, 180, 240)),
            prescribed_days=random.randint(1, 2),
            busy=tuple(random_busy_time(random, key) for key in range(random.randint(0, 2))),
            rules=HoursRules(minimum_minutes=120, maximum_minutes=360, minimum_days=1, maximum_days=3),
        )
        known = tuple(replace(offer, start_dates=None) for offer in offers)
        steps.append(Step(need=need, offers=tuple(offers), offers_if_enrolled=known))
    tracks = frozenset({offers[0].key}) if preferences.kept else frozenset()
    return steps, EnrolledMeetings(meetings=preferences.kept, tracks=tracks)


def try_everything(
    steps: Sequence[Step], enrolled: EnrolledMeetings, found: dict[object, tuple[Schedule, ...]]
) -> Expected:
    """Try every combination of schedules.

    Return the lowest score of any plan, and the first plan that has this score.
    """
    if not steps:
        return 0, ()
    step, *rest = steps
    offers = step.open_to(enrolled.tracks)
    key = (step.starts, enrolled.tracks)
    if key not in found:
        found[key] = find_schedules(offers, step.need, most=EVERY)
    plans = []
    for each in found[key]:
        points = score_meetings(
            each.meetings, each.need, asked=step.starts, is_mixed=each.is_mixed, kept=enrolled.meetings
        ).points()
        then = EnrolledMeetings(meetings=each.meetings, tracks=frozenset({each.offer.key}))
        rest_points, rest_keys = try_everything(rest, then, found)
        plans.append(
            ((points + rest_points, points, each.order[1:]), (tuple(one.key for one in each.meetings), *rest_keys))
        )
    if not plans:
        rest_points, rest_keys = try_everything(rest, enrolled, found)
        return rest_points, ((), *rest_keys)
    (points, _, _), plan = min(plans, key=lambda plan: plan[0])
    return points, plan


@pytest.mark.parametrize("fifty", range(WORLDS // 50))
def test_the_plan_is_the_best_of_all_plans(fifty: int) -> None:
    kept = 0
    for seed in range(fifty * 50, fifty * 50 + 50):
        steps, enrolled = random_steps(Random(seed))
        plans = plan_steps(steps, enrolled=enrolled, widths=(EVERY,) * 3)
        points = sum(plan.schedule.points for plan in plans if plan.schedule)
        assert (points, tuple(tuple(keys(plan)) for plan in plans)) == try_everything(steps, enrolled, {}), seed
        kept += sum(bool(plan.difference and plan.difference.kept) for plan in plans)
        narrow_plans = plan_steps(steps, enrolled=enrolled)
        assert sum(plan.schedule.points for plan in narrow_plans if plan.schedule) >= points
    assert kept > 10


def test_without_steps_there_is_no_plan() -> None:
    assert plan_steps([]) == ()
    assert plan_steps([], enrolled=NOT_ENROLLED) == ()
