"""Record attendance: a booked patient's status (present, partly present, absent or excused) and credited minutes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.audit import record, record_all
from accounts.models import Action, User
from attendance.domain import credit
from attendance.models import Attendance, AttendanceStatus
from attendance.services.roster import (
    ANY,
    AlreadyFinalized,
    AnyVersion,
    ChangedMeanwhile,
    lock_roster,
    unmarked_bookings,
)
from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.reasons import ReasonRequired, SessionCancelled
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class SessionNotStarted(Reason):
    """The session has not begun. Before a session begins, only an excuse can be recorded."""


@dataclass(frozen=True, slots=True)
class NeedsTimes(Reason):
    """Partial attendance needs the time of arrival or the time of leaving."""


@dataclass(frozen=True, slots=True)
class AbsenceWithTimes(Reason):
    """The mark says that the patient did not attend, but also gives a time of arrival or of leaving."""


@dataclass(frozen=True, slots=True)
class NoLongerBooked(Reason):
    """The booking was released after the user loaded the page."""


@dataclass(frozen=True, slots=True)
class ImpossibleTimes(Reason):
    """The times lie outside the session, or the patient leaves before arriving."""


STALE_REASONS = (ChangedMeanwhile, AlreadyFinalized, SessionCancelled, NoLongerBooked)
"""Each of these reasons means that the record changed after the user loaded the page. The input no longer applies."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The attendance that a user enters for a booking.

    Times are aware datetimes. If `arrived` is None, the patient came at the start of the session. If `left` is None,
    the patient stayed to the end.
    """

    status: AttendanceStatus
    arrived: datetime | None = None
    left: datetime | None = None
    reason: str = ""


@transaction.atomic
def mark_booking(
    *, booking: Booking, mark: Mark, by: User, now: datetime, seen_at: datetime | AnyVersion | None
) -> Attendance:
    """Record the attendance for a booking, replacing any earlier mark, and return the new mark.

    `seen_at` says which mark the user saw: the time when it was recorded, or None if there was no mark. Raises Refused
    if the mark has changed since then; ANY skips this check. Also raises Refused if the booking was released, if the
    mark contradicts itself, if the session is finalized or canceled, or if the mark is not an excuse and the session
    has not begun.
    """
    session = lock_roster(booking.session_id)
    _check_markable(session, mark.status, now)
    if not Booking.objects.active().filter(pk=booking.pk).exists():
        raise Refused([NoLongerBooked()])
    recorded = Attendance.objects.filter(booking=booking).first()
    if seen_at is not ANY and seen_at != (recorded.recorded_at if recorded else None):
        raise Refused([ChangedMeanwhile()])
    attendance = recorded or Attendance(booking=booking)
    attendance.credited_minutes = credited_minutes(session, mark)
    attendance.status, attendance.reason = normalized_status(session, mark), mark.reason
    attendance.arrived, attendance.left = mark.arrived, mark.left
    attendance.leave = None  # The user's mark replaces an excuse from a leave of absence.
    attendance.recorded_by, attendance.recorded_at, attendance.imported_at = by, now, None
    attendance.save()
    Session.objects.filter(pk=session.pk).update(version=F("version") + 1)
    record(
        attendance, by=by, action=Action.MARKED, at=now, detail=f"{session}: {attendance.status}", reason=mark.reason
    )
    return attendance


@transaction.atomic
def mark_everyone_present(*, session: Session, by: User, now: datetime) -> int:
    """Mark as present all patients of the session who have no mark. Return the number of new marks.

    Raises Refused if the session is finalized, is canceled or has not begun.
    """
    session = lock_roster(session.pk)
    _check_markable(session, AttendanceStatus.PRESENT, now)
    unmarked = unmarked_bookings(session)
    minutes = credited_minutes(session, Mark(AttendanceStatus.PRESENT))
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


def normalized_status(session: Session, mark: Mark) -> AttendanceStatus:
    """Return the status to save. For a patient who attended, the times decide between PRESENT and PARTIAL."""
    if not credit.AttendanceOutcome(mark.status).attended:
        return AttendanceStatus(mark.status)
    came_late = mark.arrived is not None and mark.arrived > session.starts
    left_early = mark.left is not None and mark.left < session.ends
    return AttendanceStatus.PARTIAL if came_late or left_early else AttendanceStatus.PRESENT


def credited_minutes(session: Session, mark: Mark, book: RuleBook | None = None) -> int:
    """Return the whole minutes that the mark credits under the rules of the session's week.

    `book` has the rules of the session's site; they are read if it is None. Raises Refused if the mark contradicts itself
    or its times lie outside the session.
    """
    reasons = list(_contradictions(mark))
    if reasons:
        raise Refused(reasons)
    book = book or RuleBook.of(session.site)
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


def _contradictions(mark: Mark) -> Iterator[Reason]:
    has_times = mark.arrived is not None or mark.left is not None
    if mark.status == AttendanceStatus.PARTIAL and not has_times:
        yield NeedsTimes()
    if has_times and not credit.AttendanceOutcome(mark.status).attended:
        yield AbsenceWithTimes()
    if mark.status == AttendanceStatus.EXCUSED and not mark.reason.strip():
        yield ReasonRequired()


def _check_markable(session: Session, status: AttendanceStatus, now: datetime) -> None:
    reasons: list[Reason] = []
    if session.finalized_at is not None:
        reasons.append(AlreadyFinalized())
    if session.status == SessionStatus.CANCELLED:
        reasons.append(SessionCancelled(session.name, session.on))
    if session.starts > now and status != AttendanceStatus.EXCUSED:
        reasons.append(SessionNotStarted())
    if reasons:
        raise Refused(reasons)
