"""In a browser, staff record a consent and write a letter that it permits. Then the consent is revoked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import Letter
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_a_letter_is_written_under_a_consent_that_the_patient_revokes(
    page: Page,
    phone: Page,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_8)
    site = make_site(letterhead="Custom House Offices")
    coordinator = make_staff(Role.COORDINATOR, site, "Nora Castellanos")
    patient = make_patient(site, "Rosa", "Lindqvist")
    meeting = make_meeting(site, 3)
    enrollment = enroll(admit(patient), make_track(site, [meeting]))
    for week in range(4):
        book(make_session(meeting, MONDAY + timedelta(days=3, weeks=week)), enrollment)

    sign_in(page, coordinator)
    page.goto(reverse("patient", args=[patient.pk]))
    follow(page.get_by_role("link", name="Releases and letters"))
    expect(page.get_by_text("No releases on file.")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("link", name="Record a release"))
    page.get_by_role("textbox", name="Recipient").fill("Harbor Bakery")
    page.get_by_label("Purpose").fill("Time off from work")
    page.get_by_label("Last day").fill("2027-02-28")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Record release"))
    follow(page.get_by_role("link", name="Write letter"))
    expect(page.get_by_text("Every Thursday from Nov 26, 2026 to Dec 17, 2026: 9:00 AM–12:00 PM")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("First day").fill("2027-01-20")
    page.get_by_label("Last day").fill("2027-01-27")
    follow(page.get_by_role("button", name="Update preview"))
    expect(page.get_by_text("This patient has no appointments from Jan 20, 2027").first).to_be_visible()
    expect(page.get_by_label("First day")).to_have_value("2027-01-20")
    page.get_by_label("First day").fill("2026-11-23")
    page.get_by_label("Last day").fill("2026-12-20")
    follow(page.get_by_role("button", name="Update preview"))
    sign_in(phone, coordinator)
    for address in (reverse("consents", args=[patient.pk]), reverse("consent-new", args=[patient.pk]), page.url):
        phone.goto(address)
        assert_accessible(phone)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download letter").click()
    download.value.save_as(tmp_path / "letter.pdf")
    assert download.value.suggested_filename == "schedule.pdf"
    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF")
    assert Letter.objects.count() == 1

    sign_in(phone, make_patient_user(patient))
    phone.goto(reverse("portal-account"))
    follow(phone.get_by_role("link", name="See who we may tell"))
    expect(phone.get_by_text("We told them on")).to_be_visible()
    assert_accessible(phone)
    phone.get_by_role("button", name="Stop sharing").click()
    assert_accessible(phone)
    follow(phone.get_by_role("dialog").get_by_role("button", name="Stop sharing"))
    expect(phone.get_by_text("We will no longer tell Harbor Bakery when you are here.")).to_be_visible()
    expect(phone.get_by_text("You stopped this on")).to_be_visible()
    assert_accessible(phone)

    page.goto(reverse("consents", args=[patient.pk]))
    expect(page.get_by_text("No active releases.")).to_be_visible()
    expect(page.get_by_text("revoked Mon, Nov 23")).to_be_visible()
