"""Pages to correct a level of care, an admission or a discharge. Each correction is previewed before it is saved."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from attendance.services.week_states import weeks_so_far
from iopmanager import clock
from patients.access import episode_managed_by, level_managed_by
from patients.forms.care.corrections import (
    AdmissionCorrectionForm,
    DischargeCorrectionForm,
    LevelCorrectionForm,
    TakeBackForm,
)
from patients.models import Episode, LevelOfCareSpan
from patients.views.care.moved import first_days
from patients.views.care.repeated import chart_if_removed
from scheduling.formats import day, hours
from scheduling.models import WaitingEntry
from scheduling.reason_text import reason_text
from scheduling.services.corrections.admissions import correct_admission, take_back_admission
from scheduling.services.corrections.discharges import correct_discharge, take_back_discharge
from scheduling.services.corrections.levels import correct_level, remove_level
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.preview.patient_form import patient_action_page, submit_patient_action
from scheduling.views.refusals import RefusableForm
from timekeeping.reasons import Reason

DAY = timedelta(days=1)
Given = Mapping[str, Any]
"""The cleaned values of a form."""
LEVEL_REMOVED = gettext_lazy("The level of care is already removed.")
ADMISSION_TAKEN_BACK = gettext_lazy("The admission is already taken back.")


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
@chart_if_removed(LevelOfCareSpan, LEVEL_REMOVED)
def level_correct(request: HttpRequest, span_id: int) -> HttpResponse:
    """Correct a level of care. The form to set a level can open this page with what was typed there."""
    user, now = signed_in(request), clock.now()
    span = level_managed_by(user, span_id)
    episode = span.episode
    opened = {name: request.POST[name] for name in _initial(span) if name in request.POST}
    is_opened = "open" in request.POST
    initial = _initial(span) | (opened if is_opened else {})
    form = LevelCorrectionForm(None if is_opened else request.POST or None, episode=episode, initial=initial)
    page: dict[str, Any] = {}
    if any(each.starts < span.starts for each in episode.spans.all()):
        page = {"other": _("Remove level"), "other_url": reverse("level-remove", args=[span.pk])}
    return _answer(
        request,
        form,
        _leaving_nothing_out(
            lambda given: correct_level(span=span, values=form.values(), reason=given["reason"], by=user, now=now)
        ),
        episode=episode,
        success=_("The level of care is corrected."),
        now=now,
        heading=_("Correct level of care"),
        button=_("Save correction"),
        note=_("The correction of level %(level)s from %(first)s applies to past weeks, too.")
        % {"level": span.level, "first": day(span.starts)},
        action="level of care correction",
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


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
@chart_if_removed(LevelOfCareSpan, LEVEL_REMOVED)
def level_remove(request: HttpRequest, span_id: int) -> HttpResponse:
    """Remove a level of care that was entered by mistake."""
    user, now = signed_in(request), clock.now()
    span = level_managed_by(user, span_id)
    return _answer(
        request,
        TakeBackForm(request.POST or None),
        _leaving_nothing_out(lambda given: remove_level(span=span, reason=given["reason"], by=user, now=now)),
        episode=span.episode,
        success=_("The level of care is removed."),
        now=now,
        heading=_("Remove level of care"),
        button=_("Remove level"),
        button_tone="danger",
        note=_("Level %(level)s from %(first)s is removed. The level before it continues instead.")
        % {"level": span.level, "first": day(span.starts)},
        action="level of care removal",
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
@chart_if_removed(Episode, ADMISSION_TAKEN_BACK)
def discharge_correct(request: HttpRequest, episode_id: int) -> HttpResponse:
    """Correct the last day or the reason of a discharge."""
    user, now = signed_in(request), clock.now()
    episode = episode_managed_by(user, episode_id)
    if episode.ends is None:
        return _no_discharge(request, episode)
    initial = {"last_day": episode.last_day, "discharge_reason": episode.discharge_reason}
    return _answer(
        request,
        DischargeCorrectionForm(request.POST or None, initial=initial),
        lambda given: correct_discharge(episode=episode, by=user, now=now, **given),
        episode=episode,
        changes_from=lambda given: given["last_day"] + DAY,
        success=_("The discharge is corrected."),
        now=now,
        heading=_("Correct discharge"),
        button=_("Save correction"),
        note=_("Bookings and weekly hours will be as if the right last day had been entered from the start."),
        other=_("Take discharge back"),
        other_url=reverse("discharge-take-back", args=[episode.pk]),
        action="discharge correction",
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
@chart_if_removed(Episode, ADMISSION_TAKEN_BACK)
def discharge_take_back(request: HttpRequest, episode_id: int) -> HttpResponse:
    """Take a discharge back: the episode goes on, and what the discharge ended is restored."""
    user, now = signed_in(request), clock.now()
    episode = episode_managed_by(user, episode_id)
    if episode.ends is None:
        return _no_discharge(request, episode)
    ends = episode.ends
    return _answer(
        request,
        TakeBackForm(request.POST or None),
        lambda given: take_back_discharge(episode=episode, reason=given["reason"], by=user, now=now),
        episode=episode,
        changes_from=lambda given: ends,
        success=_("The discharge is taken back."),
        now=now,
        heading=_("Take discharge back"),
        button=_("Take discharge back"),
        note=_("The episode of care goes on. Sessions are booked again where spots remain."),
        action="taking a discharge back",
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
@chart_if_removed(Episode, ADMISSION_TAKEN_BACK)
def admission_correct(request: HttpRequest, episode_id: int) -> HttpResponse:
    """Correct the first day or the referral source of an episode of care."""
    user, now = signed_in(request), clock.now()
    episode = episode_managed_by(user, episode_id)
    initial = {"starts": episode.starts, "referral_source": episode.referral_source}
    return _answer(
        request,
        AdmissionCorrectionForm(request.POST or None, initial=initial),
        _leaving_nothing_out(lambda given: correct_admission(episode=episode, by=user, now=now, **given)),
        episode=episode,
        changes_from=lambda given: min(given["starts"], episode.starts),
        known_notes=lambda given: first_days(episode, given["starts"]),
        success=_("The admission is corrected."),
        now=now,
        heading=_("Correct admission"),
        button=_("Save correction"),
        note=_("Weekly hours will be as if the right first day had been entered from the start."),
        other=_("Take admission back"),
        other_url=reverse("admission-take-back", args=[episode.pk]),
        action="admission correction",
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
@chart_if_removed(Episode, ADMISSION_TAKEN_BACK)
def admission_take_back(request: HttpRequest, episode_id: int) -> HttpResponse:
    """Remove an episode of care that was opened by mistake, for example for the wrong person."""
    user, now = signed_in(request), clock.now()
    episode = episode_managed_by(user, episode_id)
    return _answer(
        request,
        TakeBackForm(request.POST or None),
        _leaving_nothing_out(
            lambda given: take_back_admission(episode=episode, reason=given["reason"], by=user, now=now)
        ),
        episode=episode,
        changes_from=lambda given: episode.starts,
        known_notes=lambda given: _removed_with(episode),
        success=_("The admission is taken back."),
        now=now,
        heading=_("Take admission back"),
        button=_("Take admission back"),
        button_tone="danger",
        note=_(
            "The episode of care is removed with its levels, enrollments and bookings. The record keeps the reason."
        ),
        action="taking an admission back",
    )


def _removed_with(episode: Episode) -> list[str]:
    """Return a sentence for each enrollment and waitlist entry that is removed with the episode."""
    enrolled = episode.enrollments.select_related("track").order_by("starts")
    waiting = WaitingEntry.objects.open().filter(episode=episode).select_related("track")
    return [
        *(_("The enrollment in %(track)s is removed.") % {"track": each.track} for each in enrolled),
        *(_("The entry on the waitlist of %(track)s is removed.") % {"track": each.track} for each in waiting),
    ]


def _no_discharge(request: HttpRequest, episode: Episode) -> HttpResponse:
    """Answer for an open episode. A form was sent again after the discharge was taken back, so it leads to the chart."""
    if request.method != "POST":
        raise Http404
    messages.info(request, _("The discharge is already taken back."))
    return redirect("patient", episode.patient_id)


Service = Callable[[Given], Iterable[Reason]]
"""A correction, which takes the form's cleaned values, and returns the reasons why some bookings can't come back."""


def _leaving_nothing_out(correct: Callable[[Given], object]) -> Service:
    """Return a correction after which nothing is left that can't come back."""

    def service(given: Given) -> Iterable[Reason]:
        correct(given)
        return ()

    return service


