"""The command `manage.py run_jobs`: its output, how often it checks for due jobs, and how it responds to signals."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from accounts.jobs import run_due_jobs
from accounts.models import JobRun
from iopmanager import clock
from scheduling.management.commands import run_jobs
from scheduling.models import Site
from tests import nightly_jobs
from tests.factories import make_site
from tests.nightly_jobs import FAIL, GREET, NIGHT, PATIENT_NAME, SIGNALLED, TIDY, calls
from tests.paths import PROJECT


@pytest.fixture(autouse=True)
def no_calls_yet() -> None:
    calls.clear()


@pytest.fixture
def at_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT)


@pytest.fixture
def site(db: None) -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return lambda *jobs: monkeypatch.setattr(run_jobs, "NIGHTLY", jobs)


def run_once(verbosity: int = 1) -> str:
    out = StringIO()
    call_command("run_jobs", "--once", stdout=out, verbosity=verbosity)
    return out.getvalue()


@pytest.mark.usefixtures("site", "at_night")
def test_the_once_option_runs_and_reports_the_due_jobs_and_ends(listed: Callable[..., None]) -> None:
    listed(GREET, TIDY)
    assert run_once() == "tidy: Put things away.\ngreet, Harbor Street: Said good night.\n"
    assert run_once() == ""


@pytest.mark.usefixtures("site", "at_night")
def test_verbosity_zero_prints_nothing(listed: Callable[..., None]) -> None:
    listed(GREET)
    assert run_once(verbosity=0) == ""
    assert len(calls) == 1


@pytest.mark.usefixtures("site", "at_night")
def test_a_failure_is_reported_after_all_other_jobs_are_done(listed: Callable[..., None]) -> None:
    listed(FAIL, GREET)
    with pytest.raises(CommandError, match=r"^1 job failed\.$"):
        run_once()
    assert JobRun.objects.get(outcome="done").name == "greet"


class Night:
    """A fake clock that advances only while the scheduler sleeps. After `seconds`, the clock sends SIGTERM."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: int, starts: datetime = NIGHT) -> None:
        self.now, self.ends = starts, starts + timedelta(seconds=seconds)
        monkeypatch.setattr(clock, "now", lambda: self.now)
        monkeypatch.setattr(run_jobs, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if self.now >= self.ends:
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("transactional_db", "site")
def test_the_scheduler_checks_for_due_jobs_every_30_seconds_until_it_gets_a_signal(
    monkeypatch: pytest.MonkeyPatch, listed: Callable[..., None]
) -> None:
    listed(GREET)
    begins = NIGHT - timedelta(minutes=10, seconds=10)
    night = Night(monkeypatch, seconds=20 * 60, starts=begins)
    before = signal.getsignal(signal.SIGTERM)
    call_command("run_jobs", verbosity=0)
    assert night.now == night.ends
    begun = list(JobRun.objects.order_by("started_at").values_list("started_at", flat=True))
    assert begun == [begins, NIGHT + timedelta(seconds=20)], "at once for the night before, and within 30 s of 2:15"
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.usefixtures("transactional_db", "site")
def test_an_unreachable_database_does_not_end_the_scheduler(
    monkeypatch: pytest.MonkeyPatch, listed: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    listed(GREET)
    Night(monkeypatch, seconds=61)
    found, errors = run_due_jobs, [OperationalError(PATIENT_NAME), OperationalError(PATIENT_NAME)]

    def run_due_when_it_is_back(**arguments: Any) -> Iterator[JobRun]:
        if errors:
            raise errors.pop()
        return found(**arguments)

    monkeypatch.setattr(run_jobs, "run_due_jobs", run_due_when_it_is_back)
    call_command("run_jobs", verbosity=0)
    assert JobRun.objects.get().started_at == NIGHT + timedelta(seconds=60)
    messages = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert messages == ["could not check for nightly jobs: OperationalError"] * 2


@pytest.mark.usefixtures("transactional_db", "site")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_after_a_signal_the_running_job_finishes_and_no_other_job_starts(
    monkeypatch: pytest.MonkeyPatch, listed: Callable[..., None], number: signal.Signals
) -> None:
    make_site("Airport Road")
    listed(SIGNALLED)
    Night(monkeypatch, seconds=300)
    monkeypatch.setattr(nightly_jobs, "signals_to_raise", [number])
    call_command("run_jobs", verbosity=0)
    assert [run.words for run in JobRun.objects.all()] == ["Went on."]


@pytest.mark.usefixtures("transactional_db", "site")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_running_job_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, listed: Callable[..., None], number: signal.Signals
) -> None:
    make_site("Airport Road")
    listed(SIGNALLED)
    Night(monkeypatch, seconds=300)
    monkeypatch.setattr(nightly_jobs, "signals_to_raise", [number, number])
    output = StringIO()
    call_command("run_jobs", stderr=output)
    assert output.getvalue() == "Stopped during a job. The job will run again.\n"
    assert [run.outcome for run in JobRun.objects.all()] == ["failed"]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Path of a SQLite database with all migrations applied and no clinic."""
    path = tmp_path / "clinic.sqlite3"
    subprocess.run(manage("migrate", "--verbosity", "0"), env=environment(path), check=True, timeout=120)
    return path


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(PROJECT / "manage.py"), *arguments]


def environment(database: Path) -> dict[str, str]:
    return {**os.environ, "DEPLOYMENT": "test", "DATABASE_URL": f"sqlite:///{database}"}


def wait_for[T](function: Callable[[], T], seconds: float = 30) -> T:
    """Call the function until its result is truthy, and return that result. Fail after `seconds` seconds."""
    ends = time.monotonic() + seconds
    while not (result := function()):
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.05)
    return result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_cleanly_on_a_signal(database: Path, number: signal.Signals) -> None:
    def runs() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute("SELECT name, outcome FROM accounts_jobrun WHERE outcome != 'running'").fetchall()

    process = subprocess.Popen(
        manage("run_jobs"), env=environment(database), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert wait_for(lambda: len(found := runs()) == 4 and found) == [
            ("clear_sessions", "done"),
            ("clear_tasks", "done"),
            ("forget_calendars", "done"),
            ("forget_imports", "done"),
        ]
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    expected = (
        "clear_sessions: 0 expired sign-ins deleted.\n"
        "clear_tasks: 0 old background tasks deleted.\n"
        "forget_calendars: There was nothing to delete.\n"
        "forget_imports: There was nothing to delete.\n"
    )
    assert (process.returncode, output, errors) == (0, expected, "")
