"""A conflict blocks a meeting, requires a commitment to move, or makes the patient miss a session.

The outcome is compared with a calendar that lists every minute.
"""

from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.search.conflicts import MeetingConflicts
from scheduling.domain.search.fit import blocking_conflicts
from scheduling.domain.search.need import Need
from tests.unit.hours.test_rules import meeting
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import OnDates, Recurrence, RecurrencePattern, Rotation

MONDAY = date(2026, 11, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
THURSDAYS = [MONDAY + 3 * DAY + week * WEEK for week in range(12)]
GROUP = meeting(3, "16:00", "17:30", name="Thursday's group")
EVERY_THURSDAY = Recurrence(weekdays=frozenset({3}))


def commitment(
    starts: str,
    ends: str,
    pattern: RecurrencePattern = EVERY_THURSDAY,
    *,
    travel: int = 0,
    movable: int = 0,
    kind: str = "work",
) -> BusyTime:
    return BusyTime(
        key=1,
        label="Shift",
        kind=kind,
        recurrence=pattern,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        travel_before=travel,
        travel_after=travel,
        movable_minutes=movable,
    )


def conflicts_of(busy: BusyTime, **more: Any) -> MeetingConflicts:
    need = Need(prescribed_minutes=540, prescribed_days=3, from_day=MONDAY, busy=(busy,), **more)
    return need.conflicts_with(GROUP)


def on(*numbers: int) -> OnDates:
    return OnDates(frozenset(THURSDAYS[number] for number in numbers))


@pytest.mark.parametrize(
    ("busy", "moves"),
    [
        pytest.param(
            commitment("09:00", "16:20", movable=20), [(True, 20)], id="it ends earlier by the minutes allowed"
        ),
        pytest.param(commitment("09:00", "16:21", movable=20), None, id="one minute more than allowed"),
        pytest.param(commitment("09:00", "16:20"), None, id="it is protected"),
        pytest.param(commitment("09:00", "15:50", travel=25, movable=15), [(True, 15)], id="travel takes too long"),
        pytest.param(commitment("17:00", "22:00", movable=30), [(False, 30)], id="it starts later"),
        pytest.param(
            commitment("17:10", "22:00", travel=10, movable=30), [(False, 30)], id="it starts later for travel"
        ),
        pytest.param(
            commitment("16:30", "17:00", movable=60), [(True, 60)], id="in the middle, it moves to the nearer end"
        ),
        pytest.param(commitment("16:30", "17:00", movable=59), None, id="in the middle, it can't move far enough"),
        pytest.param(commitment("09:00", "15:00", movable=60), [], id="there is no conflict"),
        pytest.param(
            commitment("09:00", "16:20", movable=20, kind="treatment"), [(True, 20)], id="other treatment that can move"
        ),
    ],
)
def test_a_movable_commitment_moves_at_one_end(busy: BusyTime, moves: list[tuple[bool, int]] | None) -> None:
    found = conflicts_of(busy)
    assert bool(found.blocking) == (moves is None)
    assert [(move.ends_earlier, move.minutes) for move in found.moves] == (moves or [])
    assert all((move.busy, move.weekday, move.is_temporary) == (busy, 3, False) for move in found.moves)


def test_a_night_shift_moves_on_the_day_on_which_it_starts() -> None:
    (move,) = conflicts_of(commitment("22:00", "16:10", Recurrence(weekdays=frozenset({2})), movable=10)).moves
    assert (move.weekday, move.ends_earlier, move.minutes) == (2, True, 10)


@pytest.mark.parametrize(
    ("busy", "missed"),
    [
        pytest.param(commitment("16:00", "17:00", on(3)), [3], id="one date of twelve"),
        pytest.param(commitment("16:00", "17:00", on(3, 8)), [3, 8], id="two of twelve, one in six"),
        pytest.param(commitment("16:00", "17:00", on(3, 8, 9)), None, id="three of twelve are too many"),
        pytest.param(
            commitment("16:00", "17:00", Recurrence(weekdays=frozenset({3}), valid_until=THURSDAYS[2])),
            [0, 1],
            id="a commitment that ends in two weeks",
        ),
        pytest.param(
            commitment("16:00", "17:00", Recurrence(weekdays=frozenset({3}), valid_from=THURSDAYS[10])),
            None,
            id="a permanent commitment that starts in the last two weeks",
        ),
        pytest.param(
            commitment(
                "00:00",
                "00:00",
                Recurrence(weekdays=frozenset(range(7)), valid_from=THURSDAYS[5], valid_until=THURSDAYS[6]),
            ),
            [5],
            id="a week of travel",
        ),
        pytest.param(commitment("16:00", "17:00", EVERY_THURSDAY), None, id="every week"),
        pytest.param(
            commitment("16:00", "17:00", Rotation(cycle_days=8, days_on=frozenset({0}), first=THURSDAYS[0])),
            None,
            id="a rotation is permanent, however seldom it falls on the day",
        ),
        pytest.param(commitment("16:00", "17:00", on(3), kind="treatment"), None, id="one date of other treatment"),
        pytest.param(commitment("16:00", "17:00", on(3), movable=60), [], id="one date that could move"),
        pytest.param(commitment("18:00", "19:00", on(3)), [], id="one date, but later in the day"),
    ],
)
def test_a_temporary_commitment_costs_a_few_sessions(busy: BusyTime, missed: list[int] | None) -> None:
    need = Need(prescribed_minutes=540, prescribed_days=3, from_day=MONDAY, busy=(busy,))
    assert bool(blocking_conflicts(GROUP, need)) == (missed is None)
    assert list(need.conflicts_with(GROUP).missed) == [THURSDAYS[number] for number in missed or []]


@pytest.mark.parametrize(
    ("weeks", "is_missed"),
    [pytest.param(6, True, id="one of six"), pytest.param(5, False, id="one of five is more than one in six")],
)
def test_at_most_one_session_in_six_is_missed(weeks: int, is_missed: bool) -> None:
    need = Need(
        prescribed_minutes=540,
        prescribed_days=3,
        from_day=MONDAY,
        weeks=weeks,
        busy=(commitment("16:00", "17:00", on(1)),),
    )
    assert need.conflicts_with(GROUP).missed == ((THURSDAYS[1],) if is_missed else ())
    assert bool(blocking_conflicts(GROUP, need)) != is_missed


def test_missed_dates_of_several_commitments_count_together() -> None:
    temporary = (commitment("16:00", "17:00", on(1, 2)), commitment("17:00", "18:00", on(2, 3)))
    need = Need(prescribed_minutes=540, prescribed_days=3, from_day=MONDAY, busy=temporary)
    assert need.conflicts_with(GROUP).missed == ()
    assert {each.dates for each in blocking_conflicts(GROUP, need)} == {2}


@pytest.mark.parametrize(
    ("starts", "ends", "is_close"),
    [
        pytest.param("09:00", "15:40", False, id="20 min before"),
        pytest.param("09:00", "15:46", True, id="14 min"),
        pytest.param("09:00", "15:45", False, id="15 min"),
        pytest.param("17:44", "22:00", True, id="14 min after"),
        pytest.param("17:45", "22:00", False, id="15 min after"),
    ],
)
def test_a_gap_of_less_than_fifteen_minutes_is_tight(starts: str, ends: str, is_close: bool) -> None:
    assert conflicts_of(commitment(starts, ends)).is_tight == is_close
    assert not conflicts_of(commitment(starts, ends, kind="treatment")).is_tight


fives = st.integers(0, 287).map(lambda number: time(number // 12, number % 12 * 5))


@given(
    fives,
    fives,
    st.sampled_from(
        [
            EVERY_THURSDAY,
            Recurrence(weekdays=frozenset({2, 3}), anchor=MONDAY),
            Recurrence(weekdays=frozenset({3, 4}), valid_until=THURSDAYS[1] + DAY),
            Rotation(cycle_days=8, days_on=frozenset({0, 1, 2}), first=MONDAY),
            on(0, 4),
            on(0, 1, 5),
        ]
    ),
    st.integers(0, 4).map(lambda number: number * 15),
    st.integers(0, 12).map(lambda number: number * 10),
)
def test_the_outcome_matches_a_calendar_of_minutes(
    starts: time, ends: time, pattern: RecurrencePattern, travel: int, movable: int
) -> None:
    """A movable busy time starts later or ends earlier, by just enough minutes to avoid the group."""
    busy = BusyTime(
        key=1, label="L", kind="work", recurrence=pattern, starts=starts, ends=ends,
        travel_before=travel, travel_after=travel, movable_minutes=movable,
    )  # fmt: skip
    found = conflicts_of(busy)
    begin = starts.hour * 60 + starts.minute
    blocked_on, needed = set(), set()
    for number in range(-2, 86):
        if not pattern.happens_on(MONDAY + number * DAY):
            continue
        start = number * 1440 + begin - travel
        taken = range(start, start + busy.minutes + 2 * travel)
        for thursday in THURSDAYS:
            held = range((thursday - MONDAY).days * 1440 + 960, (thursday - MONDAY).days * 1440 + 1050)
            if not set(taken) & set(held):
                continue
            moves = (taken.stop - held.start, held.stop - taken.start)
            if min(moves) <= movable:
                needed.add(min(moves))
            else:
                blocked_on.add(thursday)
    assert {move.minutes for move in found.moves} == needed
    is_permanent = not isinstance(pattern, OnDates) and not getattr(pattern, "valid_until", None)
    if blocked_on and (is_permanent or len(blocked_on) > 2):
        assert found.blocking
        assert not found.missed
    else:
        assert not found.blocking
        assert set(found.missed) == blocked_on
