"""The accessibility statement: who sees what, and where it is linked."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from scheduling.models import Site
from tests.factories import make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

WORDS_OF_TREATMENT = ("treatment", "patient", "clinic", "session", "Harbor Street")


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street", phone="(207) 555-0100")


@pytest.fixture
def statement() -> str:
    return reverse("accessibility")


@pytest.fixture
def portal(client: Client, site: Site) -> Client:
    client.force_login(make_patient_user(make_patient(site)))
    return client


def test_a_visitor_learns_nothing_about_the_clinic(client: Client, site: Site, statement: str) -> None:
    text = client.get(statement).text

    assert "WCAG 2.2, level AA" in text
    assert "Ask the person who gave you your sign-in." in text
    assert [word for word in (*WORDS_OF_TREATMENT, "555-0100") if word in text] == []
    assert text.count("<h1>") == 1


def test_a_patient_learns_whom_to_call(portal: Client, statement: str) -> None:
    main = portal.get(statement).text.partition("If you can’t use a page")[2]

    assert 'href="tel:2075550100">(207) 555-0100</a>' in main
    assert "Administration" not in main


def test_if_the_site_has_no_phone_a_patient_learns_whom_to_ask(portal: Client, site: Site, statement: str) -> None:
    Site.objects.update(phone="")
    assert "Ask the person who gave you your sign-in." in portal.get(statement).text


def test_staff_read_about_their_own_pages(client: Client, site: Site, statement: str) -> None:
    client.force_login(make_staff(Role.CLINICIAN, site))
    text = client.get(statement).text
    assert "presses of the Tab key" in text
    assert "Tell your administrator" in text
    assert "Administration are small" not in text


def test_an_administrator_of_all_sites_reads_about_the_administration(client: Client, statement: str) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert "Some links in Administration are small." in client.get(statement).text


@pytest.mark.parametrize("page", ["portal-home", "portal-account", "accessibility"])
def test_portal_pages_have_the_phone_and_the_statement(portal: Client, page: str, statement: str) -> None:
    text = portal.get(reverse(page)).text
    assert 'href="tel:2075550100"' in text
    assert f'href="{statement}"' in text


def test_sign_in_and_staff_pages_link_to_the_statement(client: Client, site: Site, statement: str) -> None:
    coordinator = make_staff(Role.COORDINATOR, site)
    assert f'href="{statement}"' in client.get(reverse("account_login")).text
    client.force_login(coordinator)
    assert f'href="{statement}"' in client.get(reverse("tracks")).text
