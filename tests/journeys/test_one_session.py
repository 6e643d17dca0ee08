"""Change one session in a browser: assign a substitute, cancel the session, and restore it."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import Session
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from tests.factories import (
    MONDAY,
    admit,
    make_meeting,
    make_patient,
    make_room,
    make_site,
    make_staff,
    make_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, unbroken

NOW = datetime(2026, 11, 23, 13, tzinfo=UTC)


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch) -> User:
    """A coordinator at a clinic with one patient, who is in groups on three mornings."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    site = make_site()
    by = make_staff(Role.COORDINATOR, site, "Nora Castellanos")
    lead = make_staff(Role.CLINICIAN, site, "Ada Park")
    make_staff(Role.CLINICIAN, site, "Ben Strand")
    room = make_room(site, name="Garden room")
    groups = [make_meeting(site, day, name="Skills", lead=lead, room=room) for day in (0, 2, 4)]
    track = make_track(site, groups)
    extend_horizon(site=site, now=NOW)
    episode = admit(make_patient(site, "Rosa", "Lindqvist"))
    enroll_patient(episode=episode, track=track, meetings=groups, starts=MONDAY, by=by, now=NOW)
    return by


@pytest.mark.parametrize("device", ["page", "phone"])
def test_a_substitute_is_assigned_to_one_session(
    request: pytest.FixtureRequest,
    device: str,
    coordinator: User,
    sign_in: SignIn,
) -> None:
    page: Page = request.getfixturevalue(device)
    sign_in(page, coordinator)
    page.goto(reverse("today"))
    follow(page.locator("main").get_by_role("link", name="Skills", exact=True))
    follow(page.get_by_role("link", name="Substitute"))
    assert_accessible(page)
    expect(page.get_by_label("Ben Strand")).to_be_visible()
    expect(page.get_by_label("Ada Park")).to_be_hidden()
    page.get_by_label("Leader").select_option("Ben Strand")
    expect(page.get_by_label("Ben Strand")).to_be_hidden()
    expect(page.get_by_label("Ada Park")).to_be_visible()
    follow(page.get_by_role("button", name="Save staff"))
    expect(page.get_by_text("Ben Strand leads Skills on Mon, Nov 23.")).to_be_visible()
    expect(page.get_by_text("Ben Strand, LADC")).to_be_visible()
    expect(page.get_by_text("This session differs from")).to_be_visible()
    assert_accessible(page)
    leads = Session.objects.order_by("on").values_list("facilitators__name", flat=True)
    assert list(leads[:3]) == ["Ben Strand", "Ada Park", "Ada Park"]


def test_a_session_is_canceled_and_restored(page: Page, coordinator: User, sign_in: SignIn) -> None:
    sign_in(page, coordinator)
    session = Session.objects.order_by("on")[0]
    page.goto(reverse("session", args=[session.pk]))
    follow(page.get_by_role("link", name="Cancel"))
    page.get_by_label("Reason").fill("The room is flooded")
    follow(page.get_by_role("button", name="Cancel session"))
    row = page.get_by_role("row").filter(has_text="Rosa Lindqvist")
    expect(row).to_contain_text(unbroken("Loses “Skills” · Mon, Nov 23, 9:00 AM–12:00 PM"))
    expect(row).to_contain_text("6 h on 2 days")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Cancel session"))
    expect(page.get_by_text("is canceled. You can restore it")).to_be_visible()
    expect(page.get_by_text("Canceled: The room is flooded")).to_be_visible()
    follow(page.get_by_role("link", name="Restore session"))
    follow(page.get_by_role("button", name="Restore session"))
    expect(page.get_by_role("row").filter(has_text="Rosa Lindqvist")).to_contain_text("Gains “Skills”")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Restore session"))
    expect(page.get_by_text(re.compile("is restored"))).to_be_visible()
    session.refresh_from_db()
    assert (session.status, session.booked) == ("scheduled", 1)
