"""What a patient asked for of their own life: a coordinator decides."""

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
from patients.forms.availability.proposals import DECLINE, DecisionForm
from patients.views.access import proposal_managed_by
from scheduling.services.availability.proposals import accept_proposal, decline_proposal, pending_proposals
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    found = proposal_managed_by(user, proposal_id)
    patient = found.patient
    form = DecisionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        declines = form.cleaned_data["decision"] == DECLINE
        try:
            if declines:
                decline_proposal(proposal=found, reason=form.cleaned_data["reason"], by=user, now=now)
            else:
                accept_proposal(proposal=found, by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "Declined, and everything stays as it is." if declines else "The change is kept.")
            return redirect("patient", patient.pk)
    record(found, by=user, action=Action.VIEWED, at=now, detail="decide")
    (asked,), _ = pending_proposals(patient=patient, proposals=[found], now=now)
    context = {"patient": patient, "asked": asked, "form": form}
    return render(request, "patients/availability/proposal.html", context, status=422 if form.errors else 200)
