"""Corrections in a browser: a coordinator corrects an admission, and takes back a discharge."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from iopmanager import clock
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.enroll import enroll_patient
from tests.factories import MONDAY, admit, make_patient, make_site, make_staff, make_weekday_track
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, assert_no_sideways_scrolling, follow

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)
TUESDAY_AT_8 = datetime(2026, 11, 24, 13, tzinfo=UTC)


def test_an_admission_is_corrected_and_a_discharge_taken_back(
    page: Page, phone: Page, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a patient who was admitted and discharged on the wrong days
    monkeypatch.setattr(clock, "now", lambda: TUESDAY_AT_8)
    site = make_site()
    coordinator = make_staff(Role.COORDINATOR, site, "Nora Castellanos")
    track = make_weekday_track(site)
    extend_horizon(site=site, now=MONDAY_AT_8)
    rosa = make_patient(site)
    episode = admit(rosa)
    enroll_patient(
        episode=episode,
        track=track,
        meetings=list(track.meetings.all()),
        starts=MONDAY,
        by=coordinator,
        now=MONDAY_AT_8,
    )
    discharge_patient(episode=episode, last_day=MONDAY, reason="Completed", by=coordinator, now=TUESDAY_AT_8)
    for each in (page, phone):
        sign_in(each, coordinator)

    # When the coordinator corrects the admission
    page.goto(reverse("patient", args=[rosa.pk]))
    assert_accessible(page)
    follow(page.get_by_role("link", name="Correct admission"))
    page.locator("[name=starts]").fill("2026-11-16")
    page.locator("[name=reason]").fill("The intake was a week earlier")
    follow(page.get_by_role("button", name="Save correction"))
    # Then the week that has passed is previewed
    expect(page.get_by_text("No bookings change.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Mon, Nov 16")).to_contain_text("Not in care")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save correction"))
    expect(page.get_by_text("The admission is corrected.")).to_be_visible()
    expect(page.get_by_text("Reason: The intake was a week earlier")).to_be_visible()

    # When the coordinator takes the discharge back on a phone
    phone.goto(reverse("patient", args=[rosa.pk]))
    follow(phone.get_by_role("link", name="Correct discharge"))
    assert_accessible(phone)
    follow(phone.get_by_role("link", name="Take discharge back"))
    phone.locator("[name=reason]").fill("The wrong patient")
    follow(phone.get_by_role("button", name="Take discharge back"))
    # Then the sessions that come back are previewed
    expect(phone.get_by_text("1 patient gains")).to_be_visible()
    assert_no_sideways_scrolling(phone)
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Take discharge back"))
    expect(phone.get_by_text("The discharge is taken back.")).to_be_visible()
    expect(phone.get_by_role("link", name="Correct discharge")).to_have_count(0)
