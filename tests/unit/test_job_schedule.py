"""When nightly jobs are due, also after clock changes, missed nights and failed attempts."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.domain.job_schedule import (
    MAX_ATTEMPTS,
    AttemptOutcome,
    NextAttempt,
    PastAttempt,
    is_lost,
    latest_night,
    next_attempt,
    scheduler_seems_stopped,
)
from timekeeping.occurrences import at_wall_clock

NEW_YORK = ZoneInfo("America/New_York")
AT = time(2, 15)
MON, TUE, WED = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)
RUNNING, DONE, FAILED = AttemptOutcome.RUNNING, AttemptOutcome.DONE, AttemptOutcome.FAILED


def there(day: date, clock: str) -> datetime:
    """Return the instant of a wall-clock time in New York. If the time occurs twice, return the second instant."""
    return datetime.combine(day, time.fromisoformat(clock), NEW_YORK).replace(fold=1).astimezone(UTC)


def tried(night: date, clock: str, outcome: AttemptOutcome, attempt: int = 1, on: date | None = None) -> PastAttempt:
    return PastAttempt(night, attempt, outcome, there(on or night, clock))


@pytest.mark.parametrize(
    ("now", "past", "night", "attempt", "when"),
    [
        pytest.param(there(TUE, "02:15"), [], TUE, 1, there(TUE, "02:15"), id="due at its minute"),
        pytest.param(there(TUE, "02:14"), [], MON, 1, there(MON, "02:15"), id="a minute before, last night's is"),
        pytest.param(there(TUE, "23:59"), [], TUE, 1, there(TUE, "02:15"), id="caught up on until the day ends"),
        pytest.param(there(WED, "02:14"), [], TUE, 1, there(TUE, "02:15"), id="and in the following night"),
        pytest.param(
            there(TUE, "02:16"), [tried(TUE, "02:15", DONE)], WED, 1, there(WED, "02:15"), id="done is done"
        ),
        pytest.param(
            there(TUE, "02:15"), [tried(MON, "02:15", DONE)], TUE, 1, there(TUE, "02:15"), id="last night is over"
        ),
        pytest.param(
            there(TUE, "02:15"),
            [tried(MON, "14:00", DONE)],
            TUE,
            1,
            there(TUE, "02:15"),
            id="caught up on by day, due again at night",
        ),
        pytest.param(
            there(TUE, "02:15"),
            [tried(MON, "02:00", DONE, on=TUE)],
            TUE,
            1,
            there(TUE, "02:15"),
            id="caught up on just before the next night",
        ),
        pytest.param(
            there(TUE, "02:15"),
            [tried(date(2026, 10, 1), "02:15", DONE)],
            TUE,
            1,
            there(TUE, "02:15"),
            id="only the latest of many missed nights",
        ),
        pytest.param(
            there(TUE, "02:20"), [tried(TUE, "02:15", FAILED)], TUE, 2, there(TUE, "03:15"), id="failed: in an hour"
        ),
        pytest.param(
            there(TUE, "03:20"),
            [tried(TUE, "02:15", FAILED), tried(TUE, "03:15", FAILED, 2)],
            TUE,
            3,
            there(TUE, "04:15"),
            id="failed twice: once more",
        ),
        pytest.param(
            there(TUE, "04:20"),
            [tried(TUE, "04:15", FAILED, 3), tried(TUE, "02:15", FAILED), tried(TUE, "03:15", FAILED, 2)],
            WED,
            1,
            there(WED, "02:15"),
            id="failed three times: tomorrow",
        ),
        pytest.param(
            there(TUE, "03:20"),
            [tried(TUE, "02:15", FAILED), tried(TUE, "03:15", DONE, 2)],
            WED,
            1,
            there(WED, "02:15"),
            id="failed and then done",
        ),
        pytest.param(
            there(TUE, "05:00"),
            [tried(TUE, "02:15", DONE), tried(TUE, "03:15", FAILED, 2)],
            WED,
            1,
            there(WED, "02:15"),
            id="counted as lost, tried again, and done after all",
        ),
        pytest.param(
            there(TUE, "03:14"), [tried(TUE, "02:15", RUNNING)], WED, 1, there(WED, "02:15"), id="still running"
        ),
        pytest.param(
            there(TUE, "03:15"), [tried(TUE, "02:15", RUNNING)], TUE, 2, there(TUE, "03:15"), id="lost with its process"
        ),
        pytest.param(
            there(WED, "02:00"),
            [tried(TUE, "01:50", FAILED, on=WED)],
            WED,
            1,
            there(WED, "02:15"),
            id="the next night comes before the next attempt",
        ),
        pytest.param(
            there(TUE, "02:20"), [tried(TUE, "03:20", FAILED)], TUE, 2, there(TUE, "02:20"), id="from the future: now"
        ),
        pytest.param(
            there(TUE, "02:20"), [tried(TUE, "02:21", FAILED)], TUE, 2, there(TUE, "03:21"), id="clocks a minute apart"
        ),
    ],
)  # fmt: skip
def test_the_next_attempt_depends_on_the_past_attempts(
    now: datetime, past: list[PastAttempt], night: date, attempt: int, when: datetime
) -> None:
    assert next_attempt(now=now, zone=NEW_YORK, at=AT, past=past) == NextAttempt(night, attempt, when)


@pytest.mark.parametrize(
    ("zone", "night", "at", "instant"),
    [
        pytest.param("America/New_York", MON, "02:15", "2026-11-23T07:15", id="an ordinary night"),
        pytest.param("America/New_York", date(2026, 3, 8), "02:15", "2026-03-08T07:15", id="2:15 is skipped: at 3:15"),
        pytest.param("America/New_York", date(2026, 11, 1), "01:30", "2026-11-01T05:30", id="1:30 comes twice: the first"),
        pytest.param("America/New_York", date(2026, 11, 1), "02:15", "2026-11-01T07:15", id="2:15 after 1:00 came twice"),
        pytest.param("Australia/Lord_Howe", date(2026, 10, 4), "02:15", "2026-10-03T15:45", id="half an hour is skipped"),
        pytest.param("Asia/Kathmandu", MON, "02:15", "2026-11-22T20:30", id="a zone of quarter hours"),
        pytest.param("Africa/Cairo", date(2026, 4, 24), "00:15", "2026-04-23T22:15", id="the day begins at 1:00"),
    ],
)  # fmt: skip
def test_a_nightly_time_is_one_instant_in_each_time_zone(zone: str, night: date, at: str, instant: str) -> None:
    assert at_wall_clock(night, time.fromisoformat(at), ZoneInfo(zone)) == datetime.fromisoformat(instant).replace(
        tzinfo=UTC
    )


CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Africa/Cairo", date(2026, 10, 30)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Europe/Dublin", date(2026, 10, 25)),
]
"""Days on which clocks change, some of them at midnight.

