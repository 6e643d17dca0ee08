"""The search finds what trying every set of meetings finds, in whatever order they come."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.fit import judge
from scheduling.domain.search.meeting_choice import as_much_as_possible, just_enough
from tests.unit.hours.test_rules import meeting
from tests.unit.search.test_commitment_conflicts import busy, need
from tests.unit.search.test_fit import found, offer

MONDAY = date(2026, 11, 2)
WEEK = timedelta(weeks=1)


def half_past(halves: int) -> str:
    """A time by the half hours since midnight."""
    return f"{halves // 2:02}:{halves % 2 * 30:02}"


WEIGHTS = HoursRules(
    minimum_minutes=120, maximum_minutes=420, minimum_days=2, maximum_days=3, minimum_minutes_per_day=60
)
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
small_lives = st.lists(
    st.tuples(st.integers(0, 3), st.integers(6, 14), st.integers(0, 30), st.sampled_from([None, MONDAY])), max_size=3
).map(
    lambda given: [
        busy((day,), f"{hour:02}:00", f"{hour + 1:02}:15", way, label=str(number), anchor=anchor)
        for number, (day, hour, way, anchor) in enumerate(given)
    ]
)
small_needs = st.builds(
    lambda life, minutes, days: need(*life, prescribed_minutes=minutes, prescribed_days=days, rules=WEIGHTS),
    small_lives,
    st.sampled_from([60, 120, 150, 240, 300]),
    st.integers(1, 3),
)


def sets_of(meetings: list[WeeklyMeeting]) -> list[tuple[WeeklyMeeting, ...]]:
    return [chosen for size in range(len(meetings) + 1) for chosen in combinations(meetings, size)]


def summed(chosen: tuple[WeeklyMeeting, ...]) -> int:
    """Of meetings that do not overlap."""
    return sum(each.minutes(WEIGHTS) for each in chosen if each.anchor is None)


def days_of(chosen: tuple[WeeklyMeeting, ...]) -> int:
    return len({each.weekday for each in chosen if each.anchor is None and each.countable})


@given(small_tracks, small_needs, st.sampled_from([0, 30, 90]))
def test_the_search_finds_what_trying_every_set_finds(meetings, life, individual):
    track = offer(*meetings, individual_minutes=individual)
    fit = found(track, life)
    allowed = [chosen for chosen in sets_of(meetings) if not judge(track, life, chosen)]
    attended = [
        chosen for chosen in sets_of(meetings) if not any(one.overlaps(two) for one, two in combinations(chosen, 2))
    ]
    most = max((summed(chosen), len(chosen)) for chosen in attended)
    assert fit.fits == bool(allowed)
    assert (fit.whole is not None) == any((summed(chosen), len(chosen)) == most for chosen in allowed)
    if fit.whole is not None:
        assert judge(track, life, fit.whole) == ()
        assert (summed(fit.whole), len(fit.whole)) == most
        assert fit.obstacles == ()
    else:
        assert fit.obstacles, "there is always a reason"
    if fit.enough is not None:
        assert judge(track, life, fit.enough) == ()
        least = min((summed(chosen), days_of(chosen), len(chosen)) for chosen in allowed)
        assert (summed(fit.enough), days_of(fit.enough), len(fit.enough)) == least


@given(small_tracks)
def test_as_much_as_possible_is_what_trying_every_set_finds(meetings):
    attended = [
        chosen for chosen in sets_of(meetings) if not any(one.overlaps(two) for one, two in combinations(chosen, 2))
    ]
    chosen = as_much_as_possible(meetings, WEIGHTS)
    assert set(chosen) in map(set, attended)
    assert (summed(chosen), len(chosen)) == max((summed(each), len(each)) for each in attended)


@given(small_tracks, small_needs, st.randoms(use_true_random=False))
def test_the_order_of_what_comes_in_changes_nothing(meetings, life, random):
    track = offer(*meetings)
    fit = found(track, life)
    shuffled, other_life = list(meetings), list(life.busy)
    random.shuffle(shuffled)
    random.shuffle(other_life)
    again = found(offer(*shuffled), replace(life, busy=tuple(other_life)))
    assert (again.whole, again.enough, again.minutes, again.days) == (fit.whole, fit.enough, fit.minutes, fit.days)
    assert set(again.obstacles) == set(fit.obstacles)


def test_a_day_of_many_groups_is_chosen_from_quickly():
    """Six half hours in three rooms each: far more sets than could be tried one by one."""
    groups = [
        meeting(day, half_past(half), half_past(half + 1), key=f"{day}{half}{room}")
        for day in (0, 2, 4)
        for half in range(16, 22)
        for room in "abc"
    ]
    chosen = just_enough(groups, HoursRules(), minutes=540, days=3)
    assert chosen is not None
    assert len(chosen) == 18
    assert {str(each.key)[-1] for each in chosen} == {"a"}
