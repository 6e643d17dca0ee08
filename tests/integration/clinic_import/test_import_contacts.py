"""The import of phone numbers, addresses and emergency contacts of patients."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from clinic_import.clinic import ImportResult, import_clinic
from clinic_import.reading.faults import ImportFailed
from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.models import Patient
from patients.services.record.contacts import contacts_of, save_contacts
from tests.spreadsheets import CLINIC, NOW, write_files

pytestmark = pytest.mark.django_db

WHO = "site,code,first_name,birth_date"
ROSA = "NORTH,P1,Rosa,1990-05-17"
EVERYTHING = (
    "address,phone,phone_kind,leave_message,phone_2,phone_kind_2,leave_message_2,phone_3,"
    "emergency_name,emergency_relationship,emergency_phone"
)
CELLS = '"4 Main St\nPortland, ME",(207) 555-0142,cell,yes,207.555.0143,Work,no,,Ana Peña,sister,2075550144'
ANA = ContactPerson("Ana Peña", "sister", "2075550144")


def bring_in(folder: Path, titles: str, *rows: str) -> ImportResult:
    """Import a site, and a file of patients with the titles and rows."""
    files = {"sites": CLINIC["sites"], "patients": "\n".join([f"{WHO},{titles}", *rows])}
    return import_clinic(write_files(folder, files), by=None, now=NOW)


def contacts() -> Contacts:
    return contacts_of(Patient.objects.get(code="P1"))


def test_every_column_comes_in_once(tmp_path: Path) -> None:
    bring_in(tmp_path, EVERYTHING, f"{ROSA},{CELLS}")
    phones = Phone("(207) 555-0142", "mobile", True), Phone("207.555.0143", "work", False)
    assert contacts() == Contacts(phones, (ANA,))
    assert Patient.objects.get().address == "4 Main St, Portland, ME"
    events = AuditEvent.objects.count()
    assert bring_in(tmp_path, EVERYTHING, f"{ROSA},{CELLS}").changes == ()
    assert AuditEvent.objects.count() == events


def test_changes_are_reported_by_column_and_what_the_file_lacks_stays(tmp_path: Path) -> None:
    bring_in(tmp_path, EVERYTHING, f"{ROSA},{CELLS}")
    (change,) = bring_in(tmp_path, "phone", f"{ROSA},(207) 555-0199").changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [
        ("phone", "(207) 555-0142", "(207) 555-0199"),
        ("phone_kind", "mobile", "nothing"),
        ("leave_message", "yes", "no"),
    ]
    assert contacts() == Contacts((Phone("(207) 555-0199"), Phone("207.555.0143", "work")), (ANA,))
    assert AuditEvent.objects.latest("pk").patient_key == Patient.objects.get().pk


def test_a_number_in_another_notation_keeps_its_permission(tmp_path: Path) -> None:
    bring_in(tmp_path, EVERYTHING, f"{ROSA},{CELLS}")
    bring_in(tmp_path, "phone", f"{ROSA},207-555-0142")
    assert contacts().phones[0] == Phone("207-555-0142", "mobile", True)


def test_empty_cells_remove_a_number_and_a_contact(tmp_path: Path) -> None:
    bring_in(tmp_path, EVERYTHING, f"{ROSA},{CELLS}")
    bring_in(tmp_path, EVERYTHING, f"{ROSA},,,,,207.555.0143,work,,,,,")
    assert contacts() == Contacts((Phone("207.555.0143", "work"),))
    assert bring_in(tmp_path, EVERYTHING, f"{ROSA},,,,,207.555.0143,work,,,,,").changes == ()


def test_numbers_from_the_page_stay_after_those_of_the_file(tmp_path: Path) -> None:
    bring_in(tmp_path, "phone", f"{ROSA},(207) 555-0142")
    first, own = Phone("(207) 555-0142", "home", True), Phone("(207) 555-0177")
    save_contacts(Patient.objects.get(), Contacts((first, own), (ANA,)))
    assert bring_in(tmp_path, "phone", f"{ROSA},(207) 555-0142").changes == ()
    assert contacts() == Contacts((first, own), (ANA,))


@pytest.mark.parametrize(
    ("titles", "cells", "expected"),
    [
        ("Cell Phone,Home Phone", "207 555 0142,207 555 0143", ["207 555 0142", "207 555 0143"]),
        ("Home phone", "207 555 0143", ["207 555 0143"]),
        ("mobile,phone 2 kind,phone 2", "207 555 0142,home,207 555 0143", ["207 555 0142", "207 555 0143"]),
        ("phone,phone_2", "207 555 0142,(207) 555-0142", ["207 555 0142"]),
    ],
)
def test_other_titles_are_understood_and_repeated_imports_change_nothing(
    tmp_path: Path, titles: str, cells: str, expected: list[str]
) -> None:
    bring_in(tmp_path, titles, f"{ROSA},{cells}")
    assert [phone.number for phone in contacts().phones] == expected
    assert bring_in(tmp_path, titles, f"{ROSA},{cells}").changes == ()


def test_the_emergency_contact_has_common_titles(tmp_path: Path) -> None:
    titles = "Emergency Contact,Emergency Contact Relationship,Emergency Contact Phone"
    bring_in(tmp_path, titles, f"{ROSA},Ana Peña,sister,2075550144")
    assert contacts() == Contacts((), (ANA,))


@pytest.mark.parametrize(
    ("titles", "cells", "column", "words"),
    [
        ("phone", "banana", "phone", "“banana” is not a phone number."),
        ("phone_3", "12", "phone_3", "“12” is not a phone number."),
        ("phone,phone_kind", "207 555 0142,fax", "phone_kind", "Use one of these: mobile, home, work, other, cell."),
        ("phone,leave_message", ",yes", "phone", "A phone type or a permission for messages needs a phone number."),
        ("phone_kind_2", "home", "phone_2", "A phone type or a permission for messages"),
        ("phone,leave_message", "207 555 0142,maybe", "leave_message", "maybe"),
        ("emergency_name", "Ana", "emergency_phone", "Enter the phone number of the emergency contact."),
        ("emergency_phone", "207 555 0142", "emergency_name", "Enter the name of the emergency contact."),
        ("emergency_name,emergency_phone", "Ana,ask her", "emergency_phone", "“ask her” is not a phone number."),
    ],
)
def test_faults_name_the_column(tmp_path: Path, titles: str, cells: str, column: str, words: str) -> None:
    with pytest.raises(ImportFailed) as failed:
        bring_in(tmp_path, titles, f"{ROSA},{cells}")
    (fault,) = failed.value.faults
    assert (fault.row, fault.column) == (2, column)
    assert words in fault.sentence
    assert not Patient.objects.exists()


def test_a_new_patient_needs_a_code_in_a_file(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed) as failed:
        bring_in(tmp_path, "phone", "NORTH,,Rosa,1990-05-17,207 555 0142")
    (fault,) = failed.value.faults
    assert (fault.column, fault.sentence) == ("code", "This is blank. Fill it in.")


def test_contacts_take_as_many_queries_for_three_hundred_patients_as_for_one(tmp_path: Path) -> None:
    counts = []
    for site, number in (("ONE", 1), ("MANY", 300)):
        rows = [f"NORTH,{site}{n},{site} Rosa {n},1990-05-17,{CELLS}" for n in range(number)]
        with CaptureQueriesContext(connection) as coming_in:
            bring_in(tmp_path, EVERYTHING, *rows)
        changed = [row.replace("555-0142", "555-0152").replace("Ana", "Eva") for row in rows]
        with CaptureQueriesContext(connection) as changing:
            assert len(bring_in(tmp_path, EVERYTHING, *changed).changes) == number
        counts.append((len(coming_in), len(changing)))
    assert counts[0][1] == counts[1][1]
    assert abs(counts[0][0] - counts[1][0]) <= 4, "the first import also creates the site"
