"""What could still save a week: sessions to come with a place."""

from datetime import date, datetime

from django.db.models import F, QuerySet

from scheduling.models import Session, SessionStatus, Site, TrackStatus
from timekeeping.intervals import Interval


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
