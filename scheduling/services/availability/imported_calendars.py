"""Busy times from patients' imported calendars, either as weekly patterns for the search or on specific dates."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from patients.domain.calendar_times import CalendarTimes
from patients.models import CalendarInterval, ImportedCalendar
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock

LONGEST_TRAVEL = timedelta(days=1)


def calendar_busy_in_weeks(patients: Collection[int], zone: tzinfo) -> Mapping[int, list[BusyTime]]:
    """Map patient id to weekly busy times from the saved calendars. Runs two queries, or one if there are no calendars."""
    found: dict[int, list[BusyTime]] = defaultdict(list)
    for calendar, times in calendar_times(ImportedCalendar.objects.saved_for(patients)):
        found[calendar.patient_id] += times.in_weeks(zone)
    return found


def calendar_busy_on_dates(
    patients: Collection[int], zone: tzinfo, first: date, until: date | None = None
) -> Mapping[int, list[BusyTime]]:
    """Map patient id to busy times in [first, until) from the saved calendars. If `until` is None, there is no end.

    Runs two queries, or one if there are no calendars.
    """
    found: dict[int, list[BusyTime]] = defaultdict(list)
    for calendar, times in calendar_times(ImportedCalendar.objects.saved_for(patients), zone, first, until):
        found[calendar.patient_id] += times.on_dates(zone)
    return found


def calendar_times(
    calendars: Iterable[ImportedCalendar], zone: tzinfo = UTC, first: date | None = None, until: date | None = None
) -> Sequence[tuple[ImportedCalendar, CalendarTimes]]:
    """Return each calendar with its busy times. Runs one query.

    If `first` or `until` is given, the times are limited to [first, until). Times up to a day outside these dates are
    included too, because travel to or from them can still fall on the dates.
    """
    known = {calendar.pk: calendar for calendar in calendars}
    if not known:
        return ()
    rows = CalendarInterval.objects.filter(calendar__in=list(known)).counted_as_busy()
    if first is not None:
        rows = rows.filter(ends__gt=at_wall_clock(first, time(), zone) - LONGEST_TRAVEL)
    if until is not None:
        rows = rows.filter(starts__lt=at_wall_clock(until, time(), zone) + LONGEST_TRAVEL)
    times: dict[int, list[Interval[datetime]]] = {key: [] for key in known}
    for key, starts, ends in rows.values_list("calendar", "starts", "ends"):
        times[key].append(Interval(starts, ends))
    return [(known[key], known[key].as_times(intervals)) for key, intervals in times.items()]
