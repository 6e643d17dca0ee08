"""The dates and minutes of clock changes in several time zones, including unusual zones and zones without changes."""

from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest

from timekeeping.clock_changes import ClockChange, clock_changes

YEAR = (date(2026, 1, 1), date(2027, 1, 1))
CHANGES = [
    pytest.param("America/New_York", [(date(2026, 3, 8), 60), (date(2026, 11, 1), -60)], id="at 2 on a Sunday"),
    pytest.param(
        "America/Chicago", [(date(2026, 3, 8), 60), (date(2026, 11, 1), -60)], id="another zone, the same nights"
    ),
    pytest.param("Europe/Berlin", [(date(2026, 3, 29), 60), (date(2026, 10, 25), -60)], id="Europe's own Sundays"),
    pytest.param(
        "Australia/Lord_Howe", [(date(2026, 4, 5), -30), (date(2026, 10, 4), 30)], id="half an hour, in the south"
    ),
    pytest.param("America/Havana", [(date(2026, 3, 8), 60), (date(2026, 11, 1), -60)], id="at midnight"),
    pytest.param("America/Phoenix", [], id="never"),
]


@pytest.mark.parametrize(("zone", "expected"), CHANGES)
def test_a_year_has_the_changes_of_its_zone(zone: str, expected: list[tuple[date, int]]) -> None:
    assert [(change.on, change.minutes) for change in clock_changes(ZoneInfo(zone), *YEAR)] == expected


@pytest.mark.parametrize(
    ("first", "until", "number"),
    [
        (date(2026, 11, 1), date(2026, 11, 2), 1),
        (date(2026, 10, 26), date(2026, 11, 1), 0),
        (date(2026, 11, 2), date(2026, 11, 9), 0),
        (date(2026, 11, 1), date(2026, 11, 1), 0),
    ],
)
def test_the_range_is_half_open(first: date, until: date, number: int) -> None:
    assert len(list(clock_changes(ZoneInfo("America/New_York"), first, until))) == number


def test_utc_has_no_clock_changes() -> None:
    assert list(clock_changes(UTC, *YEAR)) == []


def test_a_clock_change_of_zero_minutes_is_refused() -> None:
    with pytest.raises(ValueError, match="can't be 0 minutes"):
        ClockChange(date(2026, 11, 1), 0)
