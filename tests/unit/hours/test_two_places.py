"""Two meetings that use one room or facilitator at once are reported, but only if the meetings share a date."""

from datetime import date, timedelta
from typing import Any

import pytest

from scheduling.domain.hours.reasons import FacilitatorDoubleBooked, RoomDoubleBooked
from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting, assess_track
from tests.unit.hours.test_rules import each_day, meeting
from timekeeping.reasons import Reason

MONDAY = date(2026, 11, 2)
WEEK = timedelta(weeks=1)
RULES = HoursRules()


def led(*people: int, **more: Any) -> WeeklyMeeting:
    return meeting(**{"facilitators": frozenset(people)} | more)


@pytest.mark.parametrize(
    ("one", "two", "reasons"),
    [
        pytest.param(
            meeting(room=1, name="A"),
            meeting(0, "11:30", "13:00", room=1, name="B"),
            [RoomDoubleBooked(1, 0, "A", "B")],
            id="one room",
        ),
        pytest.param(
            led(7, 8, name="A"),
            led(8, 9, name="B", key="b"),
            [FacilitatorDoubleBooked(8, 0, "A", "B")],
            id="one facilitator",
        ),
        pytest.param(
            led(7, 8, name="A", room=1),
            led(7, 8, name="B", room=1, key="b"),
            [RoomDoubleBooked(1, 0, "A", "B"), *(FacilitatorDoubleBooked(who, 0, "A", "B") for who in (7, 8))],
            id="everything at once",
        ),
        pytest.param(meeting(room=1), meeting(room=2, key="b"), [], id="two rooms"),
        pytest.param(meeting(), meeting(key="b"), [], id="no rooms"),
        pytest.param(meeting(room=1), meeting(1, room=1), [], id="another day"),
        pytest.param(meeting(room=1), meeting(0, "12:00", "13:00", room=1), [], id="one after the other"),
        pytest.param(led(7, room=1), led(7, room=1), [], id="one group that two tracks share"),
        pytest.param(
            meeting(room=1, anchor=MONDAY), meeting(room=1, anchor=MONDAY + WEEK, key="b"), [], id="the other week"
        ),
        pytest.param(
            meeting(room=1, anchor=MONDAY, name="A"),
            meeting(room=1, anchor=MONDAY + 4 * WEEK, key="b", name="B"),
            [RoomDoubleBooked(1, 0, "A", "B")],
            id="the same weeks",
        ),
        pytest.param(
            meeting(room=1, name="A"),
            meeting(room=1, anchor=MONDAY, key="b", name="B"),
            [RoomDoubleBooked(1, 0, "A", "B")],
            id="every week and every other",
        ),
        pytest.param(
            meeting(room=1, runs_until=MONDAY), meeting(room=1, runs_from=MONDAY, key="b"), [], id="the next begins"
        ),
        pytest.param(
            meeting(room=1, runs_from=MONDAY - WEEK, runs_until=MONDAY + timedelta(days=3)),
            meeting(room=1, runs_from=MONDAY + timedelta(days=1), key="b"),
            [],
            id="both run from Tuesday to Wednesday, but on Mondays",
        ),
        pytest.param(
            meeting(room=1, runs_until=MONDAY + WEEK, name="A"),
            meeting(room=1, runs_from=MONDAY, key="b", name="B"),
            [RoomDoubleBooked(1, 0, "A", "B")],
            id="both on one Monday",
        ),
        pytest.param(
            meeting(room=1, runs_until=MONDAY + 2 * WEEK),
            meeting(room=1, runs_from=MONDAY, anchor=MONDAY + 2 * WEEK, key="b", runs_until=MONDAY + WEEK, name="B"),
            [RoomDoubleBooked(1, 0, "0 09:00", "B")],
            id="every other week, and on the one date they share",
        ),
        pytest.param(
            meeting(room=1, runs_until=MONDAY + WEEK),
            meeting(room=1, runs_from=MONDAY, anchor=MONDAY + WEEK, key="b"),
            [],
            id="every other week, and not on the one date they could share",
        ),
    ],
)
def test_a_room_or_facilitator_in_two_meetings_at_once_is_reported(
    one: WeeklyMeeting, two: WeeklyMeeting, reasons: list[Reason]
) -> None:
    """The two meetings can be in the same track, or one of them can be outside the track."""
    rest = each_day(0, 180, 180, 180)
    alone = list(assess_track([one, *rest], RULES, others=[two]).reasons)
    assert alone == reasons
    if one.key != two.key:
        assert list(assess_track([one, two, *rest], RULES).reasons) == reasons
