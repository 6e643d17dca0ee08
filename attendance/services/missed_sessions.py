"""The missed sessions that a make-up session can stand in for."""

from datetime import date, timedelta

from django.db.models import F, Q

from patients.models import Patient
from scheduling.models import Booking, ReleaseCause, SessionStatus
from scheduling.models.booking import BookingQuerySet
from timekeeping.intervals import Interval

MAKEUP_LOOKBACK = timedelta(weeks=4)
"""How long before a week a session may have been missed to be made up in that week (product rule)."""


def makeup_candidates(patient: Patient, week: Interval[date]) -> list[Booking]:
    """Return what a session in the week can make up: the week's own missed sessions first, each group oldest first."""
    missed = list(missed_bookings(patient, week).select_related("session__site", "attendance").order_by("starts"))
    return sorted(missed, key=lambda booking: booking.week != week.start)


def missed_bookings(patient: Patient, week: Interval[date]) -> BookingQuerySet:
    """Return the bookings of the week and of the four before it that were missed and not made up yet.

    Missed means: not credited in full, the session cancelled, or the spot released because of a conflict or a
    cancellation or by the patient. Sessions that do not count toward the weekly hours are left out.
    """
    made_up = Booking.objects.active().filter(makes_up__episode__patient=patient).values("makes_up")
    return (
        Booking.objects.of_patient(patient.pk)
        .filter(week__gte=week.start - MAKEUP_LOOKBACK, week__lte=week.start, countable_minutes__gt=0)
        .filter(
            Q(released_at=None, attendance__credited_minutes__lt=F("countable_minutes"))
            | Q(released_at=None, session__status=SessionStatus.CANCELLED)
            | Q(release_cause__in=[ReleaseCause.CANCELLED, ReleaseCause.CLASH, ReleaseCause.GIVEN_BACK])
        )
        .exclude(pk__in=made_up)
    )
