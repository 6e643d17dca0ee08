"""Individual time of an enrollment: chosen with it, arranged later, or moved to other hours from a day on."""

from collections.abc import Sequence
from datetime import date

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from iopmanager.form_fields import parse_day
from scheduling.formats import day
from scheduling.forms.enrollment.individual import IndividualSessionsForm
from scheduling.models import Enrollment
from scheduling.services.enrollment.individual import individual_sessions_of
from scheduling.services.enrollment.individual_change import arrange_individual_sessions, individual_session_options
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.enrollment.change import enrollment_managed_by
from scheduling.views.enrollment.individual_times import time_choices
from scheduling.views.preview.confirmation import apply_or_preview, summarize_impact
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Reason, Refused


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def individual_sessions(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """At which hours the enrollment's individual time is, from a day on."""
    user, now = signed_in(request), clock.now()
    enrollment = enrollment_managed_by(user, enrollment_id)
    episode, track, site = enrollment.episode, enrollment.track, enrollment.episode.site
    patient, today = episode.patient, now.astimezone(site.zone).date()
    form = IndividualSessionsForm(request.POST or None)
    what = f"individual time in {track}"
    context: dict[str, object] = {"patient": patient, "site": site, "enrollment": enrollment, "button": "Arrange it"}
    is_sent = request.method == "POST" and "check" not in request.POST
    refused: Sequence[Reason] = ()

    def act() -> Enrollment:
        given = form.cleaned_data
        return arrange_individual_sessions(
            enrollment=enrollment, hours=given["individual"], from_day=given["starts"], by=user, now=now
        )

    if is_sent and form.is_valid():
        starts = form.cleaned_data["starts"]
        answer = apply_or_preview(request, act, scene=SnapshotScope(site, max(starts, today)), now=now)
        if answer.is_done:
            messages.success(
                request, f"Individual time changes from {day(starts)}. What is booked has changed with it."
            )
            return redirect("patient", patient.pk)
        refused = answer.reasons
        if answer.impact is not None:
            told = summarize_impact(answer.impact, site=site, user=user, now=now, what=what)
            context |= {"told": told, "is_news": answer.is_news}
    record(patient, by=user, action=Action.VIEWED, at=now, detail=what)
    context |= _times_context(request, form, enrollment, today, refused)
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/enrollment/_individual_times.html", context | {"is_part": True})
    return render(
        request,
        "scheduling/enrollment/individual.html",
        context,
        status=422 if is_sent and "told" not in context else 200,
    )


def _times_context(
    request: HttpRequest, form: IndividualSessionsForm, enrollment: Enrollment, today: date, refused: Sequence[Reason]
) -> dict[str, object]:
    """The form as it was opened or changed, the times from its day on, and what it was refused for."""
    typed = {}
    if form.is_bound:
        form.is_valid()
        typed = form.cleaned_data
    earliest = max(today, enrollment.starts)
    asked_for = None if form.is_bound else parse_day(request.GET.get("from", ""))
    from_day = typed.get("starts") or asked_for or earliest
    form.initial["starts"] = from_day
    standing = individual_sessions_of(enrollment, from_day)
    about_the_day = [reason for reason in refused if reason.code in form.blames]
    if form.is_bound:
        show_refusal(form, Refused(about_the_day))
    reasons = [reason for reason in refused if reason not in about_the_day]
    try:
        found = individual_session_options(enrollment=enrollment, from_day=max(from_day, earliest), today=today)
    except Refused as unable:
        return {"form": form, "reasons": reasons or unable.reasons}
    picked = typed.get("individual") if form.is_bound else standing or None
    times = time_choices(found, enrollment.track.individual_minutes, picked, standing)
    return {"form": form, "reasons": reasons, "times": times}
