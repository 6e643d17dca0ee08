"""A patient's own calendar file: sent, looked at and kept; what runs into an appointment is looked at by the clinic first."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.views import patient_required, signed_in
from iopmanager import clock
from iopmanager.form_fields import read_day
from patients.forms import CalendarFileForm, KeepCalendarForm
from patients.models import CalendarState, ImportedCalendar
from patients.views.calendars.calendar_files import latest_of, received
from patients.views.calendars.calendar_page import page_of
from patients.views.portal.commitments import WAITS
from scheduling.reason_text import say
from scheduling.services.availability.calendar_review import keep_calendar, remove_calendar
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused


def _own(user: User, calendar_id: int) -> ImportedCalendar:
    calendars = ImportedCalendar.objects.visible_to(user).remembered(clock.now()).exclude(state=CalendarState.DECLINED)
    return get_object_or_404(calendars.select_related("patient__site"), pk=calendar_id, patient=user.patient)


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
def portal_file_new(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    before = latest_of(user.patient)
    form = CalendarFileForm(request.POST or None, request.FILES or None, before=before, is_own=True)
    if request.method == "POST" and form.is_valid() and (made := received(form, user.patient, user)):
        return redirect("portal-file", made.pk)
    return render(request, "patients/portal/calendar_file_new.html", {"form": form}, status=422 if form.errors else 200)


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_file(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """What was understood, and the keeping of it. `?week=` shows another week; nonsense is the first."""
    user, now = signed_in(request), clock.now()
    calendar = _own(user, calendar_id)
    typed = request.POST if request.method == "POST" else None
    form = KeepCalendarForm(typed, asks=calendar.whole_days > 0, is_own=True)
    if request.method == "POST" and form.is_valid():
        try:
            kept = keep_calendar(calendar=calendar, whole_days_count=form.whole_days_count, by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            if kept.state == CalendarState.WAITING:
                messages.warning(request, WAITS)
            else:
                messages.success(request, "Your calendar is kept.")
            return redirect("portal-life")
    page = page_of(calendar, user, now, read_day(request.GET.get("week", "")), discreet=True)
    context = {"calendar": calendar, "page": page, "form": form, "site": user.patient.site}
    return render(request, "patients/portal/calendar_file.html", context, status=422 if form.errors else 200)


@patient_required
@require_POST
def portal_file_remove(request: HttpRequest, calendar_id: int) -> HttpResponse:
    user = signed_in(request)
    calendar = _own(user, calendar_id)
    try:
        remove_calendar(calendar=calendar, by=user, now=clock.now())
    except Refused as refused:
        messages.warning(request, " ".join(say(reason) for reason in refused.reasons))
    else:
        messages.success(request, "It is forgotten.")
    return redirect("portal-life")
