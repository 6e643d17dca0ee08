"""The search for a fit gives the same result as trying every set of meetings. The order of the meetings does not matter."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.fit import judge
from scheduling.domain.search.meeting_choice import as_much_as_possible, just_enough
from scheduling.domain.search.need import Need
from tests.unit.hours.test_rules import meeting
from tests.unit.search.test_commitment_conflicts import busy, need
from tests.unit.search.test_fit import fit_of, offer

MONDAY = date(2026, 11, 2)
WEEK = timedelta(weeks=1)


def half_past(halves: int) -> str:
    """Format the time that is `halves` half hours after midnight, as "09:30"."""
    return f"{halves // 2:02}:{halves % 2 * 30:02}"


RULES = HoursRules(minimum_minutes=120, maximum_minutes=420, minimum_days=2, maximum_days=3, minimum_minutes_per_day=60)
slots = st.tuples(st.integers(0, 3), st.integers(16, 24), st.integers(1, 5), st.sampled_from("nnnnyab"))
small_tracks = st.lists(slots, max_size=6).map(
    lambda given: [
        meeting(
            weekday,
            half_past(start),
            half_past(start + length),
            key=number,
            countable=kind != "y",
            anchor={"a": MONDAY, "b": MONDAY + WEEK}.get(kind),
        )
        for number, (weekday, start, length, kind) in enumerate(given)
    ]
)
small_commitments = st.lists(
    st.tuples(st.integers(0, 3), st.integers(6, 14), st.integers(0, 30), st.sampled_from([None, MONDAY])), max_size=3
).map(
    lambda given: [
        busy((day,), f"{hour:02}:00", f"{hour + 1:02}:15", travel, label=str(number), anchor=anchor)
        for number, (day, hour, travel, anchor) in enumerate(given)
    ]
)
small_needs = st.builds(
    lambda commitments, minutes, days: need(
        *commitments, prescribed_minutes=minutes, prescribed_days=days, rules=RULES
    ),
    small_commitments,
    st.sampled_from([60, 120, 150, 240, 300]),
    st.integers(1, 3),
)


def sets_of(meetings: list[WeeklyMeeting]) -> list[tuple[WeeklyMeeting, ...]]:
    return [chosen for size in range(len(meetings) + 1) for chosen in combinations(meetings, size)]


def sum_minutes(chosen: tuple[WeeklyMeeting, ...]) -> int:
    """Add up the countable minutes of the meetings that are held every week. The meetings must not overlap."""
    return sum(each.minutes(RULES) for each in chosen if each.anchor is None)


def count_days(chosen: tuple[WeeklyMeeting, ...]) -> int:
    return len({each.weekday for each in chosen if each.anchor is None and each.countable})


@given(small_tracks, small_needs, st.sampled_from([0, 30, 90]))
def test_a_fit_equals_the_result_of_trying_every_set(
    meetings: list[WeeklyMeeting], need: Need, individual: int
) -> None:
    track = offer(*meetings, individual_minutes=individual)
    fit = fit_of(track, need)
    allowed = [chosen for chosen in sets_of(meetings) if not judge(track, need, chosen)]
    attended = [
        chosen for chosen in sets_of(meetings) if not any(one.overlaps(two) for one, two in combinations(chosen, 2))
    ]
    most = max((sum_minutes(chosen), len(chosen)) for chosen in attended)
    assert fit.fits == bool(allowed)
    assert (fit.whole is not None) == any((sum_minutes(chosen), len(chosen)) == most for chosen in allowed)
    if fit.whole is not None:
        assert judge(track, need, fit.whole) == ()
        assert (sum_minutes(fit.whole), len(fit.whole)) == most
        assert fit.obstacles == ()
    else:
        assert fit.obstacles, "there is always a reason"
    if fit.enough is not None:
        assert judge(track, need, fit.enough) == ()
        least = min((sum_minutes(chosen), count_days(chosen), len(chosen)) for chosen in allowed)
        assert (sum_minutes(fit.enough), count_days(fit.enough), len(fit.enough)) == least


@given(small_tracks)
def test_the_largest_set_that_can_be_attended_equals_the_result_of_trying_every_set(
    meetings: list[WeeklyMeeting],
) -> None:
    attended = [
        chosen for chosen in sets_of(meetings) if not any(one.overlaps(two) for one, two in combinations(chosen, 2))
    ]
    chosen = as_much_as_possible(meetings, RULES)
    assert set(chosen) in map(set, attended)
    assert (sum_minutes(chosen), len(chosen)) == max((sum_minutes(each), len(each)) for each in attended)


@given(small_tracks, small_needs, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_change_the_fit(
    meetings: list[WeeklyMeeting], need: Need, random: Random
) -> None:
    track = offer(*meetings)
    fit = fit_of(track, need)
    shuffled, other_busy = list(meetings), list(need.busy)
    random.shuffle(shuffled)
    random.shuffle(other_busy)
    again = fit_of(offer(*shuffled), replace(need, busy=tuple(other_busy)))
    assert (again.whole, again.enough, again.minutes, again.days) == (fit.whole, fit.enough, fit.minutes, fit.days)
    assert set(again.obstacles) == set(fit.obstacles)


def test_a_choice_from_days_with_many_groups_is_found() -> None:
    """There are 18 half-hour groups on each of three days. These make far too many sets to try one by one."""
    groups = [
        meeting(day, half_past(half), half_past(half + 1), key=f"{day}{half}{room}")
        for day in (0, 2, 4)
        for half in range(16, 22)
        for room in "abc"
    ]
    chosen = just_enough(groups, HoursRules(), need().weekly_limits(0))
    assert chosen is not None
    assert len(chosen) == 18
    assert {str(each.key)[-1] for each in chosen} == {"a"}
