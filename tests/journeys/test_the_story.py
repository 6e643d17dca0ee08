"""The main workflow in a browser. It begins with a patient without a schedule and ends with the week in the portal."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from icalendar import Calendar
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from iopmanager import clock
from scheduling.services.bookings.horizon import extend_horizon
from tests.factories import (
    PASSWORD,
    admit,
    make_commitment,
    make_patient,
    make_patient_user,
    make_site,
    make_staff,
    make_weekday_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import follow

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)
MONDAY_AT_12_30 = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)


def sign_in_with_form(page: Page, email: str) -> None:
    page.goto(reverse("account_login"))
    page.locator("input[name=login]").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Sign in", exact=True))


def test_a_patient_who_is_enrolled_and_marked_sees_the_week_in_the_portal(
    page: Page, phone: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_8)
    site = make_site(neutral_name="Appointment")
    lead = make_staff(Role.CLINICIAN, site, "Ada Park")
    coordinator = make_staff(Role.COORDINATOR, site, "Nora Castellanos")
    make_weekday_track(site, lead=lead, name="Morning track")
    make_weekday_track(site, [1, 2, 3], lead=lead, name="Midweek track")
    extend_horizon(site=site, now=MONDAY_AT_8)
    patient = make_patient(site, "Rosa", "Lindqvist")
    make_commitment(patient, [1, 3], "11:00", "16:00", "Shop", travel_minutes=15)
    user = make_patient_user(patient)
    admit(patient)

    # The coordinator finds a schedule. One track fits, and the page says why the other track does not fit.
    sign_in_with_form(page, coordinator.email)
    assert_accessible(page)
    follow(page.get_by_role("link", name="Patients").first)
    assert_accessible(page)
    follow(page.get_by_role("link", name=re.compile("Rosa Lindqvist")).first)
    assert_accessible(page)
    follow(page.get_by_role("link", name="Find a schedule").first)
    expect(page.get_by_text("by 1 h, or 1 h 15 min with travel. Every week.").first).to_be_attached()
    assert_accessible(page)
    follow(page.get_by_role("link", name="Enroll from Mon, Nov 23"))
    assert_accessible(page)
    follow(page.get_by_role("button", name=re.compile("^Enroll")))
    expect(page.get_by_text("Morning track").first).to_be_visible()
    assert patient.episodes.get().bookings.count() == 12 * 3

    # After the group, everyone on the roster is marked present, and the week is on pace.
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_12_30)
    sign_in_with_form(page, coordinator.email)  # nothing was done for hours, so the sign-in has ended
    assert_accessible(page)
    follow(page.locator("main").get_by_role("link", name=re.compile("^Group")).first)
    expect(page.get_by_text("Rosa Lindqvist").first).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Mark everyone present"))
    expect(page.get_by_text("Present", exact=True).first).to_be_visible()
    follow(page.get_by_role("link", name="Weekly hours"))
    row = page.get_by_role("row").filter(has_text="Rosa Lindqvist")
    expect(row).to_contain_text("3 h")
    expect(row).to_contain_text("On pace")
    assert_accessible(page)

    # A calendar app reads the calendar link without signing in. The calendar has times and nothing else.
    page.goto(reverse("patient-calendar", args=[patient.pk]))
    assert_accessible(page)
    follow(page.get_by_role("button", name="Create link"))
    address = page.locator("#address").input_value()
    assert_accessible(page)
    answer = phone.request.get(address)
    assert answer.status == 200
    events = Calendar.from_ical(answer.body()).walk("VEVENT")
    assert len(events) == 12 * 3
    starts = sorted(event.get("DTSTART").dt for event in events)
    assert starts[1] == datetime(2026, 11, 25, 14, tzinfo=UTC)
    assert {str(event["SUMMARY"]) for event in events} == {"Appointment"}
    assert not re.search(rb"Harbor|Rosa|Lindqvist|Morning|Group|Park", answer.body())

    # The patient sees the same week on a phone.
    sign_in_with_form(phone, user.email)
    expect(phone).to_have_title("Home · My schedule")
    expect(phone.get_by_text("Wed, Nov 25").first).to_be_visible()
    expect(phone.get_by_text("2 more appointments and you have all 9 hours.").first).to_be_visible()
    assert_accessible(phone)
    for name in ("Week", "Calendar", "Me"):
        follow(phone.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True))
        assert_accessible(phone)
