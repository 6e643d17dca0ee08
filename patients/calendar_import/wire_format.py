"""What was understood, or why it was not, as one line of text between two processes."""

import json
from datetime import UTC, date, datetime

from patients.domain.calendar_files import REFUSALS, CalendarNotice, CountedNotice, ParsedCalendar
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason

COUNT_FIELDS = ("events", "occurrences", "cancelled", "free")


def calendar_to_json(understood: ParsedCalendar) -> str:
    return json.dumps(
        {
            "busy": [[int(each.start.timestamp()), int(each.end.timestamp())] for each in understood.busy],
            "whole_days": [day.isoformat() for day in understood.whole_days],
            "remarks": [[each.remark.value, each.number] for each in understood.remarks],
            **{name: getattr(understood, name) for name in COUNT_FIELDS},
        }
    )


def refusal_to_json(reason: Reason) -> str:
    return json.dumps({"refused": reason.code})


def result_from_json(line: bytes) -> ParsedCalendar | Reason:
    """Raises ValueError, KeyError or TypeError for what neither of the other two wrote."""
    told = json.loads(line)
    if "refused" in told:
        return REFUSALS[told["refused"]]()
    return ParsedCalendar(
        busy=tuple(
            Interval(datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC))
            for starts, ends in told["busy"]
        ),
        whole_days=tuple(date.fromisoformat(day) for day in told["whole_days"]),
        remarks=tuple(CountedNotice(CalendarNotice(remark), number) for remark, number in told["remarks"]),
        **{name: told[name] for name in COUNT_FIELDS},
    )
