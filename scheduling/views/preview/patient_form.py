"""A page with a form for one action on a patient. The action is previewed before it is applied."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from accounts.audit import record
from accounts.models import Action
from accounts.views import signed_in
from patients.models import Patient
from scheduling.services.preview.preview import WeekReader, no_weeks
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.preview.confirmation import SEEN, submit_with_preview
from scheduling.views.refusals import RefusableForm

ALREADY_DONE = {
    "nothing_changed": _("This change is already saved."),
    "not_discharged": _("The discharge is already taken back."),
}
"""What to say about a confirmed change that is refused for the one reason with this code: it was sent twice."""


def submit_patient_action(
    request: HttpRequest,
    form: RefusableForm,
    service: Callable[[], object],
    *,
    patient: Patient,
    scope: SnapshotScope,
    action: str,
    success: str,
    now: datetime,
    weeks: WeekReader = no_weeks,
    preview_always: bool = False,
    **context: object,
) -> HttpResponse:
    """Apply the change and redirect to the chart, or show the form with a preview or the reasons for a refusal.

    The preview includes the treatment weeks that `weeks` reads. With `preview_always`, a change without any effect on
    bookings and weeks is previewed too. A confirmed change that was already saved leads to the chart, too.
    """
    submission = submit_with_preview(
        request, service, scope=scope, now=now, action=action, form=form, weeks=weeks, preview_always=preview_always
    )
    if submission.saved:
        messages.success(request, success)
        return redirect("patient", patient.pk)
    codes = {reason.code for reason in submission.reasons}
    if request.POST.get(SEEN) and len(codes) == 1 and codes <= ALREADY_DONE.keys():
        messages.info(request, ALREADY_DONE[codes.pop()])
        return redirect("patient", patient.pk)
    return patient_action_page(
        request, form, patient=patient, action=action, now=now, **context, **dict(submission.preview)
    )


def patient_action_page(
    request: HttpRequest,
    form: RefusableForm,
    *,
    patient: Patient,
    action: str,
    now: datetime,
    **context: object,
) -> HttpResponse:
    """Render the form, with status 422 if it has errors. Record in the audit trail that `action` was viewed.

    The context must have `heading` and `button`, and can have a `note`. A `button_tone` of "danger" makes the button red.
    """
    record(patient, by=signed_in(request), action=Action.VIEWED, at=now, detail=action)
    context |= {"form": form, "patient": patient, "site": patient.site}
    return render(request, "scheduling/preview/patient_form.html", context, status=422 if form.errors else 200)
