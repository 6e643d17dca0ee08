"""Small nightly jobs for tests of the scheduler. They succeed, fail or are interrupted."""

import signal
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.tasks import task

from accounts.jobs import Job, run_due_jobs
from accounts.models import JobRun
from scheduling.models import Site

NIGHT = datetime(2026, 11, 24, 7, 15, tzinfo=UTC)
"""2:15 AM in New York and 1:15 AM in Chicago."""
PATIENT_NAME = "Rosa Lindqvist"

calls: list[str] = []
"""The jobs that have run, in order, such as "tidy" or "greet 3" with a site id. Tests that read this list clear it first."""


@task
def greet(site_id: int) -> str:
    calls.append(f"greet {site_id}")
    return "Said good night."


@task
def tidy() -> str:
    calls.append("tidy")
    return "Put things away."


@task
def fail(site_id: int) -> str:
    calls.append(f"stumble {site_id}")
    raise LookupError(f"{PATIENT_NAME} has no bed")


@task
def be_interrupted(site_id: int) -> str:
    raise KeyboardInterrupt


signals_to_raise: list[signal.Signals] = []
"""Signals that the `signalled` job sends to its own process while it runs."""


@task
def be_signalled(site_id: int) -> str:
    for number in signals_to_raise:
        signal.raise_signal(number)
    return "Went on."


GREET = Job("greet", "Good night", greet, at=time(2, 15), per_site=True)
TIDY = Job("tidy", "Tidying", tidy, at=time(7), per_site=False)
FAIL = Job("stumble", "Stumbling", fail, at=time(2, 15), per_site=True)
SIGNALLED = Job("signalled", "Being signalled", be_signalled, at=time(2, 15), per_site=True)
INTERRUPTED = Job("interrupted", "Being interrupted", be_interrupted, at=time(2, 15), per_site=True)


def run_at(now: datetime, *jobs: Job) -> list[JobRun]:
    """Run the jobs that are due at `now` for every site, and return their job runs."""
    scopes = [site.as_job_scope() for site in Site.objects.all()]
    return list(run_due_jobs(jobs=jobs, sites=scopes, now=lambda: now))


def make_run(site: Site | None = None, started_at: datetime = NIGHT, **fields: Any) -> JobRun:
    """Create a job run. By default, the job succeeded after two seconds. `fields` override the default values."""
    outcome = fields.pop("outcome", "done")
    return JobRun.objects.create(
        name=fields.pop("name", "greet"),
        site_key=site.pk if site else None,
        site_label=str(site) if site else "",
        night=fields.pop("night", started_at.date()),
        started_at=started_at,
        finished_at=None if outcome == "running" else started_at + timedelta(seconds=2),
        outcome=outcome,
        **fields,
    )