class Correction:
    """A correction that the preview runs. After a run, `notes` also has the reasons that the service returned."""

    def __init__(self, service: Callable[[], Iterable[Reason]], known_notes: Iterable[str]) -> None:
        self.service, self.known_notes = service, tuple(known_notes)
        self.notes: list[str] = []

    def __call__(self) -> None:
        self.notes[:] = [*self.known_notes, *(reason_text(reason) for reason in self.service())]


def _answer(
    request: HttpRequest,
    form: RefusableForm,
    service: Service,
    *,
    episode: Episode,
    success: str,
    now: datetime,
    changes_from: Callable[[Given], date] | None = None,
    known_notes: Callable[[Given], Iterable[str]] = lambda given: (),
    **page: Any,
) -> HttpResponse:
    """Show the form of a correction, or preview or save the correction. `given` are the form's cleaned values.

    The correction changes bookings on the date `changes_from` or later, or none if `changes_from` is None. If the patient
    was discharged, bookings can also change from the day after the discharge on. `known_notes` are shown with the preview.
    """
    if not (form.is_bound and form.is_valid()):
        return patient_action_page(request, form, patient=episode.patient, now=now, **page)
    given = form.cleaned_data
    correction = Correction(partial(service, given), known_notes(given))
    if changes_from is None:
        today = episode.site.today_at(now)
        scope = SnapshotScope(episode.site, today, today)
    else:
        first = changes_from(given)
        scope = SnapshotScope(episode.site, min(first, episode.ends or first))
    return submit_patient_action(
        request,
        form,
        correction,
        patient=episode.patient,
        scope=scope,
        weeks=partial(weeks_so_far, episode_id=episode.pk, now=now),
        preview_always=True,
        success=success,
        now=now,
        notes=correction.notes,
        is_correction=True,
        **page,
    )
