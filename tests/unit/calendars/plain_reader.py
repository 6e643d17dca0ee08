"""A simple reader of calendar files. Tests compare its results with those of `patients.calendar_import`.

The reader uses icalendar and recurring_ical_events without protection against harmful files. It follows only the rules
in docs/concepts.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from timekeeping.intervals import Interval


@dataclass(frozen=True)
class PlainReading:
    busy: tuple[Interval[datetime], ...]
    whole_days: tuple[date, ...]
    occurrences: int


def read_plainly(data: bytes, zone: ZoneInfo, first: date, until: date) -> PlainReading:
    """Read a calendar file with the libraries alone. Errors of the libraries are not caught."""
    begins, ends = (datetime.combine(day, time(), zone) for day in (first, until))
    busy, days, occurrences = set(), set(), 0
    for calendar in icalendar.Calendar.from_ical(data, multiple=True):
        for event in calendar.walk("VEVENT"):
            _make_until_inclusive(event, zone)
        _separate_shared_ids(calendar)
        for occurrence in recurring_ical_events.of(calendar).between(begins, ends):
            occurrences += 1
            if _is_left_out(occurrence):
                continue
            start, end = occurrence["DTSTART"].dt, occurrence["DTEND"].dt
            if isinstance(start, datetime):
                stretch = _busy_interval(start, end, zone)
                if cut := stretch and stretch.intersection(Interval(begins, ends)):
                    busy.add(cut)
            else:
                days |= {day for day in _days(start, end) if first <= day < until}
    return PlainReading(tuple(sorted(busy)), tuple(sorted(days)), occurrences)


def _busy_interval(start: datetime, end: datetime, zone: ZoneInfo) -> Interval[datetime] | None:
    """Return an entry's interval, or None if the interval is empty.

    If clocks skip the start time, the interval lasts as long as the difference between the two times in the file.
    """
    own_zone = start.tzinfo or zone
    starts = start.replace(tzinfo=own_zone).astimezone(UTC)
    ends = end.replace(tzinfo=end.tzinfo or zone).astimezone(UTC)
    if starts.astimezone(own_zone).time() != start.time():
        ends = starts + (end.replace(tzinfo=None) - start.replace(tzinfo=None))
    return Interval(starts, ends) if starts < ends else None


def _days(start: date, end: date) -> Iterator[date]:
    yield start
    for number in count(1):
        if (day := start + timedelta(days=number)) >= end:
            return
        yield day


def _is_left_out(event: icalendar.Event) -> bool:
    return bool(
        event.get("STATUS") == "CANCELLED"
        or event.get("TRANSP") == "TRANSPARENT"
        or event.get("X-MICROSOFT-CDO-BUSYSTATUS") == "FREE"
    )


def _separate_shared_ids(calendar: icalendar.Calendar) -> None:
    """Give different ids to entries with the same id and revision. Otherwise, the library would keep only the first."""
    seen: dict[tuple[str, int], int] = {}
    for number, event in enumerate(calendar.walk("VEVENT")):
        if "UID" in event and "RECURRENCE-ID" not in event:
            key = (event.get("UID"), event.get("SEQUENCE", -1))
            if key in seen:
                event["UID"] = icalendar.vText(f"{event['UID']} again {number}")
            seen.setdefault(key, number)


def _make_until_inclusive(event: icalendar.Component, zone: ZoneInfo) -> None:
    """If the UNTIL of a rule is a date, make it include that whole day.

    An UNTIL without a time zone is in the time zone of the entry.
    """
    rules = event.get("RRULE", [])
    start = event.get("DTSTART").dt if "DTSTART" in event else None
    for rule in rules if isinstance(rules, list) else [rules]:
        until = rule.get("UNTIL", [None])[0]
        if until is None or not isinstance(start, datetime):
            continue
        if not isinstance(until, datetime):
            until = datetime.combine(until, time(23, 59, 59))
        if start.tzinfo is None:
            rule["UNTIL"] = [until.astimezone(zone).replace(tzinfo=None) if until.tzinfo else until]
        else:
            rule["UNTIL"] = [(until if until.tzinfo else until.replace(tzinfo=start.tzinfo)).astimezone(UTC)]
