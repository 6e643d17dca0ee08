"""The parsed calendar, or the reason against it, as one line of JSON between the two processes."""

import json
from datetime import UTC, date, datetime

from patients.domain.calendar_files import REFUSALS, CalendarNotice, CountedNotice, ParsedCalendar
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason

COUNT_FIELDS = ("events", "occurrences", "cancelled", "free")


def calendar_to_json(calendar: ParsedCalendar) -> str:
    """Encode a calendar."""
    return json.dumps(
        {
            "busy": [[int(each.start.timestamp()), int(each.end.timestamp())] for each in calendar.busy],
            "whole_days": [day.isoformat() for day in calendar.whole_days],
            "notices": [[each.notice.value, each.number] for each in calendar.notices],
            **{name: getattr(calendar, name) for name in COUNT_FIELDS},
        }
    )


def refusal_to_json(reason: Reason) -> str:
    """Encode why a file is refused."""
    return json.dumps({"refused": reason.code})


def result_from_json(line: bytes) -> ParsedCalendar | Reason:
    """Decode what the other two functions write. Raises ValueError, KeyError or TypeError for anything else."""
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
