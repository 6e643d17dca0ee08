"""When patients are not free by the calendars that they sent: read for the search, and for what is on a date.

The search is told what goes on by weeks as such; who asks about dates is told the dates.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from patients.domain.calendar_times import CalendarTimes
from patients.models import CalendarInterval, ImportedCalendar
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.weeks import BusyTime

LONGEST_TRAVEL = timedelta(days=1)


def calendar_busy_in_weeks(patients: Collection[int], zone: tzinfo) -> Mapping[int, list[BusyTime]]:
    """Under each patient what the calendars that are kept take of their weeks; two queries, one where there are none."""
    found: dict[int, list[BusyTime]] = defaultdict(list)
    for calendar, times in calendar_times(ImportedCalendar.objects.saved_for(patients)):
        found[calendar.patient_id] += times.in_weeks(zone)
    return found


def calendar_busy_on_dates(
    patients: Collection[int], zone: tzinfo, first: date, until: date | None = None
) -> Mapping[int, list[BusyTime]]:
    """Under each patient what the calendars that are kept take of the dates from `first` to before `until`, if there is one.

    Two queries, one where there are none.
    """
    found: dict[int, list[BusyTime]] = defaultdict(list)
    for calendar, times in calendar_times(ImportedCalendar.objects.saved_for(patients), zone, first, until):
        found[calendar.patient_id] += times.on_dates(zone)
    return found


def calendar_times(
    calendars: Iterable[ImportedCalendar], zone: tzinfo = UTC, first: date | None = None, until: date | None = None
) -> Sequence[tuple[ImportedCalendar, CalendarTimes]]:
    """Each of the calendars with its times that count, or those of them that reach into the dates; one query for all."""
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
