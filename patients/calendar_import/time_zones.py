"""Time zones by name, and those that a file defines: few of these are needed, and one can be made to take for ever."""

import re
import zoneinfo
from functools import cache

from icalendar import Timezone
from icalendar.timezone import tzp

PARSE_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What the libraries raise for what they can't make sense of."""
ZONE_NAME = re.compile(r"[\w+\-./ ()&,':]{1,100}")
MAX_SLASHES = 6
TZID_PARAMETER = re.compile(r"""[ \t]*;[ \t]*TZID[ \t]*=[ \t]*("[^"]*"|[^;:"]*)""", re.IGNORECASE)
MAX_ZONES, MAX_ZONE_LINES = 50, 600
"""So many definitions of a file are looked at, of so many lines each: a zone of a hundred changes is no longer."""
RULE_PARTS = {
    "FREQ", "INTERVAL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "UNTIL", "COUNT", "WKST",
}  # fmt: skip


@cache
def is_known(name: str) -> bool:
    """Whether the zone is known by its name in the time zone database, by Windows' name, or by a definition that was learned.

    Names that are none are not asked about: the database looks for files of that name.
    """
    if not ZONE_NAME.fullmatch(name) or name.count("/") > MAX_SLASHES:
        return False
    try:
        return tzp.timezone(name) is not None
    except OSError:
        return False


def is_in_database(name: str) -> bool:
    """Whether the zone is in the time zone database by this very name."""
    if not ZONE_NAME.fullmatch(name):
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def strip_unknown_zone(line: str) -> tuple[str, bool]:
    """The line of an entry, and whether its zone is one that nobody knows: it is taken out then."""
    found = TZID_PARAMETER.search(line, 0, line.find(":") if '"' not in line else len(line))
    if found is None or is_known(found[1].strip('" \t')):
        return line, False
    return line[: found.start()] + line[found.end() :], True


def register_zones(definitions: list[list[str]]) -> None:
    """Makes the file's own zones known to this process, but for those that are known by name already and so need no definition,
    and for those that can't be used.

    A process that has done so reads no other file: the library would take one person's "Central Standard Time" for another's.
    """
    for lines in definitions[:MAX_ZONES]:
        if len(lines) <= MAX_ZONE_LINES and _is_harmless(lines) and not is_known(_zone_name(lines)):
            try:
                Timezone.from_ical("\r\n".join(lines).encode())
            except PARSE_ERRORS:
                continue  # its entries are told of as being in a zone that nobody knows
    is_known.cache_clear()


def _zone_name(lines: list[str]) -> str:
    return next((line.partition(":")[2].strip() for line in lines if line.upper().startswith("TZID")), "")


def _is_harmless(lines: list[str]) -> bool:
    """Whether its clocks change by the year: nothing else needs a rule, and a rule by the second never ends."""
    rules = (line.partition(":")[2] for line in lines if line.upper().startswith("RRULE"))
    return all(_is_yearly(rule) for rule in rules)


def _is_yearly(rule: str) -> bool:
    parts = dict(part.strip().upper().partition("=")[::2] for part in rule.split(";") if part.strip())
    once_a_day = all("," not in parts.get(name, "") for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    is_plain = parts.get("INTERVAL", "1") == "1" and parts.keys() <= RULE_PARTS
    return parts.get("FREQ") == "YEARLY" and once_a_day and is_plain
