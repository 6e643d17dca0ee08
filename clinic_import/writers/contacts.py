"""Compare the phone numbers and emergency contacts of patients with the rows of patients.csv, and write them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import batched

from clinic_import.import_run import FieldChange, differences
from clinic_import.rows.person_rows import EMERGENCY_COLUMNS, PHONE_COLUMNS, PatientRow
from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.domain.person_search import digits_of
from patients.models import EmergencyContact, Patient, PatientPhone

BATCH = 500


def contacts_in(row: PatientRow, saved: Contacts) -> Contacts:
    """Return the contacts that the patient has after the import of the row.

    The phone columns that the file has stand for the patient's first numbers, in this order. Further numbers and a second
    emergency contact stay. A number that the patient has already keeps its type and its permission for messages if the file
    lacks their columns. A new number then gets neither.
    """
    return Contacts(_phones_in(row, saved.phones), _emergency_in(row, saved.emergency))


def _phones_in(row: PatientRow, saved: tuple[Phone, ...]) -> tuple[Phone, ...]:
    columns = [names for names in PHONE_COLUMNS if names[0] not in row.absent]
    known = {digits_of(phone.number): phone for phone in saved}
    phones: dict[str, Phone] = {}
    for number, kind, leave_message in columns:
        if typed := getattr(row, number):
            earlier = known.get(digits_of(typed), Phone(typed))
            phone = Phone(typed, row.given(kind, earlier.kind), row.given(leave_message, earlier.may_leave_message))
            phones.setdefault(digits_of(typed), phone)
    for phone in saved[len(columns) :]:
        phones.setdefault(digits_of(phone.number), phone)
    return tuple(phones.values())


def _emergency_in(row: PatientRow, saved: tuple[ContactPerson, ...]) -> tuple[ContactPerson, ...]:
    if "emergency_name" in row.absent:
        return saved
    relationship = row.given("emergency_relationship", saved[0].relationship if saved else "")
    person = ContactPerson(row.emergency_name, relationship, row.emergency_phone)
    return ((person,) if person.name else ()) + saved[1:]


def contact_changes(before: Contacts, after: Contacts) -> tuple[FieldChange, ...]:
    """Return the changes between the contacts, by column of patients.csv."""
    return differences(_by_column(before), _by_column(after))


def _by_column(contacts: Contacts) -> Mapping[str, object]:
    cells: dict[str, object] = {}
    for names, phone in _paired(PHONE_COLUMNS, contacts.phones, Phone("")):
        cells |= dict(zip(names, (phone.number, phone.kind, phone.may_leave_message), strict=True))
    for names, person in _paired([EMERGENCY_COLUMNS], contacts.emergency, ContactPerson("", "", "")):
        cells |= dict(zip(names, (person.name, person.relationship, person.phone), strict=True))
    return cells


def _paired[T](columns: Sequence[Sequence[str]], values: Sequence[T], empty: T) -> Iterator[tuple[Sequence[str], T]]:
    for number, names in enumerate(columns):
        yield names, values[number] if number < len(values) else empty


def write_contacts(contacts: Iterable[tuple[Patient, Contacts]]) -> None:
    """Replace the contacts of each patient. The patients must be saved."""
    for batch in batched(contacts, BATCH):
        for model in (PatientPhone, EmergencyContact):
            model._default_manager.filter(patient__in=[patient.pk for patient, _contacts in batch]).delete()
        PatientPhone.objects.bulk_create(
            PatientPhone(patient=patient, position=position, **asdict(phone))
            for patient, given in batch
            for position, phone in enumerate(given.phones)
        )
        EmergencyContact.objects.bulk_create(
            EmergencyContact(patient=patient, position=position, **asdict(person))
            for patient, given in batch
            for position, person in enumerate(given.emergency)
        )
