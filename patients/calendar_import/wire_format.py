"""What was understood, or why it was not, as one line of text between two processes."""

import json
from datetime import UTC, date, datetime

from patients.domain.calendar_files import REFUSALS, Remark, Remarked, Understood
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason

COUNTS = ("events", "occurrences", "cancelled", "free")


def understood_as_json(understood: Understood) -> str:
    return json.dumps(
        {
            "busy": [[int(each.start.timestamp()), int(each.end.timestamp())] for each in understood.busy],
            "whole_days": [day.isoformat() for day in understood.whole_days],
            "remarks": [[each.remark.value, each.number] for each in understood.remarks],
            **{name: getattr(understood, name) for name in COUNTS},
        }
    )


def refusal_as_json(reason: Reason) -> str:
    return json.dumps({"refused": reason.code})


def from_json(line: bytes) -> Understood | Reason:
    """Raises ValueError, KeyError or TypeError for what neither of the other two wrote."""
    told = json.loads(line)
    if "refused" in told:
        return REFUSALS[told["refused"]]()
    return Understood(
        busy=tuple(
            Interval(datetime.fromtimestamp(starts, UTC), datetime.fromtimestamp(ends, UTC))
            for starts, ends in told["busy"]
        ),
        whole_days=tuple(date.fromisoformat(day) for day in told["whole_days"]),
        remarks=tuple(Remarked(Remark(remark), number) for remark, number in told["remarks"]),
        **{name: told[name] for name in COUNTS},
    )
