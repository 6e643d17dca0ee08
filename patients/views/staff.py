"""The patient's record, for staff."""

from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import record, record_all
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from attendance.ledgers import weeks_of
from iopmanager import clock
from patients.forms import CommitmentForm, LastDayForm, LevelForm, PatientForm
from patients.models import Commitment, Episode, Patient
from patients.services import (
    RecordRefused,
    add_commitment,
    admit_patient,
    change_commitment,
    change_patient,
    create_patient,
    end_commitment,
    state_level,
)
from scheduling.domain.interval import Interval
from scheduling.domain.week import MINUTES_A_DAY, minute_of
from scheduling.models import Booking, Enrollment, Track
from scheduling.services.enrolling import discharge_patient
from scheduling.services.refused import Refused
from scheduling.services.rules import RuleBook
from scheduling.views.current import current_site
from scheduling.views.pictures import picture_of_week

A_PAGE = 50
READ = (Permission.SEE_PATIENTS, Permission.SEE_OWN_PATIENTS)


def patient_seen_by(user: User, patient_id: int) -> Patient:
    """The patient, for those who may see them; else nothing is here."""
    return get_object_or_404(Patient.objects.visible_to(user).select_related("site"), pk=patient_id)


def patient_managed_by(user: User, patient_id: int) -> Patient:
    """The patient, for those who may change the record: 404 for those who may not see it, 403 for those who only may."""
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, patient.site_id))
    return patient


@staff_required(*READ)
@require_safe
@transaction.atomic
def patients(request: HttpRequest) -> HttpResponse:
    """The site's patients, by words and by where they stand."""
    user, site, now = signed_in(request), current_site(request), clock.now()
    today = now.astimezone(site.zone).date()
    words, state, track = (request.GET.get(name, "") for name in ("q", "state", "track"))
    found = Patient.objects.visible_to(user).filter(site=site).matching(words)
    in_care = Q(episodes__starts__lte=today) & (Q(episodes__ends=None) | Q(episodes__ends__gt=today))
    if state == "discharged":
        found = found.exclude(in_care)
    elif state != "all":
        found = found.filter(in_care)
    if track.isdecimal():
        standing = Enrollment.objects.open_on(today).filter(track=int(track))
        found = found.filter(episodes__enrollments__in=standing)
    page = Paginator(
        found.distinct().prefetch_related("episodes__spans", "episodes__enrollments__track"), A_PAGE
    ).get_page(request.GET.get("page"))
    for patient in page:
        patient.present = next(
            (each for each in patient.episodes.all() if each.ends is None or each.ends > today), None
        )
        patient.span = patient.present.span_on(today) if patient.present else None
    record_all(page, by=user, action=Action.VIEWED, at=now, detail="list of patients")
    context = {
        "page": page,
        "q": words,
        "state": state or "current",
        "track": track,
        "tracks": Track.objects.visible_to(user).filter(site=site).on_offer(),
        "today": today,
        "may_manage": user.may(Permission.MANAGE_PATIENTS, site.pk),
    }
    return render(request, "patients/patients.html", context)


