"""Pages to admit a patient, set the level of care, and discharge the patient."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from attendance.services.week_states import weeks_so_far
from iopmanager import clock
from patients.access import current_or_next_episode, patient_managed_by
from patients.forms.care.episodes import EndingForm, LevelForm
from patients.models import Episode
from patients.services.care.episodes import admit_patient, set_level_of_care
from scheduling.formats import day, hours
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.preview.preview import WeekReader, no_weeks
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.rulebook import RuleBook
from scheduling.views.preview.patient_form import patient_action_page, submit_patient_action


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
    page: dict[str, Any] = {
        "heading": _("Set level of care") if episode else _("Admit patient"),
        "button": _("Set level of care") if episode else _("Admit patient"),
        "note": _level_note(episode),
        "action": "level of care",
    }
    if not (form.is_bound and form.is_valid()):
        return patient_action_page(request, form, patient=patient, now=now, **page)
    values, site = form.values(), episode.site if episode else patient.site
    rules = RuleBook.of(site).on(values.starts, values.level)
    if episode is not None:
        service: Callable[[], object] = partial(
            set_level_of_care, episode=episode, values=values, rules=rules, by=user, now=now
        )
        weeks: WeekReader = partial(weeks_so_far, episode_id=episode.pk, now=now)
        success = _("The level of care is set.")
        page |= _correction_offer(episode, values.starts, request.POST)
    else:
        source = form.cleaned_data["referral_source"]
        service = partial(
            admit_patient, patient=patient, values=values, rules=rules, referral_source=source, by=user, now=now
        )
        weeks = no_weeks
        success = _("Patient admitted. Next, find a schedule.")
    scope = SnapshotScope(site, today, today)  # a level of care changes no bookings
    return submit_patient_action(
        request, form, service, patient=patient, scope=scope, success=success, now=now, weeks=weeks, **page
    )


def _correction_offer(episode: Episode, starts: date, typed: QueryDict) -> dict[str, Any]:
    """Return the offer to correct the level of care that already starts on the day, with what was typed.

    The service refuses a new level on that day. Return an empty dict if no level starts on the day.
    """
    span = next((each for each in episode.spans.all() if each.starts == starts), None)
    if span is None:
        return {}
    names = ("starts", "level", "prescribed_minutes", "prescribed_days", "stated_by", "exception_reason")
    kept = {name: typed[name] for name in names if name in typed}
    return {"correct_url": reverse("level-correct", args=[span.pk]), "typed": kept}


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
    page: dict[str, Any] = {
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
    weeks = partial(weeks_so_far, episode_id=episode.pk, now=now)
    return submit_patient_action(
        request, form, service, patient=patient, scope=scope, success=success, now=now, weeks=weeks, **page
    )
