"""A form that is sent after the sign-in has ended is kept, and is shown again after the person has signed in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from patients.models import Patient
from scheduling.models import Site
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = MORNING + timedelta(hours=1)
NOTE = "You were signed out before this was saved."
PLACE = {"name": "Bakery & Sons"}


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def patient(site: Site) -> Patient:
    return make_patient(site)


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


def sign_in(client: Client, user: User, at: datetime, **more: str) -> Any:
    with time_machine.travel(at, tick=False):
        return client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD, **more}, follow=True)


def ended_sign_in(client: Client) -> dict[str, object]:
    """Return the data that the session keeps about the sign-in that has ended."""
    with time_machine.travel(LATER, tick=False):
        content: dict[str, object] = client.session["ended_sign_in"]
    return content


def send_late(client: Client, path: str, form: dict[str, str], referer: str = "", at: datetime = LATER) -> str:
    """Send the form after the sign-in has ended. Return the address that opens after the next sign-in."""
    headers = {"Referer": f"http://testserver{referer}"} if referer else {}
    with time_machine.travel(at, tick=False):
        answer = client.post(path, form, headers=headers)
    assert answer.status_code == 302
    sign_in_page, _, page = answer.headers["Location"].partition("?next=")
    assert sign_in_page == reverse("account_login")
    return page


def test_the_form_is_filled_again_and_can_be_sent(client: Client, patient: Patient, coordinator: User) -> None:
    path = reverse("place-new", args=[patient.pk])
    sign_in(client, coordinator, MORNING)
    form = {**PLACE, f"before_{patient.site_id}": "25", "rows-7-label": "A row that a script added"}
    page = send_late(client, path, form, referer=path)
    assert page == path
    assert not patient.places.exists()
    answer = sign_in(client, coordinator, LATER, next=page)
    assert NOTE in answer.text
    assert 'value="Bakery &amp; Sons"' in answer.text
    assert 'value="25"' in answer.text
    assert "<li>A row that a script added</li>" in answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    with time_machine.travel(LATER, tick=False):
        assert NOTE not in client.get(path).text
        client.post(path, PLACE)
    assert patient.places.get().name == "Bakery & Sons"


def test_a_patients_form_is_filled_again(client: Client, patient: Patient) -> None:
    user, path = make_patient_user(patient), reverse("portal-commitment-new")
    sign_in(client, user, MORNING)
    form = {"label": "Night shift", "kind": "work", "starts": "21:00", "ends": "23:30", "weekdays": "2"}
    answer = sign_in(client, user, LATER, next=send_late(client, path, form, referer=path))
    assert NOTE in answer.text
    for value in ("Night shift", "21:00", "23:30"):
        assert f'value="{value}"' in answer.text


def test_a_form_sent_after_the_working_day_is_kept_too(client: Client, patient: Patient, coordinator: User) -> None:
    path = reverse("place-new", args=[patient.pk])
    sign_in(client, coordinator, MORNING)
    evening = MORNING + timedelta(hours=10)
    for minutes in range(0, 600, 10):
        with time_machine.travel(MORNING + timedelta(minutes=minutes), tick=False):
            client.get(path)
    page = send_late(client, path, PLACE, at=evening)
    assert 'value="Bakery &amp; Sons"' in sign_in(client, coordinator, evening, next=page).text


def test_another_person_does_not_get_the_kept_form(
    client: Client, site: Site, patient: Patient, coordinator: User
) -> None:
    path = reverse("place-new", args=[patient.pk])
    sign_in(client, coordinator, MORNING)
    page = send_late(client, path, PLACE)
    assert "Bakery" not in sign_in(client, make_staff(Role.COORDINATOR, site), LATER, next=page).text
    with time_machine.travel(LATER, tick=False):
        client.post(reverse("account_logout"))
    assert "Bakery" not in sign_in(client, coordinator, LATER, next=page).text


def test_a_kept_form_is_dropped_after_an_hour(client: Client, patient: Patient, coordinator: User) -> None:
    path = reverse("place-new", args=[patient.pk])
    sign_in(client, coordinator, MORNING)
    page = send_late(client, path, PLACE)
    assert "Bakery" not in sign_in(client, coordinator, LATER + timedelta(hours=1), next=page).text
    assert "kept_form" not in client.session


def test_a_form_without_its_csrf_token_is_not_kept(patient: Patient, coordinator: User) -> None:
    client, path = Client(enforce_csrf_checks=True), reverse("place-new", args=[patient.pk])
    with time_machine.travel(MORNING, tick=False):
        client.force_login(coordinator)
    with time_machine.travel(LATER, tick=False):
        assert client.post(path, PLACE).status_code == 403
    assert "kept_form" not in ended_sign_in(client)


@pytest.mark.parametrize("name", ["account_change_password", "account_logout", "account-sign-ins-end", "site-switch"])
def test_passwords_and_sign_out_are_not_kept(client: Client, coordinator: User, name: str) -> None:
    sign_in(client, coordinator, MORNING)
    with time_machine.travel(LATER, tick=False):
        client.post(reverse(name), {"oldpassword": PASSWORD})
    assert PASSWORD not in str(ended_sign_in(client))
    assert "kept_form" not in ended_sign_in(client)


def test_a_huge_form_is_not_kept(client: Client, patient: Patient, coordinator: User) -> None:
    path = reverse("place-new", args=[patient.pk])
    sign_in(client, coordinator, MORNING)
    send_late(client, path, {"name": "x" * 100_001})
    assert "kept_form" not in ended_sign_in(client)


def test_a_button_on_another_page_leads_back_to_that_page(client: Client, patient: Patient, coordinator: User) -> None:
    chart, button = reverse("patient", args=[patient.pk]), reverse("staff-calendar")
    sign_in(client, coordinator, MORNING)
    page = send_late(client, button, {"lead": "1"}, referer=f"{chart}?week=2026-11-23")
    assert page == f"{chart}%3Fweek%3D2026-11-23"
    answer = sign_in(client, coordinator, LATER, next=f"{chart}?week=2026-11-23")
    assert "You were signed out before this was done." in answer.text


def test_a_button_without_a_page_leads_home(client: Client, coordinator: User, site: Site) -> None:
    patient = make_patient(site)
    place = patient.places.create(name="Home")
    path = reverse("place-remove", args=[place.pk])
    sign_in(client, coordinator, MORNING)
    page = send_late(client, path, {})
    answer = sign_in(client, coordinator, LATER, next=page)
    assert answer.redirect_chain[-1][0] == reverse("today")
    assert "You were signed out before this was done." in answer.text
    assert patient.places.exists()


def test_the_day_page_that_the_browser_has_is_sent_again_with_the_note(client: Client, coordinator: User) -> None:
    path = reverse("today")
    sign_in(client, coordinator, MORNING)
    page = send_late(client, reverse("staff-calendar"), {"x": "1"}, referer=path)
    with time_machine.travel(LATER, tick=False):
        client.post(reverse("account_login"), {"login": coordinator.email, "password": PASSWORD})
        answer = client.get(page, headers={"If-None-Match": 'W/"0.a.b"'})
    assert "You were signed out before this was done." in answer.text
    assert "ETag" not in answer.headers
