"""Find future sessions that have free spots and could make up for missed hours."""

from datetime import date, datetime

from django.db.models import F, QuerySet

from scheduling.models import Session, SessionStatus, Site, TrackStatus
from timekeeping.intervals import Interval


def open_sessions(site: Site, dates: Interval[date], now: datetime) -> QuerySet[Session]:
    """Return the site's future group sessions that have a free spot and count toward the weekly hours.

    The sessions belong to published tracks and are on dates in [dates.start, dates.end).
    """
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
