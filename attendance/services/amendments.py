"""Amend a finalized mark: the row changes, and an append-only Amendment keeps what it was, who changed it and why."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from attendance.models import Amendment, Attendance
from attendance.services.marks import Mark, credited_minutes, normalized_status
from attendance.services.roster import ANY, AnyVersion, ChangedMeanwhile, lock_roster
from scheduling.models import Booking
from scheduling.services.reasons import NothingChanged, ReasonRequired
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class SessionNotFinalized(Reason):
    """The session is not finalized: the mark itself can still be changed."""


@transaction.atomic
def amend_attendance(
    *, attendance: Attendance, mark: Mark, by: User, now: datetime, seen_amendments: int | AnyVersion
) -> Amendment:
    """Correct a mark of a finalized session, keep what it was, and return the amendment; `mark.reason` says why.

    `seen_amendments` is how many amendments of the mark the person saw; ANY accepts any number. Raises Refused if the
    session is not finalized, if there are more amendments by now, without a reason, if nothing would change, or if the
    mark contradicts itself.
    """
    session = lock_roster(Booking.objects.values_list("session", flat=True).get(pk=attendance.booking_id))
    recorded = Attendance.objects.select_related("booking__session", "booking__episode__patient").get(pk=attendance.pk)
    if session.finalized_at is None:
        raise Refused([SessionNotFinalized()])
    if seen_amendments is not ANY and seen_amendments != recorded.amendments.count():
        raise Refused([ChangedMeanwhile()])
    if not mark.reason.strip():
        raise Refused([ReasonRequired()])
    status, minutes = normalized_status(session, mark), credited_minutes(session, mark)
    if (recorded.status, recorded.arrived, recorded.left) == (status, mark.arrived, mark.left):
        raise Refused([NothingChanged()])
    amendment = Amendment.objects.create(
        attendance=recorded,
        status_before=recorded.status,
        arrived_before=recorded.arrived,
        left_before=recorded.left,
        credited_minutes_before=recorded.credited_minutes,
        status_after=status,
        arrived_after=mark.arrived,
        left_after=mark.left,
        credited_minutes_after=minutes,
        reason=mark.reason,
        by=by,
        signature=by.signature,
        at=now,
    )
    recorded.status, recorded.arrived, recorded.left = status, mark.arrived, mark.left
    recorded.credited_minutes, recorded.leave = minutes, None
    recorded.save(update_fields=["status", "arrived", "left", "credited_minutes", "leave"])
    record(recorded, by=by, action=Action.AMENDED, at=now, detail=f"{session}: {status}", reason=mark.reason)
    return amendment
