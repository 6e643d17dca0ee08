"""Save a patient's phone numbers and emergency contacts."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.models import EmergencyContact, Patient, PatientPhone


def contacts_of(patient: Patient) -> Contacts:
    """Return the patient's phone numbers and emergency contacts. Uses prefetched rows."""
    return Contacts(
        tuple(each.as_phone() for each in patient.phones.all()),
        tuple(each.as_contact_person() for each in patient.emergency_contacts.all()),
    )


def save_contacts(patient: Patient, contacts: Contacts) -> list[str]:
    """Replace the patient's phone numbers and emergency contacts, and return which of the two changed, for the audit trail.

    The rows of numbers and people that stay are updated, not replaced, because taking back a merge of records finds rows by
    their ids. Call this in a transaction that has locked or created the patient.
    """
    saved = contacts_of(patient)
    changed = []
    if saved.phones != contacts.phones:
        _save(PatientPhone, list(patient.phones.all()), patient, contacts.phones, "number")
        changed.append("phones")
    if saved.emergency != contacts.emergency:
        _save(EmergencyContact, list(patient.emergency_contacts.all()), patient, contacts.emergency, "name")
        changed.append("emergency contacts")
    return changed


def _save(
    model: type[PatientPhone] | type[EmergencyContact],
    rows: list[Any],
    patient: Patient,
    values: Iterable[Phone | ContactPerson],
    key: str,
) -> None:
    """Make the rows equal to the values, in their order. `key` is the field by which a row is found again."""
    for position, value in enumerate(values):
        known = (row for row in rows if getattr(row, key) == getattr(value, key))
        row = next(known, None) or model(patient=patient)
        if row in rows:
            rows.remove(row)
        row.position = position
        for name, given in asdict(value).items():
            setattr(row, name, given)
        row.save()
    for row in rows:
        row.delete()
