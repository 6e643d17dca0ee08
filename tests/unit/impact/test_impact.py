"""What an act does to people, compared without a database: lost, gained, moved, and the weeks that fall."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.impact.impact import (
    BookingChange,
    BookingState,
    Impact,
    ImpactConflict,
    SessionState,
    find_booking_changes,
    find_session_changes,
    find_week_shortfalls,
)
from timekeeping.intervals import Interval
from timekeeping.occupancy import BusyIndex

WEEK = date(2026, 11, 23)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def hours(day: int, starts: float, length: float = 3) -> Interval[datetime]:
    begins = MIDNIGHT + timedelta(days=day, hours=starts)
    return Interval(begins, begins + timedelta(hours=length))


def seat(session: int, day: int = 0, starts: float = 9, **more: Any) -> BookingState:
    given_ = {"patient": 1, "name": "Skills", "minutes": 180, "week": WEEK} | more
    return BookingState(session=session, on=WEEK + timedelta(days=day), time=hours(day, starts), **given_)


def gathering(key: int, day: int = 0, starts: float = 9, **more: Any) -> SessionState:
    given_ = {"name": "Skills"} | more
    return SessionState(key=key, on=WEEK + timedelta(days=day), time=hours(day, starts), **given_)


OF_A_LINE: dict[str, Any] = {"line": 7, "slot": WEEK}


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        pytest.param([seat(1)], [seat(1)], [], id="nothing"),
        pytest.param([seat(1)], [], ["lost"], id="lost"),
        pytest.param([], [seat(1)], ["gained"], id="gained"),
        pytest.param([seat(1)], [seat(1, 1)], ["moved"], id="the same session at another time"),
        pytest.param([seat(1)], [seat(1, is_excused=True)], ["excused"], id="excused"),
        pytest.param([seat(1, is_excused=True)], [seat(1)], ["expected"], id="expected again"),
        pytest.param([seat(1, **OF_A_LINE)], [seat(2, 1, **OF_A_LINE)], ["moved"], id="another took its place"),
        pytest.param([seat(1, **OF_A_LINE)], [seat(2, **OF_A_LINE)], [], id="another took its place at its time"),
        pytest.param([seat(1)], [seat(2, 1)], ["lost", "gained"], id="one-offs take nobody's place"),
        pytest.param(
            [seat(1, **OF_A_LINE)],
            [seat(2, 7, line=7, slot=WEEK + timedelta(weeks=1))],
            ["lost", "gained"],
            id="another week's is no successor",
        ),
        pytest.param([seat(1)], [seat(1, patient=2)], ["lost", "gained"], id="of two patients"),
    ],
)
def test_what_becomes_of_a_place(before: list[BookingState], after: list[BookingState], kinds: list[str]) -> None:
    assert [change.kind for change in find_booking_changes(before, after)] == kinds


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        pytest.param([gathering(1)], [gathering(1)], [], id="nothing"),
        pytest.param([], [gathering(1)], ["added"], id="added"),
        pytest.param([gathering(1)], [], ["removed"], id="removed"),
        pytest.param([gathering(1)], [gathering(1, is_cancelled=True)], ["cancelled"], id="cancelled"),
        pytest.param([gathering(1, is_cancelled=True)], [gathering(1)], ["reinstated"], id="held after all"),
        pytest.param([gathering(1)], [gathering(1, 1)], ["moved"], id="moved"),
        pytest.param([gathering(1)], [gathering(1, room="Attic")], ["changed"], id="another room"),
        pytest.param([gathering(1, **OF_A_LINE)], [gathering(2, 1, **OF_A_LINE)], ["moved"], id="replaced"),
        pytest.param(
            [gathering(1, **OF_A_LINE)],
            [gathering(1, is_cancelled=True), gathering(2, 1, **OF_A_LINE)],
            ["moved"],
            id="cancelled and replaced",
        ),
    ],
)
def test_what_becomes_of_a_session(before: list[SessionState], after: list[SessionState], kinds: list[str]) -> None:
    changes = find_session_changes({each.key: each for each in before}, {each.key: each for each in after})
    assert [change.kind for change in changes] == kinds


@pytest.mark.parametrize(
    ("before", "after", "owed", "fallen"),
    [
        pytest.param(3, 2, (540, 3), [(360, 2)], id="below what is prescribed"),
        pytest.param(4, 3, (540, 3), [], id="still enough"),
        pytest.param(2, 1, (540, 3), [(180, 1)], id="further below"),
        pytest.param(2, 2, (540, 3), [], id="short before and after"),
        pytest.param(4, 3, (540, 4), [(540, 3)], id="enough minutes on too few days"),
        pytest.param(3, 2, None, [], id="nothing is prescribed"),
        pytest.param(1, 0, (540, 3), [(0, 0)], id="to nothing at all"),
    ],
)
def test_a_week_is_told_of_when_it_falls(
    before: int, after: int, owed: tuple[int, int] | None, fallen: list[tuple[int, int]]
) -> None:
    seats = [seat(day, day) for day in range(5)]
    drops = find_week_shortfalls(seats[:before], seats[:after], lambda patient, week: owed)
    assert [(drop.minutes_after, drop.days_after) for drop in drops] == fallen


def test_the_key_is_of_what_is_told_and_not_of_numbers_nobody_has_seen() -> None:
    def impact(session: int, **more: Any) -> Impact:
        return Impact(seats=(BookingChange(1, seat(session), None),), **more)

    assert impact(1).key == impact(2).key
    assert impact(1).key != Impact().key
    assert impact(1).key != Impact(seats=(BookingChange(2, seat(1), None),)).key
    assert impact(1).key != impact(1, clashes=(ImpactConflict(1, seat(1), "Shop"),)).key
    assert Impact(seats=(BookingChange(1, seat(1), None, "Evening"),)).key != impact(1).key


starts = st.integers(min_value=0, max_value=60)
times = st.builds(lambda begin, length: hours(0, begin / 2, length / 2), starts, st.integers(min_value=1, max_value=30))


@given(st.lists(st.tuples(st.integers(0, 2), times), max_size=8), st.integers(0, 2), times)
def test_who_is_free_is_who_overlaps_nothing(
    taken: list[tuple[int, Interval[datetime]]], key: int, asked: Interval[datetime]
) -> None:
    occupied = BusyIndex()
    for who, time in taken:
        occupied.take(who, time)
    assert occupied.is_free(key, asked) == (not any(who == key and time.overlaps(asked) for who, time in taken))
