"""A patient's own life, told by themselves: seen, added to, changed, ended, also as a week.

What runs into an appointment waits for the coordinator; the messages say so without naming anything.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.views import patient_required, signed_in
from iopmanager import clock
from patients.forms.availability.commitments import CommitmentForm
from patients.forms.care.episodes import LastDayForm
from patients.models import (
    Commitment,
    CommitmentProposal,
    ImportedCalendar,
    Patient,
    ProposalState,
)
from patients.services.availability.week import WeekRefused
from patients.views.availability.week import has_errors, show_row_refusals, week_context, week_rows
from scheduling.formats import counted
from scheduling.reason_text import reason_text
from scheduling.services.availability.proposals import (
    pending_proposals,
    propose_change,
    propose_commitment,
    propose_end,
    propose_removal,
    propose_week,
    withdraw_proposal,
)
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused

DECLINED_SHOWN_FOR = timedelta(days=30)
SAVED_MESSAGE = "It is kept."
PENDING_MESSAGE = (
    "It falls on the time of an appointment, so we look at it first. Until then everything stays as it is."
)


def _own_commitment(patient: Patient, commitment_id: int) -> Commitment:
    return get_object_or_404(patient.commitments.select_related("patient__site"), pk=commitment_id)


def own_calendars(user: User, now: datetime) -> Iterable[ImportedCalendar]:
    """The calendar files that count, wait or were looked at, and those that were declined lately."""
    return ImportedCalendar.objects.visible_to(user).not_expired(now).filter(patient=user.patient)


@patient_required
@require_safe
def portal_commitments(request: HttpRequest) -> HttpResponse:
    """What the patient has said, what waits, and what was answered lately."""
    user, now = signed_in(request), clock.now()
    patient = user.patient
    today = now.astimezone(patient.site.zone).date()
    lately = Q(state=ProposalState.DECLINED, decided_at__gt=now - DECLINED_SHOWN_FOR)
    proposals = patient.proposals.filter(Q(state=ProposalState.WAITING) | lately).select_related("commitment__place")
    asked, _ = pending_proposals(
        patient=patient, proposals=[each for each in proposals if each.state == ProposalState.WAITING], now=now
    )
    context = {
        "patient": patient,
        "commitments": patient.commitments.in_force_from(today).with_travel(),
        "calendars": own_calendars(user, now),
        "asked": asked,
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
    if request.method == "POST" and form.is_valid():
        try:
            asked = propose_commitment(patient=patient, values=form.values(), by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _redirect_with_outcome(request, [asked])
    return _form_page(request, form, heading="When I am not free", save="Add it")


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_commitment_edit(request: HttpRequest, commitment_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    commitment = _own_commitment(user.patient, commitment_id)
    form = CommitmentForm(request.POST or None, commitment=commitment, places=user.patient.places.all(), is_own=True)
    if request.method == "POST" and form.is_valid():
        try:
            asked = propose_change(commitment=commitment, values=form.values(), by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _redirect_with_outcome(request, [asked])
    return _form_page(request, form, heading="Change it", save="Keep the changes")


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_commitment_end(request: HttpRequest, commitment_id: int) -> HttpResponse:
    """Its last day, or for what was to be on dates alone: that it won't be."""
    user, now = signed_in(request), clock.now()
    commitment = _own_commitment(user.patient, commitment_id)
    today = now.astimezone(user.patient.site.zone).date()
    form = LastDayForm(request.POST or None, initial={"last_day": today}, help_text="It still holds on this day.")
    if request.method == "POST" and commitment.on is not None:
        return _redirect_with_outcome(request, [propose_removal(commitment=commitment, today=today, by=user, now=now)])
    if request.method == "POST" and form.is_valid():
        try:
            asked = propose_end(commitment=commitment, last_day=form.cleaned_data["last_day"], by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _redirect_with_outcome(request, [asked])
    context = {"commitment": commitment, "form": form}
    return render(request, "patients/portal/commitment_end.html", context, status=422 if form.errors else 200)


@patient_required
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def portal_commitment_week(request: HttpRequest) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = user.patient
    today = now.astimezone(patient.site.zone).date()
    rows = week_rows(request, patient, today)
    if request.method == "POST" and rows.is_valid():
        numbered = rows.numbered_rows()
        try:
            asked = propose_week(patient=patient, rows=list(numbered.values()), today=today, by=user, now=now)
        except WeekRefused as refused:
            show_row_refusals(rows, numbered, refused)
        else:
            return _redirect_with_outcome(request, asked)
    context = {"patient": patient, **week_context(rows, patient, user, today, discreet=True)}
    return render(request, "patients/portal/commitment_week.html", context, status=422 if has_errors(rows) else 200)


@patient_required
@require_POST
def portal_proposal_withdraw(request: HttpRequest, proposal_id: int) -> HttpResponse:
    user = signed_in(request)
    proposal = get_object_or_404(user.patient.proposals.select_related("patient__site"), pk=proposal_id)
    try:
        withdraw_proposal(proposal=proposal, by=user, now=clock.now())
    except Refused as refused:
        messages.warning(request, " ".join(reason_text(reason) for reason in refused.reasons))
    else:
        messages.success(request, "It is taken back. Everything stays as it is.")
    return redirect("portal-commitments")


def _redirect_with_outcome(request: HttpRequest, asked: Sequence[CommitmentProposal]) -> HttpResponse:
    """Back to what was said, with what became of it."""
    waiting = sum(each.state == ProposalState.WAITING for each in asked)
    kept = len(asked) - waiting
    if len(asked) > 1:
        parts = [f"{counted(kept, 'change')} kept"] if kept else []
        parts += [f"{counted(waiting, 'change')} to look at first"] if waiting else []
        messages.success(request, f"{', '.join(parts)}.")
    elif kept:
        messages.success(request, SAVED_MESSAGE)
    elif not asked:
        messages.success(request, "Nothing was different.")
    if waiting:
        messages.warning(request, PENDING_MESSAGE)
    return redirect("portal-commitments")


def _form_page(request: HttpRequest, form: CommitmentForm, *, heading: str, save: str) -> HttpResponse:
    """The form with what was typed; 422 when that was refused."""
    context = {"form": form, "heading": heading, "save": save}
    return render(request, "patients/portal/commitment_form.html", context, status=422 if form.errors else 200)
