"""The person: added and changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Patient
from patients.services.rows import save_values
from timekeeping.reasons import Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class CodeTaken(Reason):
    code: ClassVar[str] = "code_taken"
    taken: str


@dataclass(frozen=True, slots=True)
class BirthDateInFuture(Reason):
    code: ClassVar[str] = "not_born_yet"
    birth_date: date


@dataclass(frozen=True, kw_only=True)
class PatientValues:
    code: str
    first_name: str
    last_name: str
    birth_date: date
    preferred_name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "English"
    travel_minutes: int = 0


def _check_patient(patient: Patient, values: PatientValues, now: datetime) -> Iterable[Reason]:
    if Patient.objects.filter(code=values.code).exclude(pk=patient.pk or 0).exists():
        yield CodeTaken(values.code)
    if values.birth_date > now.astimezone(patient.site.zone).date():
        yield BirthDateInFuture(values.birth_date)


@transaction.atomic
def create_patient(*, site_id: int, values: PatientValues, by: User | None, now: datetime) -> Patient:
    """Raises Refused when the code is somebody else's or the birth is to come."""
    patient = Patient(site_id=site_id)
    refuse_if_any(_check_patient(patient, values, now))
    save_values(patient, values)
    record(patient, by=by, action=Action.CREATED, at=now)
    return patient


@transaction.atomic
def change_patient(*, patient: Patient, values: PatientValues, by: User | None, now: datetime) -> Patient:
    """Raises Refused as `create_patient` does. The trail says which fields changed, not what stood in them."""
    patient = Patient.objects.select_for_update(of=("self",)).select_related("site").get(pk=patient.pk)
    refuse_if_any(_check_patient(patient, values, now))
    changed = save_values(patient, values)
    record(patient, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return patient
