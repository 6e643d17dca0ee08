"""Has a calendar file read, by a process of its own that can be stopped."""

import json
import sys
from datetime import date
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from threading import BoundedSemaphore

from patients.calendar_import.wire_format import from_json
from patients.domain.calendar_files import (
    MOST_BYTES,
    CalendarTooLarge,
    CouldNotBeRead,
    ReadingIsBusy,
    TookTooLong,
    Understood,
)
from timekeeping.reasons import Reason

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, "-s", "-W", "ignore", "-m", "patients.calendar_import.worker"]
PATIENCE_SECONDS = 9
"""By the clock on the wall. The child has less of the processor's time; a busy computer gives it that late."""
AT_ONCE = 2
WAIT_SECONDS = 2
KILLED_FOR_TIME = {-24, -9}
"""How a process ends that used up its time on the processor: by SIGXCPU, and by SIGKILL where that was not enough."""
_places = BoundedSemaphore(AT_ONCE)


def read_calendar_file(data: bytes, *, zone: str, first: date, until: date) -> Understood | Reason:
    """When somebody is busy on the half-open dates, as clocks in the zone of that name tell them, or why it is not known.

    The child is a fresh interpreter without this process's memory, connections, environment and zones (docs/decisions/0007).
    """
    if len(data) > MOST_BYTES:
        return CalendarTooLarge()
    if not _places.acquire(timeout=WAIT_SECONDS):
        return ReadingIsBusy()
    try:
        return _read(data, json.dumps({"zone": zone, "first": first.isoformat(), "until": until.isoformat()}))
    finally:
        _places.release()


def _read(data: bytes, asked: str) -> Understood | Reason:
    with Popen(COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=ROOT, env={}) as child:
        try:
            answer, _ = child.communicate(f"{asked}\n".encode() + data, timeout=PATIENCE_SECONDS)
        except TimeoutExpired:
            child.kill()
            return TookTooLong()
    if child.returncode in KILLED_FOR_TIME:
        return TookTooLong()
    if child.returncode != 0:
        return CouldNotBeRead()
    return from_json(answer)
