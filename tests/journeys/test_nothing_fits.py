"""No schedule fits a patient of the demo clinic. The smallest change is found, tried and saved.

Then the patient is enrolled.
"""

from datetime import UTC, datetime, time

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from demo.load import load_demo
from demo.sign_ins import NOTHING_FITS
from iopmanager import clock
from patients.models import Commitment, Patient
from scheduling.models import Enrollment
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow

WEDNESDAY_NOON = datetime(2026, 11, 25, 17, tzinfo=UTC)


@pytest.mark.parametrize("size", ["page", "phone"])
def test_a_shift_that_ends_fifteen_minutes_earlier_makes_a_schedule_fit(
    size: str,
    request: pytest.FixtureRequest,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page: Page = request.getfixturevalue(size)
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY_NOON)
    load_demo(now=WEDNESDAY_NOON, say=lambda words: None)
    patient = Patient.objects.get(code=NOTHING_FITS)

    sign_in(page, User.objects.get(email="coordinator@demo.example"))
    page.goto(reverse("patient", args=[patient.pk]))
    follow(page.get_by_role("link", name="Find a schedule"))
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    smallest = (
        page.get_by_role("listitem")
        .filter(has_text="Warehouse until closing")
        .filter(has_text="instead of 5:20 PM")
        .first
    )
    expect(smallest).to_contain_text("at 5:05 PM instead of 5:20 PM")
    assert_accessible(page)

    follow(smallest.get_by_role("button", name="Try it"))
    expect(page.get_by_text("Scenario: not saved")).to_be_visible()
    expect(page.get_by_role("heading", name="1 schedule fits")).to_be_in_viewport()
    assert_accessible(page)
    assert Commitment.objects.get(patient=patient, code="C2").ends == time(17, 20), "nothing is saved yet"

    follow(page.get_by_role("button", name="Save this change"))
    expect(page.get_by_text("Scenario: not saved")).to_have_count(0)
    expect(page.get_by_role("heading", name="1 schedule fits")).to_be_visible()
    assert Commitment.objects.get(patient=patient, code="C2").ends == time(17, 5)

    follow(page.get_by_role("link", name="Enroll from").first)
    assert_accessible(page)
    follow(page.get_by_role("button", name="Enroll").last)
    expect(page.get_by_text("All upcoming sessions are booked.")).to_be_visible()
    enrollment = Enrollment.objects.get(episode__patient=patient)
    assert enrollment.track.name == "Evening IOP"
    assert sorted(enrollment.meetings.values_list("weekday", flat=True)) == [0, 1, 3]
