"""Pages to correct a level of care, an admission or a discharge. Each correction is previewed before it is saved."""

from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from attendance.services.week_states import weeks_so_far
from iopmanager import clock
from patients.access import level_managed_by
from patients.forms.care.corrections import LevelCorrectionForm, TakeBackForm
from patients.models import Episode, LevelOfCareSpan
from scheduling.formats import day, hours
from scheduling.services.corrections.levels import correct_level, remove_level
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.preview.patient_form import patient_action_page, submit_patient_action


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def level_correct(request: HttpRequest, span_id: int) -> HttpResponse:
    """Correct a level of care. The form to set a level can open this page with what was typed there."""
    user, now = signed_in(request), clock.now()
    span = level_managed_by(user, span_id)
    episode = span.episode
    opened = {name: request.POST[name] for name in _initial(span) if name in request.POST}
    is_opened = "open" in request.POST
    initial = _initial(span) | (opened if is_opened else {})
    form = LevelCorrectionForm(None if is_opened else request.POST or None, episode=episode, initial=initial)
    page: dict[str, Any] = {
        "heading": _("Correct level of care"),
        "button": _("Save correction"),
        "note": _("Level %(level)s from %(first)s is corrected in the weeks that have passed, too.")
        % {"level": span.level, "first": day(span.starts)},
        "action": "level of care correction",
    }
    if any(each.starts < span.starts for each in episode.spans.all()):
        page |= {"other": _("Remove level"), "other_url": reverse("level-remove", args=[span.pk])}
    if not (form.is_bound and form.is_valid()):
        return patient_action_page(request, form, patient=episode.patient, now=now, **page)
    service = partial(
        correct_level, span=span, values=form.values(), reason=form.cleaned_data["reason"], by=user, now=now
    )
    return submit_patient_action(
        request,
        form,
        service,
        patient=episode.patient,
        success=_("The level of care is corrected."),
        now=now,
        **_level_preview(episode, now),
        **page,
    )


def _initial(span: LevelOfCareSpan) -> dict[str, Any]:
    return {
        "starts": span.starts,
        "level": span.level,
        "prescribed_minutes": hours(span.prescribed_minutes),
        "prescribed_days": span.prescribed_days,
        "stated_by": span.stated_by,
        "exception_reason": span.exception_reason,
    }


def _level_preview(episode: Episode, now: Any) -> dict[str, Any]:
    """Return how a change to a level of care is previewed: by the weeks it changes, because it changes no bookings."""
    today = episode.site.today_at(now)
    return {
        "scope": SnapshotScope(episode.site, today, today),
        "weeks": partial(weeks_so_far, episode_id=episode.pk, now=now),
        "preview_always": True,
    }


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def level_remove(request: HttpRequest, span_id: int) -> HttpResponse:
    """Remove a level of care that was entered by mistake."""
    user, now = signed_in(request), clock.now()
    span = level_managed_by(user, span_id)
    form = TakeBackForm(request.POST or None)
    page: dict[str, Any] = {
        "heading": _("Remove level of care"),
        "button": _("Remove level"),
        "button_tone": "danger",
        "note": _("Level %(level)s from %(first)s is removed. The level before it continues instead.")
        % {"level": span.level, "first": day(span.starts)},
        "action": "level of care removal",
    }
    if not (form.is_bound and form.is_valid()):
        return patient_action_page(request, form, patient=span.episode.patient, now=now, **page)
    return submit_patient_action(
        request,
        form,
        partial(remove_level, span=span, reason=form.cleaned_data["reason"], by=user, now=now),
        patient=span.episode.patient,
        success=_("The level of care is removed."),
        now=now,
        **_level_preview(span.episode, now),
        **page,
    )
