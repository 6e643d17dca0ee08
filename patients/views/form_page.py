"""How a page of one form answers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patients.forms.availability.commitments import CommitmentForm
from patients.forms.availability.places import PlaceForm
from patients.forms.care.episodes import LastDayForm, LevelForm
from patients.forms.record.person import PatientForm
from patients.models import Patient


def form_page(
    request: HttpRequest,
    form: PatientForm | CommitmentForm | LastDayForm | LevelForm | PlaceForm,
    *,
    heading: str,
    save: str,
    patient: Patient | None = None,
    note: str = "",
) -> HttpResponse:
    """The form with what was typed; 422 when that was refused."""
    context = {"form": form, "heading": heading, "save": save, "patient": patient, "note": note}
    return render(request, "patients/form.html", context, status=422 if form.errors else 200)
