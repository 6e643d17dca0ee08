"""Times when patients are busy on specific dates, from their commitments and imported calendars."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from patients.models import Commitment
from scheduling.models import Site
from scheduling.services.availability.imported_calendars import calendar_busy_on_dates
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.weeks import MINUTES_A_DAY, wall_time

LOOKBACK = timedelta(days=2)


def busy_times(
    patients: Collection[int], site: Site, first: date, until: date | None = None
) -> dict[int, list[BusyTime]]:
    """Map patient id to the busy times in force on or after `first`, including travel to the site.

    `until` (exclusive) limits only the times from imported calendars. Runs at most four queries.
    """
    found: dict[int, list[BusyTime]] = defaultdict(list, calendar_busy_on_dates(patients, site.zone, first, until))
    commitments = Commitment.objects.filter(patient__in=patients).in_force_from(first - LOOKBACK).with_travel()
    for commitment in commitments:
        found[commitment.patient_id].append(commitment.as_busy_time(site=site))
    return found


def busy_intervals(
    busy_by_patient: Mapping[int, Iterable[BusyTime]], site: Site, dates: Interval[date]
) -> dict[int, list[Interval[datetime]]]:
    """Map patient id to the intervals in which the patient is busy on `dates`, a half-open range.

    The intervals are aware datetimes and include travel.
    """
    busy: dict[int, list[Interval[datetime]]] = defaultdict(list)
    for patient, times in busy_by_patient.items():
        for occasion in (occasion for each in times for occasion in each.occasions(dates.start, dates.end)):
            start, end = (
                _instant(minute, dates.start, site) for minute in (occasion.with_travel.start, occasion.with_travel.end)
            )
            if start < end:  # a clock change can make the interval empty
                busy[patient].append(Interval(start, end))
    return busy


def _instant(minute: int, origin: date, site: Site) -> datetime:
    days, rest = divmod(minute, MINUTES_A_DAY)
    return at_wall_clock(origin + timedelta(days=days), wall_time(rest), site.zone)
