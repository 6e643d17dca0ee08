"""What is booked already and a patient's life does not leave time for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from patients.models import Patient
from scheduling.domain.interval import Interval
from scheduling.domain.week import MINUTES_A_DAY, BusyTime, minute_of
from scheduling.models import Booking, SessionStatus


@dataclass(frozen=True, slots=True)
class BookedClash:
    """A booking that something in the patient's life, the way there included, runs into."""

    booking: Booking
    busy: BusyTime


def booked_clashes(*, patient: Patient, busy: Iterable[BusyTime], now: datetime) -> tuple[BookedClash, ...]:
    """Each standing booking to come and each busy time that it runs into, by the wall clock of the site; one query.

    A commitment that is added later takes nobody out of a group: what to do about it is the coordinator's to decide.
    """
    bookings = list(
        Booking.objects.standing()
        .of_patient(patient.pk)
        .from_instant(now)
        .exclude(session__status=SessionStatus.CANCELLED)
        .select_related("session")
        .order_by("starts")
    )
    if not bookings:
        return ()
    zone = patient.site.zone
    first = bookings[0].starts.astimezone(zone).date()
    until = bookings[-1].starts.astimezone(zone).date() + timedelta(days=1)
    taken = [(each, occasion.padded) for each in busy for occasion in each.occasions(first, until)]
    found = []
    for booking in bookings:
        starts, ends = booking.starts.astimezone(zone), booking.ends.astimezone(zone)
        midnight = (starts.date() - first).days * MINUTES_A_DAY
        length = (ends.replace(tzinfo=None) - starts.replace(tzinfo=None)) // timedelta(minutes=1)
        if length <= 0:  # the hour that the clocks repeat
            continue
        begins = midnight + minute_of(starts.time())
        time = Interval(begins, begins + length)
        found += [BookedClash(booking, each) for each, padded in taken if padded.overlaps(time)]
    return tuple(dict.fromkeys(found))
