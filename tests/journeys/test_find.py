"""Find a schedule in a browser, on a desktop and on a phone: suggestions, what-ifs, comparing two schedules, and enrolling."""

import re
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import ViewportSize, expect

from accounts.permissions import Role
from iopmanager import clock
from patients.models import Commitment, Patient
from scheduling.models import Enrollment
from scheduling.services.bookings.horizon import extend_horizon
from tests.factories import (
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.conftest import DESKTOP, PHONE, OpenPage
from tests.journeys.steps import SignIn, follow, unbroken

if TYPE_CHECKING:
    from accounts.models import User

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)
SIZES = pytest.mark.parametrize("size", [pytest.param(DESKTOP, id="desk"), pytest.param(PHONE, id="phone")])


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch) -> "User":
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_8)
    site = make_site()
    lead = make_staff(Role.CLINICIAN, site, "Ada Park")
    make_track(site, [make_meeting(site, day, lead=lead) for day in range(5)], name="Morning track")
    extend_horizon(site=site, now=MONDAY_AT_8)
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def rosa(coordinator: "User") -> Patient:
    site = coordinator.role_assignments.get().site
    assert site is not None
    patient = make_patient(site, "Rosa", "Lindqvist")
    admit(patient)
    return patient


@SIZES
def test_a_suggestion_is_tried_then_saved_and_the_patient_is_enrolled(
    open_page: OpenPage,
    sign_in: SignIn,
    size: ViewportSize,
    coordinator: "User",
    rosa: Patient,
) -> None:
    make_commitment(rosa, [0, 1, 2], "11:40", "16:00", "Shop")
    page = open_page(size)
    sign_in(page, coordinator)

    page.goto(reverse("find-schedule", args=[rosa.pk]))
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    expect(page.get_by_role("heading", name="Changes that would make it fit")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Try it").first)
    expect(page.get_by_role("heading", name="Scenario: not saved")).to_be_visible()
    expect(page.get_by_role("heading", name="1 schedule fits")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="1 schedule fits")).to_be_focused()
    expect(page.get_by_text("only on Mon").first).to_be_visible()
    expect(page.get_by_text(unbroken("12:00–4:00 PM instead of 11:40 AM–4:00 PM"))).to_be_visible()
    expect(page.get_by_label("Hours a week")).to_be_hidden()
    expect(page.get_by_text("Fits only with").first).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save this change"))

    enroll = page.get_by_role("link", name=re.compile("^Enroll from Mon, Nov 23"))
    expect(enroll.first).to_be_visible()
    expect(page.get_by_text("Scenario: not saved")).to_have_count(0)
    assert sorted((each.weekday_numbers, each.starts) for each in rosa.commitments.all()) == [
        ((0,), time(12)),
        ((1, 2), time(11, 40)),
    ]
    follow(enroll.first)
    expect(page.get_by_label(re.compile("^Monday"))).to_be_checked()
    expect(page.get_by_label(re.compile("^Tuesday"))).not_to_be_checked()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Enroll", exact=True))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rosa")
    assert Enrollment.objects.get().enrollment_meetings.count() == 3


@SIZES
def test_what_if_values_are_kept_while_two_schedules_are_compared(
    open_page: OpenPage,
    sign_in: SignIn,
    size: ViewportSize,
    coordinator: "User",
    rosa: Patient,
) -> None:
    make_commitment(rosa, [0], "11:00", "16:00", "Shop")
    make_weekday_track(rosa.site, [1, 2, 3], name="Other track")
    make_weekday_track(rosa.site, [0, 1], name="Short track")
    page = open_page(size)
    sign_in(page, coordinator)

    # Each value takes effect when it is typed, without a reload, and no typed value is lost.
    page.goto(reverse("find-schedule", args=[rosa.pk]))
    expect(page.get_by_role("heading", name="6 schedules fit")).to_be_visible()
    page.get_by_text("Try a scenario").click()
    page.locator("#what-if").get_by_text("Shop", exact=True).click()
    assert_accessible(page)
    page.get_by_label("Starts").fill("12:00")
    page.get_by_label("Starts").blur()
    expect(page.get_by_role("heading", name="Scenario: not saved")).to_be_visible()
    expect(page.get_by_role("status")).to_be_in_viewport()
    expect(page.get_by_role("link", name="See the result")).to_be_in_viewport()
    page.get_by_label("Ends").fill("")
    page.get_by_label("Ends").blur()
    expect(page.get_by_text("Enter the end time.")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Ends").fill("16:00")
    page.get_by_label("Ends").blur()
    expect(page.get_by_text("Enter the end time.")).to_have_count(0)
    assert Commitment.objects.get().starts == time(11)

    # Each track that fits has one card, and its other schedules are collapsed.
    # Each track that does not fit has one line, and its reasons are collapsed.
    expect(page.locator(".schedule")).to_have_count(2)
    page.get_by_text("more variants of this track").click()
    line = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Short track"))
    expect(line.get_by_text("3 h short")).to_be_visible()
    line.get_by_text("Details").click()
    expect(line.get_by_text("2 days a week are too few. 3 are prescribed.")).to_be_visible()
    assert_accessible(page)

    # Compare two schedules, and go back with all typed values in place.
    page.get_by_label("Compare schedule 1", exact=True).check()
    follow(page.get_by_role("button", name="Compare schedules"))
    expect(page.get_by_role("alert")).to_contain_text("Choose two schedules to compare. One is chosen.")
    page.get_by_text("more variants of this track").click()
    page.get_by_label("Compare schedule 3", exact=True).check()
    follow(page.get_by_role("button", name="Compare schedules"))
    expect(page.get_by_role("heading", name="Compare two schedules")).to_be_visible()
    expect(page.locator(".week-picture")).to_have_count(2)
    assert_accessible(page)
    follow(page.get_by_role("button", name="Back to all schedules"))
    page.get_by_text("Change the scenario").click()
    expect(page.get_by_label("Starts")).to_have_value("12:00")
    expect(page.get_by_label("Compare schedule 1", exact=True)).to_be_checked()
    follow(page.get_by_role("link", name="Discard scenario"))
    expect(page.get_by_text("Scenario: not saved")).to_have_count(0)
    expect(page.get_by_role("heading", name="6 schedules fit")).to_be_visible()
