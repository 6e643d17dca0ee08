"""Who is in which session: locked, counted, copied, and told to the calendars that show it."""

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
"""Of a reason, as it stands in the row."""


def lock_site(site_id: int) -> None:
    """Until the transaction ends nobody else changes the site's timetable or who is in it.

    Taken before any other lock: so changes to one site happen one after the other, what was shown before an act is what the
    act finds, and two that want each other's rows never wait for each other.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site_id)


def lock_meetings(meeting_ids: Collection[int]) -> None:
    """Until the transaction ends nobody else is enrolled in these meetings, and none of them is changed."""
    list(Meeting.objects.select_for_update(no_key=True).filter(pk__in=meeting_ids).order_by("pk"))


def lock_sessions(sessions: SessionQuerySet) -> list[Session]:
    """The sessions as they stand, held until the transaction ends. Always locked in the order of their ids.

    Whoever changes the rosters of several sessions begins with this, so that two who do it at once never wait for each other.
    """
    return list(sessions.select_for_update(of=("self",), no_key=True).order_by("pk"))


def new_facilitator(session: Session, *, user_id: int, part: str) -> SessionFacilitator:
    """Somebody in the session with the copies of it, unsaved."""
    return SessionFacilitator(session=session, user_id=user_id, part=part, **facilitator_times(session))


def facilitator_times(session: Session) -> dict[str, datetime | None]:
    """When those who lead it are taken by it: not at all while it is cancelled."""
    if session.status == SessionStatus.CANCELLED:
        return {"starts": None, "ends": None}
    return {"starts": session.starts, "ends": session.ends}


def recount_booked(session_ids: Collection[int], now: datetime) -> None:
    """Sets `booked` to what the bookings say, and raises the version; the constraint refuses one too many."""
    standing = (
        Booking.objects.active()
        .filter(session=OuterRef("pk"))
        .order_by()
        .values("session")
        .annotate(number=Count("pk"))
    )
    for batch in in_batches(sorted(session_ids)):
        Session.objects.filter(pk__in=batch).update(
            booked=Coalesce(Subquery(standing.values("number")), 0), version=F("version") + 1
        )
    mark_session_feeds_stale(session_ids, now)


def mark_episode_feeds_stale(episode_ids: Collection[int], now: datetime) -> None:
    """The patients' calendars are written anew when next read."""
    for batch in in_batches(sorted(episode_ids)):
        Feed.objects.live().filter(patient__episodes__in=batch).update(stale_at=now)


def mark_session_feeds_stale(session_ids: Collection[int], now: datetime) -> None:
    """The calendars of the sessions' rooms, tracks and facilitators are written anew when next read."""
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
    return (ids[begin : begin + size] for begin in range(0, len(ids), size))
