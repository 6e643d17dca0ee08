"""Read one calendar file in a separate process. The process has no other data, and exits afterward.

`python -m patients.calendar_import.worker` reads one line of JSON (the time zone and the dates) and then the file from
standard input. It writes one line of JSON to standard output, and nothing else.
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
"""Maximum CPU time in seconds. On a small computer, the largest calendar needs less than half of this."""
NICENESS = 5
"""Niceness of this process. Its priority is lower than the server's, so pages come first when the computer is busy."""


def limit_this_process() -> None:
    """Limit this process to the memory and CPU time that a large calendar needs, and prevent it from writing files.

    Limits that the operating system does not support are skipped. In any case, the parent process stops this process
    when too much time has passed.
    """
    try:
        import resource  # this module is not available on Windows
    except ImportError:
        return
    os.nice(NICENESS)
    for limit, value in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            continue


def main() -> None:
    """Read the request and the file from standard input, and write the result to standard output."""
    limit_this_process()
    request = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        result = calendar_to_json(
            parse_calendar(
                data,
                zone=ZoneInfo(request["zone"]),
                first=date.fromisoformat(request["first"]),
                until=date.fromisoformat(request["until"]),
            )
        )
    except Refused as refused:
        result = refusal_to_json(refused.reasons[0])
    except MemoryError:
        result = refusal_to_json(ReadingOutOfMemory())
    sys.stdout.write(result)


if __name__ == "__main__":
    main()
