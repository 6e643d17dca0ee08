"""Finalize sessions: a clinician signs the attendance. After that, marks change only through amendments."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record_all
from accounts.models import Action, User
from attendance.models import Attendance
from attendance.services.roster import (
    ANY,
    AlreadyFinalized,
    AnyVersion,
    ChangedMeanwhile,
    lock_roster,
    unmarked_bookings,
)
from scheduling.models import Session, SessionStatus
from scheduling.services.reasons import SessionCancelled
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class SessionNotEnded(Reason):
    """The session is not over yet. It lasts until `ends`, which is in the local time of the session's site."""

    ends: datetime


@dataclass(frozen=True, slots=True)
class PatientsNotMarked(Reason):
    """Some patients of the session have no mark yet."""

    number: int
    names: tuple[str, ...]


@transaction.atomic
def finalize_session(*, session: Session, by: User, now: datetime, seen_version: int | AnyVersion) -> Session:
    """Sign the session's attendance with the name and credential of `by`, and return the session.

    `seen_version` is the version of the session that the user saw. Raises Refused if the session has changed since that
    version: nobody may sign a record unseen. ANY skips this check. Also raises Refused if the session is finalized, is
    canceled or is not over, or if a patient has no mark.
    """
    session = lock_roster(session.pk)
    reasons: list[Reason] = []
    if seen_version is not ANY and seen_version != session.version:
        reasons.append(ChangedMeanwhile())
    if session.finalized_at is not None:
        reasons.append(AlreadyFinalized())
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled(session.name, session.on))
    if session.ends > now:
        reasons.append(SessionNotEnded(session.local_ends()))
    unmarked = unmarked_bookings(session)
    if unmarked:
        reasons.append(PatientsNotMarked(len(unmarked), tuple(str(booking.episode.patient) for booking in unmarked)))
    if reasons:
        raise Refused(reasons)
    session.status, session.finalized_at, session.finalized_by = SessionStatus.HELD, now, by
    session.finalized_credential, session.version = by.signature, session.version + 1
    session.save(update_fields=["status", "finalized_at", "finalized_by", "finalized_credential", "version"])
    marks = Attendance.objects.filter(booking__session=session, booking__released_at=None)
    signed = marks.select_related("booking__session", "booking__episode__patient")
    record_all([session, *signed], by=by, action=Action.FINALIZED, at=now, detail=f"signed by {by.signature}")
    return session
