"""Calendar files are read in a child process that has limits on time and memory. The output of the process is never shown."""

import resource
import subprocess
import sys
import time as clocks
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context
from threading import Thread

import pytest

from patients.calendar_import import child_process, worker
from patients.calendar_import.child_process import read_calendar_file
from patients.calendar_import.process_limits import limit_this_process
from patients.domain.calendar_files import (
    CalendarTooLarge,
    CouldNotBeRead,
    NotACalendar,
    ParsedCalendar,
    ReadingIsBusy,
    ReadingOutOfMemory,
    ReadingTimedOut,
    RepeatsTooOften,
    RuleNotAllowed,
    TooManyDates,
    TooManyEvents,
    TooManyOccurrences,
)
from tests.hostile_calendars import HOSTILE_FILES, calendar, event
from timekeeping.reasons import Reason

FIRST = date(2026, 11, 23)
MOST_SECONDS = 10
MOST_KILOBYTES = 512 * 1024
IS_READ = ParsedCalendar
REFUSED: dict[str, object] = {
    "every second": RepeatsTooOften(),
    "every minute": RepeatsTooOften(),
    "every hour": RepeatsTooOften(),
    "every second, written as lists": RuleNotAllowed(),
    "never moves on": RuleNotAllowed(),
    "moves backward": RuleNotAllowed(),
    "a long rule": RuleNotAllowed(),
    "a rule of five megabytes": RuleNotAllowed(),
    "a thousand rules": RuleNotAllowed(),
    "a date that never comes": ReadingTimedOut(),
    "every day since the year 1": ReadingTimedOut(),
    "every day, fifty times": TooManyOccurrences(),
    "a hundred thousand dates left out": TooManyDates(),
    "a hundred thousand dates added": TooManyDates(),
    "too many events": TooManyEvents(),
    "components in components": NotACalendar(),
    "alarms in alarms": NotACalendar(),
    "lines without an end": NotACalendar(),
    "longer than five megabytes": CalendarTooLarge(),
    "another kind of file": NotACalendar(),
    "only zeros": NotACalendar(),
    "a path": NotACalendar(),
}
"""The hostile files that are refused, each with the reason.

Hostile files that are not listed can be read.
"""


def read(data: bytes) -> ParsedCalendar | Reason:
    return read_calendar_file(data, zone="America/New_York", first=FIRST, until=FIRST + timedelta(weeks=26))


def measured(name: str) -> tuple[ParsedCalendar | Reason, float, int]:
    """Return the result for a hostile file, the seconds it took, and the peak memory of the child processes in kilobytes."""
    began = clocks.perf_counter()
    found = read(HOSTILE_FILES[name])
    return found, clocks.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


@pytest.fixture(scope="module")
def reader_pool() -> Iterator[ProcessPoolExecutor]:
    """Start a process whose only child processes are readers, so that only the memory of readers is measured."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_each_hostile_file_stays_within_the_limits_of_time_and_memory(
    reader_pool: ProcessPoolExecutor, name: str
) -> None:
    found, seconds, kilobytes = reader_pool.submit(measured, name).result()
    assert seconds < MOST_SECONDS
    assert kilobytes < MOST_KILOBYTES
    if name in REFUSED:
        assert found == REFUSED[name]
    else:
        assert isinstance(found, ParsedCalendar)


def test_every_refused_file_is_one_of_the_hostile_files() -> None:
    assert REFUSED.keys() <= HOSTILE_FILES.keys()


def test_a_valid_file_is_read() -> None:
    found = read(calendar(event("SUMMARY:Ward 7")))
    assert isinstance(found, ParsedCalendar)
    assert len(found.busy) == 1


def test_nothing_that_the_child_process_prints_is_shown_and_it_has_no_secrets(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret")
    code = "import os, sys; print('Ward 7'); print('Ward 7', file=sys.stderr); sys.exit('a secret' in str(os.environ))"
    monkeypatch.setattr(child_process, "COMMAND", [sys.executable, "-c", code])
    with pytest.raises(ValueError, match="Expecting value"):
        read(b"")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("raise ValueError('Ward 7')", CouldNotBeRead(), id="an error that nobody thought of"),
        pytest.param("import os; os.abort()", CouldNotBeRead(), id="a crash"),
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", ReadingTimedOut(), id="its time is up"),
        pytest.param("import time; time.sleep(60)", ReadingTimedOut(), id="it sleeps"),
    ],
)
def test_a_failing_child_process_gives_a_reason(
    code: str, reason: Reason, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(child_process, "COMMAND", [sys.executable, "-c", code])
    monkeypatch.setattr(child_process, "TIMEOUT_SECONDS", 2)
    assert read(b"BEGIN:VCALENDAR") == reason
    assert capfd.readouterr() == ("", "")


def test_running_out_of_memory_gives_a_reason() -> None:
    code = (
        "from patients.calendar_import import worker\n"
        "worker.parse_calendar = lambda *args, **kwargs: bytearray(600 * 1024 * 1024)\n"
        "worker.main()"
    )
    request = b'{"zone": "UTC", "first": "2026-11-23", "until": "2026-11-30"}\n'
    process = subprocess.run([sys.executable, "-c", code], input=request, capture_output=True, cwd=child_process.ROOT)
    assert process.stdout.decode() == f'{{"refused": "{ReadingOutOfMemory.code}"}}'


def test_the_child_process_does_not_import_django() -> None:
    code = "import sys, patients.calendar_import.worker; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=child_process.ROOT).returncode == 0


def test_a_file_is_read_on_systems_without_process_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    limit_this_process(memory=worker.MAX_MEMORY, cpu_seconds=worker.MAX_CPU_SECONDS)


def test_only_a_few_files_are_read_at_once_and_the_next_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "COMMAND", [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(child_process, "TIMEOUT_SECONDS", 3)
    monkeypatch.setattr(child_process, "WAIT_SECONDS", 0.1)
    found: list[object] = []
    threads = [Thread(target=lambda: found.append(read(b"x"))) for _ in range(child_process.MAX_CONCURRENT + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ReadingIsBusy(), *[ReadingTimedOut()] * child_process.MAX_CONCURRENT]
