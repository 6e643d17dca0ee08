"""A letter summarizes appointments as weekly times and single dates."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.letters import Appointment, WeeklyTime, summarize_appointments

MONDAY = date(2026, 11, 23)
WEEK = timedelta(weeks=1)


def mondays(*weeks: int, starts: str = "09:00") -> list[Appointment]:
    return [Appointment(MONDAY + week * WEEK, time.fromisoformat(starts), time(12)) for week in weeks]


@pytest.mark.parametrize(
    ("weeks", "weekly", "out"),
    [
        pytest.param((0, 1, 2), True, [], id="three in a row"),
        pytest.param((0, 1), False, [], id="two are said by their dates"),
        pytest.param((0, 1, 3), True, [2], id="all but one"),
        pytest.param((0, 3, 6), False, [], id="more left out than kept"),
        pytest.param((0, 2, 4), True, [1, 3], id="every other week, with what is left out"),
    ],
)
def test_repeating_times_become_one_weekly_time(weeks: tuple[int, ...], weekly: bool, out: list[int]) -> None:
    times = summarize_appointments(mondays(*weeks))
    assert bool(times.weekly) == weekly
    assert len(times.single) == (0 if weekly else len(weeks))
    assert [day for each in times.weekly for day in each.skipped] == [MONDAY + week * WEEK for week in out]


def test_two_times_on_one_day_are_two_weekly_times_in_order() -> None:
    times = summarize_appointments(mondays(0, 1, 2, starts="11:00") + mondays(0, 1, 2))
    assert [each.starts for each in times.weekly] == [time(9), time(11)]
    assert times.weekly[0] == WeeklyTime(0, time(9), time(12), MONDAY, MONDAY + 2 * WEEK, ())


def test_no_appointments_give_no_times() -> None:
    assert not summarize_appointments([])


appointments = st.lists(
    st.builds(
        lambda day, hour, length: Appointment(MONDAY + timedelta(days=day), time(hour), time(hour + length)),
        st.integers(0, 60),
        st.sampled_from([9, 13]),
        st.integers(1, 2),
    ),
    max_size=60,
)


@given(appointments)
def test_a_letter_has_exactly_the_given_appointments(given_times: list[Appointment]) -> None:
    times = summarize_appointments(given_times)
    appointments_of_letter = [each for weekly in times.weekly for each in weekly.appointments()] + list(times.single)
    assert sorted(appointments_of_letter) == sorted(set(given_times))
