"""Form with which a patient chooses the language of the portal."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.views import patient_required, signed_in
from iopmanager import clock
from patients.forms.record.language import LanguageForm
from patients.services.record.language import choose_language


@patient_required
@require_POST
def portal_language(request: HttpRequest) -> HttpResponse:
    """Save the chosen language, and confirm the choice in that language."""
    user, form = signed_in(request), LanguageForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    code = form.cleaned_data["language"]
    choose_language(patient=user.patient, code=code, by=user, now=clock.now())
    with translation.override(code):
        messages.success(request, _("Your language is changed."))
    return redirect("portal-account")
