"""Merge two records of one person in a browser, and take the merge back."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Patient
from tests.factories import admit, make_commitment, make_patient, make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, assert_no_sideways_scrolling, follow

NOW = datetime(2026, 11, 25, 13, tzinfo=UTC)


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> User:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return make_staff(Role.COORDINATOR, make_site(), "Nora Castellanos")


@pytest.mark.parametrize("device", ["page", "phone"])
def test_two_records_are_merged_and_separated_again(
    request: pytest.FixtureRequest, device: str, coordinator: User, sign_in: SignIn
) -> None:
    page: Page = request.getfixturevalue(device)
    site = coordinator.role_assignments.get().site
    assert site is not None
    rosa = make_patient(site, code="P001", phone="(218) 555-0147")
    twin = make_patient(site, "Rosa", code="P002", email="rosa@example.test")
    admit(rosa, date(2026, 11, 23))
    admit(twin, date(2026, 11, 2))
    make_commitment(twin, [1], "13:00", "17:00")
    sign_in(page, coordinator)

    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="Merge with another record"))
    assert_accessible(page)
    assert_no_sideways_scrolling(page)
    follow(page.get_by_role("link", name="Compare with P002"))
    expect(page.get_by_text("Both records are in care at the same time")).to_be_visible()
    expect(page.get_by_role("button", name="Merge records")).to_have_count(0)
    assert_accessible(page)

    twin.episodes.update(ends=date(2026, 11, 9))
    page.reload()
    expect(page.get_by_text("Both records are in care at the same time")).to_have_count(0)
    expect(page.get_by_role("radio", name="rosa@example.test (record P002)")).to_be_checked()
    assert_accessible(page)
    assert_no_sideways_scrolling(page)
    page.get_by_label("Reason*").fill("Same person, came back under another code")
    follow(page.get_by_role("button", name="Merge records"))

    expect(page.get_by_text("The record P002 is merged into P001.")).to_be_visible()
    assert rosa.commitments.count() == 1
    assert_accessible(page)
    page.goto(reverse("patient", args=[twin.pk]))
    expect(page.get_by_text("The record P002 was merged into P001.")).to_be_visible()

    follow(page.get_by_role("link", name="Take back merge of P002"))
    assert_accessible(page)
    assert_no_sideways_scrolling(page)
    page.get_by_label("Reason*").fill("They are twins")
    follow(page.get_by_role("button", name="Take back merge"))
    expect(page.get_by_text("The records P001 and P002 are separate again.")).to_be_visible()
    assert Patient.objects.count() == 2
    assert twin.commitments.count() == 1
