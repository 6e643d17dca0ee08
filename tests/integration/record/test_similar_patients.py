"""Somebody who adds a patient is warned if the same person seems to be in the records already."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent
from accounts.permissions import Role
from patients.models import Patient
from patients.services.record.similar_patients import MAX_SHOWN, find_similar_patients
from scheduling.models import Site
from tests.factories import make_patient, make_site, make_staff

pytestmark = pytest.mark.django_db

BORN = date(1990, 5, 17)
PERSON = {
    "first_name": "Łukasz",
    "last_name": "O’Brien",
    "code": "P900",
    "birth_date": "1990-05-17",
    "language": "English",
    "travel_minutes": "0",
}


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def desk(site: Site) -> Client:
    client = Client()
    client.force_login(make_staff(Role.COORDINATOR, site))
    return client


@pytest.mark.parametrize(
    ("known", "typed", "same"),
    [
        pytest.param(
            {"first_name": "Lukasz", "last_name": "O'BRIEN", "birth_date": BORN},
            {},
            "birth date",
            id="name and birth date",
        ),
        pytest.param(
            {"first_name": "Luke", "preferred_name": "Lukasz", "last_name": "O'Brien", "birth_date": BORN},
            {},
            "birth date",
            id="the preferred name that is known",
        ),
        pytest.param(
            {"first_name": "Luke", "last_name": "O'Brien", "birth_date": BORN},
            {"preferred_name": "LUKE"},
            "birth date",
            id="the preferred name that is typed",
        ),
        pytest.param(
            {"first_name": "O'Brien", "last_name": "Lukasz", "birth_date": BORN}, {}, "birth date", id="swapped names"
        ),
        pytest.param({"phone": "(207) 555-0142"}, {"phone": "+1 207-555-0142"}, "phone number", id="phone"),
        pytest.param(
            {"phone": "(207) 555-0142"},
            {"phone": "207 555 0199", "phone_2": "2075550142"},
            "phone number",
            id="the second phone",
        ),
        pytest.param({"email": "Luk@mail.example"}, {"email": "luk@mail.example"}, "email", id="email"),
    ],
)
def test_a_similar_patient_is_shown_and_the_new_one_is_added_if_it_is_another_person(
    desk: Client, site: Site, known: dict[str, object], typed: dict[str, str], same: str
) -> None:
    patient = make_patient(site, **{"first_name": "Rosa", "last_name": "Lindqvist", "code": "P1"} | known)
    assert "another_person" not in desk.get(reverse("patient-new")).text
    warned = desk.post(reverse("patient-new"), PERSON | typed)
    assert warned.status_code == 422
    (error,) = warned.context["form"].errors["another_person"]
    assert error.startswith(f"{patient} (P1), born ")
    assert error.endswith(f"has the same {same}." if same != "birth date" else "has the same name and birth date.")
    assert reverse("patient", args=[patient.pk]) in warned.text
    assert 'value="Łukasz"' in warned.text
    assert Patient.objects.count() == 1
    seen = AuditEvent.objects.filter(patient_key=patient.pk, action=Action.VIEWED, detail="similar patients")
    assert seen.count() == 1

    added = desk.post(reverse("patient-new"), PERSON | typed | {"another_person": "on"})
    assert added.status_code == 302
    assert Patient.objects.count() == 2


def test_the_question_stays_if_something_else_is_refused(desk: Client, site: Site) -> None:
    make_patient(site, code="P900", birth_date=date(1971, 1, 1))
    refused = desk.post(reverse("patient-new"), PERSON | {"another_person": "on"})
    assert {*refused.context["form"].errors} == {"code"}
    assert 'name="another_person"' in refused.text
    assert "checked" in refused.text


def absorb(kept: Patient, **details: object) -> Patient:
    return make_patient(kept.site, **{"birth_date": BORN, "merged_into": kept} | details)


def test_the_name_of_a_record_that_was_merged_finds_the_kept_patient(desk: Client, site: Site) -> None:
    kept = make_patient(site, first_name="Luke", last_name="Bryan", code="P1", birth_date=BORN)
    absorb(kept, first_name="Lukasz", last_name="O'Brien")
    warned = desk.post(reverse("patient-new"), PERSON)
    (error,) = warned.context["form"].errors["another_person"]
    assert error.startswith("Luke Bryan (P1), born ")
    assert error.endswith("was merged with a record that has the same name and birth date.")
    assert reverse("patient", args=[kept.pk]) in warned.text

    Patient.objects.filter(pk=kept.pk).update(first_name="Lukasz", last_name="O'Brien")
    (error,) = desk.post(reverse("patient-new"), PERSON).context["form"].errors["another_person"]
    assert error.endswith("has the same name and birth date."), "the patient is named once"


def test_a_merged_record_of_a_patient_at_another_site_is_not_named(desk: Client) -> None:
    absorb(make_patient(make_site()), first_name="Lukasz", last_name="O'Brien")
    assert desk.post(reverse("patient-new"), PERSON).status_code == 302


def test_patients_of_other_sites_are_not_named(desk: Client) -> None:
    make_patient(make_site(), first_name="Łukasz", last_name="O’Brien", birth_date=BORN)
    assert desk.post(reverse("patient-new"), PERSON).status_code == 302


@pytest.mark.parametrize("different", [{"birth_date": date(1990, 5, 18)}, {"last_name": "Bryan"}, {"phone": "5"}])
def test_other_people_are_not_similar(desk: Client, site: Site, different: dict[str, object]) -> None:
    person = {"first_name": "Lukasz", "last_name": "O'Brien", "birth_date": BORN, "phone": "555-0100"}
    if "phone" in different:
        person["birth_date"] = date(1971, 1, 1)
    make_patient(site, **person | different)
    assert desk.post(reverse("patient-new"), PERSON | {"phone": "207 555 0142"}).status_code == 302


def test_many_similar_patients_take_two_queries_and_some_are_named(
    site: Site, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(MAX_SHOWN + 3):
        make_patient(site, first_name=f"Child {number}", phone="(207) 555-0142")
    make_patient(site, first_name="Lukasz", last_name="O'Brien", birth_date=BORN)
    with django_assert_num_queries(2):
        found = find_similar_patients(
            first_name="Lukasz", last_name="O’Brien", birth_date=BORN, phones=["2075550142"], email="", by=None
        )
    assert len(found) == MAX_SHOWN
    assert found[0].same == "person", "the same name and birth date come first"
