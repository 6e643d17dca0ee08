"""First steps of every change to a single session: lock the session, and check that it can still be changed."""

from datetime import datetime

from scheduling.models import Session, SessionStatus
from scheduling.services.locks import lock_site
from scheduling.services.reasons import HasBegun, SessionCancelled
from timekeeping.reasons import Reason


def lock_session(session: Session) -> Session:
    """Lock the site and the session until the transaction ends, and return the session's current state."""
    lock_site(session.site_id)
    sessions = Session.objects.select_for_update(of=("self",), no_key=True)
    return sessions.select_related("site", "service_type", "room").get(pk=session.pk)


def check_changeable(session: Session, now: datetime) -> list[Reason]:
    """Return HasBegun if the session has begun or is finalized, and SessionCancelled if it is canceled."""
    reasons: list[Reason] = []
    if session.starts <= now or session.finalized_at is not None:
        reasons.append(HasBegun(session.name, session.on))
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled(session.name, session.on))
    return reasons
