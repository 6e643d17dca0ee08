"""The JSON that the worker process sends to its parent process: a parsed calendar or a refusal."""

import json
from datetime import UTC, date, datetime

from patients.domain.calendar_files import REFUSALS, CalendarNotice, CountedNotice, ParsedCalendar
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason

COUNT_FIELDS = ("events", "occurrences", "cancelled", "free")


def calendar_to_json(calendar: ParsedCalendar) -> str:
    """Encode a parsed calendar as one line of JSON."""
    return json.dumps(
        {
            "busy": [[int(each.start.timestamp()), int(each.end.timestamp())] for each in calendar.busy],
            "whole_days": [day.isoformat() for day in calendar.whole_days],
            "notices": [[each.notice.value, each.number] for each in calendar.notices],
            **{name: getattr(calendar, name) for name in COUNT_FIELDS},
        }
    )


def refusal_to_json(reason: Reason) -> str:
    """Encode a refusal as one line of JSON. `reason` says why the file is refused."""
    return json.dumps({"refused": reason.code})


def result_from_json(line: bytes) -> ParsedCalendar | Reason:
    """Decode a line that `calendar_to_json` or `refusal_to_json` wrote.

    Raises ValueError, KeyError or TypeError for any other input.
    """
    result = json.loads(line)
    if "refused" in result:
        return REFUSALS[result["refused"]]()
    return ParsedCalendar(
        busy=tuple(
            Interval(datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC))
            for starts, ends in result["busy"]
        ),
        whole_days=tuple(date.fromisoformat(day) for day in result["whole_days"]),
        notices=tuple(CountedNotice(CalendarNotice(notice), number) for notice, number in result["notices"]),
        **{name: result[name] for name in COUNT_FIELDS},
    )
