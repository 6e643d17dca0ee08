"""What every act on one session begins and ends with."""

from datetime import datetime

from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.reasons import HasBegun, IsCancelled
from scheduling.services.rosters import lock_site, mark_episode_feeds_stale, mark_session_feeds_stale
from scheduling.services.sessions.slots import Slot
from timekeeping.reasons import Reason


def lock_session(session: Session) -> Session:
    """The session as it stands, held with its site until the transaction ends."""
    lock_site(session.site_id)
    sessions = Session.objects.select_for_update(of=("self",), no_key=True)
    return sessions.select_related("site", "service_type", "room").get(pk=session.pk)


def check_changeable(session: Session, now: datetime) -> list[Reason]:
    reasons: list[Reason] = []
    if session.starts <= now or session.finalized_at is not None:
        reasons.append(HasBegun(session.name, session.on))
    if session.status == SessionStatus.CANCELLED:
        reasons.append(IsCancelled(session.name, session.on))
    return reasons


def mark_calendars_stale(session: Session, now: datetime) -> None:
    """The calendars of everybody who is in the session, or leads it, are written anew."""
    standing = Booking.objects.active().filter(session=session)
    mark_episode_feeds_stale(set(standing.values_list("episode", flat=True)), now)
    mark_session_feeds_stale([session.pk], now)


def slot_of(session: Session) -> Slot:
    starts, ends = session.local_starts(), session.local_ends()
    return Slot(on=session.on, starts=starts.time(), ends=ends.time(), room=session.room)
