"""The portal page on which patients see their own record, and choose the language and the clock of their pages."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.views import patient_required, signed_in
from iopmanager import clock
from patients.forms.record.reader_settings import PortalSettingsForm
from patients.models import Commitment
from patients.services.record.reader_settings import choose_portal_settings
from scheduling.views.portal.shared import delegations_of, people_who_see
from scheduling.views.refusals import submit_form


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
def portal_account(request: HttpRequest) -> HttpResponse:
    """Show the personal data that the clinic has on record, settings of the pages, and a button to sign out."""
    user, now = signed_in(request), clock.now()
    patient = user.patient
    chosen = {"language": translation.get_language(), "hour_clock": user.hour_clock}
    form = PortalSettingsForm(request.POST or None, initial=chosen)
    if submit_form(
        request, form, lambda: choose_portal_settings(patient=patient, by=user, now=now, **form.cleaned_data)
    ):
        with translation.override(form.cleaned_data["language"]):
            messages.success(request, _("Your settings are saved."))
        return redirect("portal-account")
    context = {
        "patient": patient,
        "commitments": Commitment.objects.visible_to(user).in_force_from(clock.today(patient.site.zone)).with_travel(),
        "form": form,
        "shares": people_who_see(patient, now) if patient.site.allows_delegates else [],
        "is_delegate": patient.site.allows_delegates and bool(delegations_of(user, now)),
    }
    return render(request, "scheduling/portal/account.html", context, status=422 if form.errors else 200)
