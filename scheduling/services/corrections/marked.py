"""Find the dates on which attendance is recorded. A correction must not put them outside of the episode of care."""

from datetime import date, datetime

from django.db.models import Q

from patients.models import Episode
from scheduling.models import Booking
from scheduling.models.booking import BookingQuerySet

NAMED_DATES = 5


def dates_with_attendance(
    episode: Episode, *, first: date | None = None, until: date | None = None, now: datetime
) -> tuple[tuple[date, ...], int] | None:
    """Return the first dates with attendance in [first, until), and the number of further dates. None means no limit.

    Return None if there are no such dates. An excuse for a session that has not begun does not count as attendance.
    """
    excused_ahead = Q(attendance__status="excused", starts__gt=now)
    marked = Booking.objects.active().filter(episode=episode, attendance__isnull=False).exclude(excused_ahead)
    if first is not None:
        marked = marked.filter(session__on__gte=first)
    if until is not None:
        marked = marked.filter(session__on__lt=until)
    return first_dates(marked)


def first_dates(bookings: BookingQuerySet) -> tuple[tuple[date, ...], int] | None:
    """Return the first dates of the bookings, and the number of further dates. Return None if there are no bookings."""
    dates = sorted(set(bookings.order_by().values_list("session__on", flat=True)))
    return (tuple(dates[:NAMED_DATES]), len(dates[NAMED_DATES:])) if dates else None
