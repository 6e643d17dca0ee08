"""Marks, finalizing and amendments: what happened is never lost and never silently changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.db.models import F

from accounts.audit import record, record_all
from accounts.models import Action, User
from attendance.domain import credit
from attendance.models import Amendment, Attendance, AttendanceStatus
from scheduling.domain.interval import Interval
from scheduling.domain.reasons import Reason
from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.refused import Refused
from scheduling.services.rules import RuleBook


@dataclass(frozen=True, slots=True)
class NotOverYet(Reason):
    code: ClassVar[str] = "not_over_yet"
    ends: datetime


@dataclass(frozen=True, slots=True)
class NotBegun(Reason):
    code: ClassVar[str] = "not_begun"


@dataclass(frozen=True, slots=True)
class NotMarked(Reason):
    code: ClassVar[str] = "not_marked"
    number: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlreadyFinalized(Reason):
    code: ClassVar[str] = "already_finalized"


@dataclass(frozen=True, slots=True)
class NotFinalized(Reason):
    code: ClassVar[str] = "not_finalized"


@dataclass(frozen=True, slots=True)
class SessionCancelled(Reason):
    code: ClassVar[str] = "session_cancelled"


@dataclass(frozen=True, slots=True)
class ChangedMeanwhile(Reason):
    code: ClassVar[str] = "changed_meanwhile"


@dataclass(frozen=True, slots=True)
class NeedsTimes(Reason):
    code: ClassVar[str] = "needs_times"


@dataclass(frozen=True, slots=True)
class ImpossibleTimes(Reason):
    code: ClassVar[str] = "impossible_times"
    words: str = "The times must lie in the session, arriving before leaving."


@dataclass(frozen=True, slots=True)
class Mark:
    """What is said to have happened. Instants are aware; None is the session's own start or end."""

    status: AttendanceStatus
    arrived: datetime | None = None
    left: datetime | None = None
    reason: str = ""


def _credit(session: Session, mark: Mark) -> int:
    """Credited minutes under the rules of the session's own week. Raises Refused for times that can't be."""
    if mark.status == AttendanceStatus.PARTIAL and mark.arrived is None and mark.left is None:
        raise Refused([NeedsTimes()])
    book = RuleBook.of(session.site)
    pause = None
    if session.break_starts is not None and session.break_ends is not None:
        pause = Interval(session.break_starts, session.break_ends)
    try:
        return credit.credited_minutes(
            status=credit.AttendanceStatus(mark.status),
            session=Interval(session.starts, session.ends),
            pause=pause,
            arrived=mark.arrived,
            left=mark.left,
            countable=session.countable_minutes > 0,
            breaks_count=book.on(book.week_of(session.on)).breaks_count,
        )
    except ValueError as impossible:
        raise Refused([ImpossibleTimes()]) from impossible


def _lock(session_id: int) -> Session:
    return Session.objects.select_for_update(of=("self",)).select_related("site").get(pk=session_id)


def _refuse_unless_markable(session: Session, now: datetime) -> None:
    reasons: list[Reason] = []
    if session.finalized_at is not None:
        reasons.append(AlreadyFinalized())
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled())
    if session.starts > now:
        reasons.append(NotBegun())
    if reasons:
        raise Refused(reasons)


@transaction.atomic
def mark_booking(
    *, booking: Booking, mark: Mark, by: User, now: datetime, seen_at: datetime | None = None, checked: bool = False
) -> Attendance:
    """Records what happened at a booking, in place of an earlier mark.

    With `checked`, `seen_at` is when the mark that the person saw was recorded (None: there was none); Raises Refused when
    another stands by now, as well as for a session that is finalized, cancelled or has not begun, and for impossible times.
    """
    session = _lock(booking.session_id)
    _refuse_unless_markable(session, now)
    standing = Attendance.objects.filter(booking=booking).first()
    if checked and (standing.recorded_at if standing else None) != seen_at:
        raise Refused([ChangedMeanwhile()])
    there = credit.AttendanceStatus(mark.status).was_there
    attendance = standing or Attendance(booking=booking)
    attendance.credited_minutes = _credit(session, mark)
    attendance.status, attendance.reason = mark.status, mark.reason
    attendance.arrived, attendance.left = (mark.arrived, mark.left) if there else (None, None)
    attendance.recorded_by, attendance.recorded_at = by, now
    attendance.save()
    Session.objects.filter(pk=session.pk).update(version=F("version") + 1)
    record(attendance, by=by, action=Action.MARKED, at=now, detail=f"{session}: {mark.status}", reason=mark.reason)
    return attendance


