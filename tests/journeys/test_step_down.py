"""Plan a step down in a browser: set the next level, see which groups can be kept, and change the meetings."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from iopmanager import clock
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, unbroken

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_a_step_down_is_planned_and_arranged_in_advance(
    page: Page,
    phone: Page,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_8)
    site = make_site()
    coordinator = make_staff(Role.COORDINATOR, site, "Nora Castellanos")
    evenings = make_track(
        site, [make_meeting(site, day, "18:00", "21:00", name=f"Evening {day}") for day in range(5)], name="Evenings"
    )
    extend_horizon(site=site, now=MONDAY_AT_8)
    rosa = make_patient(site)
    make_commitment(rosa, range(5), "08:00", "16:00")
    meetings = list(evenings.meetings.all())
    enroll_patient(
        episode=admit(rosa, minutes=900, days=5),
        track=evenings,
        meetings=meetings,
        starts=MONDAY,
        by=coordinator,
        now=MONDAY_AT_8,
    )
    for each in (page, phone):
        sign_in(each, coordinator)

    # With only one level of care, there is nothing to compare yet.
    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="Plan the step-down"))
    expect(page.get_by_text("No later level is ordered yet.")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("link", name="Set next level of care"))
    page.locator("[name=starts]").fill("2026-12-14")
    page.locator("[name=prescribed_minutes]").fill("9 h")
    page.locator("[name=prescribed_days]").fill("3")
    page.locator("[name=stated_by]").fill("Dr. Imani Cole, MD")
    follow(page.get_by_role("button", name="Set level of care"))
    expect(page.get_by_text("The level of care is set.")).to_be_visible()

    # On a phone, the levels of care are shown one below the other.
    phone.goto(reverse("step-down", args=[rosa.pk]))
    expect(phone.get_by_text(unbroken("Same groups on Mon–Wed"))).to_be_visible()
    expect(phone.get_by_text("No more groups on Thu, Fri")).to_be_visible()
    assert_accessible(phone)

    # The form is filled in already. Preview the change, and confirm it.
    page.goto(reverse("step-down", args=[rosa.pk]))
    assert_accessible(page)
    follow(page.get_by_role("link", name="Change groups from Mon, Dec 14"))
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(3)
    follow(page.get_by_role("button", name="Change groups"))
    expect(page.get_by_role("heading", name="What this changes")).to_be_visible()
    follow(page.get_by_role("button", name="Change groups"))
    expect(page.get_by_text("The groups change from Mon, Dec 14.")).to_be_visible()

    page.goto(reverse("step-down", args=[rosa.pk]))
    expect(page.get_by_text("Enrolled", exact=True)).to_have_count(2)
    assert_accessible(page)
