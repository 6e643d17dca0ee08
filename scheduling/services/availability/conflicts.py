"""What is booked already and a patient's life does not leave time for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from patients.models import Patient
from scheduling.domain.impact.dated_conflicts import find_overlaps
from scheduling.models import Booking, SessionStatus
from timekeeping.weeks import BusyTime


@dataclass(frozen=True, slots=True)
class BookingConflict:
    """A booking that something in the patient's life, the way there included, runs into."""

    booking: Booking
    busy: BusyTime


def booking_conflicts(*, patient: Patient, busy: Iterable[BusyTime], now: datetime) -> tuple[BookingConflict, ...]:
    """Each standing booking to come and each busy time that it runs into, by the wall clock of the site; one query.

    A commitment that is added later takes nobody out of a group: what to do about it is the coordinator's to decide.
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
