"""When nightly work is due: every night at its own time on the wall clock of its place, and once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

RETRY_AFTER = timedelta(hours=1)
"""From the start of a try that failed. A run that has not ended by then is taken for lost with its process."""
MAX_ATTEMPTS = 3
"""In one night."""
SCHEDULER_SILENCE_LIMIT = timedelta(hours=26)
"""Some work is due every night, and no two nights begin further apart than this, clock changes included."""


class AttemptOutcome(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobScope:
    """Where a job does its work: a site, or, without a key, all of the installation."""

    key: int | None
    label: str
    zone: tzinfo


WHOLE_INSTALLATION = JobScope(None, "", UTC)


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One run of a job at a place. `night` is the date on which the night's work is due there."""

    night: date
    attempt: int
    outcome: AttemptOutcome
    started_at: datetime


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The `attempt`, from 1, at a night's work, and the instant from which it is due, in UTC."""

    night: date
    attempt: int
    when: datetime

    def is_due(self, now: datetime) -> bool:
        return self.when <= now


def due_at(night: date, at: time, zone: tzinfo) -> datetime:
    """The instant, in UTC, at which clocks in `zone` show `at` on that date.

    The first of two when the clocks go back; when they skip it, as long after the skip as it was to be after its begin.
    """
    return datetime.combine(night, at.replace(fold=0), zone).astimezone(UTC)


def latest_night(*, now: datetime, zone: tzinfo, at: time) -> date:
    """The last night whose work was due by now.

    That may be tomorrow's, where clocks have gone back over midnight since, or be two days ago, where a day was left out.
    """
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    nights = (tomorrow - timedelta(days=ago) for ago in range(4))
    return next(night for night in nights if due_at(night, at, zone) <= now)


def next_attempt(*, now: datetime, zone: tzinfo, at: time, past: Iterable[PastAttempt]) -> NextAttempt:
    """The next try at one job at one place, which is due when its instant has come.

    Of the nights that were missed only the latest is made up for, since each run does all that is missing. What was done is
    not repeated; what failed is tried again an hour after it began, three times in one night at most. `past` are the job's
    tries at the place, those of the latest night among them. (All of this is the product's own choice.)
    """
    night = latest_night(now=now, zone=zone, at=at)
    tonight = [each for each in past if each.night == night]
    if not tonight:
        return NextAttempt(night, 1, due_at(night, at, zone))
    last = max(tonight, key=lambda each: each.attempt)
    following = NextAttempt(night + timedelta(days=1), 1, due_at(night + timedelta(days=1), at, zone))
    still_running = last.outcome is AttemptOutcome.RUNNING and not is_lost(last.started_at, now)
    if still_running or last.attempt >= MAX_ATTEMPTS or any(each.outcome is AttemptOutcome.DONE for each in tonight):
        return following
    again = NextAttempt(night, last.attempt + 1, last.started_at.astimezone(UTC) + RETRY_AFTER)
    return min(again, following, key=lambda each: each.when)


def is_lost(started_at: datetime, now: datetime) -> bool:
    """Whether a run that is not over must have ended with its process."""
    return now - started_at >= RETRY_AFTER


def scheduler_seems_stopped(*, last_started: datetime | None, now: datetime) -> bool:
    """Whether nothing has been run for so long that no scheduler can be running."""
    return last_started is None or now - last_started > SCHEDULER_SILENCE_LIMIT
