"""Record a patient's consents to disclose appointment times, and write letters that disclose the times."""

from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.access import patient_managed_by
from patients.forms.record.consents import ConsentForm
from patients.models import Consent
from patients.services.record.consents import record_consent, revoke_consent
from scheduling.domain.letters import LetterContent
from scheduling.forms.documents.letters import LetterForm, default_letter
from scheduling.reason_text import reason_text
from scheduling.services.documents.letter_text import LetterText
from scheduling.services.documents.letters import consents_of, letter_content, write_letter
from scheduling.views.refusals import show_refusal, submit_button, submit_form
from timekeeping.reasons import Refused

METHODS = ["GET", "HEAD", "POST"]
FILE_NAME = "schedule.pdf"


def _consent_managed_by(user: User, consent_id: int) -> Consent:
    found = Consent.objects.visible_to(user).select_related("patient__site")
    consent = get_object_or_404(found, pk=consent_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, consent.patient.site_id))
    return consent


@staff_required(Permission.MANAGE_PATIENTS)
@require_safe
@transaction.atomic
def consents(request: HttpRequest, patient_id: int) -> HttpResponse:
    """List the patient's consents, those in force first, with the letters written under each consent."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="consents and letters")
    in_force, over = consents_of(patient, today)
    return render(
        request, "scheduling/documents/consents.html", {"patient": patient, "in_force": in_force, "over": over}
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def consent_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Record a consent that the patient has signed."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = patient.site.today_at(now)
    form = ConsentForm(request.POST or None, initial={"signed_on": today})
    if submit_form(request, form, lambda: record_consent(patient=patient, values=form.values(), by=user, now=now)):
        messages.success(request, _("The release is recorded."))
        return redirect("consents", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="new consent")
    context = {"patient": patient, "form": form}
    return render(request, "scheduling/documents/consent_new.html", context, status=422 if form.errors else 200)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
def consent_revoke(request: HttpRequest, consent_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    consent = _consent_managed_by(user, consent_id)
    success = _("The release for %(recipient)s is revoked.") % {"recipient": consent.recipient}
    submit_button(request, lambda: revoke_consent(consent=consent, by=user, now=now), success)
    return redirect("consents", consent.patient_id)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@transaction.atomic
def letter_new(request: HttpRequest, consent_id: int) -> HttpResponse:
    """Preview the full text of a letter, and write the letter if the user confirms this text."""
    user, now = signed_in(request), clock.now()
    consent = _consent_managed_by(user, consent_id)
    patient = consent.patient
    today = patient.site.today_at(now)
    form = LetterForm(request.POST or default_letter(patient, today))
    content: LetterContent | None = None
    note = ""
    if form.is_valid():
        try:
            content = letter_content(consent=consent, **form.cleaned_data, now=now)
            if "write" in request.POST:
                return _letter_response(form, consent, user, now, seen=request.POST.get("seen", ""))
        except Refused as refused:
            if request.method == "POST" or not consent.is_in_force_on(today):
                show_refusal(form, refused)
            else:
                note = " ".join(map(reason_text, refused.reasons))
    record(consent, by=user, action=Action.VIEWED, at=now, detail="letter")
    context = {
        "consent": consent,
        "patient": patient,
        "form": form,
        "content": content,
        "note": note,
        "words": LetterText.of(content) if content else None,
    }
    shows_errors = request.method == "POST" or not consent.is_in_force_on(today)
    status = 422 if form.errors and shows_errors else 200
    return render(request, "scheduling/documents/letter_new.html", context, status=status)


def _letter_response(form: LetterForm, consent: Consent, user: User, now: datetime, *, seen: str) -> HttpResponse:
    """Write the letter and send it as a file with a neutral name. No browser may cache it."""
    _, pdf = write_letter(consent=consent, **form.cleaned_data, seen=seen, by=user, now=now)
    answer = HttpResponse(pdf, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    add_never_cache_headers(answer)
    return answer
