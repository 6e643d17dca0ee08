"""Parse a whole calendar file. Only `worker` calls this, in a process with limits on time and memory."""

import warnings
from datetime import date
from zoneinfo import ZoneInfo

from patients.calendar_import.entries import clean_events
from patients.calendar_import.expansion import ExpandedCalendar
from patients.calendar_import.lines import split_calendars
from patients.calendar_import.time_zones import register_zones
from patients.domain.calendar_files import CalendarNotice, ParsedCalendar, nonzero_notices
from timekeeping.intervals import Interval


def parse_calendar(data: bytes, *, zone: ZoneInfo, first: date, until: date) -> ParsedCalendar:
    """Return a calendar file's busy times on the dates [first, until) in the time zone `zone`.

    Raises Refused if the file can't be imported.
    """
    calendars = split_calendars(data)
    expanded = ExpandedCalendar(zone=zone, first=first, until=until)
    unknown_zone = unreadable = partly_read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the calendar libraries warn when they guess, but guesses are fine here
        register_zones([definition for each in calendars for definition in each.zones])
        for each in calendars:
            if not each.events:
                continue
            events = clean_events(each, zone)
            unknown_zone += events.unknown_zone
            unreadable += events.unreadable
            partly_read += events.partly_read
            expanded.add_all(events.calendar)
    return ParsedCalendar(
        busy=tuple(Interval(starts, ends) for starts, ends in sorted(expanded.busy)),
        whole_days=tuple(sorted(expanded.whole_days)),
        events=sum(len(each.events) for each in calendars),
        occurrences=expanded.occurrences,
        cancelled=expanded.cancelled,
        free=expanded.free,
        notices=nonzero_notices(
            (
                (CalendarNotice.UNKNOWN_ZONE, unknown_zone),
                (CalendarNotice.UNREADABLE, unreadable + expanded.unreadable),
                (CalendarNotice.PARTLY_READ, partly_read),
                (CalendarNotice.NO_LENGTH, expanded.no_length),
                (CalendarNotice.NO_EVENTS, sum(each.no_events for each in calendars)),
            )
        ),
    )
