"""From the lines of a calendar to its entries, each in a state in which it can be expanded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from icalendar import Calendar, Event
from icalendar.prop import vBroken, vDDDLists, vRecur

from patients.calendar_import.lines import RawCalendar
from patients.calendar_import.recurrence_rules import MAX_RULES, check_rule, make_until_inclusive
from patients.calendar_import.time_zones import PARSE_ERRORS, is_in_database, strip_unknown_zone
from patients.domain.calendar_files import RuleNotAllowed
from timekeeping.reasons import Refused

TIME_PROPERTIES: dict[str, type] = {"DTSTART": date, "DTEND": date, "RECURRENCE-ID": date, "DURATION": timedelta}
SINGLE_VALUE_PROPERTIES = ("UID", "SEQUENCE", "STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS")


@dataclass(frozen=True, slots=True)
class CleanedEvents:
    """A calendar of the entries that can be placed, and of how many something is to be remarked."""

    calendar: Calendar
    unknown_zone: int
    unreadable: int
    partly_read: int


def clean_events(sheet: RawCalendar, zone: tzinfo) -> CleanedEvents:
    """The entries of a calendar. Those without a zone are on the wall clock of `zone`.

    Raises Refused for a rule that is not allowed.
    """
    lines = ["BEGIN:VCALENDAR"]
    if is_in_database(sheet.zone_name):
        lines.append(f"X-WR-TIMEZONE:{sheet.zone_name}")
    unknown = 0
    for event in sheet.events:
        told = [strip_unknown_zone(line) for line in event]
        unknown += any(is_unknown for _, is_unknown in told)
        lines += ["BEGIN:VEVENT", *(line for line, _ in told), "END:VEVENT"]
    lines.append("END:VCALENDAR")
    calendar = Calendar.from_ical("\r\n".join(lines).encode())
    if not isinstance(calendar, Calendar):
        raise TypeError("what begins as a calendar is read as one")
    events = [event for event in calendar.subcomponents if isinstance(event, Event)]
    is_whole = [_clean_event(event, zone) for event in events]
    calendar.subcomponents = [event for event in events if "DTSTART" in event]
    return CleanedEvents(
        calendar,
        unknown_zone=unknown,
        unreadable=len(events) - len(calendar.subcomponents),
        partly_read=sum("DTSTART" in event and not whole for event, whole in zip(events, is_whole, strict=True)),
    )


def _clean_event(event: Event, zone: tzinfo) -> bool:
    """Takes out of the entry what can't be read, and answers whether nothing had to be taken out."""
    whole = not event.errors
    for name in SINGLE_VALUE_PROPERTIES:
        _set_values(event, name, _values(event, name)[:1])
    if not isinstance(event.get("SEQUENCE", 0), int):
        del event["SEQUENCE"]
    for name, kind in TIME_PROPERTIES.items():
        times = [each for each in _values(event, name) if _is_time(each, kind)][:1]
        whole &= len(times) == len(_values(event, name))
        _set_values(event, name, times)
    for name in ("RDATE", "EXDATE"):
        lists = [each for each in _values(event, name) if isinstance(each, vDDDLists)]
        whole &= len(lists) == len(_values(event, name))
        _set_values(event, name, lists)
    rules = [rule for rule in _values(event, "RRULE") if isinstance(rule, vRecur) and rule]
    if len(rules) > MAX_RULES:
        raise Refused([RuleNotAllowed()])
    starts = event.get("DTSTART")
    usable = [rule for rule in rules if starts is not None and _is_usable(rule, starts.dt, zone)]
    _set_values(event, "RRULE", usable)
    return whole and len(usable) == len(rules)


def _is_time(value: object, kind: type) -> bool:
    return not isinstance(value, vBroken) and isinstance(getattr(value, "dt", None), kind)


def _values(event: Event, name: str) -> list[object]:
    """The property's values; those that can't be read say so of themselves whatever they are asked."""
    value = event.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _set_values(event: Event, name: str, values: Sequence[object]) -> None:
    """Leaves these values of the property."""
    if len(values) != len(_values(event, name)):
        event.pop(name, None)
        if values:
            event[name] = values[0] if len(values) == 1 else list(values)


def _is_usable(rule: vRecur, starts: date, zone: tzinfo) -> bool:
    if not check_rule(rule):
        return False
    try:
        make_until_inclusive(rule, starts, zone)
    except PARSE_ERRORS:
        return False
    return True
