"""When nightly jobs are due: once a night, each at its own time on the wall clock of its site."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from timekeeping.occurrences import at_wall_clock

RETRY_AFTER = timedelta(hours=1)
"""Counted from the start of an attempt that failed. A run that has not ended by then counts as lost with its process."""
MAX_ATTEMPTS = 3
"""Per night."""
SCHEDULER_SILENCE_LIMIT = timedelta(hours=26)
"""Some job is due every night, and no two nights start further apart than this, clock changes included."""


class AttemptOutcome(StrEnum):
    """How a run ended, or that it has not ended yet."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobScope:
    """What a job works on: a site, or the whole installation if `key` is None. `zone` is the clock that its jobs go by."""

    key: int | None
    label: str
    zone: tzinfo


WHOLE_INSTALLATION = JobScope(None, "", UTC)


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """A past run of a job in one scope. `night` is the local date on which that night's work was due."""

    night: date
    attempt: int
    outcome: AttemptOutcome
    started_at: datetime


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The next attempt at a night's work, numbered from 1, and the UTC instant from which it is due."""

    night: date
    attempt: int
    when: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether its time has come."""
        return self.when <= now


def latest_night(*, now: datetime, zone: tzinfo, at: time) -> date:
    """Return the date of the latest night whose work was due by `now`.

    It can be tomorrow where clocks have gone back over midnight since, or two days ago where the calendar skipped a day.
    """
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    nights = (tomorrow - timedelta(days=ago) for ago in range(4))
    return next(night for night in nights if at_wall_clock(night, at, zone) <= now)


def next_attempt(*, now: datetime, zone: tzinfo, at: time, past: Iterable[PastAttempt]) -> NextAttempt:
    """Return the next attempt at one job in one scope.

    After missed nights only the latest is caught up on, because each run does all the work that is missing. A job that was
    done is not repeated. One that failed is tried again an hour after it started, at most three times a night. `past` are the
    job's attempts in the scope and must include those of the latest night. (Product rules.)
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
    again = NextAttempt(night, last.attempt + 1, last.started_at.astimezone(UTC) + RETRY_AFTER)
    return min(again, following, key=lambda each: each.when)


def is_lost(started_at: datetime, now: datetime) -> bool:
    """Whether a run that has not ended must have been lost with its process."""
    return now - started_at >= RETRY_AFTER


def scheduler_seems_stopped(*, last_started: datetime | None, now: datetime) -> bool:
    """Whether the last run is so long ago, or missing, that no scheduler can be running."""
    return last_started is None or now - last_started > SCHEDULER_SILENCE_LIMIT
