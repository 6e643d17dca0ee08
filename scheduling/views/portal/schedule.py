"""Portal pages on which patients see their own schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.views import patient_required, signed_in
from attendance.models import AttendanceStatus
from attendance.services.ledgers import week_ledger
from attendance.services.roster import attendance_of
from iopmanager import clock
from iopmanager.form_fields import parse_day
from patients.access import current_or_next_episode
from patients.models import CommitmentProposal, Episode, Patient
from scheduling.models import Booking, LeaveOfAbsence, SessionStatus
from scheduling.services.rulebook import RuleBook
from scheduling.views.portal.week_hours import portal_hours
from timekeeping.intervals import Interval

WEEKS_AHEAD = 4


@dataclass(frozen=True)
class ScheduleDay:
    """One day of a patient's schedule, with its bookings."""

    on: date
    bookings: Sequence[Booking]


def _days_with_sessions(user: User, patient: Patient, first: date, until: date) -> list[ScheduleDay]:
    """Return the days in [first, until) on which the patient has sessions."""
    found = (
        Booking.objects.visible_to(user)
        .shown_to_patient()
        .of_patient(patient.pk)
        .filter(session__on__gte=first, session__on__lt=until)
        .select_related("session__site", "session__room", "session__meeting", "attendance")
        .order_by("starts")
    )
    return [ScheduleDay(on, tuple(group)) for on, group in groupby(found, key=lambda booking: booking.session.on)]


def _episode_of_week(patient: Patient, week: Interval[date]) -> Episode | None:
    episodes = Episode.objects.filter(patient=patient).overlapping(week.start, week.end)
    return episodes.select_related("site", "patient").prefetch_related("spans").first()


def _leaves_between(episode: Episode | None, first: date, until: date) -> list[LeaveOfAbsence]:
    """Return the leaves of absence that overlap [first, until)."""
    return list(LeaveOfAbsence.objects.filter(episode=episode).overlapping(first, until)) if episode else []


def _next_booking(days: Sequence[ScheduleDay], now: datetime) -> Booking | None:
    coming = (booking for day in days for booking in day.bookings)
    return next(
        (
            each
            for each in coming
            if each.ends > now and each.session.status != SessionStatus.CANCELLED and not _is_excused(each)
        ),
        None,
    )


def _changes_ahead(days: Sequence[ScheduleDay], now: datetime) -> list[Booking]:
    """Return the bookings of upcoming sessions that are canceled or moved from their usual time."""
    coming = (booking for day in days for booking in day.bookings if booking.ends > now)
    return [each for each in coming if each.session.status == SessionStatus.CANCELLED or each.session.is_moved]


def _is_excused(booking: Booking) -> bool:
    mark = attendance_of(booking)
    return mark is not None and mark.status == AttendanceStatus.EXCUSED


@patient_required
@require_safe
def portal_home(request: HttpRequest) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = user.patient
    today = patient.site.today_at(now)
    book = RuleBook.of(patient.site)
    week = book.week_around(today)
    days = _days_with_sessions(user, patient, week.start, week.end + timedelta(weeks=WEEKS_AHEAD))
    episode = current_or_next_episode(patient, today)
    this_week = [day for day in days if day.on < week.end]
    later = [day for day in days if day.on >= week.end]
    ledger = week_ledger(episode=episode, week=week.start, now=now) if episode else None
    context = {
        "patient": patient,
        "site": patient.site,
        "today": today,
        "now": now,
        "week": week.start,
        "changes": _changes_ahead(days, now),
        "next": _next_booking(days, now),
        "requests": CommitmentProposal.objects.waiting().filter(patient=patient),
        "away": _leaves_between(episode, today, week.end + timedelta(weeks=WEEKS_AHEAD)),
        "days": this_week,
        "weeks_ahead": [(each, list(group)) for each, group in groupby(later, key=lambda day: book.week_of(day.on))],
        "hours": portal_hours(ledger, (booking for day in this_week for booking in day.bookings), now),
    }
    return render(request, "scheduling/portal/home.html", context)


@patient_required
@require_safe
def portal_week(request: HttpRequest) -> HttpResponse:
    """Show one week of the schedule: sessions, attendance and weekly hours.

    `?week=` is any date in the week. The default is today.
    """
    user, now = signed_in(request), clock.now()
    patient = user.patient
    today = patient.site.today_at(now)
    week = RuleBook.of(patient.site).week_around(parse_day(request.GET.get("week", "")) or today)
    episode = _episode_of_week(patient, week)
    days = _days_with_sessions(user, patient, week.start, week.end)
    ledger = week_ledger(episode=episode, week=week.start, now=now) if episode else None
    context = {
        "patient": patient,
        "site": patient.site,
        "today": today,
        "now": now,
        "week": week.start,
        "last_day": week.end - timedelta(days=1),
        "previous": week.start - timedelta(days=1),
        "following": week.end,
        "is_this_week": week.contains(today),
        "away": _leaves_between(episode, week.start, week.end),
        "days": days,
        "hours": portal_hours(ledger, (booking for day in days for booking in day.bookings), now),
    }
    return render(request, "scheduling/portal/week.html", context)
