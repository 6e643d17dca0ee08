"""Pages that show a delegate a patient's appointment times, and nothing else. Nothing can be changed on these pages."""

from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.audit import record, record_all
from accounts.models import Action, User
from accounts.views import forbid_unless, is_patient, signed_in
from attendance.models import AttendanceStatus
from iopmanager import clock
from iopmanager.form_fields import parse_day
from patients.models import Delegate, Patient
from scheduling.models import Booking
from scheduling.models.booking import BookingQuerySet
from scheduling.services.documents.letter_text import NOTICE
from scheduling.services.rulebook import RuleBook

FRAME = "scheduling/portal/_shared.html"
"""The template that a delegate's pages extend."""


def is_delegate(user: User) -> bool:
    """Whether a schedule is shared with the user, or was. This alone gives no access to a schedule."""
    return Delegate.objects.filter(user=user).exists()


def delegations_of(user: User, now: datetime) -> list[Delegate]:
    """Return the delegations that let the user see a schedule at this moment."""
    found = Delegate.objects.in_force_for(user).select_related("consent", "patient__site")
    return [each for each in found if each.is_in_force_on(each.patient.site.today_at(now))]


def people_who_see(patient: Patient, now: datetime) -> list[Delegate]:
    """Return the delegates who may see the patient's schedule at this moment."""
    found = Delegate.objects.open().filter(patient=patient).select_related("consent", "patient__site", "user")
    today = patient.site.today_at(now)
    return [each for each in found if each.is_in_force_on(today)]


def _delegation(user: User, patient_id: int, now: datetime) -> Delegate | None:
    """Find the delegation for this patient, or None if the one that there was is not in force.

    Raises Http404 if there never was one.
    """
    found = Delegate.objects.in_force_for(user).select_related("consent", "patient__site")
    delegate = found.filter(patient=patient_id).first()
    if delegate is not None and delegate.is_in_force_on(delegate.patient.site.today_at(now)):
        return delegate
    if not Delegate.objects.filter(user=user, patient=patient_id).exists():
        raise Http404
    return None


def _not_shared_now(request: HttpRequest, user: User, now: datetime, status: int) -> HttpResponse:
    """Tell somebody who could see a schedule that it is not shared now. The page doesn't say whose schedule it is."""
    context = {"is_patient": is_patient(user), "has_others": bool(delegations_of(user, now))}
    return render(request, "scheduling/portal/shared_ended.html", context, status=status)


def _shared_bookings(delegate: Delegate) -> BookingQuerySet:
    """Return the bookings that the delegate may see: all on days when the consent is in force, except excused ones."""
    consent = delegate.consent
    covered = Booking.objects.shown_to_patient().of_patient(delegate.patient_id)
    covered = covered.filter(session__on__gte=consent.signed_on, session__on__lt=consent.valid_until)
    return covered.exclude(attendance__status=AttendanceStatus.EXCUSED)


@login_required
@require_safe
@transaction.atomic
def shared_schedules(request: HttpRequest) -> HttpResponse:
    """List the patients who share their schedule with the user. If there is only one, redirect to the schedule.

    A user who is also a patient is not redirected.
    """
    user, now = signed_in(request), clock.now()
    found = delegations_of(user, now)
    if not found:
        forbid_unless(is_delegate(user))
        return _not_shared_now(request, user, now, 403)
    if len(found) == 1 and not is_patient(user):
        return redirect("shared-schedule", found[0].patient_id)
    record_all([each.patient for each in found], by=user, action=Action.VIEWED, at=now, detail="shared schedules")
    context = {"delegations": found, "is_patient": is_patient(user)}
    return render(request, "scheduling/portal/shared_schedules.html", context)


@login_required
@require_safe
@transaction.atomic
def shared_schedule(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Show when the patient has appointments in a week. `?week=` is any date in the week. The default is today."""
    user, now = signed_in(request), clock.now()
    delegate = _delegation(user, patient_id, now)
    if delegate is None:
        return _not_shared_now(request, user, now, 404)
    patient = delegate.patient
    today = patient.site.today_at(now)
    week = RuleBook.of(patient.site).week_around(parse_day(request.GET.get("week", "")) or today)
    bookings = _shared_bookings(delegate).filter(session__on__gte=week.start, session__on__lt=week.end)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="shared schedule, as a delegate")
    context = {
        "patient": patient,
        "site": patient.site,
        "consent": delegate.consent,
        "today": today,
        "week": week.start,
        "last_day": week.end - timedelta(days=1),
        "previous": week.start - timedelta(days=1),
        "following": week.end,
        "is_this_week": week.contains(today),
        "bookings": bookings.select_related("session__site", "session__meeting").order_by("starts"),
        "notice": NOTICE,
        "is_patient": is_patient(user),
    }
    return render(request, "scheduling/portal/shared_schedule.html", context)
