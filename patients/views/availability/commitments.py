"""What a patient's life asks of them: added, changed, ended, and what it does to sessions booked already."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.forms.availability.commitments import CommitmentForm
from patients.forms.care.episodes import LastDayForm
from patients.models import Commitment
from patients.services.availability.commitments import (
    add_commitment,
    change_commitment,
    end_commitment,
    remove_commitment,
)
from patients.views.access import commitment_managed_by, patient_managed_by
from patients.views.form_page import form_page
from scheduling.formats import counted, day
from scheduling.services.availability.conflicts import booking_conflicts
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused

NAMED_DAYS = 3
"""So many days of sessions that clash are named in the message; the chart has them all."""


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    form = CommitmentForm(request.POST or None, places=patient.places.all())
    if request.method == "POST" and form.is_valid():
        try:
            made = add_commitment(patient=patient, values=form.values(), by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            add_conflict_message(request, made)
            return redirect("patient", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="new commitment")
    return form_page(request, form, heading="New commitment", save="Add commitment", patient=patient)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_edit(request: HttpRequest, commitment_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    commitment = commitment_managed_by(user, commitment_id)
    form = CommitmentForm(request.POST or None, commitment=commitment, places=commitment.patient.places.all())
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_commitment(commitment=commitment, values=form.values(), by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            add_conflict_message(request, changed)
            return redirect("patient", commitment.patient_id)
    record(commitment, by=user, action=Action.VIEWED, at=now, detail="edit")
    patient = commitment.patient
    return form_page(request, form, heading="Edit the commitment", save="Keep the changes", patient=patient)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_end(request: HttpRequest, commitment_id: int) -> HttpResponse:
    """Its last day, or for what was to be on one date: that it won't be."""
    user, now = signed_in(request), clock.now()
    commitment = commitment_managed_by(user, commitment_id)
    patient, today = commitment.patient, now.astimezone(commitment.patient.site.zone).date()
    form = LastDayForm(request.POST or None, initial={"last_day": today}, help_text="It still holds on this day.")
    if request.method == "POST" and commitment.on is not None:
        remove_commitment(commitment=commitment, by=user, now=now)
        messages.success(request, "The commitment is taken out.")
        return redirect("patient", patient.pk)
    if request.method == "POST" and form.is_valid():
        try:
            end_commitment(commitment=commitment, last_day=form.cleaned_data["last_day"], by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, f"The commitment ends after {day(form.cleaned_data['last_day'])}.")
            return redirect("patient", patient.pk)
    record(commitment, by=user, action=Action.VIEWED, at=now, detail="end")
    context = {"commitment": commitment, "patient": patient, "form": form}
    return render(request, "patients/availability/commitment_end.html", context, status=422 if form.errors else 200)


def add_conflict_message(
    request: HttpRequest, commitment: Commitment, *, listed: str = "They are listed below."
) -> None:
    """It is kept all the same: life is as it is. The message names days alone, as the browser keeps it for a while."""
    site = commitment.patient.site
    clashes = booking_conflicts(patient=commitment.patient, busy=[commitment.as_busy_time(site=site)], now=clock.now())
    if not clashes:
        messages.success(request, "The commitment is kept.")
        return
    days = [day(clash.booking.starts, site.zone) for clash in clashes]
    named = ", ".join(days[:NAMED_DAYS]) + (f" and {len(days) - NAMED_DAYS} more" if len(days) > NAMED_DAYS else "")
    sessions = counted(len(days), "booked session")
    messages.warning(request, f"The commitment is kept. It runs into {sessions}: {named}. {listed}")
