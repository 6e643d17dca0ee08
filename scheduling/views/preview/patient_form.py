"""A page of one form about a patient, whose act is shown with what it does before it is done."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.audit import record
from accounts.models import Action
from accounts.views import signed_in
from patients.forms.care.episodes import LastDayForm
from patients.models import Patient
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.preview.confirmation import apply_or_preview, summarize_impact
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused


def submit_patient_action(
    request: HttpRequest,
    form: ActionForm | LastDayForm,
    act: Callable[[], object],
    *,
    patient: Patient,
    scene: SnapshotScope,
    what: str,
    said: str,
    now: datetime,
    **context: object,
) -> HttpResponse:
    """Does what was asked for and goes back to the chart, or shows the form again with what it would do or what stands
    against it.
    """
    answer = apply_or_preview(request, act, scene=scene, now=now)
    if answer.is_done:
        messages.success(request, said)
        return redirect("patient", patient.pk)
    if answer.impact is None:
        show_refusal(form, Refused(answer.reasons))
    else:
        told = summarize_impact(answer.impact, site=scene.site, user=signed_in(request), now=now, what=what)
        context |= {"told": told, "is_news": answer.is_news}
    return patient_action_page(request, form, patient=patient, what=what, now=now, **context)


def patient_action_page(
    request: HttpRequest,
    form: ActionForm | LastDayForm,
    *,
    patient: Patient,
    what: str,
    now: datetime,
    **context: object,
) -> HttpResponse:
    """The form with what was typed; 422 when that was refused. `heading`, `button` and `note` are the page's words."""
    record(patient, by=signed_in(request), action=Action.VIEWED, at=now, detail=what)
    context |= {"form": form, "patient": patient, "site": patient.site}
    return render(request, "scheduling/preview/patient_form.html", context, status=422 if form.errors else 200)
