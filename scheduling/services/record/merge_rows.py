"""Which rows of a record move to another record of the same person, and which stay because the other record has them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from accounts.models import Invitation
from patients.absorbed_records import columns_of_patients
from patients.domain.person_search import digits_of, fold
from patients.models import (
    CalendarState,
    Commitment,
    EmergencyContact,
    ImportedCalendar,
    Patient,
    PatientPhone,
    Place,
)
from patients.services.availability.commitments import CommitmentValues

Ids = dict[str, list[int]]
"""Maps the label of a model, such as "patients.Commitment", to ids of its rows."""

NOT_DETAILS = {"id", "site", "user", "merged_into"}
DETAILS = tuple(each for each in Patient._meta.concrete_fields if each.name not in NOT_DETAILS)
"""The fields for which the user chooses a value if the two records differ."""
CONTACTS = (PatientPhone, EmergencyContact)
AFTER_OWN_CONTACTS = 100
"""Added to the positions of contacts that move, so that they come after those of the kept record."""
PATTERN = tuple(name for name in CommitmentValues.__dataclass_fields__ if not name.startswith(("place", "travel")))
"""The fields that two records of the same commitment have in common, besides the travel times."""


@dataclass(frozen=True, kw_only=True)
class RowsToMove:
    """The rows of the absorbed record, sorted by what happens to them.

    `moved` maps the labels of models to the ids of the rows that get the kept record's id. `same_commitments` are the
    commitments that stay, because the kept record has the same ones. The same phone numbers and emergency contacts stay,
    too. `same_places` maps the id of each place that stays to the id of the same place of the kept record. `new_names` are
    the new names, by id, of places that would otherwise have the name of a place of the kept record. `codes` are the codes
    of commitments, by id, that are dropped because a commitment of the kept record has the same code. `withdrawn` are the
    ids of invitations that stop working.
    """

    moved: Ids = field(default_factory=dict)
    same_commitments: tuple[Commitment, ...] = ()
    same_places: Mapping[int, int] = field(default_factory=dict)
    new_names: Mapping[int, str] = field(default_factory=dict)
    codes: Mapping[int, str] = field(default_factory=dict)
    withdrawn: tuple[int, ...] = ()


def rows_to_move(kept: Patient, absorbed: Patient) -> RowsToMove:
    """Sort the rows of the absorbed record. The number of queries depends only on the number of models."""
    of_kept, of_absorbed = _places(kept), _places(absorbed)
    same_places = dict(_same_places(of_kept, of_absorbed))
    commitments = list(Commitment.objects.filter(patient__in=[kept.pk, absorbed.pk]).with_travel())
    asked_about = set(absorbed.proposals.exclude(commitment=None).values_list("commitment", flat=True))
    same = tuple(_same_commitments(kept, commitments, same_places, asked_about))
    stay = {
        Commitment: {each.pk for each in same},
        Place: set(same_places),
        PatientPhone: set(_same_phones(kept, absorbed)),
        EmergencyContact: set(_same_emergency_contacts(kept, absorbed)),
        ImportedCalendar: set(
            ImportedCalendar.objects.filter(patient=absorbed, state=CalendarState.UNDERSTOOD).values_list(
                "pk", flat=True
            )
        ),
    }
    return RowsToMove(
        moved={
            model._meta.label: ids
            for model, column in columns_of_patients()
            if (ids := _ids(model, column, absorbed, stay.get(model, ())))
        },
        same_commitments=same,
        same_places=same_places,
        new_names=dict(_new_names(absorbed, of_kept, of_absorbed, same_places)),
        codes=dict(_repeated_codes(kept, commitments, stay[Commitment])),
        withdrawn=tuple(_surplus_invitations(kept, absorbed)),
    )


def _ids(model: type[models.Model], column: str, absorbed: Patient, stay: Collection[int]) -> list[int]:
    rows = model._base_manager.filter(**{column: absorbed.pk}).order_by("pk")
    return [pk for pk in rows.values_list("pk", flat=True) if pk not in stay]


def _same_phones(kept: Patient, absorbed: Patient) -> Iterable[int]:
    known = {digits_of(each.number)[-10:] for each in kept.phones.all()}
    return (each.pk for each in absorbed.phones.all() if digits_of(each.number)[-10:] in known)


def _same_emergency_contacts(kept: Patient, absorbed: Patient) -> Iterable[int]:
    known = {(fold(each.name), digits_of(each.phone)[-10:]) for each in kept.emergency_contacts.all()}
    found = absorbed.emergency_contacts.all()
    return (each.pk for each in found if (fold(each.name), digits_of(each.phone)[-10:]) in known)


def contact_texts(rows: Iterable[PatientPhone | EmergencyContact]) -> dict[str, str]:
    """Return what each phone number or emergency contact says, by its id, as it is stored in a merge."""
    return {str(each.pk): f"{each}, {each.phone}" if isinstance(each, EmergencyContact) else str(each) for each in rows}


def _places(patient: Patient) -> list[Place]:
    return list(Place.objects.filter(patient=patient).prefetch_related("travels").order_by("pk"))


def _ways(place: Place) -> set[tuple[int, int, int]]:
    return {(each.site_id, each.before_minutes, each.after_minutes) for each in place.travels.all()}


def _same_places(of_kept: Iterable[Place], of_absorbed: Iterable[Place]) -> Iterable[tuple[int, int]]:
    by_name = {place.name.casefold(): place for place in of_kept}
    for place in of_absorbed:
        twin = by_name.get(place.name.casefold())
        if twin is not None and _ways(twin) == _ways(place):
            yield place.pk, twin.pk


def _new_names(
    absorbed: Patient, of_kept: Iterable[Place], of_absorbed: Iterable[Place], same_places: Mapping[int, int]
) -> Iterable[tuple[int, str]]:
    taken = {place.name.casefold() for place in of_kept}
    for place in of_absorbed:
        if place.pk not in same_places and place.name.casefold() in taken:
            suffix = f" ({absorbed.code[:20]})"
            yield place.pk, place.name[: 80 - len(suffix)] + suffix


def _same_commitments(
    kept: Patient, commitments: Iterable[Commitment], same_places: Mapping[int, int], asked_about: Collection[int]
) -> Iterable[Commitment]:
    """Yield the absorbed record's commitments that the kept record has, too.

    A commitment that the patient asked to change is never one of them, so that the request stays with its commitment.
    """
    known = {_signature(each, {}) for each in commitments if each.patient_id == kept.pk}
    for each in commitments:
        if each.patient_id != kept.pk and each.pk not in asked_about and _signature(each, same_places) in known:
            yield each


def _signature(commitment: Commitment, same_places: Mapping[int, int]) -> tuple[Any, ...]:
    place = commitment.place_id and same_places.get(commitment.place_id, commitment.place_id)
    own_travel = (commitment.travel_before_minutes, commitment.travel_after_minutes) if place is None else ()
    label = commitment.label.strip().casefold()
    return (place, own_travel, label, *(getattr(commitment, name) for name in PATTERN if name != "label"))


def _repeated_codes(
    kept: Patient, commitments: Iterable[Commitment], stay: Collection[int]
) -> Iterable[tuple[int, str]]:
    taken = {each.code for each in commitments if each.patient_id == kept.pk and each.code}
    for each in commitments:
        if each.patient_id != kept.pk and each.pk not in stay and each.code in taken:
            yield each.pk, each.code


def takes_sign_in(kept: Patient, absorbed: Patient) -> bool:
    """Whether the merged record has the sign-in of the absorbed record: the kept record has none that works."""
    other = absorbed.user
    return other is not None and (kept.user is None or (other.is_active and not kept.user.is_active))


def _surplus_invitations(kept: Patient, absorbed: Patient) -> Iterable[int]:
    """Yield the open invitations that the merged record must not have, because it has a sign-in or another invitation."""
    pending = dict(Invitation.objects.pending().filter(patient__in=[kept, absorbed]).values_list("patient", "pk"))
    if kept.pk in pending and takes_sign_in(kept, absorbed):
        yield pending[kept.pk]
    if absorbed.pk in pending and (kept.pk in pending or kept.user_id is not None or absorbed.user_id is not None):
        yield pending[absorbed.pk]
