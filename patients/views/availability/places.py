"""Pages to add, change and remove the places from which a patient travels to the sites."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import signed_in, staff_required
from iopmanager import clock
from patients.access import patient_managed_by, place_managed_by
from patients.forms.availability.places import PlaceForm
from patients.services.availability.places import add_place, change_place, remove_place
from patients.views.form_page import form_page
from scheduling.models import Site
from scheduling.views.refusals import submit_button, submit_form


def _sites() -> list[tuple[int, str]]:
    """Return the id and name of every site. A place has travel times to each of them."""
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
    if submit_form(request, form, lambda: add_place(patient=patient, values=form.values(), by=user, now=now)):
        messages.success(request, _("The place is saved. You can now choose it for commitments."))
        return redirect("places", patient.pk)
    return form_page(
        request, form, viewed=patient, detail="new place", patient=patient, heading=_("New place"), save=_("Add place")
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def place_edit(request: HttpRequest, place_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    place = place_managed_by(user, place_id)
    form = PlaceForm(request.POST or None, sites=_sites(), place=place)
    if submit_form(request, form, lambda: change_place(place=place, values=form.values(), by=user, now=now)):
        messages.success(request, _("The place is saved."))
        return redirect("places", place.patient_id)
    template = "patients/availability/place_edit.html"
    return form_page(request, form, viewed=place, detail="edit", template=template, place=place, patient=place.patient)


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
def place_remove(request: HttpRequest, place_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    place = place_managed_by(user, place_id)
    patient_id = place.patient_id
    if submit_button(request, lambda: remove_place(place=place, by=user, now=now), _("The place is deleted.")):
        return redirect("places", patient_id)
    return redirect("place-edit", place_id)
