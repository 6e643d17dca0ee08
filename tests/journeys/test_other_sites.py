"""Mix groups of two tracks around a court date, and move a patient to another site, in a browser."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import RoleAssignment
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Commitment, CommitmentKind
from scheduling.services.bookings.horizon import extend_horizon
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_place,
    make_site,
    make_staff,
    make_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, unbroken

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def test_a_patient_mixes_two_tracks_and_then_moves_to_another_site(
    page: Page,
    phone: Page,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = MONDAY_AT_8
    monkeypatch.setattr(clock, "now", lambda: now)
    here = make_site("Harbor Street", mixes_tracks=True)
    there = make_site("Prairie Avenue", "America/Chicago")
    coordinator = make_staff(Role.COORDINATOR, here, "Nora Castellanos")
    RoleAssignment.objects.create(user=coordinator, role=Role.COORDINATOR, site=there)
    mornings = make_track(
        here, [make_meeting(here, day, name=f"Morning {day}") for day in range(3)], name="Mornings", from_age=18
    )
    evenings = [make_meeting(here, day, "18:00", "21:00", name=f"Evening {day}") for day in (1, 3, 4)]
    make_track(here, evenings, name="Evenings", from_age=18)
    extend_horizon(site=here, now=now)
    rosa = make_patient(here)
    admit(rosa)
    make_commitment(rosa, [2], "09:00", "17:00", "Day shift")
    Commitment.objects.create(
        patient=rosa,
        kind=CommitmentKind.COURT,
        label="Hearing",
        on=MONDAY + WEEK,
        starts=time(9),
        ends=time(10),
    )
    make_place(rosa, {here: (10, 10)})
    for each in (page, phone):
        sign_in(each, coordinator)

    # Two morning groups and an evening group fit, although one of the sessions is missed because of a court date.
    chosen = ",".join(str(meeting.pk) for meeting in [*mornings.meetings.filter(weekday__in=(0, 1)), evenings[1]])
    page.goto(f"{reverse('enroll', args=[rosa.pk, mornings.pk])}?from={MONDAY.isoformat()}&meetings={chosen}")
    expect(page.get_by_label("Evening 3")).to_be_checked()
    expect(page.get_by_text("Misses 1 of 36 sessions: Mon, Nov 30")).to_be_visible()
    assert_accessible(page)
    phone.goto(page.url)
    assert_accessible(phone)
    page.get_by_label("Evening 3").uncheck()
    expect(page.get_by_text("Doesn’t fit yet")).to_be_visible()
    expect(page.get_by_label("Evening 4")).to_be_visible()
    page.get_by_label("Evening 4").check()
    expect(page.get_by_text("Fits", exact=True)).to_be_visible()
    follow(page.get_by_role("button", name="Enroll"))
    expect(page.get_by_text("of Evenings, ")).to_be_visible()
    expect(page.get_by_text("Will miss Morning 0 on Mon, Nov 30.")).to_be_visible()
    assert_accessible(page)

    # The patient can't move before the enrollment ends.
    follow(page.get_by_role("link", name="Move to another site"))
    assert_accessible(page)
    follow(page.get_by_role("button", name="Preview move"))
    expect(
        page.get_by_text("The patient has been enrolled in Mornings since Mon, Nov 23. End that enrollment first.")
    ).to_be_visible()
    assert_accessible(page)

    now = MONDAY_AT_8 + WEEK
    for each in (page, phone):
        sign_in(each, coordinator)
    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="End enrollment in Mornings"))
    page.get_by_label("Last day").fill((MONDAY + 6 * timedelta(days=1)).isoformat())
    follow(page.get_by_role("button", name="End enrollment"))
    follow(page.get_by_role("button", name="End enrollment"))
    phone.goto(f"{reverse('site-transfer', args=[rosa.pk])}?to={there.pk}")
    follow(phone.get_by_role("button", name="Preview move"))
    expect(phone.get_by_text("There is no travel time to Prairie Avenue from Home.")).to_be_visible()
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Move to Prairie Avenue"))
    expect(phone.get_by_text("Rosa is at Prairie Avenue from today.")).to_be_visible()
    expect(phone.get_by_role("cell", name=unbroken("Wed, 8:00 AM–4:00 PM"))).to_be_visible()
    assert_accessible(phone)
