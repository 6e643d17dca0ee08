"""Read one calendar file in a separate process. The process has no other data, and exits afterward.

`python -m patients.calendar_import.worker` reads one line of JSON (the time zone and the dates) and then the file from
standard input. It writes one line of JSON to standard output, and nothing else.
"""

import json
import sys
from datetime import date
from zoneinfo import ZoneInfo

from patients.calendar_import.parser import parse_calendar
from patients.calendar_import.process_limits import limit_this_process
from patients.calendar_import.wire_format import calendar_to_json, refusal_to_json
from patients.domain.calendar_files import MAX_BYTES, MEGABYTE, ReadingOutOfMemory
from timekeeping.reasons import Refused

MAX_MEMORY = 448 * MEGABYTE
MAX_CPU_SECONDS = 4
"""Maximum CPU time in seconds. On a small computer, the largest calendar needs less than half of this."""


def main() -> None:
    """Read the request and the file from standard input, and write the result to standard output."""
    limit_this_process(memory=MAX_MEMORY, cpu_seconds=MAX_CPU_SECONDS)
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
