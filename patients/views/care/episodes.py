"""Pages to admit a patient, set the level of care, and discharge the patient."""

from datetime import date, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.access import current_or_next_episode, patient_managed_by
from patients.forms.care.episodes import EndingForm, LevelForm
from patients.models import Episode
from patients.services.care.episodes import admit_patient, set_level_of_care
from patients.views.form_page import form_page
from scheduling.formats import day, hours
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.preview.patient_form import patient_action_page, submit_patient_action
from scheduling.views.refusals import submit_form


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def level_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Admit a patient who is not in care, or set the next level of care in the current episode.

    The schedule search can open this form. The form is then filled in with the prescription of a search scenario.
    """
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    episode = current_or_next_episode(patient, today)
    opened = _initial_from_search(request.POST) if "open" in request.POST else {}
    form = LevelForm(
        None if opened else request.POST or None, episode=episode, initial=_level_initial(episode, today) | opened
    )

    def admit_or_set_level() -> None:
        if episode is not None:
            set_level_of_care(episode=episode, values=form.values(), by=user, now=now)
        else:
            source = form.cleaned_data["referral_source"]
            admit_patient(patient=patient, values=form.values(), referral_source=source, by=user, now=now)

    if submit_form(request, form, admit_or_set_level):
        messages.success(
            request, _("The level of care is set.") if episode else _("Patient admitted. Next, find a schedule.")
        )
        return redirect("patient", patient.pk)
    return form_page(
        request,
        form,
        viewed=patient,
        detail="level of care",
        heading=_("Set level of care") if episode else _("Admit patient"),
        save=_("Set level of care") if episode else _("Admit patient"),
        patient=patient,
        note=_level_note(episode),
    )


def _level_initial(episode: Episode | None, today: date) -> dict[str, Any]:
    """Return the values of the latest level of care, and the first day on which another level could start."""
    spans = list(episode.spans.all()) if episode else []
    if not spans:
        return {"starts": today}
    return {
        "starts": max(today, spans[-1].starts + timedelta(days=1)),
        "level": spans[-1].level,
        "prescribed_minutes": hours(spans[-1].prescribed_minutes),
        "prescribed_days": spans[-1].prescribed_days,
    }


def _initial_from_search(typed: QueryDict) -> dict[str, Any]:
    """Return initial form values for the start date and prescription, which the schedule search has posted."""
    names = {"starts": "from", "prescribed_minutes": "prescribed_minutes", "prescribed_days": "prescribed_days"}
    return {field: typed[name] for field, name in names.items() if name in typed}


def _level_note(episode: Episode | None) -> str:
    spans = list(episode.spans.all()) if episode else []
    if not spans:
        return _("This starts an episode of care with its first level of care.")
    latest = spans[-1]
    return ngettext(
        "The current level %(level)s (%(time)s a week on %(days)d day, since %(since)s) ends when the new one starts.",
        "The current level %(level)s (%(time)s a week on %(days)d days, since %(since)s) ends when the new one starts.",
        latest.prescribed_days,
    ) % {
        "level": latest.level,
        "time": hours(latest.prescribed_minutes),
        "days": latest.prescribed_days,
        "since": day(latest.starts),
    }


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def episode_end(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Discharge a patient: end the episode, the level of care and all enrollments, and release later bookings."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    episode = get_object_or_404(patient.episodes.open_on_or_after(today).select_related("site"))
    initial = {"last_day": episode.earliest_from(today)}
    form = EndingForm(request.POST or None, initial=initial, help_text=_("The last day in the program."))
    page = {
        "heading": _("Discharge patient"),
        "button": _("Discharge patient"),
        "button_tone": "danger",
        "note": _("This ends the level of care and all enrollments, and cancels bookings after the last day."),
        "action": "discharge",
    }
    if not (request.method == "POST" and form.is_valid()):
        return patient_action_page(request, form, patient=patient, now=now, **page)
    given = form.cleaned_data
    last_day = given["last_day"]
    service = partial(discharge_patient, episode=episode, last_day=last_day, reason=given["reason"], by=user, now=now)
    scope = SnapshotScope(episode.site, max(last_day + timedelta(days=1), episode.starts))
    success = _("Patient discharged. The last day is %(last_day)s. Later spots are open again.") % {
        "last_day": day(last_day)
    }
    return submit_patient_action(request, form, service, patient=patient, scope=scope, success=success, now=now, **page)
