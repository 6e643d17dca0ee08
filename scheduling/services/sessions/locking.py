"""The steps that every change of one session shares: lock, check, mark calendars as stale."""

from datetime import datetime

from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.reasons import HasBegun, SessionCancelled
from scheduling.services.rosters import lock_site, mark_episode_feeds_stale, mark_session_feeds_stale
from scheduling.services.sessions.slots import Slot
from timekeeping.reasons import Reason


def lock_session(session: Session) -> Session:
    """Lock the site and the session until the transaction ends, and return the session as it is now."""
    lock_site(session.site_id)
    sessions = Session.objects.select_for_update(of=("self",), no_key=True)
    return sessions.select_related("site", "service_type", "room").get(pk=session.pk)


def check_changeable(session: Session, now: datetime) -> list[Reason]:
    """Return HasBegun for a session that has begun or is finalized, and SessionCancelled for a canceled one."""
    reasons: list[Reason] = []
    if session.starts <= now or session.finalized_at is not None:
        reasons.append(HasBegun(session.name, session.on))
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled(session.name, session.on))
    return reasons


def mark_calendars_stale(session: Session, now: datetime) -> None:
    """Mark the calendars of the patients, facilitators, room and tracks of the session as stale."""
    booked = Booking.objects.active().filter(session=session)
    mark_episode_feeds_stale(set(booked.values_list("episode", flat=True)), now)
    mark_session_feeds_stale([session.pk], now)


def slot_of(session: Session) -> Slot:
    """Return the date, wall-clock times and room of a session. Reads its site and room."""
    starts, ends = session.local_starts(), session.local_ends()
    return Slot(on=session.on, starts=starts.time(), ends=ends.time(), room=session.room)
