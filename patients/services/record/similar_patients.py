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
ORDER = ("person", "merged", "email", "phone")
"""What can be equal. If two things are equal, the earlier one is named."""
CERTAIN = ("person", "merged")
"""Patients with the same name and birth date are named first."""


@dataclass(frozen=True, slots=True)
class SimilarPatient(Reason):
    """A patient with the same name and birth date, phone number or e-mail address is in the records.

    `patient` is the patient's id, and `same` says what is equal: "person", "merged", "phone" or "email". "merged" stands for
    the name and birth date of a record that was merged into the patient's record.
    """

    patient: int
    name: str
    patient_code: str
    birth_date: date
    same: str


def find_similar_patients(
    *,
    first_name: str,
    last_name: str,
    preferred_name: str = "",
    birth_date: date | None,
    phones: Iterable[str],
    email: str,
    by: User | None,
) -> Sequence[SimilarPatient]:
    """Return at most 5 patients with the same name and birth date, phone number or email. Runs at most two queries.

    One equal phone number is enough. Names are compared without case and diacritics, and phone numbers by their digits. The
    preferred name counts like the first name, and the first and last name may be swapped. A similar record that was merged
    into another one stands for the other one. Patients whom `by` may not see are left out. None stands for everybody.
    """
    numbers, names = {*_comparable(phones)}, _names(first_name, last_name, preferred_name)
    similar = Q(birth_date=birth_date) if birth_date else Q(pk=None)
    if email:
        similar |= Q(email__iexact=email)
    if numbers:
        similar |= Q(Exists(PatientPhone.objects.filter(patient=OuterRef("pk"))))
    records = Patient.all_records.filter(similar)
    if by is not None:
        visible = Patient.objects.visible_to(by).values("pk")
        records = records.filter(Q(pk__in=visible) | Q(merged_into__in=visible))
    found: dict[int, SimilarPatient] = {}
    for record in records.select_related("merged_into").prefetch_related("phones").order_by("pk"):
        same = _what_is_same(record, names, birth_date, numbers, email)
        patient = record.merged_into or record
        known = found.get(patient.pk)
        if same and (known is None or ORDER.index(same) < ORDER.index(known.same)):
            found[patient.pk] = SimilarPatient(patient.pk, str(patient), patient.code, patient.birth_date, same)
    return sorted(found.values(), key=lambda each: (each.same not in CERTAIN, each.patient))[:MAX_SHOWN]


def _what_is_same(record: Patient, names: set[str], birth_date: date | None, numbers: set[str], email: str) -> str:
    """Return what is equal, or "" for nothing. Only the name and birth date of a merged record are compared."""
    if record.birth_date == birth_date and not names.isdisjoint(
        _names(record.first_name, record.last_name, record.preferred_name)
    ):
        return "merged" if record.merged_into_id else "person"
    if record.merged_into_id:
        return ""
    if email and record.email.lower() == email.lower():
        return "email"
    same_phones = numbers.intersection(_comparable(each.number for each in record.phones.all()))
    return "phone" if same_phones else ""


def _names(first_name: str, last_name: str, preferred_name: str) -> set[str]:
    """Return the names by which a person may be known: with the first or the preferred name, and with the names swapped."""
    pairs = [(first_name, last_name), (last_name, first_name)]
    if preferred_name:
        pairs.append((preferred_name, last_name))
    return {_folded(*pair) for pair in pairs}


def _folded(first_name: str, last_name: str) -> str:
    return " ".join(fold(f"{first_name} {last_name}").split())


def _comparable(phones: Iterable[str]) -> Iterator[str]:
    """Yield the last 10 digits of each phone number, which leave out a country code. A number with few digits is skipped."""
    for phone in phones:
        digits = digits_of(phone)
        if len(digits) >= MIN_PHONE_DIGITS:
            yield digits[-10:]
