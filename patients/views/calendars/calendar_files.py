"""Pages on which staff import or remove a patient's calendar, or decide on a calendar that the patient uploaded."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from iopmanager.form_fields import parse_day
from patients.access import calendar_managed_by, patient_managed_by
from patients.forms.availability.proposals import DECLINE, DecisionForm
from patients.forms.calendars.calendar_files import CalendarFileForm, SaveCalendarForm
from patients.models import CalendarState, ImportedCalendar, Patient
from patients.views.calendars.calendar_page import build_calendar_page
from scheduling.services.availability.calendar_review import (
    CalendarValues,
    decline_calendar,
    parse_calendar,
    remove_calendar,
    save_calendar,
    save_calendar_preview,
)
from scheduling.views.refusals import show_refusal, submit_button, submit_form
from timekeeping.reasons import Refused


def read_uploaded_calendar(form: CalendarFileForm, patient: Patient, user: User) -> ImportedCalendar | None:
    """Parse the uploaded file and store a preview. If the file can't be imported, add form errors and return None.

    No transaction is open while the file is parsed, so that other requests don't wait for it.
    """
    now = clock.now()
    try:
        parsed = parse_calendar(patient=patient, data=form.cleaned_data["file"].read(), now=now)
    except Refused as refused:
        show_refusal(form, refused)
        return None
    values = CalendarValues(**form.calendar_fields())
    return save_calendar_preview(patient=patient, values=values, parsed=parsed, by=user, now=now)


def latest_saved_calendar(patient: Patient) -> ImportedCalendar | None:
    return ImportedCalendar.objects.saved_for([patient.pk]).order_by("-uploaded_at", "-pk").first()


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def imported_calendar_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    user = signed_in(request)
    patient = patient_managed_by(user, patient_id)
    form = CalendarFileForm(request.POST or None, request.FILES or None, before=latest_saved_calendar(patient))
    if request.method == "POST" and form.is_valid() and (preview := read_uploaded_calendar(form, patient, user)):
        return redirect("imported-calendar", preview.pk)
    record(patient, by=user, action=Action.VIEWED, at=clock.now(), detail="new calendar file")
    context = {"patient": patient, "form": form}
    return render(request, "patients/calendars/imported_calendar_new.html", context, status=422 if form.errors else 200)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def imported_calendar(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Show a preview of an imported calendar, and save or decline the calendar.

    The first week with a busy time is shown unless `?week=` is given.
    """
    user, now = signed_in(request), clock.now()
    calendar = calendar_managed_by(user, calendar_id)
    form: SaveCalendarForm | DecisionForm
    if calendar.state == CalendarState.WAITING:
        form = DecisionForm(request.POST or None)
    else:
        form = SaveCalendarForm(request.POST if request.method == "POST" else None, asks=calendar.whole_days > 0)
    if decided := submit_form(request, form, lambda: _apply_decision(form, calendar, user)):
        messages.success(request, decided.value)
        return redirect("patient", calendar.patient_id)
    record(calendar, by=user, action=Action.VIEWED, at=now)
    page = build_calendar_page(calendar, user, now, parse_day(request.GET.get("week", "")))
    context = {"patient": calendar.patient, "calendar": calendar, "page": page, "form": form}
    return render(request, "patients/calendars/imported_calendar.html", context, status=422 if form.errors else 200)


def _apply_decision(form: SaveCalendarForm | DecisionForm, calendar: ImportedCalendar, user: User) -> str:
    """Save or decline the calendar as the form says. Return the message to show. Raises Refused if a service refuses."""
    now = clock.now()
    if isinstance(form, SaveCalendarForm):
        save_calendar(calendar=calendar, whole_days_count=form.whole_days_count, by=user, now=now)
    elif form.cleaned_data["decision"] == DECLINE:
        decline_calendar(calendar=calendar, reason=form.cleaned_data["reason"], by=user, now=now)
        return _("The calendar is declined. Nothing has changed.")
    else:
        save_calendar(calendar=calendar, by=user, now=now)
    return _("The calendar is saved. Conflicts with booked sessions, if any, are listed below.")


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
def imported_calendar_remove(request: HttpRequest, calendar_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    calendar = calendar_managed_by(user, calendar_id)
    submit_button(
        request,
        lambda: remove_calendar(calendar=calendar, by=user, now=now),
        _("The calendar is deleted."),
        refusal_level=messages.WARNING,
    )
    return redirect("patient", calendar.patient_id)
