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
from attendance.services.leaves import excuse_leaves_of
from iopmanager import clock
from iopmanager.form_fields import read_day
from scheduling.forms.enrollment.individual import ArrangeForm
from scheduling.models import Enrollment
from scheduling.services.enrollment.individual import hours_of
from scheduling.services.enrollment.individual_change import arrange_one_to_ones, hours_for
from scheduling.services.preview.preview import Scene
from scheduling.templatetags.formats import day
from scheduling.views.enrollment.change import enrollment_managed_by
from scheduling.views.enrollment.individual_times import offer_times
from scheduling.views.preview.confirmation import ask, tell
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Reason, Refused


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enrollment_individual(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """At which hours the enrollment's individual time is, from a day on."""
    user, now = signed_in(request), clock.now()
    enrollment = enrollment_managed_by(user, enrollment_id)
    episode, track, site = enrollment.episode, enrollment.track, enrollment.episode.site
    patient, today = episode.patient, now.astimezone(site.zone).date()
    form = ArrangeForm(request.POST or None)
    what = f"individual time in {track}"
    context: dict[str, object] = {"patient": patient, "site": site, "enrollment": enrollment, "button": "Arrange it"}
    is_sent = request.method == "POST" and "check" not in request.POST
    refused: Sequence[Reason] = ()

    def act() -> Enrollment:
        given = form.cleaned_data
        arranged = arrange_one_to_ones(
            enrollment=enrollment, hours=given["individual"], from_day=given["starts"], by=user, now=now
        )
        excuse_leaves_of(episode=episode, now=now)
        return arranged

    if is_sent and form.is_valid():
        starts = form.cleaned_data["starts"]
        answer = ask(request, act, scene=Scene(site, max(starts, today)), now=now)
        if answer.is_done:
            messages.success(
                request, f"Individual time changes from {day(starts)}. What is booked has changed with it."
            )
            return redirect("patient", patient.pk)
        refused = answer.reasons
        if answer.impact is not None:
            told = tell(answer.impact, site=site, user=user, now=now, what=what)
            context |= {"told": told, "is_news": answer.is_news}
    record(patient, by=user, action=Action.VIEWED, at=now, detail=what)
    context |= _page_of_times(request, form, enrollment, today, refused)
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/enrollment/_individual_times.html", context | {"is_part": True})
    return render(
        request,
        "scheduling/enrollment/individual.html",
        context,
        status=422 if is_sent and "told" not in context else 200,
    )


def _page_of_times(
    request: HttpRequest, form: ArrangeForm, enrollment: Enrollment, today: date, refused: Sequence[Reason]
) -> dict[str, object]:
    """The form as it was opened or changed, the times from its day on, and what it was refused for."""
    typed = {}
    if form.is_bound:
        form.is_valid()
        typed = form.cleaned_data
    earliest = max(today, enrollment.starts)
    asked_for = None if form.is_bound else read_day(request.GET.get("from", ""))
    from_day = typed.get("starts") or asked_for or earliest
    form.initial["starts"] = from_day
    standing = hours_of(enrollment, from_day)
    about_the_day = [reason for reason in refused if reason.code in form.blames]
    if form.is_bound:
        show_refusal(form, Refused(about_the_day))
    reasons = [reason for reason in refused if reason not in about_the_day]
    try:
        found = hours_for(enrollment=enrollment, from_day=max(from_day, earliest), today=today)
    except Refused as unable:
        return {"form": form, "reasons": reasons or unable.reasons}
    picked = typed.get("individual") if form.is_bound else standing or None
    times = offer_times(found, enrollment.track.individual_minutes, picked, standing)
    return {"form": form, "reasons": reasons, "times": times}
