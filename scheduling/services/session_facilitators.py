"""Rows of a session's facilitators, which carry a copy of its times so that the database can refuse double bookings."""

from datetime import datetime

from scheduling.models import Session, SessionFacilitator, SessionStatus


def new_facilitator(session: Session, *, user_id: int, part: str) -> SessionFacilitator:
    """Return an unsaved facilitator of the session, with its times."""
    return SessionFacilitator(session=session, user_id=user_id, part=part, **facilitator_times(session))


def facilitator_times(session: Session) -> dict[str, datetime | None]:
    """Return the times that are copied to the session's facilitators: none while it is canceled."""
    if session.status == SessionStatus.CANCELLED:
        return {"starts": None, "ends": None}
    return {"starts": session.starts, "ends": session.ends}
