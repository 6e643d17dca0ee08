"""Refuse rows whose code belongs to a different person, and rows that would add the same person a second time."""

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from accounts.models import User
from clinic_import.rows.clinic_rows import StaffRow
from clinic_import.rows.person_rows import PatientRow
from patients.domain.person_search import fold
from patients.models import Patient
from scheduling.formats import full_date

FieldFault = tuple[str, str]
"""The name of a column and a sentence that says what is wrong in it."""


def check_same_patient(row: PatientRow, patient: Patient) -> FieldFault | None:
    """Return a fault if the patient with the row's code has another name and another birth date than the row."""
    same_name = _folded_name(row.first_name, row.last_name) == _folded_name(patient.first_name, patient.last_name)
    if same_name or row.birth_date == patient.birth_date:
        return None
    sentence = _(
        "%(code)s is the code of %(name)s, born %(birth_date)s. This row has another name and another birth date. If it is"
        " another person, use another code. If it is the same person, correct the record on the chart."
    )
    values = {"code": row.code, "name": str(patient), "birth_date": full_date(patient.birth_date)}
    return "code", sentence % values


def check_same_staff(row: StaffRow, user: User) -> FieldFault | None:
    """Return a fault if the user with the row's code has another name and another e-mail address than the row."""
    if fold(row.name) == fold(user.name) or row.email == user.email.lower():
        return None
    sentence = _(
        "%(code)s is the code of %(name)s, %(email)s. This row has another name and another email. If it is another"
        " person, use another code. If it is the same person, change one of them first and import again for the other."
    )
    return "code", sentence % {"code": row.code, "name": user.name, "email": user.email}


class KnownPeople:
    """Codes of patients by name and birth date, to find a person who would come in under a second code.

    Only patients whom `reader` may see are known. None stands for everybody.
    """

    def __init__(self, birth_dates: Iterable[date], reader: User | None = None) -> None:
        self._codes: dict[tuple[str, date], str] = {}
        patients = Patient.objects.all() if reader is None else Patient.objects.visible_to(reader)
        known = patients.filter(birth_date__in={*birth_dates}).order_by("pk")
        for first, last, birth_date, code in known.values_list("first_name", "last_name", "birth_date", "code"):
            self._codes.setdefault((_folded_name(first, last), birth_date), code)

    def add_new(self, row: PatientRow) -> FieldFault | None:
        """Add a new patient.

        Return a fault if a patient with the name and birth date is known, unless the row says that this is another person.
        """
        person = _folded_name(row.first_name, row.last_name), row.birth_date
        code = self._codes.setdefault(person, row.code)
        if code == row.code or row.another_person:
            return None
        sentence = _(
            "%(code)s is a patient with the same name and birth date. If it is the same person, use that code. If it is"
            " another person, enter yes under another_person."
        )
        return "code", sentence % {"code": code}


def _folded_name(first_name: str, last_name: str) -> str:
    return " ".join(fold(f"{first_name} {last_name}").split())
