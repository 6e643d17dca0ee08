"""Portal pages on which patients see and revoke their consents to disclose appointment times."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.views import patient_required, signed_in
from iopmanager import clock
from patients.models import Consent
from patients.services.record.consents import revoke_consent
from scheduling.services.documents.letters import consents_of
from scheduling.views.portal.shared import people_who_see
from scheduling.views.refusals import submit_button


@patient_required
@require_safe
def portal_consents(request: HttpRequest) -> HttpResponse:
    """List the patient's consents, those in force first, each with the dates of its letters."""
    patient = signed_in(request).patient
    today = clock.today(patient.site.zone)
    in_force, over = consents_of(patient, today)
    shares = people_who_see(patient, clock.now()) if patient.site.allows_delegates else []
    context = {
        "patient": patient,
        "in_force": in_force,
        "over": over,
        "shared": {each.consent_id for each in shares},
    }
    return render(request, "scheduling/portal/consents.html", context)


@patient_required
@require_POST
def portal_consent_revoke(request: HttpRequest, consent_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    consent = get_object_or_404(Consent.objects.filter(patient=user.patient), pk=consent_id)
    success = _("We will no longer tell %(recipient)s when you are here.") % {"recipient": consent.recipient}
    submit_button(request, lambda: revoke_consent(consent=consent, by=user, now=now), success)
    return redirect("portal-consents")
