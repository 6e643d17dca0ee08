"""Reads one calendar file in a process of its own, which knows nothing but the file and ends when it is read.

`python -m patients.calendar_import.worker` takes a line of JSON with the zone and the dates, and then the file; it answers
with a line of JSON. Nothing else of what it does is told to anybody.
"""

import json
import os
import sys
from datetime import date
from zoneinfo import ZoneInfo

from patients.calendar_import.parser import parse_calendar
from patients.calendar_import.wire_format import calendar_to_json, refusal_to_json
from patients.domain.calendar_files import MAX_BYTES, MEGABYTE, ReadingOutOfMemory
from timekeeping.reasons import Refused

MAX_MEMORY = 448 * MEGABYTE
MAX_CPU_SECONDS = 4
"""Of the processor's time, of which the largest calendar needs less than half on a small computer."""
NICENESS = 5
"""By how much this process stands back where there is little time for all: pages go first."""


def limit_this_process() -> None:
    """Takes from this process all memory and time but what a large calendar needs, and whatever else it does not need.

    What an operating system does not know of it does not limit; who started this process limits how long it waits.
    """
    try:
        import resource  # not on Windows
    except ImportError:
        return
    os.nice(NICENESS)
    for limit, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):
            continue


def main() -> None:
    limit_this_process()
    asked = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        answer = calendar_to_json(
            parse_calendar(
                data,
                zone=ZoneInfo(asked["zone"]),
                first=date.fromisoformat(asked["first"]),
                until=date.fromisoformat(asked["until"]),
            )
        )
    except Refused as refused:
        answer = refusal_to_json(refused.reasons[0])
    except MemoryError:
        answer = refusal_to_json(ReadingOutOfMemory())
    sys.stdout.write(answer)


if __name__ == "__main__":
    main()
