"""Where a patient sets out from: added, changed, taken out."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.forms.availability.places import PlaceForm
from patients.services.availability.places import add_place, change_place, remove_place
from patients.views.access import patient_managed_by, place_managed_by
from patients.views.form_page import form_page
from scheduling.models import Site
from scheduling.reason_text import reason_text
from scheduling.views.refusals import show_refusal
from timekeeping.reasons import Refused


def _sites() -> list[tuple[int, str]]:
    """All of the clinic's, as a patient can be reached from each."""
    return list(Site.objects.order_by("name", "pk").values_list("pk", "name"))


@staff_required(Permission.MANAGE_PATIENTS)
@require_safe
@transaction.atomic
def places(request: HttpRequest, patient_id: int) -> HttpResponse:
    user = signed_in(request)
    patient = patient_managed_by(user, patient_id)
    record(patient, by=user, action=Action.VIEWED, at=clock.now(), detail="places")
    found = patient.places.prefetch_related("travels__site")
    return render(request, "patients/availability/places.html", {"patient": patient, "places": found})


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def place_new(request: HttpRequest, patient_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    form = PlaceForm(request.POST or None, sites=_sites())
    if request.method == "POST" and form.is_valid():
        try:
            add_place(patient=patient, values=form.values(), by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The place is kept. Commitments can be there from now on.")
            return redirect("places", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="new place")
    return form_page(request, form, heading="New place", save="Add place", patient=patient)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def place_edit(request: HttpRequest, place_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    place = place_managed_by(user, place_id)
    form = PlaceForm(request.POST or None, sites=_sites(), place=place)
    if request.method == "POST" and form.is_valid():
        try:
            change_place(place=place, values=form.values(), by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(request, "The changes are kept.")
            return redirect("places", place.patient_id)
    record(place, by=user, action=Action.VIEWED, at=now, detail="edit")
    context = {"form": form, "place": place, "patient": place.patient}
    return render(request, "patients/availability/place_edit.html", context, status=422 if form.errors else 200)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["POST"])
def place_remove(request: HttpRequest, place_id: int) -> HttpResponse:
    """Says why not where commitments are there."""
    user = signed_in(request)
    place = place_managed_by(user, place_id)
    patient_id = place.patient_id
    try:
        remove_place(place=place, by=user, now=clock.now())
    except Refused as refused:
        messages.error(request, " ".join(reason_text(reason) for reason in refused.reasons))
        return redirect("place-edit", place_id)
    messages.success(request, "The place is taken out.")
    return redirect("places", patient_id)
