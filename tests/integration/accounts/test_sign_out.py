"""After sign-out, the browser keeps no pages and shows no messages of the user who was signed in."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from scheduling.models import Site
from tests.factories import make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


def test_no_cache_keeps_pages_of_staff_and_patients(client: Client, site: Site, coordinator: User) -> None:
    patient = make_patient(site)
    staff_pages = [reverse("patients"), reverse("patient", args=[patient.pk]), reverse("weeks"), reverse("tracks")]
    for user, paths in ((coordinator, staff_pages), (make_patient_user(patient), [reverse("portal-home")])):
        client.force_login(user)
        for path in paths:
            assert client.get(path).headers["Cache-Control"] == "private, no-store", path


def test_a_page_for_everybody_may_be_kept(client: Client) -> None:
    assert "no-store" not in client.get(reverse("account_reset_password_done")).headers.get("Cache-Control", "")


def test_signing_out_empties_the_browsers_cache(client: Client, coordinator: User) -> None:
    client.force_login(coordinator)
    assert "Clear-Site-Data" not in client.get(reverse("tracks")).headers
    assert client.post(reverse("account_logout")).headers["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in client.get(reverse("account_login")).headers


def test_a_message_about_a_patient_is_not_shown_after_sign_out(client: Client, site: Site, coordinator: User) -> None:
    client.force_login(coordinator)
    patient = make_patient(site, "Rosa", "Lindqvist")
    place = {"name": "Work", "travel_minutes": "20"}
    saved = client.post(reverse("place-new", args=[patient.pk]), place)
    assert (saved.status_code, len(get_messages(saved.wsgi_request))) == (302, 1)
    assert "messages" not in client.cookies
    client.post(reverse("account_logout"))
    assert "Rosa" not in client.get(reverse("account_login")).text
