"""What patients' lives ask of them on dates: commitments, and the calendars that they sent."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from patients.models import Commitment
from scheduling.models import Site
from scheduling.services.availability.imported_calendars import calendar_busy_on_dates
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.weeks import MINUTES_A_DAY, BusyTime, wall_time

LOOKBACK = timedelta(days=2)


def busy_times(
    patients: Collection[int], site: Site, first: date, until: date | None = None
) -> dict[int, list[BusyTime]]:
    """Under each patient what their life asks of them around the site from `first` to before `until`, if there is one.

    Two queries, one more each for the ways to places and for the times of imported calendars.
    """
    lives: dict[int, list[BusyTime]] = defaultdict(list, calendar_busy_on_dates(patients, site.zone, first, until))
    commitments = Commitment.objects.filter(patient__in=patients).in_force_from(first - LOOKBACK).with_travel()
    for commitment in commitments:
        lives[commitment.patient_id].append(commitment.as_busy_time(site=site))
    return lives


def busy_intervals(
    lives: Mapping[int, Iterable[BusyTime]], site: Site, dates: Interval[date]
) -> dict[int, list[Interval[datetime]]]:
    """Under each patient when their life, travel included, leaves no room on the dates."""
    busy: dict[int, list[Interval[datetime]]] = defaultdict(list)
    for patient, life in lives.items():
        for occasion in (occasion for each in life for occasion in each.occasions(dates.start, dates.end)):
            start, end = (
                _instant(minute, dates.start, site) for minute in (occasion.with_travel.start, occasion.with_travel.end)
            )
            if start < end:  # a clock change can swallow it
                busy[patient].append(Interval(start, end))
    return busy


def _instant(minute: int, origin: date, site: Site) -> datetime:
    days, rest = divmod(minute, MINUTES_A_DAY)
    return at_wall_clock(origin + timedelta(days=days), wall_time(rest), site.zone)
