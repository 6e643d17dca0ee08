"""A patient goes from the waitlist through a leave of absence to another track, in a browser."""

import re
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
    make_meeting,
    make_patient,
    make_patient_user,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, settle

MONDAY_AT_8 = datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_a_patient_goes_from_the_waitlist_through_a_leave_to_another_track(
    page: Page,
    phone: Page,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_8)
    site = make_site()
    coordinator = make_staff(Role.COORDINATOR, site, "Nora Castellanos")
    small = make_track(
        site, [make_meeting(site, day, places=1, name=f"Small {day}") for day in range(5)], name="Small group"
    )
    evenings = make_track(
        site, [make_meeting(site, day, "18:00", "21:00", name=f"Evening {day}") for day in (0, 1, 3)], name="Evenings"
    )
    make_weekday_track(site, (5, 6), name="Weekend")
    extend_horizon(site=site, now=MONDAY_AT_8)
    omar, rosa = make_patient(site, "Omar", "Haddad"), make_patient(site, "Rosa", "Lindqvist")
    taken = list(small.meetings.all())
    enroll_patient(
        episode=admit(omar, minutes=900, days=5),
        track=small,
        meetings=taken,
        starts=MONDAY,
        by=coordinator,
        now=MONDAY_AT_8,
    )
    episode = admit(rosa)
    sign_in(page, coordinator)

    # The track is full, so the patient joins its waitlist.
    page.goto(reverse("find-schedule", args=[rosa.pk]))
    assert_accessible(page)
    follow(page.get_by_role("link", name=re.compile("Add to waitlist.*Small group")))
    assert_accessible(page)
    page.get_by_label("Urgent").check()
    follow(page.get_by_role("button", name="Add to waitlist"))
    expect(page.get_by_text("Not yet")).to_be_visible()
    assert_accessible(page)

    # End the other patient's enrollment: preview and confirm.
    # The spot that opens is offered to the next patient on the waitlist.
    page.goto(reverse("enrollment-end", args=[omar.episodes.get().enrollments.get().pk]))
    assert_accessible(page)
    follow(page.get_by_role("button", name="End enrollment"))
    expect(page.get_by_role("heading", name="What this changes")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="End enrollment"))
    page.goto(reverse("tracks"))
    assert_accessible(page)
    follow(page.get_by_role("link", name="1 waiting"))
    offer = page.get_by_role("button", name="Enroll from Mon, Nov 23")
    expect(offer).to_be_visible()
    assert_accessible(page)
    page.goto(reverse("waitlist-remove", args=[episode.waiting_entries.get().pk]))
    assert_accessible(page)
    page.goto(reverse("enroll", args=[rosa.pk, small.pk]) + "?from=2026-11-24")
    assert_accessible(page)
    page.goto(reverse("waitlist", args=[small.pk]))
    follow(offer)
    expect(page.get_by_text("Rosa Lindqvist is enrolled in Small group from Mon, Nov 23.")).to_be_visible()
    page.goto(reverse("patient", args=[rosa.pk]))
    assert_accessible(page)

    # Change the meetings. The page checks the choice after every click.
    follow(page.get_by_role("link", name="Change groups in Small group"))
    assert_accessible(page)
    page.get_by_label("First day").fill("2026-12-07")
    settle(page)
    page.get_by_label("Small 3").uncheck()
    settle(page)
    page.get_by_label("Small 4").check()
    expect(page.get_by_text("9 h on 3 days a week").first).to_be_visible()
    follow(page.get_by_role("button", name="Change groups"))
    expect(page.get_by_text("Loses “Small 3”").first).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Change groups"))
    expect(page.get_by_text("The groups change from Mon, Dec 7")).to_be_visible()

    # Record a leave of absence, then an earlier return.
    follow(page.get_by_role("link", name="Leave of absence"))
    assert_accessible(page)
    page.get_by_label("First day away").fill("2026-11-25")
    page.get_by_label("Last day away").fill("2026-12-11")
    page.get_by_label("Reason").fill("Surgery")
    follow(page.get_by_role("button", name="Save leave"))
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save leave"))
    follow(page.get_by_role("link", name=re.compile("Change leave")))
    assert_accessible(page)
    page.get_by_label("Last day away").fill("2026-12-04")
    follow(page.get_by_role("button", name="Save last day"))
    expect(page.get_by_text("Expected again in").first).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save last day"))
    follow(page.get_by_role("link", name=re.compile("Change leave")))
    follow(page.get_by_role("link", name="Cancel leave"))
    assert_accessible(page)

    # The portal shows the dates of the leave, but not its reason.
    sign_in(phone, make_patient_user(rosa))
    phone.goto(reverse("portal-home"))
    expect(phone.get_by_text("You are away from Wed, Nov 25 to Fri, Dec 4.")).to_be_visible()
    assert_accessible(phone)
    phone.goto(reverse("portal-week"))
    assert_accessible(phone)
    expect(phone.get_by_text("Surgery")).to_have_count(0)

    # Move to the evening track.
    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="Move to another track from Small group"))
    assert_accessible(page)
    follow(page.get_by_role("link", name=re.compile("Move here from .*Evenings")))
    assert_accessible(page)
    page.get_by_label("First day").fill("2026-12-14")
    follow(page.get_by_role("button", name="Move to Evenings"))
    expect(page.get_by_text("Gains “Evening 0”").first).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Move to Evenings"))
    expect(page.get_by_role("heading", name="Evenings")).to_be_visible()
    assert episode.enrollments.get(track=evenings).continues == episode.enrollments.get(track=small)
