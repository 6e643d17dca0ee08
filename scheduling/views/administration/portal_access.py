"""The page on which a coordinator gives a patient access to the portal, or ends this access."""

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit import record
from accounts.models import Action, Invitation
from accounts.permissions import Permission
from accounts.services.second_factor import has_second_factor
from accounts.views import confirmed_recently, forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.access import patient_managed_by
from patients.models import Patient
from patients.services.record.reader_settings import chosen_language
from scheduling.forms.administration.invitations import PortalLinkForm
from scheduling.forms.administration.staff import SecondFactorRemovalForm
from scheduling.services.administration.portal_access import (
    end_portal_access,
    invite_patient,
    remove_patient_factor,
    withdraw_patient_link,
)
from scheduling.views.administration.invitation_links import NewLink, mail_link, show_sheet
from scheduling.views.administration.join import invited_language
from scheduling.views.refusals import submit_button, submit_form


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def portal_access(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Show whether a patient can sign in. A POST makes a link, and mails it or shows it on a sheet to print."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    by_mail = request.POST.get("how") == "mail"
    form = PortalLinkForm(request.POST or None, by_mail=by_mail, initial={"email": patient.email})
    saved = submit_form(
        request, form, lambda: invite_patient(patient=patient, email=form.cleaned_data["email"], by=user, now=now)
    )
    if saved:
        invitation, token = saved.value
        new = NewLink(invitation, token, invited_language(invitation) or get_language() or "en", patient.site.zone)
        if not by_mail:
            return show_sheet(request, new, reverse("portal-access", args=[patient.pk]))
        mail_link(request, new)
        return redirect("portal-access", patient.pk)
    return _access_page(request, patient, form)


@transaction.atomic
def _access_page(request: HttpRequest, patient: Patient, form: PortalLinkForm) -> HttpResponse:
    now = clock.now()
    record(patient, by=signed_in(request), action=Action.VIEWED, at=now, detail="portal access")
    pending = Invitation.objects.pending().filter(patient=patient).first()
    joined = Invitation.objects.filter(patient=patient, used_by=patient.user_id).exclude(used_at=None).first()
    has_access = patient.user is not None and patient.user.is_active
    context = {
        "patient": patient,
        "form": form,
        "has_access": has_access,
        "has_second_factor": patient.user is not None and has_second_factor(patient.user),
        "since": joined.used_at if joined else None,
        "pending": pending,
        "is_expired": pending is not None and pending.is_expired(now),
    }
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/portal_access.html", context, status=status)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
@confirmed_recently
def portal_access_withdraw(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Withdraw a patient's link."""
    user = signed_in(request)
    patient = patient_managed_by(user, patient_id)
    submit_button(
        request,
        lambda: withdraw_patient_link(patient=patient, by=user, now=clock.now()),
        _("The link is withdrawn. It no longer works."),
    )
    return redirect("portal-access", patient.pk)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
@confirmed_recently
def portal_access_end(request: HttpRequest, patient_id: int) -> HttpResponse:
    """End a patient's access."""
    user = signed_in(request)
    patient = patient_managed_by(user, patient_id)
    submit_button(
        request,
        lambda: end_portal_access(patient=patient, by=user, now=clock.now()),
        _("The access is ended. Sign-ins and calendar links no longer work."),
    )
    return redirect("portal-access", patient.pk)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def portal_access_factor(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Ask for the reason for turning off a patient's two-step sign-in. A POST turns it off."""
    user = signed_in(request)
    patient = patient_managed_by(user, patient_id)
    forbid_unless(patient.user != user)
    form = SecondFactorRemovalForm(request.POST or None)
    language = (chosen_language(patient.user) if patient.user else None) or settings.LANGUAGE_CODE
    saved = submit_form(
        request,
        form,
        lambda: remove_patient_factor(
            patient=patient, reason=form.cleaned_data["reason"], language=language, by=user, now=clock.now()
        ),
    )
    if saved:
        messages.success(request, _("Two-step sign-in of %(name)s is off. An email tells them so.") % {"name": patient})
        return redirect("portal-access", patient.pk)
    context = {"patient": patient, "form": form}
    status = 422 if form.errors else 200
    return render(request, "accounts/portal_access_factor.html", context, status=status)
