"""Where a patient sets out from, and how long the way to each site is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Patient, Place, PlaceTravel
from timekeeping.reasons import Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class PlaceNameTaken(Reason):
    code: ClassVar[str] = "place_name_taken"
    name: str


@dataclass(frozen=True, slots=True)
class PlaceInUse(Reason):
    """Commitments are there, and would not say any more how long the way is."""

    code: ClassVar[str] = "place_in_use"
    name: str
    commitments: int


@dataclass(frozen=True, kw_only=True)
class PlaceValues:
    """`ways` are minutes from each site to which one is known, by its id, to the place, and from the place back to it."""

    name: str
    travel_minutes_by_site: Mapping[int, tuple[int, int]]


def _check_place(patient: Patient, place: Place | None, values: PlaceValues) -> Iterable[Reason]:
    others = Place.objects.filter(patient=patient, name__iexact=values.name).exclude(pk=place.pk if place else 0)
    if others.exists():
        yield PlaceNameTaken(values.name)


def _save_travel_times(place: Place, values: PlaceValues) -> bool:
    """Whether any of the ways was otherwise before."""
    held = {way.site_id: way for way in place.travels.all()}
    is_new = bool(place.travels.exclude(site__in=values.travel_minutes_by_site).delete()[0])
    for site_id, (before, after) in values.travel_minutes_by_site.items():
        way = held.get(site_id) or PlaceTravel(place=place, site_id=site_id)
        if way.pk is None or (way.before_minutes, way.after_minutes) != (before, after):
            way.before_minutes, way.after_minutes = before, after
            way.save()
            is_new = True
    return is_new


@transaction.atomic
def add_place(*, patient: Patient, values: PlaceValues, by: User | None, now: datetime) -> Place:
    """Raises Refused when the patient has a place of that name."""
    patient = Patient.objects.select_for_update(of=("self",), no_key=True).get(pk=patient.pk)
    refuse_if_any(_check_place(patient, None, values))
    place = Place.objects.create(patient=patient, name=values.name)
    _save_travel_times(place, values)
    record(place, by=by, action=Action.CREATED, at=now)
    return place


@transaction.atomic
def change_place(*, place: Place, values: PlaceValues, by: User | None, now: datetime) -> Place:
    """Raises Refused as `add_place` does. What is booked stays booked, also where the way is longer now."""
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
    """Raises Refused while commitments are there."""
    Patient.objects.select_for_update(of=("self",), no_key=True).get(pk=place.patient_id)
    there = place.commitments.count()
    refuse_if_any([PlaceInUse(place.name, there)] if there else [])
    record(place, by=by, action=Action.DELETED, at=now)
    place.delete()
