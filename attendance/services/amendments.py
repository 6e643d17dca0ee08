"""Amend finalized marks. An append-only Amendment records the old and new values, who made the change, and why."""

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
    """The session is not finalized, so its marks can be changed without an amendment."""


@transaction.atomic
def amend_attendance(
    *, attendance: Attendance, mark: Mark, by: User, now: datetime, seen_amendments: int | AnyVersion
) -> Amendment:
    """Correct a mark of a finalized session, and return the amendment that records the change.

    `mark.reason` is the reason for the amendment. `seen_amendments` is the number of amendments that the user saw.
    Raises Refused if the mark has been amended since then; ANY skips this check. Also raises Refused if the session is
    not finalized, if there is no reason, if nothing would change, or if the mark contradicts itself.
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
