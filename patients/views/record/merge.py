"""Pages to merge two records of one person, and to take a merge back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import record, record_all
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import confirmed_recently, signed_in, staff_required
from iopmanager import clock
from patients.access import patient_managed_by
from patients.filters import PatientFilter
from patients.forms.record.languages import language_name
from patients.forms.record.merge import DetailChoice, MergeForm, TakeBackMergeForm
from patients.models import Patient, PatientMerge
from patients.services.record.similar_patients import find_similar_patients
from scheduling.formats import full_date, hours
from scheduling.models import Booking, Letter
from scheduling.services.record.merge import MergePlan, label_of_rows, merge_records, plan_merge
from scheduling.services.record.merge_rows import DETAILS
from scheduling.services.record.take_back import plan_take_back, take_back_merge
from scheduling.views.preview.confirmation import SEEN
from scheduling.views.refusals import submit_form

METHODS = ["GET", "HEAD", "POST"]
MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class CountedRows:
    """How many rows of one kind move, such as 3 commitments."""

    label: str
    number: int


@staff_required(Permission.MANAGE_PATIENTS)
@require_safe
@transaction.atomic
def patient_merge(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Find the other record of the same person. Without a search, records that look like the same person are listed."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    others = Patient.objects.visible_to(user).managed_by(user).exclude(pk=patient.pk)
    search = PatientFilter(request.GET, queryset=others, today=patient.site.today_at(now), tracks=[])
    typed = request.GET.get("q", "").strip()
    if typed:
        matching = search.qs.ids_by_name()
    else:
        similar = find_similar_patients(
            first_name=patient.first_name,
            last_name=patient.last_name,
            preferred_name=patient.preferred_name,
            birth_date=patient.birth_date,
            phones=[each.number for each in patient.phones.all()],
            email=patient.email,
            by=user,
        )
        matching = list(others.filter(pk__in=[each.patient for each in similar]).values_list("pk", flat=True))
    found = sorted(
        Patient.objects.select_related("site").filter(pk__in=matching[:MOST_FOUND]),
        key=lambda each: (each.name_order, each.pk),
    )
    record_all([patient, *found], by=user, action=Action.VIEWED, at=now, detail="merge with another record")
    context = {
        "patient": patient,
        "form": search.form,
        "typed": typed,
        "found": found,
        "more": max(0, len(matching) - MOST_FOUND),
        "most": MOST_FOUND,
    }
    return render(request, "patients/record/merge_search.html", context)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@confirmed_recently
@transaction.atomic
def patient_merge_with(request: HttpRequest, patient_id: int, other_id: int) -> HttpResponse:
    """Show what a merge of the other record into this one does, and merge them once the user confirms it."""
    user, now = signed_in(request), clock.now()
    kept, absorbed = (_with_sign_in(patient_managed_by(user, pk)) for pk in (patient_id, other_id))
    if kept == absorbed:
        raise Http404
    plan = plan_merge(kept=kept, absorbed=absorbed, by=user, now=now)
    form = MergeForm(request.POST or None, choices=_detail_choices(plan))
    saved = submit_form(
        request,
        form,
        lambda: merge_records(
            kept=kept,
            absorbed=absorbed,
            from_absorbed=form.from_absorbed,
            reason=form.cleaned_data["reason"],
            seen=request.POST.get(SEEN, ""),
            by=user,
            now=now,
        ),
    )
    if saved:
        values = {"absorbed": saved.value.details_before["absorbed"]["code"], "kept": saved.value.kept.code}
        messages.success(request, _("The record %(absorbed)s is merged into %(kept)s.") % values)
        return redirect("patient", kept.pk)
    record_all([kept, absorbed], by=user, action=Action.VIEWED, at=now, detail="preview of a merge")
    context = {
        "patient": kept,
        "other": absorbed,
        "plan": plan,
        "form": form,
        "moves": _count_rows(plan.rows.moved),
        "seen_name": SEEN,
    }
    return render(request, "patients/record/merge.html", context, status=422 if form.errors else 200)


def _with_sign_in(patient: Patient) -> Patient:
    return Patient.objects.select_related("site", "user").get(pk=patient.pk)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(METHODS)
@confirmed_recently
@transaction.atomic
def merge_take_back(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Show what goes back to the absorbed record, and take the merge back once the user confirms it."""
    user, now = signed_in(request), clock.now()
    merge = get_object_or_404(
        PatientMerge.objects.managed_by(user).select_related("kept__site", "absorbed", "by"), pk=merge_id
    )
    if merge.taken_back_at is not None and request.method != "POST":
        return redirect("patient", merge.absorbed_id)
    plan = plan_take_back(merge, now=now)
    form = TakeBackMergeForm(request.POST or None)
    saved = submit_form(
        request, form, lambda: take_back_merge(merge=merge, reason=form.cleaned_data["reason"], by=user, now=now)
    )
    if saved:
        values = {"absorbed": saved.value.absorbed.code, "kept": saved.value.kept.code}
        messages.success(request, _("The records %(kept)s and %(absorbed)s are separate again.") % values)
        return redirect("patient", merge.kept_id)
    record(merge.kept, by=user, action=Action.VIEWED, at=now, detail="take back a merge")
    context = {
        "patient": merge.kept,
        "merge": merge,
        "plan": plan,
        "form": form,
        "moves": _count_rows(plan.moved),
        "removed": _count_removed(plan.removed),
        "restored": _labels(plan.restored),
        "changed_since": _labels(plan.changed_since),
        "cancel_url": reverse("patient", args=[merge.kept_id]),
    }
    return render(request, "patients/record/merge_take_back.html", context, status=422 if form.errors else 200)


def _detail_choices(plan: MergePlan) -> list[DetailChoice]:
    return [
        DetailChoice(
            each.name,
            capfirst(each.label),
            _("%(value)s (record %(code)s)") % {"value": _detail_text(each.name, each.kept), "code": plan.kept.code},
            _("%(value)s (record %(code)s)")
            % {"value": _detail_text(each.name, each.absorbed), "code": plan.absorbed.code},
            each.takes_other,
        )
        for each in plan.differences
    ]


def _detail_text(name: str, value: Any) -> str:
    if not value:
        return _("Not on file")
    if isinstance(value, date):
        return full_date(value)
    if name == "travel_minutes":
        return hours(value)
    return language_name(value) if name == "language" else str(value)


def _count_rows(moved: dict[str, list[int]]) -> list[CountedRows]:
    """Count the rows that move, and the bookings and letters that go with them."""
    counted = [CountedRows(capfirst(label_of_rows(label)), len(ids)) for label, ids in moved.items()]
    bookings = Booking.objects.filter(episode__in=moved.get("patients.Episode", [])).count()
    letters = Letter.objects.filter(consent__in=moved.get("patients.Consent", [])).count()
    more = [(Booking, bookings), (Letter, letters)]
    counted += [CountedRows(capfirst(str(model._meta.verbose_name_plural)), number) for model, number in more if number]
    return sorted(counted, key=lambda each: each.label)


def _count_removed(removed: dict[str, list[int]]) -> list[CountedRows]:
    counted = (CountedRows(capfirst(label_of_rows(label)), len(ids)) for label, ids in removed.items())
    return sorted(counted, key=lambda each: each.label)


def _labels(names: Sequence[str]) -> list[str]:
    return [str(each.verbose_name) for each in DETAILS if each.name in names]
