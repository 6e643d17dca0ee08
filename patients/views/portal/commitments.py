"""Portal pages on which patients list, add, change and end their own commitments, singly or a week at a time.

A change that conflicts with an appointment waits for a coordinator. The messages do not name the commitment or appointment.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.views import patient_required, signed_in
from iopmanager import clock
from patients.forms.availability.commitments import CommitmentEndForm, CommitmentForm
from patients.models import (
    Commitment,
    CommitmentProposal,
    ImportedCalendar,
    Patient,
    ProposalState,
)
from patients.views.availability.week import has_errors, submit_rows, week_context, week_rows
from scheduling.services.availability.proposals import (
    pending_proposals,
    propose_change,
    propose_commitment,
    propose_end,
    propose_week,
    withdraw_proposal,
)
from scheduling.views.refusals import submit_button, submit_form

SAVED_MESSAGE = gettext_lazy("Saved.")
PENDING_MESSAGE = gettext_lazy(
    "This is at the same time as an appointment, so we will look at it first. Your schedule stays the same until then."
)


def _own_commitment(patient: Patient, commitment_id: int) -> Commitment:
    return get_object_or_404(patient.commitments.select_related("patient__site"), pk=commitment_id)


def own_calendars(user: User, now: datetime) -> Iterable[ImportedCalendar]:
    """Return the user's own calendars: those that are saved, in preview, waiting for a decision, or recently declined."""
    return ImportedCalendar.objects.visible_to(user).not_expired(now).filter(patient=user.patient)


@patient_required
@require_safe
def portal_commitments(request: HttpRequest) -> HttpResponse:
    """List the patient's commitments, calendars, waiting proposals, and recently declined proposals."""
    user, now = signed_in(request), clock.now()
    patient = user.patient
    today = patient.site.today_at(now)
    proposals = list(patient.proposals.shown_to_patient(now).select_related("commitment__place"))
    pending, _conflicts = pending_proposals(patient=patient, proposals=proposals, now=now)
    context = {
        "patient": patient,
        "commitments": patient.commitments.in_force_from(today).with_travel(),
        "calendars": own_calendars(user, now),
        "asked": pending,
        "declined": [each for each in proposals if each.state == ProposalState.DECLINED],
    }
    return render(request, "patients/portal/commitments.html", context)


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_commitment_new(request: HttpRequest) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = user.patient
    form = CommitmentForm(request.POST or None, places=patient.places.all(), is_own=True)
    service = partial(propose_commitment, patient=patient, by=user, now=now)
    if proposed := submit_form(request, form, lambda: service(values=form.values())):
        return _redirect_with_outcome(request, [proposed.value])
    return _form_page(request, form, heading=_("Add a busy time"), save=_("Add busy time"))


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_commitment_edit(request: HttpRequest, commitment_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    commitment = _own_commitment(user.patient, commitment_id)
    form = CommitmentForm(request.POST or None, commitment=commitment, places=user.patient.places.all(), is_own=True)
    service = partial(propose_change, commitment=commitment, by=user, now=now)
    if proposed := submit_form(request, form, lambda: service(values=form.values())):
        return _redirect_with_outcome(request, [proposed.value])
    return _form_page(request, form, heading=_("Change a busy time"), save=_("Save changes"))


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_commitment_end(request: HttpRequest, commitment_id: int) -> HttpResponse:
    """End a repeating commitment after a last day, or remove a commitment that is on specific dates."""
    user, now = signed_in(request), clock.now()
    commitment = _own_commitment(user.patient, commitment_id)
    today = user.patient.site.today_at(now)
    form = CommitmentEndForm(request.POST if request.method == "POST" else None, commitment=commitment, today=today)
    service = partial(propose_end, commitment=commitment, by=user, now=now)
    if proposed := submit_form(request, form, lambda: service(last_day=form.ends_after)):
        return _redirect_with_outcome(request, [proposed.value])
    context = {"commitment": commitment, "form": form}
    return render(request, "patients/portal/commitment_end.html", context, status=422 if form.errors else 200)


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_commitment_week(request: HttpRequest) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = user.patient
    today = patient.site.today_at(now)
    rows = week_rows(request, patient, today)
    service = partial(propose_week, patient=patient, by=user, now=now)
    if proposed := submit_rows(request, rows, lambda typed: service(rows=typed)):
        return _redirect_with_outcome(request, proposed.value)
    context = {"patient": patient, **week_context(rows, patient, user, today, discreet=True)}
    return render(request, "patients/portal/commitment_week.html", context, status=422 if has_errors(rows) else 200)


@patient_required
@require_POST
def portal_proposal_withdraw(request: HttpRequest, proposal_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    proposal = get_object_or_404(user.patient.proposals.select_related("patient__site"), pk=proposal_id)
    submit_button(
        request,
        lambda: withdraw_proposal(proposal=proposal, by=user, now=now),
        _("Your request is canceled. Your schedule stays the same."),
        refusal_level=messages.WARNING,
    )
    return redirect("portal-commitments")


def _redirect_with_outcome(request: HttpRequest, proposed: Sequence[CommitmentProposal]) -> HttpResponse:
    """Redirect to the list of commitments.

    Messages say how many changes were saved, and how many wait for a decision.
    """
    waiting = sum(each.state == ProposalState.WAITING for each in proposed)
    saved = len(proposed) - waiting
    if len(proposed) > 1:
        if saved:
            text = ngettext("%(number)d change is saved.", "%(number)d changes are saved.", saved)
            messages.success(request, text % {"number": saved})
        if waiting:
            text = ngettext(
                "We will look at %(number)d change first.", "We will look at %(number)d changes first.", waiting
            )
            messages.success(request, text % {"number": waiting})
    elif saved:
        messages.success(request, str(SAVED_MESSAGE))
    elif not proposed:
        messages.success(request, _("Nothing has changed."))
    if waiting:
        messages.warning(request, str(PENDING_MESSAGE))
    return redirect("portal-commitments")


def _form_page(request: HttpRequest, form: CommitmentForm, *, heading: str, save: str) -> HttpResponse:
    """Render the page, with status 422 if the form has errors."""
    context = {"form": form, "heading": heading, "save": save}
    return render(request, "patients/portal/commitment_form.html", context, status=422 if form.errors else 200)
