"""Rows for a session's facilitators. They copy the session's times, so that the database can reject double bookings."""

from datetime import datetime

from scheduling.models import Session, SessionFacilitator, SessionStatus


def new_facilitator(session: Session, *, user_id: int, part: str) -> SessionFacilitator:
    """Return an unsaved row for a facilitator of the session, with a copy of the session's times."""
    return SessionFacilitator(session=session, user_id=user_id, part=part, **facilitator_times(session))


def facilitator_times(session: Session) -> dict[str, datetime | None]:
    """Return the start and end to copy to the session's facilitators. Both are None if the session is canceled."""
    if session.status == SessionStatus.CANCELLED:
        return {"starts": None, "ends": None}
    return {"starts": session.starts, "ends": session.ends}
