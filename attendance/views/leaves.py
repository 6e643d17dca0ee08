"""Pages to enter a leave of absence, change its last day, or cancel it."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from attendance.forms import LeaveForm, ReturnForm
from attendance.services.leaves import add_leave, cancel_leave, change_leave_end
from iopmanager import clock
from patients.access import current_or_next_episode, patient_managed_by
from scheduling.formats import day, day_range
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.models import LeaveOfAbsence
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.preview.patient_form import patient_action_page, submit_patient_action

METHODS = ["GET", "HEAD", "POST"]
DAY = timedelta(days=1)


def _leave_managed_by(user: User, leave_id: int) -> LeaveOfAbsence:
    found = LeaveOfAbsence.objects.visible_to(user).select_related("episode__patient__site", "episode__site")
    leave = get_object_or_404(found, pk=leave_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, leave.audit_site_id))
    return leave


def _leave_text(leave: LeaveOfAbsence) -> str:
    if leave.last_day:
        return _("Away %(days)s: %(reason)s.") % {
            "days": day_range(leave.starts, leave.last_day),
            "reason": leave.reason,
        }
    return _("Away from %(first_day)s, with no last day yet: %(reason)s.") % {
        "first_day": day(leave.starts),
        "reason": leave.reason,
    }


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def leave_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Enter a leave of absence. Enrollments continue, and bookings during the leave are excused."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    episode = current_or_next_episode(patient, today)
    if episode is None:
        return redirect("patient", patient.pk)
    form = LeaveForm(request.POST or None, initial={"first_day": episode.earliest_from(today)})
    page: dict[str, Any] = {
        "heading": _("Leave of absence"),
        "button": _("Save leave"),
        "note": _(
            "%(name)s keeps every spot. Sessions during the leave are excused, and its weeks are not counted as missed."
        )
        % {"name": patient.short_name},
        "action": "leave of absence",
    }
    if not (request.method == "POST" and form.is_valid()):
        return patient_action_page(request, form, patient=patient, now=now, **page)
    given = form.cleaned_data
    service = partial(add_leave, episode=episode, **given, by=user, now=now)
    scope = SnapshotScope(episode.site, max(given["first_day"], episode.starts))
    values = {"name": patient.short_name, "first_day": day(given["first_day"]), "last_day": day(given["last_day"])}
    if given["last_day"]:
        success = _("%(name)s is away from %(first_day)s to %(last_day)s.") % values
    else:
        success = _("%(name)s is away from %(first_day)s.") % values
    return submit_patient_action(request, form, service, patient=patient, scope=scope, success=success, now=now, **page)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def leave_end(request: HttpRequest, leave_id: int) -> HttpResponse:
    """Change the last day of a leave of absence, or make the leave open-ended."""
    user, now = signed_in(request), clock.now()
    leave = _leave_managed_by(user, leave_id)
    patient, site = leave.episode.patient, leave.episode.site
    today = site.today_at(now)
    form = ReturnForm(request.POST or None, initial={"last_day": leave.last_day or max(today, leave.starts)})
    page: dict[str, Any] = {
        "heading": _("Change last day of leave"),
        "button": _("Save last day"),
        "note": f"{_leave_text(leave)} {_('Sessions that have started keep their attendance.')}",
        "action": "return from leave",
        "other": _("Cancel leave"),
        "other_url": reverse("leave-cancel", args=[leave.pk]),
    }
    if not (request.method == "POST" and form.is_valid()):
        return patient_action_page(request, form, patient=patient, now=now, **page)
    last_day = form.cleaned_data["last_day"]
    service = partial(change_leave_end, leave=leave, last_day=last_day, by=user, now=now)
    ends = [each for each in (leave.ends, last_day and last_day + DAY) if each]
    scope = SnapshotScope(site, max(leave.starts, min(ends, default=today)))
    values = {"name": patient.short_name, "returns": day(last_day and last_day + DAY)}
    if last_day:
        success = _("%(name)s returns on %(returns)s.") % values
    else:
        success = _("%(name)s is away, and the last day is not known yet.") % values
    return submit_patient_action(request, form, service, patient=patient, scope=scope, success=success, now=now, **page)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def leave_cancel(request: HttpRequest, leave_id: int) -> HttpResponse:
    """Cancel a leave of absence. The patient is then expected in every session again."""
    user, now = signed_in(request), clock.now()
    leave = _leave_managed_by(user, leave_id)
    patient, site = leave.episode.patient, leave.episode.site
    form = ActionForm(request.POST or None)
    expected = _("%(name)s is expected in every session again.") % {"name": patient.short_name}
    page: dict[str, Any] = {
        "heading": _("Cancel leave"),
        "button": _("Cancel leave"),
        "note": f"{_leave_text(leave)} {expected}",
        "action": "call off a leave",
    }
    if request.method != "POST":
        return patient_action_page(request, form, patient=patient, now=now, **page)
    service = partial(cancel_leave, leave=leave, by=user, now=now)
    scope, success = SnapshotScope(site, leave.starts), _("The leave is canceled.")
    return submit_patient_action(request, form, service, patient=patient, scope=scope, success=success, now=now, **page)
