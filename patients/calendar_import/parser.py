"""What a calendar file says, from its bytes: the whole way, without limits of time and memory. Only `child` goes it."""

import warnings
from datetime import date
from zoneinfo import ZoneInfo

from patients.calendar_import.entries import entries_of
from patients.calendar_import.expansion import Found
from patients.calendar_import.lines import sheets_of
from patients.calendar_import.time_zones import learn_zones
from patients.domain.calendar_files import Remark, Understood, remarked
from timekeeping.intervals import Interval


def understand(data: bytes, *, zone: ZoneInfo, first: date, until: date) -> Understood:
    """When somebody is busy on the dates from `first` to before `until`, as clocks in `zone` tell them, by a calendar file.

    Raises Refused for what is not imported.
    """
    sheets = sheets_of(data)
    found = Found(zone=zone, first=first, until=until)
    unknown_zone = unreadable = partly_read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the libraries guess is what is wanted
        learn_zones([definition for sheet in sheets for definition in sheet.zones])
        for sheet in filter(lambda each: each.events, sheets):
            entries = entries_of(sheet, zone)
            unknown_zone += entries.unknown_zone
            unreadable += entries.unreadable
            partly_read += entries.partly_read
            found.add_all(entries.calendar)
    return Understood(
        busy=tuple(Interval(starts, ends) for starts, ends in sorted(found.busy)),
        whole_days=tuple(sorted(found.whole_days)),
        events=sum(len(sheet.events) for sheet in sheets),
        occurrences=found.occurrences,
        cancelled=found.cancelled,
        free=found.free,
        remarks=remarked(
            (
                (Remark.UNKNOWN_ZONE, unknown_zone),
                (Remark.UNREADABLE, unreadable + found.unreadable),
                (Remark.PARTLY_READ, partly_read),
                (Remark.NO_LENGTH, found.no_length),
                (Remark.NO_EVENTS, sum(sheet.no_events for sheet in sheets)),
            )
        ),
    )
