"""Pages for the list of a site's patients, and for each patient's record."""

from functools import partial

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import record, record_all
from accounts.models import Action, AuditEvent, Invitation, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from iopmanager.form_fields import parse_day
from patients.access import READ, patient_managed_by
from patients.filters import PatientFilter
from patients.forms.record.person import PatientForm
from patients.models import CommitmentProposal, ImportedCalendar, Patient, PatientMerge
from patients.services.record.codes import lock_codes
from patients.services.record.contacts import contacts_of
from patients.services.record.person import change_patient, check_person, create_patient, similar_to
from patients.views.form_page import form_page
from patients.views.record.chart import build_chart
from patients.views.record.patient_list import list_patient, with_current_care
from scheduling.models import LeaveOfAbsence, Track, WaitingEntry
from scheduling.services.administration.versions import version_of
from scheduling.views.administration.versions import submit_edit
from scheduling.views.current_site import current_site
from scheduling.views.refusals import show_refusal, submit_form
from timekeeping.reasons import Refused

PAGE_SIZE = 50


@staff_required(*READ)
@require_safe
@transaction.atomic
def patients(request: HttpRequest) -> HttpResponse:
    """List the site's patients, filtered by personal details, state of care, track and level of care."""
    user, site, now = signed_in(request), current_site(request), clock.now()
    today = site.today_at(now)
    tracks = list(Track.objects.visible_to(user).filter(site=site).values_list("pk", "name"))
    visible = Patient.objects.visible_to(user).filter(site=site)
    patient_filter = PatientFilter(request.GET, queryset=visible, today=today, tracks=tracks)
    page = Paginator(patient_filter.qs.ids_by_name(), PAGE_SIZE).get_page(request.GET.get("page"))
    listed = with_current_care(Patient.objects.filter(pk__in=page.object_list), today)
    people = sorted(listed, key=lambda patient: (patient.name_order, patient.pk))
    record_all(people, by=user, action=Action.VIEWED, at=now, detail="list of patients")
    context = {
        "filter": patient_filter,
        "page": page,
        "rows": [list_patient(patient, today) for patient in people],
        "may_manage": user.may(Permission.MANAGE_PATIENTS, site.pk),
    }
    return render(request, "patients/record/patients.html", context)


@staff_required(*READ)
@require_safe
@transaction.atomic
def patient(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Show a patient's chart: schedule, commitments, episode of care, and attendance by week.

    `?week=` is a date in the week whose picture and hours are shown.
    """
    user, now = signed_in(request), clock.now()
    proposals = CommitmentProposal.objects.filter(patient=OuterRef("pk"))
    calendars = ImportedCalendar.objects.filter(patient=OuterRef("pk"))
    corrections = AuditEvent.objects.filter(patient_key=OuterRef("pk"), action=Action.CORRECTED)
    links = Invitation.objects.filter(patient=OuterRef("pk"))
    patients = Patient.objects.visible_to(user).select_related("site", "user")
    patients = patients.prefetch_related("phones", "emergency_contacts")
    patients = patients.annotate(
        has_proposals=Exists(proposals),
        has_calendars=Exists(calendars),
        has_corrections=Exists(corrections),
        has_leaves=Exists(LeaveOfAbsence.objects.filter(episode__patient=OuterRef("pk"))),
        has_waitlist_entries=Exists(WaitingEntry.objects.open().filter(episode__patient=OuterRef("pk"))),
        has_merges=Exists(PatientMerge.objects.filter(Q(kept=OuterRef("pk")) | Q(absorbed=OuterRef("pk")))),
        link_expires_at=links.pending().values("expires_at")[:1],
        joined_at=links.filter(used_by=OuterRef("user")).values("used_at")[:1],
    )
    patient = get_object_or_404(patients, pk=patient_id)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="chart")
    chart = build_chart(patient, user, now, parse_day(request.GET.get("week", "")))
    context = {"patient": patient, "chart": chart, "now": now}
    return render(request, "patients/record/patient.html", context)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def patient_new(request: HttpRequest) -> HttpResponse:
    user, site = signed_in(request), current_site(request)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, site.pk))
    form = PatientForm(request.POST or None)
    service = partial(create_patient, site_id=site.pk, by=user, now=clock.now())
    _check_the_rest(request, form, Patient(site=site))
    is_another_person = "another_person" in request.POST
    if saved := submit_form(
        request,
        form,
        lambda: service(values=form.values(), contacts=form.contacts(), is_another_person=is_another_person),
    ):
        if form.cleaned_data["code"]:
            messages.success(request, _("Patient added. Next, add commitments and admit the patient."))
        else:
            text = _("Patient added, with the code %(code)s. Next, add commitments and admit the patient.")
            messages.success(request, text % {"code": saved.value.code})
        return redirect("patient", saved.value.pk)
    return form_page(
        request,
        form,
        heading=_("New patient"),
        save=_("Add patient"),
        note=_("Site: %(site)s") % {"site": site},
        similar=_similar_patients(form, user) if form.has_error("another_person") else (),
    )


def _similar_patients(form: PatientForm, user: User) -> list[Patient]:
    """Return the patients whom the form's errors name, and record that the user saw them."""
    found = similar_to(form.values(), form.contacts(), by=user)
    patients = list(Patient.objects.filter(pk__in=[each.patient for each in found]).order_by("pk"))
    record_all(patients, by=user, action=Action.VIEWED, at=clock.now(), detail="similar patients")
    return patients


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def patient_edit(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Change the patient's personal details. The later of two users who change them at the same time is told so, once."""
    user, now = signed_in(request), clock.now()
    if request.method == "POST":
        lock_codes()  # nobody else changes details between the check of the version and the change
    patient = patient_managed_by(user, patient_id)
    version = _version(patient)
    form = PatientForm(request.POST or None, patient=patient, contacts=contacts_of(patient))
    _check_the_rest(request, form, patient)
    service = partial(change_patient, patient=patient, by=user, now=now)
    if submit_edit(request, form, lambda _: service(values=form.values(), contacts=form.contacts()), current=version):
        messages.success(request, _("The changes are saved."))
        return redirect("patient", patient.pk)
    return form_page(
        request,
        form,
        viewed=patient,
        detail="edit",
        patient=patient,
        heading=_("Edit details"),
        save=_("Save details"),
        version=version,
    )


def _version(patient: Patient) -> str:
    rows = (patient,), patient.phones.all(), patient.emergency_contacts.all()
    return ".".join(version_of(*each) for each in rows)


def _check_the_rest(request: HttpRequest, form: PatientForm, patient: Patient) -> None:
    """If a submitted form has errors, add the service's reasons, too, so that the user sees all faults at once."""
    if request.method == "POST" and not form.is_valid():
        given = form.cleaned_data
        code, birth_date = given.get("code"), given.get("birth_date")
        show_refusal(form, Refused(list(check_person(patient, code=code, birth_date=birth_date, now=clock.now()))))
