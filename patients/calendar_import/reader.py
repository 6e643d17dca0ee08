"""Has a calendar file read, by a process of its own that can be stopped."""

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
"""By the clock on the wall. The child has less of the processor's time; a busy computer gives it that late."""
MAX_CONCURRENT = 2
WAIT_SECONDS = 2
CPU_LIMIT_EXIT_CODES = {-24, -9}
"""How a process ends that used up its time on the processor: by SIGXCPU, and by SIGKILL where that was not enough."""
_reader_slots = BoundedSemaphore(MAX_CONCURRENT)


def read_calendar_file(data: bytes, *, zone: str, first: date, until: date) -> ParsedCalendar | Reason:
    """When somebody is busy on the half-open dates, as clocks in the zone of that name tell them, or why it is not known.

    The child is a fresh interpreter without this process's memory, connections, environment and zones (docs/decisions/0007).
    """
    if len(data) > MAX_BYTES:
        return CalendarTooLarge()
    if not _reader_slots.acquire(timeout=WAIT_SECONDS):
        return ReadingIsBusy()
    try:
        return _read_in_child(data, json.dumps({"zone": zone, "first": first.isoformat(), "until": until.isoformat()}))
    finally:
        _reader_slots.release()


def _read_in_child(data: bytes, asked: str) -> ParsedCalendar | Reason:
    with Popen(COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=ROOT, env={}) as child:
        try:
            answer, _ = child.communicate(f"{asked}\n".encode() + data, timeout=TIMEOUT_SECONDS)
        except TimeoutExpired:
            child.kill()
            return ReadingTimedOut()
    if child.returncode in CPU_LIMIT_EXIT_CODES:
        return ReadingTimedOut()
    if child.returncode != 0:
        return CouldNotBeRead()
    return result_from_json(answer)
