"""Individual time in a browser: a counselor enters hours, and patients get individual sessions within these hours."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from iopmanager import clock
from scheduling.services.bookings.horizon import extend_horizon
from tests.factories import admit, make_patient, make_site, make_staff, make_weekday_track
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, unbroken

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_individual_time_is_arranged_in_a_counselors_hours(
    page: Page,
    phone: Page,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_8)
    site = make_site()
    ada, coordinator = make_staff(Role.CLINICIAN, site, "Ada Park"), make_staff(Role.COORDINATOR, site)
    track = make_weekday_track(site, lead=ada, individual_minutes=60)
    extend_horizon(site=site, now=MONDAY_AT_8)
    rosa, omar = make_patient(site), make_patient(site, "Omar", "Haddad")
    for patient in (rosa, omar):
        admit(patient, minutes=600)

    # On a phone, Ada enters the hours in which she sees patients individually.
    sign_in(phone, ada)
    phone.goto(reverse("tracks"))
    follow(phone.get_by_role("link", name="Counselor hours"))
    assert_accessible(phone)
    follow(phone.get_by_role("link", name="Add hours"))
    assert_accessible(phone)
    phone.get_by_label("Weekday").select_option("Wednesday")
    phone.get_by_label("From").fill("12:00")
    phone.get_by_label("Until").fill("14:00")
    follow(phone.get_by_role("button", name="Add hours"))
    expect(phone.get_by_text("Ada Park can see patients in these hours.")).to_be_visible()
    assert_accessible(phone)

    # On a desktop, the enrollment page offers the hour right after the group.
    sign_in(page, coordinator)
    page.goto(reverse("enroll", args=[rosa.pk, track.pk]))
    page.get_by_label(unbroken("Wednesday 12:00–1:00 PM with Ada Park")).check()
    expect(page.get_by_text("10 h on 3 days a week")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Enroll"))
    expect(page.get_by_text("All upcoming sessions are booked.")).to_be_visible()
    schedule = page.get_by_role("region", name="Schedule").get_by_role("listitem")
    expect(schedule.filter(has_text="Individual session")).to_be_visible()
    assert_accessible(page)

    # On a phone, the enrollment page of the next patient offers the next hour.
    sign_in(phone, coordinator)
    phone.goto(reverse("enroll", args=[omar.pk, track.pk]))
    expect(phone.get_by_label(unbroken("Wednesday 12:00–1:00 PM with Ada Park"))).to_have_count(0)
    phone.get_by_label(unbroken("Wednesday 1:00–2:00 PM with Ada Park")).check()
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Enroll"))
    expect(phone.get_by_text("All upcoming sessions are booked.")).to_be_visible()

    # End the individual sessions.
    follow(page.get_by_role("link", name="Individual sessions in Morning track"))
    assert_accessible(page)
    page.get_by_label("No individual sessions from that day on").check()
    follow(page.get_by_role("button", name="Save individual sessions"))
    expect(page.get_by_text("Loses “Individual session”").first).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save individual sessions").first)
    expect(page.get_by_text("1 h of individual sessions a week")).to_be_visible()
    assert_accessible(page)
