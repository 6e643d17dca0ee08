"""Look up time zones by name, and register the time zones that a calendar file defines.

A definition is checked before it is registered, because expanding a malicious definition would never end.
"""

import re
import zoneinfo
from functools import cache

from icalendar import Timezone
from icalendar.timezone import tzp

PARSE_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""Exceptions that the libraries raise for input that they can't parse."""
ZONE_NAME = re.compile(r"[\w+\-./ ()&,':]{1,100}")
MAX_SLASHES = 6
TZID_PARAMETER = re.compile(r"""[ \t]*;[ \t]*TZID[ \t]*=[ \t]*("[^"]*"|[^;:"]*)""", re.IGNORECASE)
MAX_ZONES, MAX_ZONE_LINES = 50, 600
"""Maximum number of time zone definitions in a file, and of lines in a definition (enough for 100 clock changes)."""
RULE_PARTS = {
    "FREQ", "INTERVAL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "UNTIL", "COUNT", "WKST",
}  # fmt: skip


@cache
def is_known(name: str) -> bool:
    """Whether the name is in the time zone database, is a Windows name, or was registered from the calendar file.

    Implausible names are not looked up, because the database opens files by name.
    """
    if not ZONE_NAME.fullmatch(name) or name.count("/") > MAX_SLASHES:
        return False
    try:
        return tzp.timezone(name) is not None
    except OSError:
        return False


def is_in_database(name: str) -> bool:
    """Whether the time zone database has a zone with exactly this name."""
    if not ZONE_NAME.fullmatch(name):
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def strip_unknown_zone(line: str) -> tuple[str, bool]:
    """Remove an unknown time zone from a line of an event. Return the line, and whether a time zone was removed."""
    found = TZID_PARAMETER.search(line, 0, line.find(":") if '"' not in line else len(line))
    if found is None or is_known(found[1].strip('" \t')):
        return line, False
    return line[: found.start()] + line[found.end() :], True


def register_zones(definitions: list[list[str]]) -> None:
    """Register the time zones that a file defines. Zones that are known by name or can't be used are not registered.

    The process must not read another file after this. Otherwise the library would apply one file's definition of "Central
    Standard Time" to another person's file.
    """
    for lines in definitions[:MAX_ZONES]:
        if len(lines) <= MAX_ZONE_LINES and _is_harmless(lines) and not is_known(_zone_name(lines)):
            try:
                Timezone.from_ical("\r\n".join(lines).encode())
            except PARSE_ERRORS:
                continue  # events in this time zone are later counted as events in an unknown time zone
    is_known.cache_clear()


def _zone_name(lines: list[str]) -> str:
    return next((line.partition(":")[2].strip() for line in lines if line.upper().startswith("TZID")), "")


def _is_harmless(lines: list[str]) -> bool:
    """Whether a zone definition has only yearly rules.

    Clock changes need no other rules. Expanding other rules might never end.
    """
    rules = (line.partition(":")[2] for line in lines if line.upper().startswith("RRULE"))
    return all(_is_yearly(rule) for rule in rules)


def _is_yearly(rule: str) -> bool:
    parts = dict(part.strip().upper().partition("=")[::2] for part in rule.split(";") if part.strip())
    once_a_day = all("," not in parts.get(name, "") for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    is_plain = parts.get("INTERVAL", "1") == "1" and parts.keys() <= RULE_PARTS
    return parts.get("FREQ") == "YEARLY" and once_a_day and is_plain
