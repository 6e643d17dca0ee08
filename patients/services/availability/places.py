"""Add, change and remove the places from which a patient travels to the sites."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Patient, Place, PlaceTravel
from timekeeping.reasons import Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class PlaceNameTaken(Reason):
    """The patient has another place with the same name."""

    name: str


@dataclass(frozen=True, slots=True)
class PlaceInUse(Reason):
    """The place can't be deleted, because commitments use it."""

    name: str
    commitments: int


@dataclass(frozen=True, kw_only=True)
class PlaceValues:
    """The name of a place, and its travel times."""

    name: str
    travel_minutes_by_site: Mapping[int, tuple[int, int]]
    """Travel minutes by site id: from the site to the place, and from the place back to the site."""


def _check_place(patient: Patient, place: Place | None, values: PlaceValues) -> Iterable[Reason]:
    others = Place.objects.filter(patient=patient, name__iexact=values.name).exclude(pk=place.pk if place else 0)
    if others.exists():
        yield PlaceNameTaken(values.name)


def _save_travel_times(place: Place, values: PlaceValues) -> bool:
    """Save the place's travel times. Return whether any travel time changed."""
    known = {travel.site_id: travel for travel in place.travels.all()}
    is_changed = bool(place.travels.exclude(site__in=values.travel_minutes_by_site).delete()[0])
    for site_id, (before, after) in values.travel_minutes_by_site.items():
        travel = known.get(site_id) or PlaceTravel(place=place, site_id=site_id)
        if travel.pk is None or (travel.before_minutes, travel.after_minutes) != (before, after):
            travel.before_minutes, travel.after_minutes = before, after
            travel.save()
            is_changed = True
    return is_changed


@transaction.atomic
def add_place(*, patient: Patient, values: PlaceValues, by: User | None, now: datetime) -> Place:
    """Add a place and return it. Raises Refused if the patient has a place with that name."""
    patient = Patient.objects.select_for_update(of=("self",), no_key=True).get(pk=patient.pk)
    refuse_if_any(_check_place(patient, None, values))
    place = Place.objects.create(patient=patient, name=values.name)
    _save_travel_times(place, values)
    record(place, by=by, action=Action.CREATED, at=now)
    return place


@transaction.atomic
def change_place(*, place: Place, values: PlaceValues, by: User | None, now: datetime) -> Place:
    """Change a place and return it. Raises Refused if the patient has another place with that name.

    Existing bookings stay, even if travel takes longer now.
    """
    patient = Patient.objects.select_for_update(of=("self",), no_key=True).get(pk=place.patient_id)
    refuse_if_any(_check_place(patient, place, values))
    changed = ["name"] if place.name != values.name else []
    place.name = values.name
    place.save(update_fields=["name"])
    if _save_travel_times(place, values):
        changed.append("ways")
    record(place, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return place


@transaction.atomic
def remove_place(*, place: Place, by: User | None, now: datetime) -> None:
    """Delete a place. Raises Refused if any commitment uses the place."""
    Patient.objects.select_for_update(of=("self",), no_key=True).get(pk=place.patient_id)
    there = place.commitments.count()
    refuse_if_any([PlaceInUse(place.name, there)] if there else [])
    record(place, by=by, action=Action.DELETED, at=now)
    place.delete()
