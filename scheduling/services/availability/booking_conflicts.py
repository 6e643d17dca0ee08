"""Conflicts between a patient's bookings and busy times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from patients.models import Patient
from scheduling.domain.impact.overlaps import find_overlaps
from scheduling.models import Booking, SessionStatus
from timekeeping.busy_times import BusyTime


@dataclass(frozen=True, slots=True)
class BookingConflict:
    """A booking that overlaps one of the patient's busy times, or the travel to or from it."""

    booking: Booking
    busy: BusyTime


def booking_conflicts(*, patient: Patient, busy: Iterable[BusyTime], now: datetime) -> tuple[BookingConflict, ...]:
    """Return every conflict between the patient's future bookings and the `busy` times.

    The busy times are in the site's local time. Runs one query. A commitment that is added after a booking never
    cancels the booking: the coordinator decides what to do (product rule).
    """
    bookings = (
        Booking.objects.active()
        .of_patient(patient.pk)
        .from_instant(now)
        .exclude(session__status=SessionStatus.CANCELLED)
        .select_related("session")
        .order_by("starts")
    )
    zone = patient.site.zone
    times = [(booking, booking.starts.astimezone(zone), booking.ends.astimezone(zone)) for booking in bookings]
    return tuple(BookingConflict(booking, each) for booking, each in find_overlaps(times, busy))
