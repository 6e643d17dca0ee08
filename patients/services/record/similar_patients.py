"""Find patients who may be the person whom somebody is about to add."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from patients.domain.person_search import digits_of, fold
from patients.models import Patient, PatientPhone
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
    *, first_name: str, last_name: str, birth_date: date | None, phones: Iterable[str], email: str, by: User | None
) -> Sequence[SimilarPatient]:
    """Return at most 5 patients with the same name and birth date, phone number or email. Runs at most two queries.

    One equal phone number is enough. Names are compared without case and diacritics, and phone numbers by their digits.
    Patients whom `by` may not see are left out. None stands for everybody.
    """
    numbers, name = {*_comparable(phones)}, _folded(first_name, last_name)
    similar = Q(birth_date=birth_date) if birth_date else Q(pk=None)
    if email:
        similar |= Q(email__iexact=email)
    if numbers:
        similar |= Q(Exists(PatientPhone.objects.filter(patient=OuterRef("pk"))))
    patients = Patient.objects.all() if by is None else Patient.objects.visible_to(by)
    found = []
    for patient in patients.filter(similar).prefetch_related("phones").order_by("pk"):
        if patient.birth_date == birth_date and _folded(patient.first_name, patient.last_name) == name:
            same = "person"
        elif email and patient.email.lower() == email.lower():
            same = "email"
        elif not numbers.isdisjoint(_comparable(each.number for each in patient.phones.all())):
            same = "phone"
        else:
            continue
        found.append(SimilarPatient(patient.pk, str(patient), patient.code, patient.birth_date, same))
    return sorted(found, key=lambda each: each.same != "person")[:MAX_SHOWN]


def _folded(first_name: str, last_name: str) -> str:
    return " ".join(fold(f"{first_name} {last_name}").split())


def _comparable(phones: Iterable[str]) -> Iterator[str]:
    """Yield the last 10 digits of each phone number, which leave out a country code. A number with few digits is skipped."""
    for phone in phones:
        digits = digits_of(phone)
        if len(digits) >= MIN_PHONE_DIGITS:
            yield digits[-10:]
