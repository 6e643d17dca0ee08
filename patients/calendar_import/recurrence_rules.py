"""By which rules an entry may repeat, and how long: to the last occurrence that is meant."""

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
    """Whether it is a rule at all. Raises Refused for one that repeats within the day, never moves on, or lists too much."""
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
    """The part's value, which is one even where several are written."""
    values = rule.get(name, [default])
    return values[-1] if isinstance(values, list) else values


def make_until_inclusive(rule: vRecur, starts: date, zone: tzinfo) -> None:
    """Writes until when the rule holds so that its last occurrence is in it.

    A date means all of that day, and a time without a zone is one of the entry's own clock. The library asks for UTC where
    an entry has a zone and takes either for UTC, by which the last shift is lost. Entries without a zone, which are on the
    wall clock of `zone`, are told it on that.
    """
    until = _last_value(rule, "UNTIL")
    if isinstance(until, date) and until.year == MAXYEAR:
        del rule["UNTIL"]  # how some programs write that it has no end
    if not isinstance(until, date) or not isinstance(starts, datetime) or "UNTIL" not in rule:
        return
    if not isinstance(until, datetime):
        until = datetime.combine(until, LAST_SECOND)
    own = starts.tzinfo or zone
    moment = until.replace(tzinfo=own) if until.tzinfo is None else until
    rule["UNTIL"] = [
        moment.astimezone(UTC) if starts.tzinfo is not None else moment.astimezone(own).replace(tzinfo=None)
    ]
