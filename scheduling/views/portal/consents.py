"""Who may be told of a patient's appointments, for the patient: seen, and revoked."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.views import patient_required, signed_in
from iopmanager import clock
from patients.models import Consent
from patients.services.record.consents import revoke_consent
from scheduling.reason_text import reason_text
from scheduling.services.documents.letters import consents_of
from timekeeping.reasons import Refused


@patient_required
@require_safe
def portal_consents(request: HttpRequest) -> HttpResponse:
    """The consents in force, and those that are over; each with when its recipient was told."""
    patient = signed_in(request).patient
    today = clock.today(patient.site.zone)
    in_force, over = consents_of(patient, today)
    context = {"patient": patient, "in_force": in_force, "over": over}
    return render(request, "scheduling/portal/consents.html", context)


@patient_required
@require_POST
def portal_consent_revoke(request: HttpRequest, consent_id: int) -> HttpResponse:
    user = signed_in(request)
    consent = get_object_or_404(Consent.objects.filter(patient=user.patient), pk=consent_id)
    try:
        revoke_consent(consent=consent, by=user, now=clock.now())
    except Refused as refused:
        messages.error(request, " ".join(map(reason_text, refused.reasons)))
    else:
        messages.success(request, f"{consent.recipient} is told nothing more.")
    return redirect("portal-consents")
