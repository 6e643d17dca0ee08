"""Nightly jobs: when they are due, and how each due job runs only once even if several schedulers are running."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Greatest
from django.tasks import Task, TaskResultStatus, task
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.domain.job_schedule import (
    RETRY_AFTER,
    WHOLE_INSTALLATION,
    JobScope,
    NextAttempt,
    latest_night,
    next_attempt,
)
from accounts.models import BrowserSession, JobOutcome, JobRun, JobRunQuerySet
from accounts.services.outbox import delete_old_tasks
from iopmanager import clock

logger = logging.getLogger(__name__)

RUNS_KEPT_FOR = timedelta(days=90)
INTERRUPTED_MESSAGE = gettext_lazy("The job stopped before it was done.")


@dataclass(frozen=True, slots=True)
class Job:
    """A nightly job. All jobs are listed in iopmanager/jobs.py.

    A job that runs per site passes the site's id to its task; other jobs pass nothing. The task returns one sentence
    that says what it did and names no person. Running the task twice, or missing a night, must do no harm.
    """

    name: str
    """Name of the job in the table of runs. A renamed job counts as a new job."""
    title: str | Promise
    task: "Task[..., str]"
    at: time
    """Time of day when the job is due: local time if it runs per site, otherwise UTC."""
    per_site: bool


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job for one site or for the whole installation, with its last run (if any) and its next attempt."""

    job: Job
    scope: JobScope
    last_run: JobRun | None
    next_attempt: NextAttempt


def scheduled_jobs(
    *, jobs: Sequence[Job], sites: Sequence[JobScope], runs: JobRunQuerySet, now: datetime
) -> list[ScheduledJob]:
    """Return the last run and next attempt of every job, in the order of `jobs`.

    A job that runs per site is listed once for each of the `sites`. Any other job is listed once. `runs` contains
    the past attempts.
    """
    pairs = [(job, scope) for job in jobs for scope in (sites if job.per_site else [WHOLE_INSTALLATION])]
    nights = {latest_night(now=now, zone=scope.zone, at=job.at) for job, scope in pairs}
    past_runs: dict[tuple[str, int | None], list[JobRun]] = defaultdict(list)
    for run in runs.last_or_of(nights, now=now):
        past_runs[run.name, run.site_key].append(run)
    scheduled = []
    for job, scope in pairs:
        past = past_runs[job.name, scope.key]
        last = next((run for run in past if run.started_at <= now), None)
        following = next_attempt(now=now, zone=scope.zone, at=job.at, past=[run.as_past_attempt() for run in past])
        scheduled.append(ScheduledJob(job, scope, last, following))
    return scheduled


def run_due_jobs(
    *,
    jobs: Sequence[Job],
    sites: Sequence[JobScope],
    now: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[JobRun]:
    """Run the due jobs one after the other, and yield each run when it has ended.

    A failed job does not stop the others. Only the class of its error is logged, because the message may name a
    patient. `stopping()` is called between two jobs. If it returns true, the remaining jobs are not run.
    """
    _fail_lost_runs(now())
    scheduled = scheduled_jobs(jobs=jobs, sites=sites, runs=JobRun.objects.all(), now=now())
    for each in sorted(scheduled, key=lambda scheduled_job: scheduled_job.next_attempt.when):
        if not each.next_attempt.is_due(now()):
            continue
        if stopping():
            return
        try:
            run = _claim_run(each, now())
            if run is None:
                continue
            _execute(each, run, now)
        except Exception as error:
            logger.error("%s at site %s could not be run: %s", each.job.name, each.scope.key, type(error).__name__)
        else:
            yield run


def _fail_lost_runs(now: datetime) -> None:
    """Mark unfinished runs as failed if `is_lost` says that their process must have died."""
    recent = Q(started_at__gt=now - RETRY_AFTER, started_at__lt=now + RETRY_AFTER)
    lost = JobRun.objects.filter(~recent, finished_at=None)
    lost.update(
        finished_at=Greatest("started_at", Value(now)), outcome=JobOutcome.FAILED, words=str(INTERRUPTED_MESSAGE)
    )


def _claim_run(scheduled: ScheduledJob, now: datetime) -> JobRun | None:
    """Create the run and return it. Return None if another scheduler has already created it.

    A database constraint ensures that each run is created only once.
    """
    run, is_ours = JobRun.objects.get_or_create(
        name=scheduled.job.name,
        site_key=scheduled.scope.key,
        night=scheduled.next_attempt.night,
        attempt=scheduled.next_attempt.attempt,
        defaults={"site_label": scheduled.scope.label, "started_at": now},
    )
    return run if is_ours else None


def _execute(scheduled: ScheduledJob, run: JobRun, now: Callable[[], datetime]) -> None:
    try:
        outcome, words = _run_task(scheduled)
    except BaseException:
        _finish_run(run, outcome=JobOutcome.FAILED, words=str(INTERRUPTED_MESSAGE), now=now())
        raise
    if outcome == JobOutcome.FAILED:
        logger.error("%s: %s", run, words)
    _finish_run(run, outcome=outcome, words=words, now=now())


def _run_task(scheduled: ScheduledJob) -> tuple[JobOutcome, str]:
    arguments: list[Any] = [scheduled.scope.key] if scheduled.job.per_site else []
    result = scheduled.job.task.enqueue(*arguments)
    if result.status == TaskResultStatus.SUCCESSFUL:
        return JobOutcome.DONE, result.return_value
    error_class = result.errors[-1].exception_class_path.rpartition(".")[2]
    return JobOutcome.FAILED, _("The job failed with %(error)s. See the server log.") % {"error": error_class}


@transaction.atomic
def _finish_run(run: JobRun, *, outcome: JobOutcome, words: str, now: datetime) -> None:
    """Save the outcome of the run, and delete old runs."""
    run.outcome, run.words, run.finished_at = outcome, words[:300], max(now, run.started_at)
    run.save(update_fields=["outcome", "words", "finished_at"])
    JobRun.objects.filter(started_at__lt=now - RUNS_KEPT_FOR).delete()


@task
def clear_sessions() -> str:
    """Delete expired sign-in sessions. Return a sentence that says how many were deleted."""
    deleted = BrowserSession.objects.filter(expire_date__lt=clock.now()).delete()[0]
    text = ngettext("%(number)d expired sign-in deleted.", "%(number)d expired sign-ins deleted.", deleted)
    return text % {"number": deleted}


@task
def clear_tasks() -> str:
    """Delete old background tasks and mail that was given up. Return a sentence that says how many were deleted."""
    deleted = delete_old_tasks(now=clock.now())
    text = ngettext("%(number)d old background task deleted.", "%(number)d old background tasks deleted.", deleted)
    return text % {"number": deleted}
