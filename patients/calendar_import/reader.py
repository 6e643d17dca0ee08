"""Read a calendar file in a child process that can be stopped."""

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
"""Elapsed time. The child's CPU time is limited to less, but on a busy computer it gets that late."""
MAX_CONCURRENT = 2
WAIT_SECONDS = 2
CPU_LIMIT_EXIT_CODES = {-24, -9}
"""The exit codes of a process that used up its CPU time: by SIGXCPU, or by SIGKILL if that was not enough."""
_reader_slots = BoundedSemaphore(MAX_CONCURRENT)


def read_calendar_file(data: bytes, *, zone: str, first: date, until: date) -> ParsedCalendar | Reason:
    """Return when somebody is busy on the half-open range of dates in the time zone of that name, or why the file is refused.

    The child is a new interpreter without this process's memory, connections, environment and time zones
    (docs/decisions/0007).
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
