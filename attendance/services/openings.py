"""The sessions that could make up for missed hours: future ones with a spot."""

from datetime import date, datetime

from django.db.models import F, QuerySet

from scheduling.models import Session, SessionStatus, Site, TrackStatus
from timekeeping.intervals import Interval


def open_sessions(site: Site, dates: Interval[date], now: datetime) -> QuerySet[Session]:
    """Return the future group sessions of the site's published tracks on the half-open dates with a spot that count."""
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
