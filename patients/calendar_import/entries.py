"""Parse the lines of a calendar file into events, and drop unusable parts of the events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from functools import partial

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
    """A calendar's events that have a start, and the number of events with each kind of problem."""

    calendar: Calendar
    unknown_zone: int
    unreadable: int
    partly_read: int


def clean_events(raw_calendar: RawCalendar, zone: tzinfo) -> CleanedEvents:
    """Parse the events of a calendar, and remove everything unreadable from them.

    Events without a time zone are taken to be in `zone`. Raises Refused for a recurrence rule that is not allowed.
    """
    calendar, unknown_zone = _parse_events(raw_calendar)
    events = [event for event in calendar.subcomponents if isinstance(event, Event)]
    is_complete = [_clean_event(event, zone) for event in events]
    has_start = ["DTSTART" in event for event in events]
    calendar.subcomponents = [event for event, starts in zip(events, has_start, strict=True) if starts]
    return CleanedEvents(
        calendar,
        unknown_zone=unknown_zone,
        unreadable=has_start.count(False),
        partly_read=sum(starts and not complete for starts, complete in zip(has_start, is_complete, strict=True)),
    )


def _parse_events(raw_calendar: RawCalendar) -> tuple[Calendar, int]:
    """Parse the events and remove unknown time zones. Also return how many events had an unknown time zone."""
    lines = ["BEGIN:VCALENDAR"]
    if is_in_database(raw_calendar.zone_name):
        lines.append(f"X-WR-TIMEZONE:{raw_calendar.zone_name}")
    unknown_zone = 0
    for event in raw_calendar.events:
        stripped = [strip_unknown_zone(line) for line in event]
        unknown_zone += any(is_unknown for _, is_unknown in stripped)
        lines += ["BEGIN:VEVENT", *(line for line, _ in stripped), "END:VEVENT"]
    lines.append("END:VCALENDAR")
    calendar = Calendar.from_ical("\r\n".join(lines).encode())
    if not isinstance(calendar, Calendar):
        raise TypeError("the library must parse a VCALENDAR into a Calendar")
    return calendar, unknown_zone


def _clean_event(event: Event, zone: tzinfo) -> bool:
    """Remove everything unreadable from the event. Return True if nothing was removed."""
    is_complete = not event.errors
    for name in SINGLE_VALUE_PROPERTIES:
        _keep_readable(event, name, lambda _: True, most=1)
    if not isinstance(event.get("SEQUENCE", 0), int):
        del event["SEQUENCE"]
    for name, kind in TIME_PROPERTIES.items():
        is_complete &= _keep_readable(event, name, partial(_is_time, kind=kind), most=1)
    for name in ("RDATE", "EXDATE"):
        is_complete &= _keep_readable(event, name, lambda value: isinstance(value, vDDDLists))
    return _keep_usable_rules(event, zone) and is_complete


def _keep_usable_rules(event: Event, zone: tzinfo) -> bool:
    """Remove recurrence rules that can't be used. Return True if all readable rules were kept."""
    rules = [rule for rule in _values(event, "RRULE") if isinstance(rule, vRecur) and rule]
    if len(rules) > MAX_RULES:
        raise Refused([RuleNotAllowed()])
    starts = event.get("DTSTART")
    usable = [rule for rule in rules if starts is not None and _is_usable(rule, starts.dt, zone)]
    _set_values(event, "RRULE", usable)
    return len(usable) == len(rules)


def _keep_readable(event: Event, name: str, is_readable: Callable[[object], bool], most: int | None = None) -> bool:
    """Keep at most `most` readable values of the property. Return True if all values of the property were kept."""
    values = _values(event, name)
    readable = [value for value in values if is_readable(value)][:most]
    _set_values(event, name, readable)
    return len(readable) == len(values)


def _is_time(value: object, kind: type) -> bool:
    return not isinstance(value, vBroken) and isinstance(getattr(value, "dt", None), kind)


def _values(event: Event, name: str) -> list[object]:
    """Return the property's values as a list, including values that could not be parsed (vBroken)."""
    value = event.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _set_values(event: Event, name: str, values: Sequence[object]) -> None:
    """Keep only the property's values that are in `values`."""
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
