"""Which calendar feeds a change makes stale, so that they are written again when they are next read."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from scheduling.models import Booking, Feed, Session, SessionFacilitator, Track
from scheduling.services.batches import in_batches


def mark_episode_feeds_stale(episode_ids: Collection[int], now: datetime) -> None:
    """Have the patients' calendar feeds written again when they are next read."""
    for batch in in_batches(sorted(episode_ids)):
        Feed.objects.live().filter(patient__episodes__in=batch).update(stale_at=now)


def mark_session_feeds_stale(session_ids: Collection[int], now: datetime) -> None:
    """Have the feeds of the sessions' rooms, tracks and facilitators written again when they are next read."""
    for batch in in_batches(sorted(session_ids)):
        leads = SessionFacilitator.objects.filter(session__in=batch)
        rooms = Session.objects.filter(pk__in=batch, room__isnull=False)
        tracks = Track.objects.filter(meetings__sessions__in=batch)
        Feed.objects.live().filter(
            Q(facilitator__in=leads.values("user"))
            | Q(room__in=rooms.values("room"))
            | Q(track__in=tracks.values("pk"))
        ).update(stale_at=now)


def mark_calendars_stale(session: Session, now: datetime) -> None:
    """Mark the calendars of the patients, facilitators, room and tracks of the session as stale."""
    booked = Booking.objects.active().filter(session=session)
    mark_episode_feeds_stale(set(booked.values_list("episode", flat=True)), now)
    mark_session_feeds_stale([session.pk], now)
