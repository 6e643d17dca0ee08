"""What could still save a week: sessions with a place, and when the patients' lives leave room for them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta

from django.db.models import F, QuerySet

from patients.models import Commitment
from scheduling.domain.interval import Interval
from scheduling.domain.occurrences import at_wall_clock
from scheduling.domain.week import MINUTES_A_DAY, BusyTime
from scheduling.models import Session, SessionStatus, Site, TrackStatus
from scheduling.services.imported_calendars import busy_on_dates


def open_sessions(site: Site, dates: Interval[date], now: datetime) -> QuerySet[Session]:
    """Group sessions of tracks on offer that are still to come on the dates, have a place and count."""
    return (
        Session.objects.between(dates.start, dates.end)
        .filter(
            site=site,
            status=SessionStatus.SCHEDULED,
            starts__gt=now,
            countable_minutes__gt=0,
            places__gt=1,
            booked__lt=F("places"),
            meeting__tracks__status=TrackStatus.PUBLISHED,
        )
        .select_related("site", "room")
        .distinct()
    )


def lives_on(patient_ids: Collection[int], site: Site, dates: Interval[date]) -> Mapping[int, Iterable[BusyTime]]:
    """Under each patient what their life asks of them on the dates."""
    lives = defaultdict(list, busy_on_dates(patient_ids, site.zone, dates.start, dates.end))
    commitments = Commitment.objects.filter(patient__in=patient_ids).with_travel()
    for commitment in commitments.in_force_from(dates.start - timedelta(days=2)):
        lives[commitment.patient_id].append(commitment.as_busy_time(site=site))
    return lives


def taken_by(
    lives: Mapping[int, Iterable[BusyTime]], site: Site, dates: Interval[date]
) -> dict[int, list[Interval[datetime]]]:
    """When each patient's life, travel included, leaves no room on the dates."""
    busy: dict[int, list[Interval[datetime]]] = defaultdict(list)
    for patient, life in lives.items():
        for occasion in (occasion for each in life for occasion in each.occasions(dates.start, dates.end)):
            start, end = (
                _instant(minute, dates.start, site) for minute in (occasion.padded.start, occasion.padded.end)
            )
            if start < end:  # a clock change can swallow it
                busy[patient].append(Interval(start, end))
    return busy


def _instant(minute: int, origin: date, site: Site) -> datetime:
    days, rest = divmod(minute, MINUTES_A_DAY)
    return at_wall_clock(origin + timedelta(days=days), time(*divmod(rest, 60)), site.zone)
