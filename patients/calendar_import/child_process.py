"""Read a calendar file in a child process. A child process that takes too long can be killed."""

import json
import sys
from datetime import date
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from threading import BoundedSemaphore

from patients.calendar_import.wire_format import result_from_json
from patients.domain.calendar_files import (
    MAX_BYTES,
    CalendarTooLarge,
    CouldNotBeRead,
    ParsedCalendar,
    ReadingIsBusy,
    ReadingTimedOut,
)
from timekeeping.reasons import Reason

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-s", "-W", "ignore", "-m", "patients.calendar_import.worker"]
TIMEOUT_SECONDS = 9
"""Longest wait for the child process, in seconds. It is longer than the limit on CPU time, since the computer may be busy."""
MAX_CONCURRENT = 2
WAIT_SECONDS = 2
CPU_LIMIT_EXIT_CODES = {-24, -9}
"""Exit codes of a process that was killed because it used too much CPU time: SIGXCPU (-24) and SIGKILL (-9)."""
_reader_slots = BoundedSemaphore(MAX_CONCURRENT)


def read_calendar_file(data: bytes, *, zone: str, first: date, until: date) -> ParsedCalendar | Reason:
    """Return a calendar file's busy times on the dates [first, until), or the reason why the file is refused.

    `zone` is the name of the time zone of these dates. The file is read by a new interpreter, which shares no memory,
    connections, environment or registered time zones with this process (docs/decisions/0007).
    """
    if len(data) > MAX_BYTES:
        return CalendarTooLarge()
    if not _reader_slots.acquire(timeout=WAIT_SECONDS):
        return ReadingIsBusy()
    try:
        return _read_in_child(data, json.dumps({"zone": zone, "first": first.isoformat(), "until": until.isoformat()}))
    finally:
        _reader_slots.release()


def _read_in_child(data: bytes, request: str) -> ParsedCalendar | Reason:
    with Popen(COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=ROOT, env={}) as child:
        try:
            output, _ = child.communicate(f"{request}\n".encode() + data, timeout=TIMEOUT_SECONDS)
        except TimeoutExpired:
            child.kill()
            return ReadingTimedOut()
    if child.returncode in CPU_LIMIT_EXIT_CODES:
        return ReadingTimedOut()
    if child.returncode != 0:
        return CouldNotBeRead()
    return result_from_json(output)
