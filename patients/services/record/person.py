"""Create and change a patient's personal details."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.domain.codes import clean_code
from patients.domain.contacts import Contacts
from patients.models import Patient
from patients.services.record.codes import lock_codes, typed_or_next_code
from patients.services.record.contacts import save_contacts
from patients.services.record.similar_patients import SimilarPatient, find_similar_patients
from patients.services.rows import save_values
from timekeeping.reasons import Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class CodeTaken(Reason):
    """Another patient already has the code."""

    taken: str


@dataclass(frozen=True, slots=True)
class BirthDateInFuture(Reason):
    """The birth date is in the future."""

    birth_date: date


@dataclass(frozen=True, kw_only=True)
class PatientValues:
    """A patient's personal details except `Contacts`, as a user enters them.

    `code` is the clinic's own code for the patient. If it is blank, a new patient gets the next free code, and a patient who
    has a code keeps it. `travel_minutes` is the one-way travel time from home to the site.
    """

    code: str
    first_name: str
    last_name: str
    birth_date: date
    preferred_name: str = ""
    email: str = ""
    address: str = ""
    language: str = "English"
    travel_minutes: int = 0


def check_person(patient: Patient, *, code: str | None, birth_date: date | None, now: datetime) -> Iterable[Reason]:
    """Yield the reasons against the code and the birth date. None stands for a value that isn't known yet.

    Codes are compared without case and invisible characters.
    """
    if (
        code is not None
        and Patient.all_records.filter(code__iexact=clean_code(code)).exclude(pk=patient.pk or 0).exists()
    ):
        yield CodeTaken(code)
    if birth_date is not None and birth_date > now.astimezone(patient.site.zone).date():
        yield BirthDateInFuture(birth_date)


def similar_to(values: PatientValues, contacts: Contacts, *, by: User | None) -> Sequence[SimilarPatient]:
    """Return the patients whom `by` may see and who may be the person with these details."""
    return find_similar_patients(
        first_name=values.first_name,
        last_name=values.last_name,
        preferred_name=values.preferred_name,
        birth_date=values.birth_date,
        phones=[phone.number for phone in contacts.phones],
        email=values.email,
        by=by,
    )


@transaction.atomic
def create_patient(
    *,
    site_id: int,
    values: PatientValues,
    contacts: Contacts,
    by: User | None,
    now: datetime,
    is_another_person: bool = False,
) -> Patient:
    """Create a patient at the site, and return the patient.

    `is_another_person` says that somebody has looked at similar patients, and that this is none of them.

    Raises Refused if another patient has the code, or if the birth date is in the future. Also raises Refused if a patient
    whom `by` may see is similar (see `similar_to`), unless `is_another_person` is true. If several people add patients at
    the same time, each patient gets a different code, and the later ones are compared with the earlier ones.
    """
    lock_codes()
    patient = Patient(site_id=site_id)
    reasons = [*check_person(patient, code=values.code, birth_date=values.birth_date, now=now)]
    if not is_another_person:
        reasons += similar_to(values, contacts, by=by)
    refuse_if_any(reasons)
    save_values(patient, replace(values, code=typed_or_next_code(values.code)))
    save_contacts(patient, contacts)
    record(patient, by=by, action=Action.CREATED, at=now)
    return patient


@transaction.atomic
def change_patient(
    *, patient: Patient, values: PatientValues, contacts: Contacts, by: User | None, now: datetime
) -> Patient:
    """Change a patient's personal details, and return the patient. `contacts` replace all that the patient has.

    Raises Refused if another patient has the code, or if the birth date is in the future. The audit trail records the names
    of the changed fields, but not their values.
    """
    lock_codes()
    patient = Patient.objects.select_for_update(of=("self",)).select_related("site").get(pk=patient.pk)
    refuse_if_any(check_person(patient, code=values.code, birth_date=values.birth_date, now=now))
    changed = save_values(patient, replace(values, code=clean_code(values.code) or patient.code)) + save_contacts(
        patient, contacts
    )
    record(patient, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return patient
