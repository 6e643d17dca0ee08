"""Find patients who may be the person whom somebody is about to add."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from accounts.models import User
from patients.domain.person_search import digits_of, fold
from patients.models import Patient
from timekeeping.reasons import Reason

MAX_SHOWN = 5
"""Maximum number of similar patients that are named. A family can share one phone number."""
MIN_PHONE_DIGITS = 7


@dataclass(frozen=True, slots=True)
class SimilarPatient(Reason):
    """A patient with the same name and birth date, phone number or e-mail address is in the records.

    `patient` is the patient's id, and `same` says what is equal: "person", "phone" or "email".
    """

    patient: int
    name: str
    patient_code: str
    birth_date: date
    same: str


def find_similar_patients(
    *, first_name: str, last_name: str, birth_date: date | None, phone: str, email: str, by: User | None
) -> Sequence[SimilarPatient]:
    """Return at most 5 patients with the same name and birth date, phone number or e-mail address. Runs one query.

    Names are compared without case and diacritics, and phone numbers by their digits. Patients whom `by` may not see are
    left out. None stands for everybody.
    """
    digits, name = digits_of(phone), _folded(first_name, last_name)
    similar = Q(birth_date=birth_date) if birth_date else Q(pk=None)
    if email:
        similar |= Q(email__iexact=email)
    if len(digits) >= MIN_PHONE_DIGITS:
        similar |= ~Q(phone="")
    patients = Patient.objects.all() if by is None else Patient.objects.visible_to(by)
    found = []
    for patient in patients.filter(similar).order_by("pk"):
        if patient.birth_date == birth_date and _folded(patient.first_name, patient.last_name) == name:
            same = "person"
        elif email and patient.email.lower() == email.lower():
            same = "email"
        elif len(digits) >= MIN_PHONE_DIGITS and digits_of(patient.phone)[-10:] == digits[-10:]:
            same = "phone"
        else:
            continue
        found.append(SimilarPatient(patient.pk, str(patient), patient.code, patient.birth_date, same))
    return sorted(found, key=lambda each: each.same != "person")[:MAX_SHOWN]


def _folded(first_name: str, last_name: str) -> str:
    return " ".join(fold(f"{first_name} {last_name}").split())
