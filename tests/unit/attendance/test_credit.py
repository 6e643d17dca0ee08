"""Credited minutes are the time attended within the session, without the break. They are never rounded up."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.credit import AttendanceOutcome, credited_minutes
from timekeeping.intervals import Interval, minutes_between

NEW_YORK = ZoneInfo("America/New_York")
PRESENT, PARTIAL = AttendanceOutcome.PRESENT, AttendanceOutcome.PARTIAL
ABSENT = [status for status in AttendanceOutcome if not status.attended]


def at(hour: int, minute: int = 0, second: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2026, 11, 2, hour, minute, second, microsecond, tzinfo=UTC)


SESSION = Interval(at(9), at(12))
PAUSE = Interval(at(10), at(10, 15))


@pytest.mark.parametrize(
    ("arrived", "left", "minutes"),
    [
        pytest.param(None, None, 165, id="all of it, less the break"),
        pytest.param(at(8, 40), at(12, 30), 165, id="coming early and leaving late add nothing"),
        pytest.param(at(9, 20), None, 145, id="20 minutes late"),
        pytest.param(None, at(11, 30), 135, id="left half an hour early"),
        pytest.param(at(9, 30), at(11), 75, id="both"),
        pytest.param(at(10, 5), None, 105, id="arrived in the break: the rest of it is no treatment either"),
        pytest.param(at(10, 15), None, 105, id="arrived as it ended: the same"),
        pytest.param(None, at(10, 5), 60, id="left in the break"),
        pytest.param(at(10, 2), at(10, 9), 0, id="there for the break alone"),
        pytest.param(at(10, 30), None, 90, id="came after the break, and is charged none of it"),
        pytest.param(at(9, 0, 1), None, 164, id="a second late costs the minute it broke"),
        pytest.param(at(9, 0, 30), at(11, 59, 30), 164, id="two halves make one minute"),
        pytest.param(at(9), at(9, 0, 59), 0, id="59 seconds are no minute"),
        pytest.param(at(11, 59), None, 1, id="the last minute"),
    ],
)
def test_credit_is_the_time_attended_without_the_break(
    arrived: datetime | None, left: datetime | None, minutes: int
) -> None:
    status = PRESENT if arrived is None and left is None else PARTIAL
    found = credited_minutes(status=status, session=SESSION, pause=PAUSE, arrived=arrived, left=left)
    assert found == minutes


def test_fractions_of_a_second_are_not_rounded_up_on_either_side() -> None:
    """119.5 s of attendance minus a break of 59.6 s is 59.9 s. If both times were rounded first, the result would be 60 s."""
    pause = Interval(at(9, 0, 30), at(9, 1, 29, 600000))
    assert credited_minutes(status=PARTIAL, session=SESSION, pause=pause, left=at(9, 1, 59, 500000)) == 0


@pytest.mark.parametrize(
    ("rule", "minutes"),
    [
        pytest.param({"breaks_count": True}, 180, id="breaks count by rule"),
        pytest.param({"countable": False}, 0, id="a service that does not count"),
        pytest.param({"pause": None}, 180, id="no break"),
    ],
)
def test_the_rules_decide_whether_breaks_and_services_count(rule: dict[str, Any], minutes: int) -> None:
    assert credited_minutes(**{"status": PRESENT, "session": SESSION, "pause": PAUSE, **rule}) == minutes


@pytest.mark.parametrize("status", ABSENT)
def test_patients_who_did_not_attend_get_no_credit(status: AttendanceOutcome) -> None:
    assert credited_minutes(status=status, session=SESSION, pause=PAUSE) == 0


@pytest.mark.parametrize(
    ("arrived", "left"),
    [
        pytest.param(at(11), at(10), id="left before arriving"),
        pytest.param(at(10), at(10), id="left on arriving"),
        pytest.param(at(12), None, id="arrived as it ended"),
        pytest.param(at(13), at(14), id="arrived after it ended"),
        pytest.param(at(8), at(9), id="left as it began"),
        pytest.param(at(10).replace(tzinfo=None), None, id="wall clock without a zone"),
        pytest.param(None, None, id="in part, but neither from nor until when"),
    ],
)
def test_impossible_times_are_refused(arrived: datetime | None, left: datetime | None) -> None:
    with pytest.raises(ValueError):
        credited_minutes(status=PARTIAL, session=SESSION, pause=PAUSE, arrived=arrived, left=left)


def test_elapsed_time_counts_in_the_night_when_clocks_go_back() -> None:
    """On November 1, 2026, clocks go back in New York, so three and a half hours pass from 00:30 to 03:00."""
    night = Interval(
        datetime(2026, 11, 1, 0, 30, tzinfo=NEW_YORK),
        datetime(2026, 11, 1, 3, 0, tzinfo=NEW_YORK),
    )
    assert credited_minutes(status=PRESENT, session=night) == 210
    came = datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK)
    went = datetime(2026, 11, 1, 1, 15, fold=1, tzinfo=NEW_YORK)
    assert credited_minutes(status=PARTIAL, session=night, arrived=came, left=went) == 30


seconds = st.integers(-3600, 4 * 3600)


@given(
    st.lists(st.integers(0, 179), min_size=2, max_size=2, unique=True).map(sorted),
    st.none() | seconds,
    st.none() | seconds,
    st.booleans(),
)
def test_credit_is_at_most_the_countable_time_and_equals_a_count_of_seconds(
    pause: list[int], arrived: int | None, left: int | None, breaks_count: bool
) -> None:
    """The expected credit is a count of the seconds attended within the session.

    Seconds of the break are included only if breaks count as treatment.
    """
    came = at(9) + timedelta(seconds=arrived) if arrived is not None else None
    went = at(9) + timedelta(seconds=left) if left is not None else None
    rest = Interval(*(at(9) + timedelta(minutes=minute) for minute in pause))
    status = PRESENT if came is None and went is None else PARTIAL
    first, last = arrived if arrived is not None else 0, left if left is not None else 3 * 3600
    if first >= last or first >= 3 * 3600 or last <= 0:
        with pytest.raises(ValueError):
            credited_minutes(status=status, session=SESSION, pause=rest, arrived=came, left=went)
        return
    found = credited_minutes(
        status=status, session=SESSION, pause=rest, arrived=came, left=went, breaks_count=breaks_count
    )
    in_break = range(pause[0] * 60, pause[1] * 60)
    attended = sum(1 for second in range(max(0, first), min(3 * 3600, last)) if breaks_count or second not in in_break)
    assert found == attended // 60
    countable = 180 if breaks_count else 180 - minutes_between(rest.start, rest.end)
    assert 0 <= found <= countable


@given(seconds.filter(lambda each: each < 3 * 3600 - 1), st.integers(1, 3600))
def test_a_later_arrival_never_gives_more_credit(arrived: int, later: int) -> None:
    came = at(9) + timedelta(seconds=arrived)
    came_later = min(came + timedelta(seconds=later), at(11, 59, 59))
    early, late = (
        credited_minutes(status=PARTIAL, session=SESSION, pause=PAUSE, arrived=when) for when in (came, came_later)
    )
    assert late <= early
