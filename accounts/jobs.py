"""Nightly work: what a job is, whose turn it is, and running what is due, once wherever how many schedulers there are."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.tasks import Task, TaskResultStatus, task

from accounts.domain.job_schedule import (
    MAX_ATTEMPTS,
    RETRY_AFTER,
    WHOLE_INSTALLATION,
    JobScope,
    NextAttempt,
    next_attempt,
)
from accounts.models import JobOutcome, JobRun, JobRunQuerySet
from iopmanager import clock

logger = logging.getLogger(__name__)

RUNS_KEPT_FOR = timedelta(days=90)
INTERRUPTED_MESSAGE = "It was cut off before it was done."


@dataclass(frozen=True, slots=True)
class Job:
    """Work for every night; iopmanager/jobs.py lists all of it.

    The task is given the id of a site when the work is done site by site, and nothing when it is not. It answers with one
    sentence of what it did, which names nobody. Doing it twice, or missing a night, must be safe.
    """

    name: str
    """Kept with each run: another name is another job."""
    title: str
    task: "Task[..., str]"
    at: time
    """On the wall clock of the site; in UTC for work that is about no single site."""
    per_site: bool


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """One job at one place: its last run, if there is one, and its next try."""

    job: Job
    place: JobScope
    last: JobRun | None
    next: NextAttempt


def scheduled_jobs(
    *, jobs: Sequence[Job], sites: Sequence[JobScope], runs: JobRunQuerySet, now: datetime
) -> list[ScheduledJob]:
    """Each job at each of the sites, or everywhere, in the order in which the jobs are given."""
    kept: dict[tuple[str, int | None], list[JobRun]] = defaultdict(list)
    for run in runs.newest(MAX_ATTEMPTS):
        kept[run.name, run.site_key].append(run)
    found = []
    for job in jobs:
        for place in sites if job.per_site else [WHOLE_INSTALLATION]:
            past = kept[job.name, place.key]
            following = next_attempt(now=now, zone=place.zone, at=job.at, past=[run.as_past_try() for run in past])
            found.append(ScheduledJob(job, place, past[0] if past else None, following))
    return found


def run_due_jobs(
    *,
    jobs: Sequence[Job],
    sites: Sequence[JobScope],
    now: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[JobRun]:
    """Runs what is due, one job after the other, and gives back each run when it is over.

    What fails is logged by the class of its error alone, because what an error says may name a patient, and stops nothing
    else. Between two jobs `stopping` is asked whether to leave the rest for another time.
    """
    _fail_lost_runs(now())
    all_turns = scheduled_jobs(jobs=jobs, sites=sites, runs=JobRun.objects.all(), now=now())
    for turn in sorted(all_turns, key=lambda turn: turn.next.when):
        if not turn.next.is_due(now()):
            continue
        if stopping():
            return
        try:
            run = _claim_run(turn, now())
            if run is None:
                continue
            _execute(turn, run, now)
        except Exception as error:
            logger.error("%s at site %s could not be run: %s", turn.job.name, turn.place.key, type(error).__name__)
        else:
            yield run


def _fail_lost_runs(now: datetime) -> None:
    """Runs whose process must have ended before they did are failed ones."""
    lost = JobRun.objects.filter(finished_at=None, started_at__lte=now - RETRY_AFTER)
    lost.update(finished_at=now, outcome=JobOutcome.FAILED, words=INTERRUPTED_MESSAGE)


def _claim_run(turn: ScheduledJob, now: datetime) -> JobRun | None:
    """The run, begun; None when another scheduler was quicker, which only one can be: the database keeps tries apart."""
    run, is_ours = JobRun.objects.get_or_create(
        name=turn.job.name,
        site_key=turn.place.key,
        night=turn.next.night,
        attempt=turn.next.attempt,
        defaults={"site_label": turn.place.label, "started_at": now},
    )
    return run if is_ours else None


def _execute(turn: ScheduledJob, run: JobRun, now: Callable[[], datetime]) -> None:
    try:
        outcome, words = _run_task(turn)
    except BaseException:
        _finish_run(run, outcome=JobOutcome.FAILED, words=INTERRUPTED_MESSAGE, now=now())
        raise
    if outcome == JobOutcome.FAILED:
        logger.error("%s: %s", run, words)
    _finish_run(run, outcome=outcome, words=words, now=now())


def _run_task(turn: ScheduledJob) -> tuple[JobOutcome, str]:
    arguments: list[Any] = [turn.place.key] if turn.job.per_site else []
    result = turn.job.task.enqueue(*arguments)
    if result.status == TaskResultStatus.SUCCESSFUL:
        return JobOutcome.DONE, result.return_value
    kind = result.errors[-1].exception_class_path.rpartition(".")[2]
    return JobOutcome.FAILED, f"It failed with {kind}; the server's log says where."


@transaction.atomic
def _finish_run(run: JobRun, *, outcome: JobOutcome, words: str, now: datetime) -> None:
    """Also forgets the runs that are old."""
    run.outcome, run.words, run.finished_at = outcome, words[:300], max(now, run.started_at)
    run.save(update_fields=["outcome", "words", "finished_at"])
    JobRun.objects.filter(started_at__lt=now - RUNS_KEPT_FOR).delete()


@task
def clear_sessions() -> str:
    """Forgets the sign-ins that have ended."""
    forgotten, _ = Session.objects.filter(expire_date__lt=clock.now()).delete()
    return f"Ended sign-ins forgotten: {forgotten}."
