"""Gives places in sessions back, whatever they are given back for."""

from datetime import datetime

from django.db.models import Q

from scheduling.models import Booking, ReleaseCause, Session
from scheduling.models.booking import BookingQuerySet
from scheduling.services.rosters import (
    REASON_MAX_LENGTH,
    in_batches,
    lock_sessions,
    mark_episode_feeds_stale,
    recount_booked,
)


def release_bookings(*, bookings: BookingQuerySet, cause: ReleaseCause, reason: str, now: datetime) -> int:
    """Gives back the places of these bookings that stand; how many. What happened is never taken back: a mark keeps its
    booking, but for an excuse from a session to come, which stays with the place that was given back.
    """
    unmarked = bookings.active().filter(Q(attendance=None) | Q(attendance__status="excused", starts__gt=now))
    lock_sessions(Session.objects.filter(pk__in=list(unmarked.values_list("session", flat=True))))
    released = list(unmarked.values_list("pk", "session", "episode"))
    for batch in in_batches([pk for pk, _, _ in released]):
        Booking.objects.filter(pk__in=batch).update(
            released_at=now, release_cause=cause, release_reason=reason[:REASON_MAX_LENGTH]
        )
    recount_booked({session for _, session, _ in released}, now)
    mark_episode_feeds_stale({episode for _, _, episode in released}, now)
    return len(released)
