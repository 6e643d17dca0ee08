"""Check recurrence rules, and correct the last date (UNTIL) of a rule."""

from datetime import MAXYEAR, UTC, date, datetime, time, tzinfo

from icalendar.prop import vRecur

from patients.domain.calendar_files import RepeatsTooOften, RuleNotAllowed
from timekeeping.reasons import Refused

FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
WITHIN_DAY_FREQUENCIES = {"SECONDLY", "MINUTELY", "HOURLY"}
MAX_RULES = 4
MAX_VALUES = {"BYSECOND": 1, "BYMINUTE": 4, "BYHOUR": 24, "BYEASTER": 0}
DEFAULT_MAX_VALUES = 62
LAST_SECOND = time(23, 59, 59)


def check_rule(rule: vRecur) -> bool:
    """Return whether the frequency of the rule is supported. Raises Refused if the rule is not allowed in a file.

    A rule is not allowed if it repeats by the hour, minute or second, if its interval is below 1 (it would never
    advance), or if one of its lists is too long.
    """
    frequency = _last_value(rule, "FREQ")
    if frequency in WITHIN_DAY_FREQUENCIES:
        raise Refused([RepeatsTooOften()])
    interval = _last_value(rule, "INTERVAL", 1)
    if not isinstance(interval, int) or interval < 1:
        raise Refused([RuleNotAllowed()])
    for name, values in rule.items():
        if name.startswith("BY") and len(values) > MAX_VALUES.get(name, DEFAULT_MAX_VALUES):
            raise Refused([RuleNotAllowed()])
    return frequency in FREQUENCIES


def _last_value(rule: vRecur, name: str, default: object = None) -> object:
    """Return the value of one part of the rule. If the part has several values, return the last one."""
    values = rule.get(name, [default])
    return values[-1] if isinstance(values, list) else values


def make_until_inclusive(rule: vRecur, starts: date, zone: tzinfo) -> None:
    """Convert UNTIL, the end of the rule, so that the library does not drop the last occurrence.

    If UNTIL is a date, it becomes the last second of that day. If UNTIL has no time zone, it is taken to be in the time
    zone of the event or, if the event has none, in `zone`. For an event with a time zone, UNTIL is then converted to
    UTC, as the library expects.
    """
    until = _last_value(rule, "UNTIL")
    if isinstance(until, date) and until.year == MAXYEAR:
        del rule["UNTIL"]  # some programs write the year 9999 for "no end"
    if not isinstance(until, date) or not isinstance(starts, datetime) or "UNTIL" not in rule:
        return
    if not isinstance(until, datetime):
        until = datetime.combine(until, LAST_SECOND)
    own = starts.tzinfo or zone
    moment = until.replace(tzinfo=own) if until.tzinfo is None else until
    rule["UNTIL"] = [
        moment.astimezone(UTC) if starts.tzinfo is not None else moment.astimezone(own).replace(tzinfo=None)
    ]
