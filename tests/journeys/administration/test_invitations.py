"""Patients and staff members get access by a printed link. The access stays until somebody ends it."""

from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from tests.factories import make_patient, make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

PASSWORD = "a calm lake in the morning"


@pytest.fixture(autouse=True)
def no_earlier_tries() -> None:
    cache.clear()


def link_on_sheet(page: Page) -> str:
    """Return the path of the link that is printed on the sheet."""
    expect(page.get_by_role("img", name="Square to scan with a camera")).to_be_visible()
    assert_accessible(page)
    return urlsplit(page.get_by_text("/join/").inner_text()).path


def test_a_patient_joins_by_a_printed_sheet_and_loses_access_again(page: Page, phone: Page, sign_in: SignIn) -> None:
    site = make_site()
    patient = make_patient(site, first_name="Rosa", last_name="Lindqvist")
    sign_in(page, make_staff(Role.COORDINATOR, site))
    page.goto(reverse("patient", args=[patient.pk]))
    follow(page.get_by_role("link", name="Give access"))
    assert_accessible(page)
    follow(page.get_by_role("button", name="Print sheet"))
    link = link_on_sheet(page)

    phone.goto(link)
    assert "Rosa" not in phone.content(), "whoever finds the sheet does not learn whose it is"
    assert_accessible(phone)
    phone.get_by_label("Email").fill("rosa@mail.example")
    phone.get_by_label("Password").fill("short")
    follow(phone.get_by_role("button", name="Save and sign in"))
    expect(phone.get_by_label("Email")).to_have_value("rosa@mail.example")
    assert_accessible(phone)
    phone.get_by_label("Password").fill(PASSWORD)
    follow(phone.get_by_role("button", name="Save and sign in"))
    expect(phone).to_have_url(f"{urlsplit(page.url).scheme}://{urlsplit(page.url).netloc}{reverse('portal-home')}")
    assert_accessible(phone)

    page.goto(reverse("portal-access", args=[patient.pk]))
    expect(page.get_by_text("The sign-in is rosa@mail.example.")).to_be_visible()
    page.locator("summary", has_text="End access").click()
    assert_accessible(page)
    follow(page.get_by_role("button", name="End access now"))
    phone.goto(reverse("portal-week"))
    expect(phone.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    phone.goto(link)
    expect(phone.get_by_role("heading", name="This link cannot be used")).to_be_visible()
    assert_accessible(phone)


def test_a_clinician_is_invited_and_turned_off_while_a_page_is_open(page: Page, phone: Page, sign_in: SignIn) -> None:
    site = make_site(name="Harbor Street")
    make_staff(Role.COORDINATOR, site)
    sign_in(page, make_staff(Role.ADMINISTRATOR, site))
    page.goto(reverse("staff"))
    follow(page.get_by_role("link", name="Invite staff"))
    page.get_by_label("Name").fill("Ada Park")
    page.get_by_label("Email").fill("ada@clinic.example")
    page.get_by_label("Clinician").check()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Print sheet"))
    link = link_on_sheet(page)

    phone.goto(link)
    phone.get_by_label("Password").fill(PASSWORD)
    follow(phone.get_by_role("button", name="Save and sign in"))
    phone.goto(reverse("tracks"))
    expect(phone.get_by_role("heading", name="Tracks", level=1)).to_be_visible()

    page.goto(reverse("staff"))
    follow(page.get_by_role("link", name="Ada Park"))
    assert_accessible(page)
    follow(page.get_by_role("link", name="Turn off account"))
    assert_accessible(page)
    follow(page.get_by_role("button", name="Turn off account"))
    expect(page.get_by_text("The account of Ada Park is off.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
