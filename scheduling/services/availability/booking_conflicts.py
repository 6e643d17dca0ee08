"""Bookings that a patient's busy times conflict with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from patients.models import Patient
from scheduling.domain.impact.overlaps import find_overlaps
from scheduling.models import Booking, SessionStatus
from timekeeping.weeks import BusyTime


@dataclass(frozen=True, slots=True)
class BookingConflict:
    """A booking and a busy time that overlap, travel included."""

    booking: Booking
    busy: BusyTime


def booking_conflicts(*, patient: Patient, busy: Iterable[BusyTime], now: datetime) -> tuple[BookingConflict, ...]:
    """Return every conflict of the patient's future bookings with the busy times, by the site's wall clock; one query.

    A commitment that is added later cancels no booking: what to do about it is the coordinator's decision (product rule).
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