@staff_required(*READ)
@require_safe
@transaction.atomic
def patient(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The chart: schedule, commitments, course of care, attendance by week."""
    user, now = signed_in(request), clock.now()
    found = patient_seen_by(user, patient_id)
    today = now.astimezone(found.site.zone).date()
    week = RuleBook.of(found.site).week_of(today)
    episodes = list(found.episodes.select_related("site", "patient").prefetch_related("spans"))
    present = next((each for each in episodes if each.ends is None or each.ends > today), None)
    sees_life = user.may(Permission.SEE_COMMITMENTS, found.site_id)
    commitments = list(found.commitments.in_force_from(today)) if sees_life else []
    bookings = Booking.objects.standing().of_patient(found.pk).in_week(week).select_related("session")
    enrollments = (
        Enrollment.objects.filter(episode=present)
        .not_over_on(today)
        .select_related("track")
        .prefetch_related("enrollment_meetings__meeting__room")
    )
    record(found, by=user, action=Action.VIEWED, at=now, detail="chart")
    context = {
        "patient": found,
        "today": today,
        "week": week,
        "episodes": episodes,
        "present": present,
        "span": present.span_on(today) if present else None,
        "commitments": commitments,
        "sees_life": sees_life,
        "enrollments": enrollments if present else [],
        "weeks": weeks_of(episode=present, now=now)
        if present and user.may(Permission.SEE_HOURS, found.site_id)
        else [],
        "picture": picture_of_week(site=found.site, week=week, bookings=bookings, commitments=commitments),
        "may_manage": user.may(Permission.MANAGE_PATIENTS, found.site_id),
    }
    return render(request, "patients/patient.html", context)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def patient_new(request: HttpRequest) -> HttpResponse:
    user, site = signed_in(request), current_site(request)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, site.pk))
    form = PatientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = create_patient(site_id=site.pk, values=form.values(), by=user, now=clock.now())
        messages.success(request, f"{made} is on record. Next: admit them to a level of care.")
        return redirect("patient", made.pk)
    return _form(request, form, heading="New patient", button="Add the patient", back="/patients/")


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def patient_edit(request: HttpRequest, patient_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    found = patient_managed_by(user, patient_id)
    form = PatientForm(request.POST or None, patient=found)
    if request.method == "POST" and form.is_valid():
        change_patient(patient=found, values=form.values(), by=user, now=now)
        return redirect("patient", found.pk)
    record(found, by=user, action=Action.VIEWED, at=now, detail="edit")
    return _form(request, form, heading=f"Edit {found}", button="Keep the changes", patient=found)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    found = patient_managed_by(user, patient_id)
    form = CommitmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = add_commitment(patient=found, values=form.values(), by=user, now=now)
        _warn_of_clashes(request, made)
        return redirect("patient", found.pk)
    record(found, by=user, action=Action.VIEWED, at=now, detail="new commitment")
    return _form(request, form, heading=f"New commitment of {found}", button="Add it", patient=found)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_edit(request: HttpRequest, commitment_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    commitment = get_object_or_404(
        Commitment.objects.visible_to(user).select_related("patient__site"), pk=commitment_id
    )
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, commitment.patient.site_id))
    form = CommitmentForm(request.POST or None, commitment=commitment)
    if request.method == "POST" and form.is_valid():
        _warn_of_clashes(request, change_commitment(commitment=commitment, values=form.values(), by=user, now=now))
        return redirect("patient", commitment.patient_id)
    record(commitment, by=user, action=Action.VIEWED, at=now)
    return _form(request, form, heading=f"Edit {commitment}", button="Keep the changes", patient=commitment.patient)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def commitment_end(request: HttpRequest, commitment_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    commitment = get_object_or_404(
        Commitment.objects.visible_to(user).select_related("patient__site"), pk=commitment_id
    )
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, commitment.patient.site_id))
    form, reasons = LastDayForm(request.POST or None), ()
    del form.fields["reason"]
    if request.method == "POST" and form.is_valid():
        try:
            end_commitment(commitment=commitment, last_day=form.cleaned_data["last_day"], by=user, now=now)
            return redirect("patient", commitment.patient_id)
        except RecordRefused as refused:
            reasons = refused.reasons
    record(commitment, by=user, action=Action.VIEWED, at=now)
    return _form(
        request, form, heading=f"End “{commitment}”", button="End it", patient=commitment.patient, reasons=reasons
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def level_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Admits a patient who is in no course of care, or steps the present one to another level."""
    user, now = signed_in(request), clock.now()
    found = patient_managed_by(user, patient_id)
    present = found.episodes.filter(ends=None).first()
    form, reasons = LevelForm(request.POST or None), ()
    if present:
        del form.fields["referral_source"]
    if request.method == "POST" and form.is_valid():
        try:
            if present:
                state_level(episode=present, values=form.values(), by=user, now=now)
            else:
                source = form.cleaned_data["referral_source"]
                admit_patient(patient=found, values=form.values(), referral_source=source, by=user, now=now)
            return redirect("patient", found.pk)
        except RecordRefused as refused:
            reasons = refused.reasons
    record(found, by=user, action=Action.VIEWED, at=now, detail="level of care")
    heading = f"New level for {found}" if present else f"Admit {found}"
    button = "State the level" if present else "Admit"
    return _form(request, form, heading=heading, button=button, patient=found, reasons=reasons)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def episode_end(request: HttpRequest, patient_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    found = patient_managed_by(user, patient_id)
    episode = get_object_or_404(Episode.objects.visible_to(user), patient=found, ends=None)
    form, reasons = LastDayForm(request.POST or None), ()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            discharge_patient(episode=episode, last_day=given["last_day"], reason=given["reason"], by=user, now=now)
            messages.success(request, f"{found} is discharged; later places are free again.")
            return redirect("patient", found.pk)
        except Refused as refused:
            reasons = refused.reasons
    record(found, by=user, action=Action.VIEWED, at=now, detail="discharge")
    return _form(request, form, heading=f"Discharge {found}", button="Discharge", patient=found, reasons=reasons)


def _form(request: HttpRequest, form: object, **context: object) -> HttpResponse:
    """A form on a page of its own; answered 422 when what was typed was refused."""
    status = 422 if request.method == "POST" else 200
    return render(request, "patients/form.html", {"form": form, **context}, status=status)


def _warn_of_clashes(request: HttpRequest, commitment: Commitment) -> None:
    """Says which sessions already booked it runs into; it is kept all the same."""
    site, today = commitment.patient.site, clock.today(commitment.patient.site.zone)
    until = today + timedelta(weeks=12)
    occasions = [occasion.padded for occasion in commitment.as_busy_time().occasions(today, until)]
    met = []
    for booking in Booking.objects.standing().of_patient(commitment.patient_id).filter(starts__gte=clock.now()):
        start, end = (moment.astimezone(site.zone) for moment in (booking.starts, booking.ends))
        midnight = (start.date() - today).days * MINUTES_A_DAY
        span = Interval(midnight + minute_of(start.time()), midnight + minute_of(end.time()))
        if any(span.overlaps(occasion) for occasion in occasions):
            met.append(start)
    if met:
        days = ", ".join(f"{start:%a} {start.day} {start:%b}" for start in met[:5])
        messages.warning(
            request, f"It runs into {len(met)} booked session(s), first on {days}. Find another schedule for them."
        )
    else:
        messages.success(request, "The commitment is kept.")
