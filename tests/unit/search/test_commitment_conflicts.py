"""Conflicts between groups and commitments, tested on selected cases and against a minute-by-minute calendar."""

from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import blocking_conflicts
from scheduling.domain.search.need import Need
from tests.unit.hours.test_rules import meeting
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import Recurrence

MONDAY = date(2026, 11, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
THURSDAY = meeting(3, "16:00", "17:30", name="Thursday's group")


def busy(
    weekdays: tuple[int, ...], starts: str, ends: str, travel: int = 0, label: str = "Shift", **when: Any
) -> BusyTime:
    return BusyTime(
        key=label,
        label=label,
        kind="work",
        recurrence=Recurrence(weekdays=frozenset(weekdays), **when),
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        travel_before=travel,
        travel_after=travel,
    )


def need(*commitments: BusyTime, **more: Any) -> Need:
    given: dict[str, Any] = {"prescribed_minutes": 540, "prescribed_days": 3, "from_day": MONDAY, "weeks": 4}
    return Need(**given | more, busy=commitments)


def numbers_of(group: WeeklyMeeting, *commitments: BusyTime, **more: Any) -> list[tuple[int, int, int, bool]]:
    """Return four values for each conflict: missing minutes, overlap, gap, and whether the commitment starts first."""
    found = blocking_conflicts(group, need(*commitments, **more))
    return [(each.minutes, each.overlap_minutes, each.gap_minutes, each.before) for each in found]


@pytest.mark.parametrize(
    ("commitment", "numbers"),
    [
        pytest.param(
            busy((3,), "17:45", "23:00", 25), [(10, 0, 15, False)], id="15 min for a drive of 25 to the shift"
        ),
        pytest.param(busy((3,), "17:55", "23:00", 25), [], id="exactly the time it takes"),
        pytest.param(busy((3,), "17:30", "23:00"), [], id="it starts when the group ends"),
        pytest.param(busy((3,), "17:29", "23:00"), [(1, 1, 0, False)], id="a minute of overlap"),
        pytest.param(busy((3,), "17:00", "23:00", 25), [(55, 30, 0, False)], id="half an hour of overlap, plus travel"),
        pytest.param(
            busy((3,), "08:00", "15:50", 25), [(15, 0, 10, True)], id="10 min for a drive of 25 from the shift"
        ),
        pytest.param(busy((3,), "08:00", "15:35", 25), [], id="just in time"),
        pytest.param(busy((3,), "08:00", "16:20", 25), [(45, 20, 0, True)], id="it ends after the group has started"),
        pytest.param(busy((3,), "08:00", "20:00", 25), [(90, 90, 0, True)], id="it overlaps all of the group"),
        pytest.param(busy((3,), "16:30", "17:00", 10), [(50, 30, 0, False)], id="it is in the middle of the group"),
        pytest.param(
            busy((3,), "18:00", "20:00", 180), [(150, 0, 30, False)], id="travel that takes longer than the group"
        ),
        pytest.param(busy((2,), "22:00", "16:30"), [(30, 30, 0, True)], id="it starts the evening before"),
        pytest.param(busy((3,), "16:00", "16:00"), [(90, 90, 0, False)], id="24 hours from the start of the group"),
        pytest.param(busy((2,), "16:00", "16:00", 30), [(30, 0, 0, True)], id="24 hours until the start of the group"),
        pytest.param(busy((4,), "00:30", "06:00", 480), [(60, 0, 420, False)], id="long travel to the night after"),
        pytest.param(busy((0, 1, 2, 4, 5, 6), "16:00", "17:30", 90), [], id="it is on all other days"),
    ],
)
def test_a_conflict_has_the_missing_and_the_overlapping_minutes(
    commitment: BusyTime, numbers: list[tuple[int, int, int, bool]]
) -> None:
    assert numbers_of(THURSDAY, commitment) == numbers


def test_a_conflict_names_the_meeting_the_commitment_and_the_dates() -> None:
    shift = busy((3,), "17:45", "23:00", 25)
    (conflict,) = blocking_conflicts(THURSDAY, need(shift))
    assert (conflict.meeting, conflict.busy, conflict.travel_minutes) == (THURSDAY, shift, 25)
    assert (conflict.first_date, conflict.dates) == (MONDAY + 3 * DAY, 4)


def test_a_shift_from_sunday_to_monday_conflicts_on_monday() -> None:
    sunday_night = busy((6,), "22:00", "06:30", 60)
    assert numbers_of(meeting(0, "07:00", "08:00"), sunday_night) == [(30, 0, 30, True)]
    assert blocking_conflicts(meeting(0, "07:00", "08:00"), need(sunday_night))[0].first_date == MONDAY


def test_night_shifts_before_and_after_a_group_are_two_conflicts() -> None:
    nights = busy((2, 3), "18:00", "15:40", 30)
    assert numbers_of(THURSDAY, nights) == [(10, 0, 20, True)]
    assert numbers_of(meeting(3, "15:50", "17:50"), nights) == [(20, 0, 10, True), (20, 0, 10, False)]


def test_two_commitments_are_two_conflicts() -> None:
    commitments = [busy((3,), "12:00", "16:30", label="Shift"), busy((3,), "17:00", "18:00", label="School run")]
    assert [(each.busy.label, each.minutes) for each in blocking_conflicts(THURSDAY, need(*commitments))] == [
        ("Shift", 30),
        ("School run", 30),
    ]


@pytest.mark.parametrize(
    ("commitment", "dates"),
    [
        pytest.param(busy((3,), "16:00", "17:00"), [3, 10, 17, 24], id="every week"),
        pytest.param(busy((3,), "16:00", "17:00", anchor=MONDAY), [3, 17], id="every other week"),
        pytest.param(busy((3,), "16:00", "17:00", anchor=MONDAY + WEEK), [10, 24], id="the other weeks"),
        pytest.param(busy((3,), "16:00", "17:00", valid_from=MONDAY + 7 * DAY), [10, 17, 24], id="from next week on"),
        pytest.param(busy((3,), "16:00", "17:00", valid_until=MONDAY + 10 * DAY), [3], id="until a later date"),
        pytest.param(busy((3,), "16:00", "17:00", valid_until=MONDAY + 3 * DAY), [], id="over before the first date"),
        pytest.param(busy((3,), "16:00", "17:00", valid_from=MONDAY + 4 * WEEK), [], id="from after the horizon"),
    ],
)
def test_a_conflict_has_its_first_date_and_the_number_of_dates(commitment: BusyTime, dates: list[int]) -> None:
    found = blocking_conflicts(THURSDAY, need(commitment))
    assert [(each.first_date, each.dates) for each in found] == (
        [(MONDAY + dates[0] * DAY, len(dates))] if dates else []
    )


def test_a_court_date_conflicts_once() -> None:
    court = BusyTime(
        key=1, label="Court", kind="court", recurrence=Recurrence.once(MONDAY + 10 * DAY), starts=time(9), ends=time(17)
    )
    (conflict,) = blocking_conflicts(THURSDAY, need(court))
    assert (conflict.first_date, conflict.dates, conflict.minutes) == (MONDAY + 10 * DAY, 1, 60)


def test_commitments_and_groups_of_alternate_weeks_do_not_conflict() -> None:
    family_night = meeting(3, "16:00", "17:30", anchor=MONDAY)
    assert blocking_conflicts(family_night, need(busy((3,), "16:00", "18:00", anchor=MONDAY + WEEK))) == ()
    assert blocking_conflicts(family_night, need(busy((3,), "16:00", "18:00", anchor=MONDAY - 4 * WEEK)))[0].dates == 2


def test_a_group_conflicts_only_while_it_runs() -> None:
    shift = busy((3,), "16:00", "17:00")
    assert blocking_conflicts(meeting(3, "16:00", "17:30", runs_from=MONDAY + 2 * WEEK), need(shift))[0].dates == 2
    assert blocking_conflicts(meeting(3, "16:00", "17:30", runs_until=MONDAY + DAY), need(shift)) == ()


def test_there_is_no_conflict_on_a_day_when_the_site_is_closed() -> None:
    holiday = busy((3,), "16:00", "17:00", valid_until=MONDAY + WEEK)
    closed = (Interval(MONDAY + 3 * DAY, MONDAY + 4 * DAY),)
    assert blocking_conflicts(THURSDAY, need(holiday, closed=closed)) == ()
    assert len(blocking_conflicts(THURSDAY, need(holiday))) == 1


minutes = st.integers(0, 287).map(lambda fives: f"{fives // 12:02}:{fives % 12 * 5:02}")
commitments = st.builds(
    lambda days, starts, ends, travel, anchor: busy(tuple(days), starts, ends, travel, anchor=anchor),
    st.frozensets(st.integers(0, 6), min_size=1),
    minutes,
    minutes,
    st.integers(0, 40).map(lambda twelfths: twelfths * 12),
    st.sampled_from([None, MONDAY, MONDAY + WEEK]),
)


@given(commitments, st.integers(0, 6), st.integers(0, 20), st.integers(1, 3), st.sampled_from([None, MONDAY]))
def test_a_group_conflicts_exactly_when_a_minute_is_taken_twice(
    commitment: BusyTime, weekday: int, hour: int, hours: int, anchor: date | None
) -> None:
    group = meeting(weekday, f"{hour:02}:00", f"{hour + hours:02}:00", anchor=anchor)
    taken = set()
    for number in range(-3, 31):
        if commitment.recurrence.happens_on(MONDAY + number * DAY):
            start = number * 1440 + commitment.starts.hour * 60 + commitment.starts.minute
            taken |= set(range(start - commitment.travel_before, start + commitment.minutes + commitment.travel_after))
    shared = {
        number: taken & set(range(number * 1440 + hour * 60, number * 1440 + (hour + hours) * 60))
        for number in range(28)
        if group.recurrence.happens_on(MONDAY + number * DAY)
    }
    conflict_dates = [MONDAY + number * DAY for number, both in shared.items() if both]
    found = blocking_conflicts(group, need(commitment))
    assert bool(found) == bool(conflict_dates)
    if found:
        assert min(each.first_date for each in found) == conflict_dates[0]
        assert max(each.dates for each in found) <= len(conflict_dates) <= sum(each.dates for each in found)
        assert sum(each.minutes for each in found) >= max(len(both) for both in shared.values())
        assert all(each.minutes > 0 for each in found)
