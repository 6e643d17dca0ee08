"""The codes of patients: a patient without a typed code gets the next free one, and no code is given twice."""

from datetime import date
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from patients.domain.contacts import Contacts
from patients.models import Patient
from patients.services.record.person import CodeTaken, PatientValues, change_patient, create_patient
from patients.services.record.similar_patients import SimilarPatient
from tests.clinic import client_for
from tests.concurrency import at_the_same_time
from tests.confirmation import send_form
from tests.factories import make_patient, make_site, make_staff

pytestmark = pytest.mark.django_db

PERSON = {
    "first_name": "Noor",
    "last_name": "Haddad",
    "code": "",
    "birth_date": "1988-02-29",
    "language": "Arabic",
    "travel_minutes": "15",
}


def values(number: int, code: str = "") -> PatientValues:
    return PatientValues(code=code, first_name="Noor", last_name=f"Haddad {number}", birth_date=date(1988, 2, 29))


@pytest.fixture
def coordinator() -> User:
    return make_staff(Role.COORDINATOR, make_site("Harbor Street"))


@pytest.fixture
def desk(coordinator: User) -> Client:
    return client_for(coordinator)


@pytest.mark.parametrize("typed", ["", "  ", "\u200b"])
def test_a_patient_without_a_code_gets_the_next_one_of_all_sites(desk: Client, coordinator: User, typed: str) -> None:
    make_patient(make_site("Prairie Avenue"), code="P060")
    answer = desk.post(reverse("patient-new"), PERSON | {"code": typed}, follow=True)
    assert Patient.objects.get(last_name="Haddad").code == "P061"
    assert "Patient added, with the code P061." in answer.text


def test_a_typed_code_is_kept(desk: Client) -> None:
    answer = desk.post(reverse("patient-new"), PERSON | {"code": "MRN 7\u200b"}, follow=True)
    assert Patient.objects.get().code == "MRN 7"
    assert "Patient added. Next" in answer.text


@pytest.mark.parametrize("typed", ["", "\u200b"])
def test_the_code_of_a_patient_can_not_be_taken_away(desk: Client, coordinator: User, typed: str) -> None:
    patient = make_patient(coordinator.role_assignments.get().site, code="P7")
    answer = send_form(desk, reverse("patient-edit", args=[patient.pk]), PERSON | {"code": typed})
    assert answer.status_code == 422
    assert {*answer.context["form"].errors} == {"code"}
    change_patient(patient=patient, values=values(1), contacts=Contacts(), by=None, now=clock.now())
    patient.refresh_from_db()
    assert (patient.code, patient.last_name) == ("P7", "Haddad 1")


@pytest.mark.django_db(transaction=True)
def test_people_who_add_patients_at_the_same_time_get_different_codes() -> None:
    site = make_site()
    create = partial(create_patient, site_id=site.pk, by=None, now=clock.now(), contacts=Contacts())
    outcomes = at_the_same_time(*(partial(create, values=values(number)) for number in range(6)))
    assert outcomes == ["done"] * 6
    assert sorted(Patient.objects.values_list("code", flat=True)) == [f"P000{number}" for number in range(1, 7)]


@pytest.mark.django_db(transaction=True)
def test_a_code_that_several_people_type_at_the_same_time_is_given_once() -> None:
    site = make_site()
    other = make_patient(site, code="P1")
    create = partial(create_patient, site_id=site.pk, by=None, now=clock.now(), contacts=Contacts())
    outcomes = at_the_same_time(
        partial(create, values=values(1, "P900")),
        partial(create, values=values(2, "p900")),
        partial(create, values=values(3, "P900\u200b")),
        partial(change_patient, patient=other, values=values(4, "P900"), contacts=Contacts(), by=None, now=clock.now()),
    )
    assert sorted(map(str, outcomes)) == sorted(map(str, ["done", *[CodeTaken] * 3]))
    assert Patient.objects.filter(code__iexact="p900").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_second_of_two_people_who_add_one_patient_at_the_same_time_is_warned() -> None:
    create = partial(
        create_patient, site_id=make_site().pk, by=None, now=clock.now(), values=values(1), contacts=Contacts()
    )
    outcomes = at_the_same_time(create, create)
    assert sorted(map(str, outcomes)) == sorted(map(str, ["done", SimilarPatient]))
