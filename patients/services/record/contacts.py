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

    Rows are updated, not replaced, because taking back a merge of records finds rows by their ids. A corrected number stays
    in its row, so it goes back to the record it came from. Call this in a transaction that has locked or created the patient.
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
    """Make the rows equal to the values, in their order.

    A row is found again by the field `key`. The values that are new are then given to the rows at the same places, because
    somebody has changed them there.
    """
    given = list(values)
    found: dict[int, Any] = {}
    for position, value in enumerate(given):
        known = (row for row in rows if row not in found.values() and getattr(row, key) == getattr(value, key))
        if row := next(known, None):
            found[position] = row
    for position in range(min(len(given), len(rows))):
        if position not in found and rows[position] not in found.values():
            found[position] = rows[position]
    for position, value in enumerate(given):
        row = found.get(position) or model(patient=patient)
        row.position = position
        for name, text in asdict(value).items():
            setattr(row, name, text)
        row.save()
    for row in rows:
        if row not in found.values():
            row.delete()
