"""Rules for when nightly jobs are due. Each job is due once a night, at a fixed time of day in its time zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from timekeeping.occurrences import at_wall_clock

RETRY_AFTER = timedelta(hours=1)
"""Time from the start of a failed attempt to the next attempt. A run that has not ended by then counts as crashed."""
MAX_ATTEMPTS = 3
"""Maximum number of attempts at one job per night."""
SCHEDULER_SILENCE_LIMIT = timedelta(hours=26)
"""If no job has started for this long, the scheduler must have stopped, because at least one job is due every night."""


class AttemptOutcome(StrEnum):
    """How an attempt at a job ended. RUNNING means that it has not ended yet."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobScope:
    """What a job works on: one site, or the whole installation if `key` is None.

    `key` is the id of the site. The job is due at a time of day in `zone`.
    """

    key: int | None
    label: str
    zone: tzinfo


WHOLE_INSTALLATION = JobScope(None, "", UTC)


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """A past attempt at one job in one scope. `night` is the local date on which the job was due."""

    night: date
    attempt: int
    outcome: AttemptOutcome
    started_at: datetime


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The next attempt at a job, and the instant in UTC when the attempt is due.

    Attempts are numbered from 1 each night.
    """

    night: date
    attempt: int
    when: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether the attempt is due at `now`."""
        return self.when <= now


def latest_night(*, now: datetime, zone: tzinfo, at: time) -> date:
    """Return the local date of the latest night on which the job was already due at `now`.

    The result is usually today or yesterday. It is tomorrow if clocks went back past midnight after the job was due. It is
    the day before yesterday if the local calendar skipped a day.
    """
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    nights = (tomorrow - timedelta(days=ago) for ago in range(4))
    return next(night for night in nights if at_wall_clock(night, at, zone) <= now)


def next_attempt(*, now: datetime, zone: tzinfo, at: time, past: Iterable[PastAttempt]) -> NextAttempt:
    """Return the next attempt at one job in one scope.

    The following are product rules. The job is due every night at the time `at` in `zone`. If several nights were
    missed, the job runs only for the latest, because each run does all outstanding work. A job that succeeded is not
    repeated that night. A failed job is retried one hour after it started. There are at most three attempts a night.
    If the recorded start is an hour or more in the future, a clock was ahead, and the job is retried at once.

    `past` contains the job's attempts in the scope. Attempts of nights other than the latest may be left out.
    """
    night = latest_night(now=now, zone=zone, at=at)
    tonight = [each for each in past if each.night == night]
    if not tonight:
        return NextAttempt(night, 1, at_wall_clock(night, at, zone))
    last = max(tonight, key=lambda each: each.attempt)
    tomorrow = night + timedelta(days=1)
    following = NextAttempt(tomorrow, 1, at_wall_clock(tomorrow, at, zone))
    still_running = last.outcome is AttemptOutcome.RUNNING and not is_lost(last.started_at, now)
    if still_running or last.attempt >= MAX_ATTEMPTS or any(each.outcome is AttemptOutcome.DONE for each in tonight):
        return following
    begun = last.started_at.astimezone(UTC)
    ahead = begun - now >= RETRY_AFTER
    again = NextAttempt(night, last.attempt + 1, now if ahead else begun + RETRY_AFTER)
    return min(again, following, key=lambda each: each.when)


def is_lost(started_at: datetime, now: datetime) -> bool:
    """Whether an unfinished run started so long ago that its process must have died.

    If `started_at` is an hour or more in the future, a clock was ahead, and the real start is unknown. The run then also
    counts as lost.
    """
    return abs(now - started_at) >= RETRY_AFTER


def scheduler_seems_stopped(*, last_started: datetime | None, now: datetime) -> bool:
    """Whether the scheduler seems to have stopped: no job was ever started, or the last start is too long ago."""
    return last_started is None or now - last_started > SCHEDULER_SILENCE_LIMIT
