"""What every act on one session begins and ends with."""

from datetime import datetime

from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.reasons import HasBegun, IsCancelled
from scheduling.services.rosters import hold_site, mark_stale_of_episodes, mark_stale_of_sessions
from scheduling.services.sessions.slots import Slot
from timekeeping.reasons import Reason


def held_session(session: Session) -> Session:
    """The session as it stands, held with its site until the transaction ends."""
    hold_site(session.site_id)
    sessions = Session.objects.select_for_update(of=("self",), no_key=True)
    return sessions.select_related("site", "service_type", "room").get(pk=session.pk)


def against_any_change(session: Session, now: datetime) -> list[Reason]:
    reasons: list[Reason] = []
    if session.starts <= now or session.finalized_at is not None:
        reasons.append(HasBegun(session.name, session.on))
    if session.status == SessionStatus.CANCELLED:
        reasons.append(IsCancelled(session.name, session.on))
    return reasons


def tell_calendars(session: Session, now: datetime) -> None:
    """The calendars of everybody who is in the session, or leads it, are written anew."""
    standing = Booking.objects.standing().filter(session=session)
    mark_stale_of_episodes(set(standing.values_list("episode", flat=True)), now)
    mark_stale_of_sessions([session.pk], now)


def slot_of(session: Session) -> Slot:
    starts, ends = session.local_starts(), session.local_ends()
    return Slot(on=session.on, starts=starts.time(), ends=ends.time(), room=session.room)
