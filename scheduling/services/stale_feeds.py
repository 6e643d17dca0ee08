"""Mark calendar feeds as stale when a change affects them. A stale feed is rendered again at the next fetch."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from scheduling.models import Booking, Feed, Session, SessionFacilitator, Track
from scheduling.services.batches import in_batches


def mark_episode_feeds_stale(episode_ids: Collection[int], now: datetime) -> None:
    """Mark the patients' calendar feeds as stale, so that they are rendered again at the next fetch."""
    for batch in in_batches(sorted(episode_ids)):
        Feed.objects.live().filter(patient__episodes__in=batch).update(stale_at=now)


def mark_session_feeds_stale(session_ids: Collection[int], now: datetime) -> None:
    """Mark the feeds of the sessions' rooms, tracks and facilitators as stale, so that they are rendered again."""
    for batch in in_batches(sorted(session_ids)):
        leads = SessionFacilitator.objects.filter(session__in=batch)
        rooms = Session.objects.filter(pk__in=batch, room__isnull=False)
        tracks = Track.objects.filter(meetings__sessions__in=batch)
        Feed.objects.live().filter(
            Q(facilitator__in=leads.values("user"))
            | Q(room__in=rooms.values("room"))
            | Q(track__in=tracks.values("pk"))
        ).update(stale_at=now)


def mark_site_feeds_stale(site_id: int, now: datetime) -> None:
    """Mark the feeds of the site's patients, staff, rooms and tracks as stale, so that they are rendered again."""
    Feed.objects.live().filter(
        Q(patient__site=site_id)
        | Q(patient__episodes__in=Booking.objects.filter(session__site=site_id).values("episode"))
        | Q(facilitator__in=SessionFacilitator.objects.filter(session__site=site_id).values("user"))
        | Q(facilitator__role_assignments__site=site_id)
        | Q(room__site=site_id)
        | Q(track__site=site_id)
    ).update(stale_at=now)


def mark_calendars_stale(session: Session, now: datetime) -> None:
    """Mark the calendar feeds of the session's patients, facilitators, room and tracks as stale."""
    booked = Booking.objects.active().filter(session=session)
    mark_episode_feeds_stale(set(booked.values_list("episode", flat=True)), now)
    mark_session_feeds_stale([session.pk], now)
