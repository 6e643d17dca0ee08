"""Pages to add, change and end a patient's commitments."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.access import commitment_managed_by, patient_managed_by
from patients.forms.availability.commitments import CommitmentEndForm, CommitmentForm
from patients.services.availability.commitments import (
    add_commitment,
    change_commitment,
    stop_commitment,
)
from patients.views.form_page import form_page
from scheduling.formats import day
from scheduling.views.conflict_message import add_conflict_message
from scheduling.views.refusals import submit_form


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    form = CommitmentForm(request.POST or None, places=patient.places.all())
    service = partial(add_commitment, patient=patient, by=user, now=now)
    if saved := submit_form(request, form, lambda: service(values=form.values())):
        add_conflict_message(request, saved.value)
        return redirect("patient", patient.pk)
    return form_page(
        request,
        form,
        viewed=patient,
        detail="new commitment",
        patient=patient,
        heading=_("New commitment"),
        save=_("Add commitment"),
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_edit(request: HttpRequest, commitment_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    commitment = commitment_managed_by(user, commitment_id)
    patient = commitment.patient
    form = CommitmentForm(request.POST or None, commitment=commitment, places=patient.places.all())
    service = partial(change_commitment, commitment=commitment, by=user, now=now)
    if saved := submit_form(request, form, lambda: service(values=form.values())):
        add_conflict_message(request, saved.value)
        return redirect("patient", patient.pk)
    return form_page(
        request,
        form,
        viewed=commitment,
        detail="edit",
        patient=patient,
        heading=_("Edit commitment"),
        save=_("Save commitment"),
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_end(request: HttpRequest, commitment_id: int) -> HttpResponse:
    """End a repeating commitment after a last day, or remove a commitment that is on specific dates."""
    user, now = signed_in(request), clock.now()
    commitment = commitment_managed_by(user, commitment_id)
    patient, today = commitment.patient, commitment.patient.site.today_at(now)
    form = CommitmentEndForm(request.POST if request.method == "POST" else None, commitment=commitment, today=today)
    service = partial(stop_commitment, commitment=commitment, by=user, now=now)
    if submit_form(request, form, lambda: service(last_day=form.ends_after)):
        if form.ends_after:
            messages.success(request, _("The commitment ends after %(last_day)s.") % {"last_day": day(form.ends_after)})
        else:
            messages.success(request, _("The commitment is deleted."))
        return redirect("patient", patient.pk)
    template = "patients/availability/commitment_end.html"
    return form_page(
        request, form, viewed=commitment, detail="end", template=template, commitment=commitment, patient=patient
    )
