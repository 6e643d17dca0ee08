"""Find the dates on which attendance is recorded. No correction or discharge may put them outside of the episode of care."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from patients.models import Episode
from scheduling.models import Booking
from scheduling.models.booking import BookingQuerySet
from timekeeping.reasons import Reason

DAY = timedelta(days=1)
NAMED_DATES = 5


@dataclass(frozen=True, slots=True)
class AttendedAfter(Reason):
    """Attendance is recorded after the new last day, on these dates and `more` others."""

    dates: tuple[date, ...]
    more: int


def attended_after(episode: Episode, last_day: date, now: datetime) -> Iterator[Reason]:
    """Yield the reason why care can't end on `last_day` if attendance is recorded after that day."""
    if marked := dates_with_attendance(episode, first=last_day + DAY, now=now):
        yield AttendedAfter(*marked)


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
