"""Page on which staff accept or decline a patient's proposed change of commitments."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.access import proposal_managed_by
from patients.forms.availability.proposals import DECLINE, DecisionForm
from scheduling.services.availability.proposals import accept_proposal, decline_proposal, pending_proposals
from scheduling.views.refusals import submit_form


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    proposal = proposal_managed_by(user, proposal_id)
    patient = proposal.patient
    form = DecisionForm(request.POST or None)

    def decide() -> str:
        if form.cleaned_data["decision"] == DECLINE:
            decline_proposal(proposal=proposal, reason=form.cleaned_data["reason"], by=user, now=now)
            return _("Request declined. Nothing has changed.")
        accept_proposal(proposal=proposal, by=user, now=now)
        return _("Change accepted. The commitments are updated.")

    if decided := submit_form(request, form, decide):
        messages.success(request, decided.value)
        return redirect("patient", patient.pk)
    record(proposal, by=user, action=Action.VIEWED, at=now, detail="decide")
    (pending,), _conflicts = pending_proposals(patient=patient, proposals=[proposal], now=now)
    context = {"patient": patient, "asked": pending, "form": form}
    return render(request, "patients/availability/proposal.html", context, status=422 if form.errors else 200)