@transaction.atomic
def mark_everyone_present(*, session: Session, by: User, now: datetime) -> int:
    """Marks as present those who are not marked yet; how many. Raises Refused as `mark_booking` does."""
    session = _lock(session.pk)
    _refuse_unless_markable(session, now)
    unmarked = list(_unmarked(session))
    minutes = _credit(session, Mark(AttendanceStatus.PRESENT))
    marks = Attendance.objects.bulk_create(
        Attendance(
            booking=booking,
            status=AttendanceStatus.PRESENT,
            credited_minutes=minutes,
            recorded_by=by,
            recorded_at=now,
        )
        for booking in unmarked
    )
    Session.objects.filter(pk=session.pk).update(version=F("version") + 1)
    record_all(marks, by=by, action=Action.MARKED, at=now, detail=f"{session}: present")
    return len(marks)


def _unmarked(session: Session) -> Sequence[Booking]:
    return list(
        Booking.objects.standing()
        .filter(session=session, attendance=None)
        .select_related("session", "episode__patient")
    )


@transaction.atomic
def finalize_session(*, session: Session, by: User, now: datetime) -> Session:
    """Closes the session's record as a whole, signed. Raises Refused while it runs or somebody is not marked."""
    session = _lock(session.pk)
    reasons: list[Reason] = []
    if session.finalized_at is not None:
        reasons.append(AlreadyFinalized())
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled())
    if session.ends > now:
        reasons.append(NotOverYet(session.local_ends()))
    unmarked = _unmarked(session)
    if unmarked:
        reasons.append(NotMarked(len(unmarked), tuple(str(booking.episode.patient) for booking in unmarked)))
    if reasons:
        raise Refused(reasons)
    session.status, session.finalized_at, session.finalized_by = SessionStatus.HELD, now, by
    session.finalized_credential, session.version = by.signature, session.version + 1
    session.save(update_fields=["status", "finalized_at", "finalized_by", "finalized_credential", "version"])
    record(session, by=by, action=Action.FINALIZED, at=now)
    return session


@transaction.atomic
def amend_attendance(*, attendance: Attendance, mark: Mark, by: User, now: datetime) -> Amendment:
    """Corrects a mark of a finalized session; what stood is kept, with the reason. Raises Refused before finalizing."""
    booking = Booking.objects.select_related("episode__patient").get(pk=attendance.booking_id)
    session = _lock(booking.session_id)
    if session.finalized_at is None:
        raise Refused([NotFinalized()])
    standing = Attendance.objects.select_for_update().get(pk=attendance.pk)
    there = credit.AttendanceStatus(mark.status).was_there
    arrived, left = (mark.arrived, mark.left) if there else (None, None)
    minutes = _credit(session, mark)
    amendment = Amendment.objects.create(
        attendance=standing,
        status_before=standing.status,
        arrived_before=standing.arrived,
        left_before=standing.left,
        credited_minutes_before=standing.credited_minutes,
        status_after=mark.status,
        arrived_after=arrived,
        left_after=left,
        credited_minutes_after=minutes,
        reason=mark.reason,
        by=by,
        signature=by.signature,
        at=now,
    )
    standing.status, standing.arrived, standing.left, standing.credited_minutes = mark.status, arrived, left, minutes
    standing.save(update_fields=["status", "arrived", "left", "credited_minutes"])
    record(standing, by=by, action=Action.AMENDED, at=now, detail=f"{session}: {mark.status}", reason=mark.reason)
    return amendment
