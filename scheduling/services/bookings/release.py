"""Release bookings: the spot becomes free, and the booking stays in the database with the reason."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from scheduling.models import REASON_MAX_LENGTH, Booking, Enrollment, ReleaseCause, Session
from scheduling.models.booking import BookingQuerySet
from scheduling.services.batches import in_batches
from scheduling.services.booking_counts import recount_booked
from scheduling.services.bookings.placement import PlacementsByMeeting, is_covered
from scheduling.services.locks import lock_sessions, lock_site
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class AttendanceRecorded(Reason):
    """Attendance has been recorded for the booking, so it can't be released."""

    session: str
    on: date


@transaction.atomic
def release_booking(*, booking: Booking, reason: str, by: User, now: datetime) -> Booking:
    """Release one booking because the patient gives up the spot. The nightly job does not book it again.

    Raises Refused if attendance has been recorded, because attendance is never deleted.
    """
    lock_site(booking.session.site_id)
    one = Booking.objects.filter(pk=booking.pk)
    released = release_bookings(bookings=one, cause=ReleaseCause.GIVEN_BACK, reason=reason, now=now)
    booking.refresh_from_db()
    if booking.released_at is None:
        raise Refused([AttendanceRecorded(booking.session.name, booking.session.on)])
    if released:
        record(booking, by=by, action=Action.RELEASED, at=now, reason=reason)
    return booking


def release_bookings(*, bookings: BookingQuerySet, cause: ReleaseCause, reason: str, now: datetime) -> int:
    """Release the active bookings that have no attendance recorded, and return how many were released.

    An excuse for a future session does not count as attendance, because the session has not taken place yet. The excuse
    stays with the released booking.
    """
    unmarked = bookings.active().filter(Q(attendance=None) | Q(attendance__status="excused", starts__gt=now))
    lock_sessions(Session.objects.filter(pk__in=list(unmarked.values_list("session", flat=True))))
    released = list(unmarked.values_list("pk", "session", "episode"))
    for batch in in_batches([pk for pk, _, _ in released]):
        Booking.objects.filter(pk__in=batch).update(
            released_at=now, release_cause=cause, release_reason=reason[:REASON_MAX_LENGTH]
        )
    recount_booked({session for _, session, _ in released}, now)
    mark_episode_feeds_stale({episode for _, _, episode in released}, now)
    return len(released)


def release_uncovered_bookings(enrollment: Enrollment, placements: PlacementsByMeeting, now: datetime) -> None:
    """Release the enrollment's future bookings in weekly meetings, except in sessions that `placements` cover.

    The cause of the release is ENDED. Bookings that were already released get this cause too, unless the patient gave
    them up. They therefore stay released if, for example, their canceled session is restored.
    """
    bookings = Booking.objects.filter(enrollment=enrollment, session__meeting__isnull=False, starts__gt=now)
    lost = bookings.filter(Q(released_at=None) | ~Q(release_cause__in=[ReleaseCause.GIVEN_BACK, ReleaseCause.ENDED]))
    ids = [booking.pk for booking in lost.select_related("session") if not is_covered(placements, booking.session)]
    for batch in in_batches(ids):
        found = Booking.objects.filter(pk__in=batch)
        found.filter(released_at__isnull=False).update(release_cause=ReleaseCause.ENDED)
        release_bookings(bookings=found, cause=ReleaseCause.ENDED, reason=StoredReason.OTHER_GROUPS, now=now)
