"""The standing of a treatment week in selected cases.

The proposed make-up sessions are compared with every possible set of make-up sessions.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.ledger import (
    BookedSession,
    MakeupOpening,
    PartialReason,
    Standing,
    WeekPolicy,
    build_ledger,
    find_makeup_openings,
)
from timekeeping.intervals import Interval

MONDAY = date(2026, 11, 2)
ADMITTED = frozenset({PartialReason.ADMISSION})


def span(day: int, start: float, end: float) -> Interval[datetime]:
    midnight = datetime(2026, 11, 2 + day, tzinfo=UTC)
    return Interval(midnight + timedelta(hours=start), midnight + timedelta(hours=end))


def booked(key: int, day: int, credited: int | None = None, *, minutes: int = 180, **more: Any) -> BookedSession:
    """Create a booked session in the morning, with 180 countable minutes by default."""
    return BookedSession(
        key=key,
        on=MONDAY + timedelta(days=day),
        time=span(day, 9, 12),
        countable_minutes=minutes,
        credited_minutes=credited,
        **more,
    )


def opening(key: int, day: int, start: float = 13, end: float = 16, minutes: int | None = None) -> MakeupOpening:
    counted = int((end - start) * 60) if minutes is None else minutes
    return MakeupOpening(
        key=key, on=MONDAY + timedelta(days=day), time=span(day, start, end), countable_minutes=counted
    )


@pytest.mark.parametrize(
    ("credited", "remaining", "standing", "makeup_minutes"),
    [
        pytest.param(540, 0, Standing.MET, 0, id="exactly what was prescribed"),
        pytest.param(600, 180, Standing.MET, 0, id="more than that"),
        pytest.param(360, 180, Standing.ON_PACE, 0, id="met if the last session is attended"),
        pytest.param(0, 540, Standing.ON_PACE, 0, id="the week has just begun"),
        pytest.param(539, 0, Standing.AT_RISK, 1, id="a minute short is short"),
        pytest.param(300, 180, Standing.AT_RISK, 60, id="an hour short of it"),
        pytest.param(0, 0, Standing.AT_RISK, 540, id="nothing at all"),
    ],
)
def test_the_standing_depends_on_minutes(
    credited: int, remaining: int, standing: Standing, makeup_minutes: int
) -> None:
    week = WeekPolicy(prescribed_minutes=540).assess(credited_minutes=credited, remaining_minutes=remaining)
    assert (week.standing, week.makeup_minutes, week.makeup_days) == (standing, makeup_minutes, 0)


@pytest.mark.parametrize(
    ("credited_days", "days_in_reach", "standing", "makeup_days"),
    [
        pytest.param(3, 3, Standing.MET, 0, id="enough of both"),
        pytest.param(2, 3, Standing.ON_PACE, 0, id="the third day is still to come"),
        pytest.param(2, 2, Standing.AT_RISK, 1, id="enough minutes over too few days are not enough"),
    ],
)
def test_the_standing_depends_on_days_as_well_as_minutes(
    credited_days: int, days_in_reach: int, standing: Standing, makeup_days: int
) -> None:
    week = WeekPolicy().assess(credited_minutes=540, credited_days=credited_days, days_in_reach=days_in_reach)
    assert (week.standing, week.makeup_minutes, week.makeup_days) == (standing, 0, makeup_days)


@pytest.mark.parametrize(
    ("is_over", "partial", "credited", "remaining", "can_be_made_up", "standing"),
    [
        pytest.param(False, (), 300, 180, True, Standing.AT_RISK, id="make-ups would save it"),
        pytest.param(False, (), 300, 180, False, Standing.CANNOT_BE_MET, id="not even they would"),
        pytest.param(True, (), 480, 0, True, Standing.SHORT, id="over and not met"),
        pytest.param(True, (), 360, 180, True, Standing.SHORT, id="over: what was never marked does not count"),
        pytest.param(True, (), 540, 0, True, Standing.MET, id="over and met"),
        pytest.param(False, ADMITTED, 540, 0, True, Standing.MET, id="cut short, and met all the same"),
        pytest.param(False, ADMITTED, 180, 360, True, Standing.ON_PACE, id="cut short, and still on course"),
        pytest.param(False, ADMITTED, 180, 180, True, Standing.PARTIAL, id="cut short is not called at risk"),
        pytest.param(False, ADMITTED, 180, 180, False, Standing.PARTIAL, id="nor out of reach"),
        pytest.param(True, ADMITTED, 360, 0, True, Standing.PARTIAL, id="nor short"),
    ],
)
def test_a_week_that_is_over_or_partial_has_its_own_standing(
    is_over: bool,
    partial: Iterable[PartialReason],
    credited: int,
    remaining: int,
    can_be_made_up: bool,
    standing: Standing,
) -> None:
    policy = WeekPolicy(is_over=is_over, partial=frozenset(partial))
    week = policy.assess(credited_minutes=credited, remaining_minutes=remaining, can_be_made_up=can_be_made_up)
    assert week.standing == standing


RANKS = (Standing.CANNOT_BE_MET, Standing.AT_RISK, Standing.ON_PACE, Standing.MET)
minutes_of_a_week = st.integers(0, 1500)


@given(
    minutes_of_a_week,
    minutes_of_a_week,
    st.integers(0, 180),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(1, 1500),
    st.integers(1, 7),
    st.booleans(),
)
def test_more_credit_never_makes_the_standing_worse(
    credited: int,
    remaining: int,
    more: int,
    days: int,
    days_to_come: int,
    prescribed_minutes: int,
    prescribed_days: int,
    can_be_made_up: bool,
) -> None:
    policy = WeekPolicy(prescribed_minutes=prescribed_minutes, prescribed_days=prescribed_days)
    before, after = (
        policy.assess(
            credited_minutes=credited + gained,
            remaining_minutes=remaining,
            credited_days=days,
            days_in_reach=days + days_to_come,
            can_be_made_up=can_be_made_up,
        )
        for gained in (0, more)
    )
    assert RANKS.index(after.standing) >= RANKS.index(before.standing)
    assert after.makeup_minutes <= before.makeup_minutes


@given(minutes_of_a_week, minutes_of_a_week, st.integers(0, 180), st.booleans())
def test_attending_a_booked_session_leaves_the_gap_unchanged(
    credited: int, remaining: int, attended: int, can_be_made_up: bool
) -> None:
    """Attendance moves minutes from remaining to credited, so the standing can't get worse."""
    attended = min(attended, remaining)
    before = WeekPolicy().assess(credited_minutes=credited, remaining_minutes=remaining, can_be_made_up=can_be_made_up)
    after = WeekPolicy().assess(
        credited_minutes=credited + attended, remaining_minutes=remaining - attended, can_be_made_up=can_be_made_up
    )
    assert after.makeup_minutes == before.makeup_minutes
    assert RANKS.index(after.standing) >= RANKS.index(before.standing)


