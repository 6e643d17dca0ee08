"""Locks on a site's sessions and meetings, counts of bookings, and which calendar feeds a change makes stale."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from scheduling.models import (
    Booking,
    Feed,
    Meeting,
    Session,
    SessionFacilitator,
    SessionStatus,
    Site,
    Track,
)
from scheduling.models.session import SessionQuerySet

REASON_MAX_LENGTH = 120
"""The length of the columns that hold a reason; longer ones are cut."""


def lock_site(site_id: int) -> None:
    """Until the transaction ends nobody else changes the site's timetable or its bookings.

    Every service takes this lock before any other. So changes to a site happen one after the other, a preview shows what the
    change finds, and two transactions never wait for each other.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site_id)


def lock_meetings(meeting_ids: Collection[int]) -> None:
    """Lock the meetings, so that no other transaction changes them or enrolls anyone in them until this one ends."""
    list(Meeting.objects.select_for_update(no_key=True).filter(pk__in=meeting_ids).order_by("pk"))


def lock_sessions(sessions: SessionQuerySet) -> list[Session]:
    """Lock sessions until the transaction ends, and return them as they are.

    They are locked in the order of their ids, so that two transactions never wait for each other.
    """
    return list(sessions.select_for_update(of=("self",), no_key=True).order_by("pk"))


def new_facilitator(session: Session, *, user_id: int, part: str) -> SessionFacilitator:
    """Return an unsaved facilitator of the session, with its times."""
    return SessionFacilitator(session=session, user_id=user_id, part=part, **facilitator_times(session))


def facilitator_times(session: Session) -> dict[str, datetime | None]:
    """Return the times that are copied to the session's facilitators: none while it is canceled."""
    if session.status == SessionStatus.CANCELLED:
        return {"starts": None, "ends": None}
    return {"starts": session.starts, "ends": session.ends}


def recount_booked(session_ids: Collection[int], now: datetime) -> None:
    """Set `booked` to the number of active bookings, and raise the version. A constraint refuses one booking too many."""
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


def in_batches(ids: list[int], size: int = 500) -> Iterable[list[int]]:
    """Split ids into lists that fit into one statement."""
    return (ids[begin : begin + size] for begin in range(0, len(ids), size))
