"""Addresses, phone numbers and emergency contacts: how they are entered, who sees them, and what nobody else learns."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.models import EmergencyContact, Patient, PatientPhone
from patients.services.record.contacts import contacts_of, save_contacts
from scheduling.models import Site
from tests.clinic import client_for
from tests.confirmation import send_form
from tests.factories import make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

PERSON = {
    "first_name": "Noor",
    "last_name": "Haddad",
    "code": "P900",
    "birth_date": "1988-02-29",
    "language": "Arabic",
    "travel_minutes": "15",
}
REACHED = {
    "address": " 4 Main Street \r\n\r\n Apt 7\r\nUtica, NY ",
    "phone": "(207) 555-0142",
    "phone_kind": "mobile",
    "leave_message": "on",
    "phone_2": "207-555-0143 ext. 12",
    "phone_kind_2": "work",
    "emergency_name": "Ana Haddad",
    "emergency_relationship": "sister",
    "emergency_phone": "(207) 555-0144",
    "emergency_name_2": "Sam Reyes",
    "emergency_phone_2": "(207) 555-0145",
}
CONTACTS = Contacts(
    (Phone("(207) 555-0142", "mobile", True), Phone("207-555-0143 ext. 12", "work", False)),
    (ContactPerson("Ana Haddad", "sister", "(207) 555-0144"), ContactPerson("Sam Reyes", "", "(207) 555-0145")),
)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def desk(site: Site) -> Client:
    return client_for(make_staff(Role.COORDINATOR, site))


@pytest.fixture
def noor(site: Site) -> Patient:
    patient = make_patient(site, "Noor", "Haddad", code="P900", address="4 Main Street\nUtica, NY")
    save_contacts(patient, CONTACTS)
    return patient


def edit(desk: Client, patient: Patient, **typed: str) -> Any:
    return send_form(desk, reverse("patient-edit", args=[patient.pk]), PERSON | typed)


def test_a_new_patient_has_the_address_the_phones_and_the_contacts_that_were_typed(desk: Client) -> None:
    assert desk.post(reverse("patient-new"), PERSON | REACHED).status_code == 302
    patient = Patient.objects.get()
    assert contacts_of(patient) == CONTACTS
    assert patient.address == "4 Main Street\nApt 7\nUtica, NY"
    assert [*patient.phones.values_list("position", flat=True)] == [0, 1]


def test_the_form_shows_what_is_saved_and_one_empty_row_more(desk: Client, noor: Patient) -> None:
    form = desk.get(reverse("patient-edit", args=[noor.pk])).context["form"]
    assert [form[name].value() for name in ("phone", "phone_2", "phone_3")] == [
        "(207) 555-0142",
        "207-555-0143 ext. 12",
        "",
    ]
    assert [form[name].value() for name in ("phone_kind", "leave_message", "leave_message_2")] == [
        "mobile",
        True,
        False,
    ]
    assert form["emergency_name_2"].value() == "Sam Reyes"
    assert "phone_4" not in form.fields


def test_a_cleared_row_is_removed_and_the_next_one_takes_its_place(desk: Client, noor: Patient) -> None:
    typed = REACHED | {"phone": "", "phone_kind": "", "emergency_name": "", "emergency_relationship": ""}
    typed |= {"emergency_phone": "", "phone_3": "207 555 0146"}
    del typed["leave_message"]
    assert edit(desk, noor, **typed).status_code == 302
    assert contacts_of(Patient.objects.get()) == Contacts(
        (Phone("207-555-0143 ext. 12", "work"), Phone("207 555 0146")),
        (ContactPerson("Sam Reyes", "", "(207) 555-0145"),),
    )
    assert [*noor.phones.values_list("position", flat=True)] == [0, 1]
    event = AuditEvent.objects.get(action="changed")
    assert event.detail.endswith("phones, emergency contacts")
    assert "555" not in event.detail


def test_a_corrected_row_stays_the_same_row(desk: Client, noor: Patient) -> None:
    rows = [*noor.phones.values_list("pk", flat=True)], [*noor.emergency_contacts.values_list("pk", flat=True)]
    typed = REACHED | {"phone_2": "207-555-0149", "emergency_name": "Ana Maria Haddad", "phone_3": "207 555 0146"}
    assert edit(desk, noor, **typed).status_code == 302
    assert [*noor.phones.values_list("pk", flat=True)][:2] == rows[0]
    assert [*noor.emergency_contacts.values_list("pk", flat=True)] == rows[1]
    assert [each.number for each in contacts_of(Patient.objects.get()).phones] == [
        "(207) 555-0142",
        "207-555-0149",
        "207 555 0146",
    ]


def test_more_numbers_than_the_form_offers_are_all_kept(desk: Client, noor: Patient) -> None:
    phones = tuple(Phone(f"(207) 555-01{number}", "home") for number in range(10, 22))
    save_contacts(noor, Contacts(phones, ()))
    form = desk.get(reverse("patient-edit", args=[noor.pk])).context["form"]
    typed = {name: str(field.initial or "") for name, field in form.fields.items() if name.startswith("phone")}
    assert edit(desk, noor, **typed).status_code == 302
    assert contacts_of(noor).phones == phones


def test_a_number_that_a_colleague_added_meanwhile_is_not_lost(desk: Client, noor: Patient) -> None:
    address = reverse("patient-edit", args=[noor.pk])
    version = desk.get(address).context["version"]
    save_contacts(noor, Contacts((*CONTACTS.phones, Phone("(207) 555-0146")), CONTACTS.emergency))
    typed = PERSON | REACHED | {"preferred_name": "Nour", "version": version}
    refused = desk.post(address, typed)
    assert refused.status_code == 422
    assert "Somebody else changed this after you opened the page" in refused.text
    assert "Phone 3" in refused.text
    assert refused.context["form"]["preferred_name"].value() == "Nour"
    assert len(contacts_of(Patient.objects.get()).phones) == 3

    again = typed | {"version": refused.context["version"], "phone_3": "(207) 555-0146"}
    assert desk.post(address, again).status_code == 302
    assert len(contacts_of(Patient.objects.get()).phones) == 3
    assert Patient.objects.get().preferred_name == "Nour"


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        pytest.param({"phone": "banana"}, "phone", "This is not a phone number.", id="first"),
        pytest.param({"phone_2": "12"}, "phone_2", "This is not a phone number.", id="second"),
        pytest.param({"emergency_phone": "ask Ana"}, "emergency_phone", "This is not a phone number.", id="contact"),
        pytest.param({"phone": ""}, "phone", "Enter the phone number, or clear the rest of the row.", id="type only"),
        pytest.param(
            {"phone_3": "", "leave_message_3": "on"}, "phone_3", "Enter the phone number, or clear", id="message only"
        ),
        pytest.param({"emergency_name": ""}, "emergency_name", "Enter the name of the emergency contact", id="no name"),
        pytest.param(
            {"emergency_phone_2": ""}, "emergency_phone_2", "Enter the phone number of the emergency", id="no number"
        ),
        pytest.param({"phone_kind": "fax"}, "phone_kind", "", id="unknown type"),
        pytest.param({"address": "1\n2\n3\n4\n5"}, "address", "Write the address on at most 4 lines.", id="five lines"),
    ],
)
def test_a_fault_is_named_beside_its_field_and_everything_that_was_typed_is_kept(
    desk: Client, typed: dict[str, str], field: str, words: str
) -> None:
    given = PERSON | REACHED | {"phone_3": "207 555 0146"} | typed
    answer = desk.post(reverse("patient-new"), given)
    form = answer.context["form"]
    assert answer.status_code == 422
    assert [*form.errors] == [field]
    assert words in form.errors[field][0]
    assert {name: form[name].value() for name in given} == given | {
        name: True for name in given if name.startswith("leave_message")
    }
    assert not Patient.objects.exists()


def test_the_chart_says_whom_to_call_and_whether_a_message_is_allowed(desk: Client, noor: Patient) -> None:
    PatientPhone.objects.create(patient=noor, position=2, number="ask her sister")  # from before numbers were checked
    text = desk.get(reverse("patient", args=[noor.pk])).text
    assert '<a class="nowrap" href="tel:2075550142">(207) 555-0142</a>' in text
    assert 'href="tel:2075550143;ext=12"' in text
    assert text.count("OK to leave a message") == 1
    assert text.count("Don’t leave a message") == 2
    assert "ask her sister" in text
    assert 'href="tel:"' not in text
    assert "4 Main Street<br>Utica, NY" in text
    assert "Ana Haddad" in text
    assert 'href="tel:2075550144"' in text
    assert "unless the patient signed a release for this person" in text


def test_a_chart_without_contacts_has_no_empty_block(desk: Client, site: Site) -> None:
    text = desk.get(reverse("patient", args=[make_patient(site).pk])).text
    assert "Emergency contacts" not in text
    assert "tel:" not in text


def test_a_patient_is_found_by_each_phone_number(desk: Client, noor: Patient, site: Site) -> None:
    make_patient(site, "Imre", "Kovacs", phone="(207) 555-0199")
    for typed in ("(207) 555-0142", "207 555 0143", "noor 0143"):
        rows = desk.get(reverse("patients"), {"q": typed}).context["rows"]
        assert [row.patient for row in rows] == [noor]
    assert desk.get(reverse("patients"), {"q": "(207) 555-0144"}).context["rows"] == [], "her sister's number"


@pytest.mark.parametrize("number", [1, 3])
def test_the_search_takes_as_many_queries_for_three_as_for_one(
    desk: Client, site: Site, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        save_contacts(make_patient(site, f"Patient {each}"), CONTACTS)
    with django_assert_num_queries(12):
        assert len(desk.get(reverse("patients"), {"q": "5550143"}).context["rows"]) == number


def test_patients_see_their_own_contacts(noor: Patient) -> None:
    text = client_for(make_patient_user(noor)).get(reverse("portal-account")).text
    assert "(207) 555-0142" in text
    assert "(we may leave a message)" in text
    assert "(we won’t leave a message)" in text
    assert "4 Main Street<br>Utica, NY" in text
    assert "Ana Haddad (sister), (207) 555-0144" in text


def test_the_contacts_of_a_patient_are_for_those_who_see_the_chart(noor: Patient) -> None:
    stranger: User = make_staff(Role.COORDINATOR, make_site("Prairie Avenue"))
    assert client_for(stranger).get(reverse("patient", args=[noor.pk])).status_code == 404
    assert client_for(stranger).post(reverse("patient-edit", args=[noor.pk]), PERSON).status_code == 404
    assert contacts_of(noor) == CONTACTS


def test_rows_of_a_deleted_patient_are_deleted(noor: Patient) -> None:
    noor.delete()
    assert not PatientPhone.objects.exists()
    assert not EmergencyContact.objects.exists()
