"""A mother gets a link to see when her daughter has appointments, sees nothing else, and reads when that has ended."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from patients.models import Patient
from scheduling.models import Site
from tests.clinic import at
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_session,
    make_site,
    make_staff,
    make_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, settle

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

PASSWORD = "a calm lake in the morning"


@pytest.fixture(autouse=True)
def on_monday_morning() -> Iterator[None]:
    cache.clear()
    with time_machine.travel(at("8:00"), tick=True):
        yield


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street", allows_delegates=True)


@pytest.fixture
def patient(site: Site) -> Patient:
    patient = make_patient(site, "Rosa", "Lindqvist")
    meeting = make_meeting(site, 2, "09:00", "12:00", name="Relapse prevention")
    enrollment = enroll(admit(patient), make_track(site, [meeting]))
    book(make_session(meeting, MONDAY + timedelta(days=2)), enrollment)
    return patient


def record_release(page: Page, patient: Patient) -> None:
    page.goto(reverse("delegates", args=[patient.pk]))
    assert_accessible(page)
    follow(page.get_by_role("link", name="Record release"))
    page.get_by_label("Recipient type").select_option("other")
    page.get_by_role("textbox", name="Recipient").fill("Maja Lindqvist")
    page.get_by_label("Purpose").fill("Rides to appointments")
    page.get_by_label("Last day").fill("2027-02-28")
    follow(page.get_by_role("button", name="Record release"))


def share_by_sheet(page: Page, patient: Patient) -> str:
    """Return the path of the link on the printed sheet."""
    page.goto(reverse("delegates", args=[patient.pk]))
    page.get_by_label("Release of information").select_option(index=1)
    page.get_by_label("Email").fill("maja@family.example")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Print sheet"))
    return urlsplit(page.get_by_text("/join/").inner_text()).path


def test_a_delegate_sees_times_only_until_the_consent_is_withdrawn(
    page: Page, phone: Page, sign_in: SignIn, site: Site, patient: Patient
) -> None:
    sign_in(page, make_staff(Role.COORDINATOR, site, "Nora Castellanos"))
    record_release(page, patient)
    link = share_by_sheet(page, patient)

    phone.goto(link)
    assert "Rosa" not in phone.content(), "whoever finds the sheet does not learn whose it is"
    phone.get_by_label("Password").fill(PASSWORD)
    follow(phone.get_by_role("button", name="Save and sign in"))
    expect(phone.get_by_role("heading", name="Schedule of Rosa")).to_be_visible()
    expect(phone.get_by_text("Wed, Nov 25")).to_be_visible()
    assert urlsplit(phone.url).path == reverse("shared-schedule", args=[patient.pk])
    assert_accessible(phone)
    for secret in ("Relapse", "Harbor Street", "Lindqvist"):
        assert secret not in phone.content()
    for name, keys in (("portal-home", []), ("patient", [patient.pk]), ("today", [])):
        answer = phone.goto(reverse(name, args=keys))
        assert answer is not None
        assert answer.status in (403, 404)
    phone.goto(reverse("shared-schedules"))
    for name in ("See where I am signed in", "Choose a language"):
        follow(phone.get_by_role("link", name=name))
        assert_accessible(phone)
        follow(phone.get_by_role("link", name="Shared with me"))
    settle(phone)

    page.goto(reverse("consents", args=[patient.pk]))
    page.get_by_role("button", name="Revoke").first.click()
    follow(page.get_by_role("dialog").get_by_role("button", name="Revoke"))
    expect(page.get_by_text("Revoked").first).to_be_visible()
    follow(phone.get_by_role("link", name="Next week"))
    expect(phone.get_by_role("heading", name="This schedule is not shared with you now")).to_be_visible()
    assert "Rosa" not in phone.content()
    assert_accessible(phone)
    phone.goto(reverse("home"))
    expect(phone.get_by_role("heading", name="This schedule is not shared with you now")).to_be_visible()
