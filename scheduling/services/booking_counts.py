"""Keep each session's stored number of booked patients up to date."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from scheduling.models import Booking, Session
from scheduling.services.batches import in_batches
from scheduling.services.stale_feeds import mark_session_feeds_stale


def recount_booked(session_ids: Collection[int], now: datetime) -> None:
    """Recount the sessions' active bookings, and increment the sessions' versions. A constraint rejects overbooking."""
    active = (
        Booking.objects.active()
        .filter(session=OuterRef("pk"))
        .order_by()
        .values("session")
        .annotate(number=Count("pk"))
    )
    for batch in in_batches(sorted(session_ids)):
        Session.objects.filter(pk__in=batch).update(
            booked=Coalesce(Subquery(active.values("number")), 0), version=F("version") + 1
        )
    mark_session_feeds_stale(session_ids, now)