@pytest.mark.parametrize(("minutes", "days"), [(0, 3), (-60, 3), (540, 0), (540, 8)])
def test_an_impossible_prescription_is_refused(minutes: int, days: int) -> None:
    with pytest.raises(ValueError):
        WeekPolicy(prescribed_minutes=minutes, prescribed_days=days)


def test_the_ledger_sums_credited_and_remaining_minutes() -> None:
    """Monday was attended in full and Wednesday in part, and Friday is in the future.

    The week's two other sessions don't count: one is canceled, and one has no countable minutes.
    """
    week = build_ledger(
        WeekPolicy(),
        [
            booked(1, 0, 180),
            booked(2, 2, 120),
            booked(3, 4),
            booked(4, 1, cancelled=True),
            booked(5, 3, minutes=0),
        ],
        [opening(11, 4), opening(12, 3, 13, 14)],
    )
    assert (week.scheduled_minutes, week.credited_minutes, week.remaining_minutes) == (540, 300, 180)
    assert (week.scheduled_days, week.credited_days) == (3, 2)
    assert (week.makeup_minutes, week.makeup_days) == (60, 0)
    assert week.standing == Standing.AT_RISK
    assert week.makeup_openings == (12,)


@pytest.mark.parametrize(
    ("sessions", "openings", "standing", "saving"),
    [
        pytest.param([(0, 180), (2, 180), (4, 180)], [], Standing.MET, (), id="attended in full"),
        pytest.param([(0, 180), (2, None), (4, None)], [], Standing.ON_PACE, (), id="Wednesday is not marked yet"),
        pytest.param([(0, 180), (2, 0), (4, None)], [], Standing.CANNOT_BE_MET, (), id="missed, with nothing open"),
        pytest.param([(0, 180), (2, 0), (4, None)], [opening(11, 3)], Standing.AT_RISK, (11,), id="Thursday saves it"),
        pytest.param(
            [(0, 180), (2, 0), (4, None)],
            [opening(11, 4)],
            Standing.CANNOT_BE_MET,
            (),
            id="Friday afternoon brings the minutes, but not the third day",
        ),
        pytest.param(
            [(0, 180), (2, 0), (4, None)],
            [opening(11, 3, 13, 15), opening(12, 4, 13, 14)],
            Standing.AT_RISK,
            (11, 12),
            id="two together bring minutes and day",
        ),
        pytest.param(
            [(0, 180), (2, 0), (4, None)],
            [opening(11, 4, 10, 13), opening(12, 3)],
            Standing.AT_RISK,
            (12,),
            id="what overlaps a session still to come is no opening",
        ),
    ],
)
def test_openings_decide_whether_a_current_week_can_still_be_met(
    sessions: list[tuple[int, int | None]], openings: list[MakeupOpening], standing: Standing, saving: tuple[int, ...]
) -> None:
    week = build_ledger(WeekPolicy(), [booked(key, *each) for key, each in enumerate(sessions)], openings)
    assert (week.standing, week.makeup_openings) == (standing, saving)