In St. John's, clocks went back past midnight, into the day before.
"""


def nights_run(zone: str, day: date, at: time, check_every: timedelta = timedelta(minutes=5)) -> Counter[date]:
    """Count the runs for each night from two days before `day` to two days after it, if every run succeeds."""
    time_zone = ZoneInfo(zone)
    now = datetime.combine(day - timedelta(days=2), time(12), UTC)
    until, past = now + timedelta(days=4), [PastAttempt(day - timedelta(days=n), 1, DONE, now) for n in (2, 3)]
    runs: Counter[date] = Counter()
    while now < until:
        upcoming = next_attempt(now=now, zone=time_zone, at=at, past=past)
        if upcoming.is_due(now):
            runs[upcoming.night] += 1
            past.append(PastAttempt(upcoming.night, upcoming.attempt, DONE, now))
        now += check_every
    return runs


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("at", [time(h, m) for h in range(4) for m in (0, 15, 45)], ids=str)
def test_each_night_around_a_clock_change_is_run_once(zone: str, day: date, at: time) -> None:
    runs = nights_run(zone, day, at)
    assert set(runs.values()) == {1}
    assert {day - timedelta(days=1), day, day + timedelta(days=1)} <= set(runs)


SINCE = datetime(2000, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 40 * 365 * 24 * 60).map(lambda minutes: SINCE + timedelta(minutes=minutes))
ZONES = st.sampled_from(sorted({zone for zone, _ in CHANGES} | {"Pacific/Apia", "Pacific/Kiritimati", "UTC"}))


@example(now=datetime(2011, 12, 30, 10, 30, tzinfo=UTC), zone="Pacific/Apia", minute=135)  # Apia skipped this day
@given(now=INSTANTS, zone=ZONES, minute=st.integers(0, 1439))
def test_the_latest_night_has_begun_and_the_next_one_has_not(now: datetime, zone: str, minute: int) -> None:
    time_zone, at = ZoneInfo(zone), time(minute // 60, minute % 60)
    night = latest_night(now=now, zone=time_zone, at=at)
    assert at_wall_clock(night, at, time_zone) <= now < at_wall_clock(night + timedelta(days=1), at, time_zone)


@given(
    outcomes=st.lists(st.sampled_from([DONE, FAILED]), min_size=1, max_size=8),
    intervals=st.lists(st.integers(1, 200), min_size=60, max_size=60),
)
def test_a_night_is_attempted_at_most_three_times_until_it_is_done(
    outcomes: list[AttemptOutcome], intervals: list[int]
) -> None:
    now, past = there(MON, "02:15"), [PastAttempt(date(2026, 11, 22), 1, DONE, there(date(2026, 11, 22), "02:15"))]
    remaining_outcomes = iter(outcomes)
    for minutes in intervals:
        upcoming = next_attempt(now=now, zone=NEW_YORK, at=AT, past=past)
        if upcoming.is_due(now):
            past.append(PastAttempt(upcoming.night, upcoming.attempt, next(remaining_outcomes, FAILED), now))
        now += timedelta(minutes=minutes)
    for night in {each.night for each in past}:
        attempts = [each for each in past if each.night == night]
        assert [each.attempt for each in attempts] == list(range(1, len(attempts) + 1))
        assert len(attempts) <= MAX_ATTEMPTS
        assert all(each.outcome is FAILED for each in attempts[:-1])
        start_times = [each.started_at for each in attempts]
        assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(start_times))


def test_a_run_is_lost_after_an_hour_and_not_before() -> None:
    started = there(MON, "02:15")
    assert not is_lost(started, started + timedelta(minutes=59, seconds=59))
    assert is_lost(started, started + timedelta(hours=1))


def test_a_run_that_started_more_than_an_hour_in_the_future_is_lost() -> None:
    now = there(MON, "02:15")
    assert not is_lost(now + timedelta(minutes=59, seconds=59), now)
    assert is_lost(now + timedelta(days=400), now)


@pytest.mark.parametrize(
    ("quiet", "stopped"),
    [
        pytest.param(None, True, id="nothing has ever run"),
        pytest.param(timedelta(hours=24), False, id="a night"),
        pytest.param(timedelta(hours=25), False, id="a night in which the clocks go back"),
        pytest.param(timedelta(hours=26), False, id="just short of too long"),
        pytest.param(timedelta(hours=26, seconds=1), True, id="too long"),
    ],
)
def test_a_scheduler_seems_stopped_after_26_hours_without_a_run(quiet: timedelta | None, stopped: bool) -> None:
    now = there(WED, "09:00")
    assert scheduler_seems_stopped(last_started=None if quiet is None else now - quiet, now=now) is stopped
