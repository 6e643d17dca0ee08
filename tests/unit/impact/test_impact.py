"""The impact of an action: which of the patients' sessions are lost, gained or moved, and which weeks fall short."""

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
from timekeeping.busy_index import BusyIndex
from timekeeping.intervals import Interval

WEEK = date(2026, 11, 23)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def hours(day: int, starts: float, length: float = 3) -> Interval[datetime]:
    begins = MIDNIGHT + timedelta(days=day, hours=starts)
    return Interval(begins, begins + timedelta(hours=length))


def booked(session_key: int, day: int = 0, starts: float = 9, **more: Any) -> BookingState:
    values: dict[str, Any] = {"patient": 1, "name": "Skills", "minutes": 180, "week": WEEK} | more
    return BookingState(session=session_key, on=WEEK + timedelta(days=day), time=hours(day, starts), **values)


def session(key: int, day: int = 0, starts: float = 9, **more: Any) -> SessionState:
    values = {"name": "Skills"} | more
    return SessionState(key=key, on=WEEK + timedelta(days=day), time=hours(day, starts), **values)


IN_SERIES: dict[str, Any] = {"series": 7, "series_week": WEEK}


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        pytest.param([booked(1)], [booked(1)], [], id="nothing"),
        pytest.param([booked(1)], [], ["lost"], id="lost"),
        pytest.param([], [booked(1)], ["gained"], id="gained"),
        pytest.param([booked(1)], [booked(1, 1)], ["moved"], id="the same session at another time"),
        pytest.param([booked(1)], [booked(1, is_excused=True)], ["excused"], id="excused"),
        pytest.param([booked(1, is_excused=True)], [booked(1)], ["expected"], id="expected again"),
        pytest.param([booked(1, **IN_SERIES)], [booked(2, 1, **IN_SERIES)], ["moved"], id="replaced by another"),
        pytest.param([booked(1, **IN_SERIES)], [booked(2, **IN_SERIES)], [], id="replaced by another at the same time"),
        pytest.param([booked(1)], [booked(2, 1)], ["lost", "gained"], id="one-off sessions replace nothing"),
        pytest.param(
            [booked(1, **IN_SERIES)],
            [booked(2, 7, series=7, series_week=WEEK + timedelta(weeks=1))],
            ["lost", "gained"],
            id="a session of another week is no replacement",
        ),
        pytest.param([booked(1)], [booked(1, patient=2)], ["lost", "gained"], id="two patients"),
    ],
)
def test_each_change_of_a_booking_has_its_kind(
    before: list[BookingState], after: list[BookingState], kinds: list[str]
) -> None:
    assert [change.kind for change in find_booking_changes(before, after)] == kinds


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        pytest.param([session(1)], [session(1)], [], id="nothing"),
        pytest.param([], [session(1)], ["added"], id="added"),
        pytest.param([session(1)], [], ["removed"], id="removed"),
        pytest.param([session(1)], [session(1, is_cancelled=True)], ["cancelled"], id="cancelled"),
        pytest.param([session(1, is_cancelled=True)], [session(1)], ["reinstated"], id="restored"),
        pytest.param([session(1)], [session(1, 1)], ["moved"], id="moved"),
        pytest.param([session(1)], [session(1, room="Attic")], ["changed"], id="another room"),
        pytest.param([session(1, **IN_SERIES)], [session(2, 1, **IN_SERIES)], ["moved"], id="replaced"),
        pytest.param(
            [session(1, **IN_SERIES)],
            [session(1, is_cancelled=True), session(2, 1, **IN_SERIES)],
            ["moved"],
            id="cancelled and replaced",
        ),
    ],
)
def test_each_change_of_a_session_has_its_kind(
    before: list[SessionState], after: list[SessionState], kinds: list[str]
) -> None:
    changes = find_session_changes({each.key: each for each in before}, {each.key: each for each in after})
    assert [change.kind for change in changes] == kinds


@pytest.mark.parametrize(
    ("before", "after", "owed", "fallen"),
    [
        pytest.param(3, 2, (540, 3), [(360, 2)], id="below the prescription"),
        pytest.param(4, 3, (540, 3), [], id="still enough"),
        pytest.param(2, 1, (540, 3), [(180, 1)], id="further below"),
        pytest.param(2, 2, (540, 3), [], id="short before and after"),
        pytest.param(4, 3, (540, 4), [(540, 3)], id="enough minutes on too few days"),
        pytest.param(3, 2, None, [], id="no prescription"),
        pytest.param(1, 0, (540, 3), [(0, 0)], id="down to nothing"),
    ],
)
def test_a_week_that_loses_hours_and_falls_below_the_prescription_is_reported(
    before: int, after: int, owed: tuple[int, int] | None, fallen: list[tuple[int, int]]
) -> None:
    bookings = [booked(day, day) for day in range(5)]
    shortfalls = find_week_shortfalls(bookings[:before], bookings[:after], lambda patient, week: owed)
    assert [(each.minutes_after, each.days_after) for each in shortfalls] == fallen


def test_the_key_depends_on_the_shown_changes_and_not_on_ids() -> None:
    def impact(key: int, **more: Any) -> Impact:
        return Impact(bookings=(BookingChange(1, booked(key), None),), **more)

    assert impact(1).key == impact(2).key
    assert impact(1).key != Impact().key
    assert impact(1).key != Impact(bookings=(BookingChange(2, booked(1), None),)).key
    assert impact(1).key != impact(1, conflicts=(ImpactConflict(1, booked(1), "Shop"),)).key
    assert Impact(bookings=(BookingChange(1, booked(1), None, "Evening"),)).key != impact(1).key


starts = st.integers(min_value=0, max_value=60)
times = st.builds(lambda begin, length: hours(0, begin / 2, length / 2), starts, st.integers(min_value=1, max_value=30))


@given(st.lists(st.tuples(st.integers(0, 2), times), max_size=8), st.integers(0, 2), times)
def test_a_person_is_free_exactly_when_no_busy_time_overlaps(
    taken: list[tuple[int, Interval[datetime]]], key: int, asked: Interval[datetime]
) -> None:
    index = BusyIndex()
    for busy_key, time in taken:
        index.take(busy_key, time)
    assert index.is_free(key, asked) == (not any(busy_key == key and time.overlaps(asked) for busy_key, time in taken))
