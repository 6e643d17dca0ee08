"""What a meeting runs into in a life, and by how much: a named table, then a calendar of minutes."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import blocking_conflicts
from scheduling.domain.search.need import Need
from tests.unit.hours.test_rules import meeting
from timekeeping.intervals import Interval
from timekeeping.weeks import BusyTime, Recurrence

MONDAY = date(2026, 11, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
THURSDAY = meeting(3, "16:00", "17:30", name="Thursday's group")


def busy(weekdays: tuple[int, ...], starts: str, ends: str, way: int = 0, label: str = "Shift", **when) -> BusyTime:
    return BusyTime(
        key=label,
        label=label,
        kind="work",
        recurrence=Recurrence(weekdays=frozenset(weekdays), **when),
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        travel_before=way,
        travel_after=way,
    )


def need(*life: BusyTime, **more) -> Need:
    return Need(**{"prescribed_minutes": 540, "prescribed_days": 3, "from_day": MONDAY, "weeks": 4} | more, busy=life)


def told(group: WeeklyMeeting, *life: BusyTime, **more) -> list[tuple[int, int, int, bool]]:
    """Minutes short, of which not travel, the gap, and whether the life comes first."""
    found = blocking_conflicts(group, need(*life, **more))
    return [(each.minutes, each.overlap_minutes, each.gap_minutes, each.before) for each in found]


@pytest.mark.parametrize(
    ("life", "clash"),
    [
        pytest.param(
            busy((3,), "17:45", "23:00", 25), [(10, 0, 15, False)], id="15 min for a drive of 25 to the shift"
        ),
        pytest.param(busy((3,), "17:55", "23:00", 25), [], id="exactly the time it takes"),
        pytest.param(busy((3,), "17:30", "23:00"), [], id="it begins as the group ends"),
        pytest.param(busy((3,), "17:29", "23:00"), [(1, 1, 0, False)], id="a minute of the group"),
        pytest.param(busy((3,), "17:00", "23:00", 25), [(55, 30, 0, False)], id="half an hour of it, and the way"),
        pytest.param(
            busy((3,), "08:00", "15:50", 25), [(15, 0, 10, True)], id="10 min for a drive of 25 from the shift"
        ),
        pytest.param(busy((3,), "08:00", "15:35", 25), [], id="just in time"),
        pytest.param(busy((3,), "08:00", "16:20", 25), [(45, 20, 0, True)], id="it ends when the group has begun"),
        pytest.param(busy((3,), "08:00", "20:00", 25), [(90, 90, 0, True)], id="all of the group"),
        pytest.param(busy((3,), "16:30", "17:00", 10), [(50, 30, 0, False)], id="in the middle of it"),
        pytest.param(busy((3,), "18:00", "20:00", 180), [(150, 0, 30, False)], id="a way longer than the group lasts"),
        pytest.param(busy((2,), "22:00", "16:30"), [(30, 30, 0, True)], id="since the evening before"),
        pytest.param(busy((3,), "16:00", "16:00"), [(90, 90, 0, False)], id="the whole day from then"),
        pytest.param(busy((2,), "16:00", "16:00", 30), [(30, 0, 0, True)], id="the whole day until then"),
        pytest.param(busy((4,), "00:30", "06:00", 480), [(60, 0, 420, False)], id="a long way to the night after"),
        pytest.param(busy((0, 1, 2, 4, 5, 6), "16:00", "17:30", 90), [], id="on every other day"),
    ],
)
def test_the_minutes_of_a_clash(life, clash):
    assert told(THURSDAY, life) == clash


def test_a_clash_says_what_a_person_asks():
    shift = busy((3,), "17:45", "23:00", 25)
    (clash,) = blocking_conflicts(THURSDAY, need(shift))
    assert (clash.meeting, clash.busy, clash.travel_minutes) == (THURSDAY, shift, 25)
    assert (clash.first_date, clash.dates) == (MONDAY + 3 * DAY, 4)


def test_a_shift_over_the_end_of_the_week_is_in_the_way_on_monday():
    sunday_night = busy((6,), "22:00", "06:30", 60)
    assert told(meeting(0, "07:00", "08:00"), sunday_night) == [(30, 0, 30, True)]
    assert blocking_conflicts(meeting(0, "07:00", "08:00"), need(sunday_night))[0].first_date == MONDAY


def test_nights_on_both_sides_of_a_group_are_both_said():
    nights = busy((2, 3), "18:00", "15:40", 30)
    assert told(THURSDAY, nights) == [(10, 0, 20, True)]
    assert told(meeting(3, "15:50", "17:50"), nights) == [(20, 0, 10, True), (20, 0, 10, False)]


def test_two_commitments_are_two_clashes():
    life = [busy((3,), "12:00", "16:30", label="Shift"), busy((3,), "17:00", "18:00", label="School run")]
    assert [(each.busy.label, each.minutes) for each in blocking_conflicts(THURSDAY, need(*life))] == [
        ("Shift", 30),
        ("School run", 30),
    ]


@pytest.mark.parametrize(
    ("life", "dates"),
    [
        pytest.param(busy((3,), "16:00", "17:00"), [3, 10, 17, 24], id="every week"),
        pytest.param(busy((3,), "16:00", "17:00", anchor=MONDAY), [3, 17], id="every other week"),
        pytest.param(busy((3,), "16:00", "17:00", anchor=MONDAY + WEEK), [10, 24], id="the other weeks"),
        pytest.param(busy((3,), "16:00", "17:00", valid_from=MONDAY + 7 * DAY), [10, 17, 24], id="from next week"),
        pytest.param(busy((3,), "16:00", "17:00", valid_until=MONDAY + 10 * DAY), [3], id="until that day"),
        pytest.param(busy((3,), "16:00", "17:00", valid_until=MONDAY + 3 * DAY), [], id="over by then"),
        pytest.param(busy((3,), "16:00", "17:00", valid_from=MONDAY + 4 * WEEK), [], id="after the horizon"),
    ],
)
def test_the_dates_of_a_clash(life, dates):
    found = blocking_conflicts(THURSDAY, need(life))
    assert [(each.first_date, each.dates) for each in found] == (
        [(MONDAY + dates[0] * DAY, len(dates))] if dates else []
    )


def test_a_court_date_is_in_the_way_once():
    court = BusyTime(
        key=1, label="Court", kind="court", recurrence=Recurrence.once(MONDAY + 10 * DAY), starts=time(9), ends=time(17)
    )
    (clash,) = blocking_conflicts(THURSDAY, need(court))
    assert (clash.first_date, clash.dates, clash.minutes) == (MONDAY + 10 * DAY, 1, 60)


def test_every_other_week_passes_by_every_other_week():
    family_night = meeting(3, "16:00", "17:30", anchor=MONDAY)
    assert blocking_conflicts(family_night, need(busy((3,), "16:00", "18:00", anchor=MONDAY + WEEK))) == ()
    assert blocking_conflicts(family_night, need(busy((3,), "16:00", "18:00", anchor=MONDAY - 4 * WEEK)))[0].dates == 2


def test_a_group_is_asked_about_only_while_it_runs():
    shift = busy((3,), "16:00", "17:00")
    assert blocking_conflicts(meeting(3, "16:00", "17:30", runs_from=MONDAY + 2 * WEEK), need(shift))[0].dates == 2
    assert blocking_conflicts(meeting(3, "16:00", "17:30", runs_until=MONDAY + DAY), need(shift)) == ()


def test_a_day_on_which_the_site_is_closed_is_in_nobodys_way():
    feast = busy((3,), "16:00", "17:00", valid_until=MONDAY + WEEK)
    closed = (Interval(MONDAY + 3 * DAY, MONDAY + 4 * DAY),)
    assert blocking_conflicts(THURSDAY, need(feast, closed=closed)) == ()
    assert len(blocking_conflicts(THURSDAY, need(feast))) == 1


minutes = st.integers(0, 287).map(lambda fives: f"{fives // 12:02}:{fives % 12 * 5:02}")
lives = st.builds(
    lambda days, starts, ends, way, anchor: busy(tuple(days), starts, ends, way, anchor=anchor),
    st.frozensets(st.integers(0, 6), min_size=1),
    minutes,
    minutes,
    st.integers(0, 40).map(lambda twelfths: twelfths * 12),
    st.sampled_from([None, MONDAY, MONDAY + WEEK]),
)


@given(lives, st.integers(0, 6), st.integers(0, 20), st.integers(1, 3), st.sampled_from([None, MONDAY]))
def test_a_clash_is_a_minute_that_is_taken_twice(life, weekday, hour, hours, anchor):
    """Counted minute by minute on the calendar; the sum of what is said is on every date at least what is taken."""
    group = meeting(weekday, f"{hour:02}:00", f"{hour + hours:02}:00", anchor=anchor)
    taken = set()
    for number in range(-3, 31):
        if life.recurrence.happens_on(MONDAY + number * DAY):
            start = number * 1440 + life.starts.hour * 60 + life.starts.minute
            taken |= set(range(start - life.travel_before, start + life.minutes + life.travel_after))
    shared = {
        number: taken & set(range(number * 1440 + hour * 60, number * 1440 + (hour + hours) * 60))
        for number in range(28)
        if group.recurrence.happens_on(MONDAY + number * DAY)
    }
    hit = [MONDAY + number * DAY for number, both in shared.items() if both]
    found = blocking_conflicts(group, need(life))
    assert bool(found) == bool(hit)
    if found:
        assert min(each.first_date for each in found) == hit[0]
        assert max(each.dates for each in found) <= len(hit) <= sum(each.dates for each in found)
        assert sum(each.minutes for each in found) >= max(len(both) for both in shared.values())
        assert all(each.minutes > 0 for each in found)
