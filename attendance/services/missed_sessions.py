"""Find the missed sessions that a patient can make up."""

from datetime import date, timedelta

from django.db.models import F, Q, Subquery

from patients.models import Episode, Patient
from scheduling.models import Booking, ReleaseCause, SessionStatus
from scheduling.models.booking import BookingQuerySet
from timekeeping.intervals import Interval

MAKEUP_LOOKBACK = timedelta(weeks=4)
"""The longest time allowed from the week of a missed session to the week of its make-up session (product rule)."""


def makeup_candidates(patient: Patient, week: Interval[date]) -> list[Booking]:
    """Return the bookings of the patient's missed sessions that can be made up in the week.

    Sessions missed in that week come first, by start time. Sessions missed in earlier weeks follow, also by start time.
    """
    missed = list(missed_bookings(patient, week).select_related("session__site", "attendance").order_by("starts"))
    return sorted(missed, key=lambda booking: booking.week != week.start)


def missed_bookings(patient: Patient, week: Interval[date]) -> BookingQuerySet:
    """Return the patient's missed bookings that are not made up yet, from the week and the four weeks before it.

    A booking was missed if its mark does not credit all of its minutes, or if its session was canceled. It was also
    missed if the patient gave up the spot, or if the spot was released because of a conflict or a cancellation.
    Sessions that do not count toward the weekly hours are left out. If the patient was admitted again, so are the sessions
    of the earlier episodes of care.
    """
    admitted = Episode.objects.filter(patient=patient, starts__lt=week.end).order_by("-starts")
    made_up = Booking.objects.active().filter(makes_up__episode__patient=patient).values("makes_up")
    return (
        Booking.objects.filter(episode=Subquery(admitted.values("pk")[:1]))
        .filter(week__gte=week.start - MAKEUP_LOOKBACK, week__lte=week.start, countable_minutes__gt=0)
        .filter(
            Q(released_at=None, attendance__credited_minutes__lt=F("countable_minutes"))
            | Q(released_at=None, session__status=SessionStatus.CANCELLED)
            | Q(release_cause__in=[ReleaseCause.CANCELLED, ReleaseCause.CLASH, ReleaseCause.GIVEN_BACK])
        )
        .exclude(pk__in=made_up)
    )