def test_a_day_counts_when_something_is_credited_on_it() -> None:
    twice_a_day = [booked(1, 0, 180), booked(2, 0, 180), booked(3, 1, 180), booked(4, 2, 0)]
    week = build_ledger(WeekPolicy(is_over=True), twice_a_day)
    assert (week.credited_minutes, week.credited_days, week.makeup_days) == (540, 2, 1)
    assert week.standing == Standing.SHORT


def test_a_week_that_is_over_has_nothing_remaining() -> None:
    week = build_ledger(
        WeekPolicy(is_over=True), [booked(1, 0, 180), booked(2, 2, 180), booked(3, 4)], [opening(11, 5)]
    )
    assert (week.remaining_minutes, week.makeup_minutes, week.standing) == (0, 180, Standing.SHORT)
    assert week.makeup_openings == ()


def test_a_partial_week_keeps_its_reason_and_its_numbers() -> None:
    week = build_ledger(WeekPolicy(partial=ADMITTED), [booked(1, 3), booked(2, 4)], [opening(11, 5)])
    assert (week.standing, week.partial) == (Standing.PARTIAL, ADMITTED)
    assert (week.remaining_minutes, week.makeup_minutes, week.makeup_days) == (360, 180, 1)


def every_makeup_set(
    openings: list[MakeupOpening], taken: list[BookedSession], minutes: int, days: int, counted_days: set[date]
) -> tuple[MakeupOpening, ...] | None:
    """Try every set of openings, and return the first set that closes the gap.

    Smaller sets are tried first. Sets of the same size are tried in the order of their times.
    """
    free = sorted(
        (each for each in openings if not any(each.time.overlaps(other.time) for other in taken)),
        key=lambda each: (each.time.start, each.key),
    )
    for size in range(1, len(free) + 1):
        for chosen in combinations(free, size):
            if any(one.time.overlaps(two.time) for one, two in combinations(chosen, 2)):
                continue
            if sum(each.countable_minutes for each in chosen) < minutes:
                continue
            if len({each.on for each in chosen} - counted_days) >= days:
                return chosen
    return None


some_openings = st.lists(
    st.tuples(st.integers(0, 4), st.integers(8, 18), st.integers(1, 4), st.sampled_from([15, 45, 60, 90])),
    max_size=9,
).map(
    lambda rows: [
        opening(key, day, start, start + length, minutes) for key, (day, start, length, minutes) in enumerate(rows)
    ]
)


@given(some_openings, st.sets(st.integers(0, 4), max_size=2), st.integers(0, 400), st.integers(0, 4))
def test_makeup_openings_are_the_first_of_all_sets_that_close_the_gap(
    openings: list[MakeupOpening], days_with_a_session: set[int], minutes: int, days: int
) -> None:
    taken = [booked(100 + day, day) for day in sorted(days_with_a_session)]
    counted_days = {each.on for each in taken}
    found = find_makeup_openings(openings, booked=taken, minutes=minutes, days=days, counted_days=counted_days)
    assert found == every_makeup_set(openings, taken, minutes, days, counted_days)


def test_the_only_opening_that_helps_is_found_among_many() -> None:
    """Sixty short groups are on days that already count. Only the group on Saturday adds the third day."""
    other_openings = [opening(key, key % 2, 13 + (key // 2) * 0.2, 13.1 + (key // 2) * 0.2, 5) for key in range(60)]
    week = build_ledger(WeekPolicy(), [booked(1, 0, 180), booked(2, 1)], [*other_openings, opening(99, 5)])
    assert (week.standing, week.makeup_openings) == (Standing.AT_RISK, (99,))


def test_a_gap_that_no_opening_closes_is_reported_within_a_second() -> None:
    """Forty parallel openings have enough minutes, but every opening is on a day that already counts."""
    openings = [opening(key, key % 5, 12 + key % 4, 14 + key % 4) for key in range(40)]
    began = perf_counter()
    found = find_makeup_openings(
        openings, booked=[], minutes=300, days=1, counted_days={MONDAY + timedelta(days=day) for day in range(7)}
    )
    assert found is None
    assert perf_counter() - began < 1
