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
from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.reasons import NothingChanged, ReasonRequired
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class SessionNotEnded(Reason):
    code: ClassVar[str] = "not_over_yet"
    ends: datetime


@dataclass(frozen=True, slots=True)
class SessionNotStarted(Reason):
    code: ClassVar[str] = "not_begun"


@dataclass(frozen=True, slots=True)
class PatientsNotMarked(Reason):
    code: ClassVar[str] = "not_marked"
    number: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlreadyFinalized(Reason):
    code: ClassVar[str] = "already_finalized"


@dataclass(frozen=True, slots=True)
class SessionNotFinalized(Reason):
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
class AbsenceWithTimes(Reason):
    """Somebody who was not there neither arrived nor left: one of the two is a slip."""

    code: ClassVar[str] = "times_of_an_absence"


@dataclass(frozen=True, slots=True)
class NoLongerBooked(Reason):
    code: ClassVar[str] = "no_longer_booked"


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


def _mark_reasons(mark: Mark) -> list[Reason]:
    """What makes a mark contradict itself."""
    faults: list[Reason] = []
    timed = mark.arrived is not None or mark.left is not None
    if mark.status == AttendanceStatus.PARTIAL and not timed:
        faults.append(NeedsTimes())
    if timed and not credit.AttendanceOutcome(mark.status).attended:
        faults.append(AbsenceWithTimes())
    if mark.status == AttendanceStatus.EXCUSED and not mark.reason.strip():
        faults.append(ReasonRequired())
    return faults


def _normalized_status(session: Session, mark: Mark) -> AttendanceStatus:
    """Who came late or left early was there in part, and who did neither was there whole, whichever of the two was said."""
    if not credit.AttendanceOutcome(mark.status).attended:
        return AttendanceStatus(mark.status)
    came_late = mark.arrived is not None and mark.arrived > session.starts
    left_early = mark.left is not None and mark.left < session.ends
    return AttendanceStatus.PARTIAL if came_late or left_early else AttendanceStatus.PRESENT


def _credited_minutes(session: Session, mark: Mark) -> int:
    """Credited minutes under the rules of the session's own week. Raises Refused for a mark that can't be."""
    faults = _mark_reasons(mark)
    if faults:
        raise Refused(faults)
    book = RuleBook.of(session.site)
    pause = None
    if session.break_starts is not None and session.break_ends is not None:
        pause = Interval(session.break_starts, session.break_ends)
    try:
        return credit.credited_minutes(
            status=credit.AttendanceOutcome(mark.status),
            session=Interval(session.starts, session.ends),
            pause=pause,
            arrived=mark.arrived,
            left=mark.left,
            countable=session.countable_minutes > 0,
            breaks_count=book.on(book.week_of(session.on)).breaks_count,
        )
    except ValueError as impossible:
        raise Refused([ImpossibleTimes()]) from impossible


def _lock_session(session_id: int) -> Session:
    return Session.objects.select_for_update(of=("self",)).select_related("site").get(pk=session_id)


def _check_markable(session: Session, status: AttendanceStatus, now: datetime) -> None:
    """A mark says what happened, so it waits for the session; only an excuse is known before."""
    reasons: list[Reason] = []
    if session.finalized_at is not None:
        reasons.append(AlreadyFinalized())
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled())
    if session.starts > now and status != AttendanceStatus.EXCUSED:
        reasons.append(SessionNotStarted())
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
    session = _lock_session(booking.session_id)
    _check_markable(session, mark.status, now)
    if not Booking.objects.active().filter(pk=booking.pk).exists():
        raise Refused([NoLongerBooked()])
    standing = Attendance.objects.filter(booking=booking).first()
    if checked and (standing.recorded_at if standing else None) != seen_at:
        raise Refused([ChangedMeanwhile()])
    attendance = standing or Attendance(booking=booking)
    attendance.credited_minutes = _credited_minutes(session, mark)
    attendance.status, attendance.reason = _normalized_status(session, mark), mark.reason
    attendance.arrived, attendance.left = mark.arrived, mark.left
    attendance.leave = None  # whoever marks by hand knows what happened
    attendance.recorded_by, attendance.recorded_at = by, now
    attendance.save()
    Session.objects.filter(pk=session.pk).update(version=F("version") + 1)
    record(
        attendance, by=by, action=Action.MARKED, at=now, detail=f"{session}: {attendance.status}", reason=mark.reason
    )
    return attendance


@transaction.atomic
def mark_everyone_present(*, session: Session, by: User, now: datetime) -> int:
    """Marks as present those who are not marked yet; how many. Raises Refused as `mark_booking` does."""
    session = _lock_session(session.pk)
    _check_markable(session, AttendanceStatus.PRESENT, now)
    unmarked = _unmarked_bookings(session)
    minutes = _credited_minutes(session, Mark(AttendanceStatus.PRESENT))
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


def _unmarked_bookings(session: Session) -> Sequence[Booking]:
    return list(
        Booking.objects.active().filter(session=session, attendance=None).select_related("session", "episode__patient")
    )


@transaction.atomic
def finalize_session(*, session: Session, by: User, now: datetime, seen_version: int | None = None) -> Session:
    """Closes the session's record as a whole, signed. Raises Refused while it runs or somebody is not marked.

    With `seen_version`, also when anything changed since the session had it: nobody signs what they did not see.
    """
    session = _lock_session(session.pk)
    reasons: list[Reason] = []
    if seen_version not in (None, session.version):
        reasons.append(ChangedMeanwhile())
    if session.finalized_at is not None:
        reasons.append(AlreadyFinalized())
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled())
    if session.ends > now:
        reasons.append(SessionNotEnded(session.local_ends()))
    unmarked = _unmarked_bookings(session)
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


@transaction.atomic
def amend_attendance(
    *, attendance: Attendance, mark: Mark, by: User, now: datetime, seen_amendments: int | None = None
) -> Amendment:
    """Corrects a mark of a finalized session; what stood is kept, with the reason, which is `mark.reason`.

    Raises Refused before finalizing, without a reason, when nothing would change, for impossible times, and when there are
    more amendments than `seen_amendments`.
    """
    session = _lock_session(Booking.objects.values_list("session", flat=True).get(pk=attendance.booking_id))
    standing = Attendance.objects.select_related("booking__session", "booking__episode__patient").get(pk=attendance.pk)
    if session.finalized_at is None:
        raise Refused([SessionNotFinalized()])
    if seen_amendments not in (None, standing.amendments.count()):
        raise Refused([ChangedMeanwhile()])
    if not mark.reason.strip():
        raise Refused([ReasonRequired()])
    status, minutes = _normalized_status(session, mark), _credited_minutes(session, mark)
    if (standing.status, standing.arrived, standing.left) == (status, mark.arrived, mark.left):
        raise Refused([NothingChanged()])
    amendment = Amendment.objects.create(
        attendance=standing,
        status_before=standing.status,
        arrived_before=standing.arrived,
        left_before=standing.left,
        credited_minutes_before=standing.credited_minutes,
        status_after=status,
        arrived_after=mark.arrived,
        left_after=mark.left,
        credited_minutes_after=minutes,
        reason=mark.reason,
        by=by,
        signature=by.signature,
        at=now,
    )
    standing.status, standing.arrived, standing.left = status, mark.arrived, mark.left
    standing.credited_minutes, standing.leave = minutes, None
    standing.save(update_fields=["status", "arrived", "left", "credited_minutes", "leave"])
    record(standing, by=by, action=Action.AMENDED, at=now, detail=f"{session}: {status}", reason=mark.reason)
    return amendment
