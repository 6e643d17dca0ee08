"""The page on which a coordinator shares a patient's appointment times with a person, or stops sharing them."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit import record
from accounts.models import Action, Invitation
from accounts.permissions import Permission
from accounts.views import confirmed_recently, signed_in, staff_required
from iopmanager import clock
from patients.access import patient_managed_by
from patients.domain.languages import language_code
from patients.models import Consent, Delegate, Patient, RecipientKind
from scheduling.forms.administration.invitations import DelegateForm
from scheduling.services.administration.delegates import add_delegate, end_delegate, invite_delegate_again
from scheduling.views.administration.invitation_links import NewLink, mail_link, show_sheet
from scheduling.views.refusals import submit_button, submit_form


@dataclass(frozen=True, slots=True)
class DelegateRow:
    """A delegate in the page's list: whether the delegate sees the schedule now, and the pending sign-in link, if any."""

    delegate: Delegate
    is_in_force: bool
    link: Invitation | None
    is_expired: bool

    @property
    def can_sign_in(self) -> bool:
        return self.delegate.user.is_active and self.delegate.user.has_usable_password()


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def delegates(request: HttpRequest, patient_id: int) -> HttpResponse:
    """List the patient's delegates. A POST adds a delegate, and mails the sign-in link or shows it on a sheet to print."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    consents = _consents_to_share(patient)
    if request.method == "POST" and not (patient.site.allows_delegates and consents.exists()):
        return redirect("delegates", patient.pk)  # the page says why it offers no form
    form = DelegateForm(request.POST or None, consents=consents)
    saved = submit_form(
        request, form, lambda: add_delegate(**form.cleaned_data, by_mail=_is_by_mail(request), by=user, now=now)
    )
    if not saved:
        return _page(request, patient, form)
    delegate, link = saved.value
    if link is not None:
        return _hand_over(request, patient, link)
    messages.success(request, _("%(name)s can see the schedule now.") % {"name": delegate.user})
    return redirect("delegates", patient.pk)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
@confirmed_recently
def delegate_invite(request: HttpRequest, patient_id: int, delegate_id: int) -> HttpResponse:
    """Make a new link for a delegate who can't sign in."""
    user = signed_in(request)
    patient = patient_managed_by(user, patient_id)
    delegate = get_object_or_404(Delegate.objects.visible_to(user), pk=delegate_id, patient=patient)
    made = []

    def invite() -> None:
        by_mail = _is_by_mail(request)
        made.append(invite_delegate_again(delegate=delegate, by_mail=by_mail, by=user, now=clock.now()))

    if not submit_button(request, invite, _("There is a new link. Earlier links no longer work.")):
        return redirect("delegates", patient.pk)
    return _hand_over(request, patient, made[0])


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
@confirmed_recently
def delegate_end(request: HttpRequest, patient_id: int, delegate_id: int) -> HttpResponse:
    """Stop sharing the schedule with a delegate."""
    user = signed_in(request)
    patient = patient_managed_by(user, patient_id)
    delegates = Delegate.objects.visible_to(user).select_related("user", "patient")
    delegate = get_object_or_404(delegates, pk=delegate_id, patient=patient)
    success = _("%(name)s can no longer see the schedule.") % {"name": delegate.user}
    submit_button(request, lambda: end_delegate(delegate=delegate, by=user, now=clock.now()), success)
    return redirect("delegates", patient.pk)


@transaction.atomic
def _page(request: HttpRequest, patient: Patient, form: DelegateForm) -> HttpResponse:
    now = clock.now()
    record(patient, by=signed_in(request), action=Action.VIEWED, at=now, detail="people with a shared schedule")
    found = Delegate.objects.open().filter(patient=patient).select_related("user", "consent", "patient__site")
    links = {each.user_id: each for each in Invitation.objects.pending().filter(user__delegations__in=found)}
    today = patient.site.today_at(now)
    rows = []
    for each in found:
        link = links.get(each.user_id)
        is_expired = link is not None and link.is_expired(now)
        rows.append(DelegateRow(each, each.is_in_force_on(today), link, is_expired))
    context = {"patient": patient, "rows": rows, "form": form, "has_consents": _consents_to_share(patient).exists()}
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/delegates.html", context, status=status)


def _consents_to_share(patient: Patient) -> QuerySet[Consent]:
    """Return the patient's consents in force today whose recipient is neither an employer nor a school nor a court."""
    today = clock.today(patient.site.zone)
    personal = Consent.objects.filter(patient=patient, recipient_kind=RecipientKind.OTHER, revoked_at=None)
    return personal.filter(signed_on__lte=today, valid_until__gt=today)


def _is_by_mail(request: HttpRequest) -> bool:
    return request.POST.get("how") == "mail"


def _hand_over(request: HttpRequest, patient: Patient, link: tuple[Invitation, str]) -> HttpResponse:
    """Mail the link or show it on a sheet, in the delegate's language if it is known, or else in the patient's."""
    invitation, token = link
    chosen = invitation.user.language if invitation.user else ""
    language = chosen or language_code(patient.language) or settings.LANGUAGE_CODE
    new = NewLink(invitation, token, language, patient.site.zone)
    if not _is_by_mail(request):
        return show_sheet(request, new, reverse("delegates", args=[patient.pk]))
    mail_link(request, new)
    return redirect("delegates", patient.pk)
