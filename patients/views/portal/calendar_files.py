"""Portal pages on which patients upload, preview, save and remove their own calendar file.

A calendar that conflicts with an appointment waits for the clinic's decision.
"""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.views import patient_required, signed_in
from iopmanager import clock
from iopmanager.form_fields import parse_day
from patients.forms.calendars.calendar_files import CalendarFileForm, SaveCalendarForm
from patients.models import CalendarState, ImportedCalendar
from patients.views.calendars.calendar_files import latest_saved_calendar, read_uploaded_calendar
from patients.views.calendars.calendar_page import build_calendar_page
from patients.views.portal.commitments import PENDING_MESSAGE
from scheduling.services.availability.calendar_review import remove_calendar, save_calendar
from scheduling.views.refusals import submit_button, submit_form


def _own_calendar(user: User, calendar_id: int) -> ImportedCalendar:
    calendars = ImportedCalendar.objects.visible_to(user).open_at(clock.now())
    return get_object_or_404(calendars.select_related("patient__site"), pk=calendar_id, patient=user.patient)


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
def portal_calendar_file_new(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    before = latest_saved_calendar(user.patient)
    form = CalendarFileForm(request.POST or None, request.FILES or None, before=before, is_own=True)
    if request.method == "POST" and form.is_valid() and (preview := read_uploaded_calendar(form, user.patient, user)):
        return redirect("portal-calendar-file", preview.pk)
    return render(request, "patients/portal/calendar_file_new.html", {"form": form}, status=422 if form.errors else 200)


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_calendar_file(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Preview an uploaded calendar; a POST saves it. Without `?week=`, the first week with a busy time is shown."""
    user, now = signed_in(request), clock.now()
    calendar = _own_calendar(user, calendar_id)
    typed = request.POST if request.method == "POST" else None
    form = SaveCalendarForm(typed, asks=calendar.whole_days > 0, is_own=True)
    service = partial(save_calendar, calendar=calendar, by=user, now=now)
    if saved := submit_form(request, form, lambda: service(whole_days_count=form.whole_days_count)):
        if saved.value.state == CalendarState.WAITING:
            messages.warning(request, str(PENDING_MESSAGE))
        else:
            messages.success(request, _("Your calendar is saved."))
        return redirect("portal-commitments")
    page = build_calendar_page(calendar, user, now, parse_day(request.GET.get("week", "")), discreet=True)
    context = {"calendar": calendar, "page": page, "form": form, "site": user.patient.site}
    return render(request, "patients/portal/calendar_file.html", context, status=422 if form.errors else 200)


@patient_required
@require_POST
def portal_calendar_file_remove(request: HttpRequest, calendar_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    calendar = _own_calendar(user, calendar_id)
    submit_button(
        request,
        lambda: remove_calendar(calendar=calendar, by=user, now=now),
        _("Your calendar is deleted."),
        refusal_level=messages.WARNING,
    )
    return redirect("portal-commitments")
