"""A patient is away for a while, comes back, or does not go."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from attendance.forms import LeaveForm, ReturnForm
from attendance.services.leaves import call_off_leave, end_leave, take_leave
from iopmanager import clock
from patients.views.access import patient_managed_by
from scheduling.forms.sessions.session_changes import ActForm
from scheduling.models import LeaveOfAbsence
from scheduling.services.preview.preview import Scene
from scheduling.templatetags.formats import day, day_range
from scheduling.views.preview.patient_form import act_page, patient_act
from scheduling.views.search.track_cards import episode_to_schedule

METHODS = ["GET", "HEAD", "POST"]
DAY = timedelta(days=1)


def _leave_managed_by(user: User, leave_id: int) -> LeaveOfAbsence:
    found = LeaveOfAbsence.objects.visible_to(user).select_related("episode__patient__site", "episode__site")
    leave = get_object_or_404(found, pk=leave_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, leave.audit_site_id))
    return leave


def _said(leave: LeaveOfAbsence) -> str:
    """Its days, in words."""
    return (
        day_range(leave.starts, leave.last_day) if leave.last_day else f"from {day(leave.starts)} until further notice"
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def leave_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    """A leave of absence: the places are kept, what is booked in it is excused."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = now.astimezone(patient.site.zone).date()
    episode = episode_to_schedule(patient, today)
    if episode is None:
        return redirect("patient", patient.pk)
    form = LeaveForm(request.POST or None, initial={"first_day": max(today, episode.starts)})
    words = {
        "heading": "Leave of absence",
        "button": "Note the leave",
        "note": f"{patient.called} keeps every place. Sessions in the leave are excused, and its weeks count as no failure.",
        "what": "leave of absence",
    }
    if not (request.method == "POST" and form.is_valid()):
        return act_page(request, form, patient=patient, now=now, **words)
    given = form.cleaned_data
    act = partial(take_leave, episode=episode, **given, by=user, now=now)
    scene = Scene(episode.site, max(given["first_day"], episode.starts))
    until = f" to {day(given['last_day'])}" if given["last_day"] else ""
    said = f"{patient.called} is away from {day(given['first_day'])}{until}."
    return patient_act(request, form, act, patient=patient, scene=scene, said=said, now=now, **words)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def leave_end(request: HttpRequest, leave_id: int) -> HttpResponse:
    """When the patient comes back: earlier or later than was said."""
    user, now = signed_in(request), clock.now()
    leave = _leave_managed_by(user, leave_id)
    patient, site = leave.episode.patient, leave.episode.site
    today = now.astimezone(site.zone).date()
    form = ReturnForm(request.POST or None, initial={"last_day": leave.last_day or max(today, leave.starts)})
    words = {
        "heading": f"When {patient.called} comes back",
        "button": "Keep the day",
        "note": f"Away {_said(leave)}: {leave.reason}. What has begun stays as it is marked.",
        "what": "return from leave",
        "other": "They don’t go at all",
        "other_url": reverse("leave-call-off", args=[leave.pk]),
    }
    if not (request.method == "POST" and form.is_valid()):
        return act_page(request, form, patient=patient, now=now, **words)
    last_day = form.cleaned_data["last_day"]
    act = partial(end_leave, leave=leave, last_day=last_day, by=user, now=now)
    ends = [each for each in (leave.ends, last_day and last_day + DAY) if each]
    scene = Scene(site, max(leave.starts, min(ends, default=today)))
    said = f"{patient.called} comes again on {day(last_day + DAY)}." if last_day else "Away until further notice."
    return patient_act(request, form, act, patient=patient, scene=scene, said=said, now=now, **words)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def leave_call_off(request: HttpRequest, leave_id: int) -> HttpResponse:
    """The leave does not take place."""
    user, now = signed_in(request), clock.now()
    leave = _leave_managed_by(user, leave_id)
    patient, site = leave.episode.patient, leave.episode.site
    form = ActForm(request.POST or None)
    words = {
        "heading": "Call off the leave",
        "button": "Call it off",
        "note": f"Away {_said(leave)}: {leave.reason}. {patient.called} is expected in every session again.",
        "what": "call off a leave",
    }
    if request.method != "POST":
        return act_page(request, form, patient=patient, now=now, **words)
    act = partial(call_off_leave, leave=leave, by=user, now=now)
    scene, said = Scene(site, leave.starts), "The leave is called off."
    return patient_act(request, form, act, patient=patient, scene=scene, said=said, now=now, **words)
