"""What a calendar file says, from its bytes: the whole way, without limits of time and memory. Only `child` goes it."""

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
    """When somebody is busy on the dates from `first` to before `until`, as clocks in `zone` tell them, by a calendar file.

    Raises Refused for what is not imported.
    """
    sheets = split_calendars(data)
    found = ExpandedCalendar(zone=zone, first=first, until=until)
    unknown_zone = unreadable = partly_read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the libraries guess is what is wanted
        register_zones([definition for sheet in sheets for definition in sheet.zones])
        for sheet in filter(lambda each: each.events, sheets):
            entries = clean_events(sheet, zone)
            unknown_zone += entries.unknown_zone
            unreadable += entries.unreadable
            partly_read += entries.partly_read
            found.add_all(entries.calendar)
    return ParsedCalendar(
        busy=tuple(Interval(starts, ends) for starts, ends in sorted(found.busy)),
        whole_days=tuple(sorted(found.whole_days)),
        events=sum(len(sheet.events) for sheet in sheets),
        occurrences=found.occurrences,
        cancelled=found.cancelled,
        free=found.free,
        remarks=nonzero_notices(
            (
                (CalendarNotice.UNKNOWN_ZONE, unknown_zone),
                (CalendarNotice.UNREADABLE, unreadable + found.unreadable),
                (CalendarNotice.PARTLY_READ, partly_read),
                (CalendarNotice.NO_LENGTH, found.no_length),
                (CalendarNotice.NO_EVENTS, sum(sheet.no_events for sheet in sheets)),
            )
        ),
    )
