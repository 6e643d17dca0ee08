"""Import a calendar file on a desktop and a phone: preview and save it, then compare and save a new file."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from patients.calendar_import import child_process
from patients.models import ImportedCalendar, Patient
from scheduling.models import Site
from tests.factories import (
    admit,
    book,
    enroll,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)
from tests.hostile_calendars import calendar, event
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, unbroken

NOW = datetime(2026, 11, 23, 13, tzinfo=UTC)
WEDNESDAY = date(2026, 11, 25)


def shift(starts: str) -> str:
    return event(
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
        "SUMMARY:Ward 7",
        starts=f"DTSTART;TZID=America/New_York:20261123T{starts}",
        ends="DTEND;TZID=America/New_York:20261123T200000",
    )


HOLIDAY = event(starts="DTSTART;VALUE=DATE:20261224", ends="DTEND;VALUE=DATE:20261226")


@pytest.fixture
def coordinator(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> User:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    # A busy machine can be slow to start the process that reads the file. These tests are not about the time limit.
    monkeypatch.setattr(child_process, "TIMEOUT_SECONDS", 60)
    return make_staff(Role.COORDINATOR, make_site(phone="555-0100"), "Nora Castellanos")


@pytest.fixture
def rosa(coordinator: User) -> Patient:
    """A patient who is booked on Wednesday from 9:00 to 12:00."""
    patient = make_patient(Site.objects.get())
    enrollment = enroll(admit(patient), make_weekday_track(patient.site))
    book(make_session(enrollment.track.meetings.get(weekday=2), WEDNESDAY), enrollment)
    return patient


def send(page: Page, folder: Path, *parts: str) -> None:
    file = folder / "work.ics"
    file.write_bytes(calendar(*parts))
    page.get_by_label("Calendar file").set_input_files(file)
    follow(page.get_by_role("button", name="Check file"))


@pytest.mark.journey
def test_a_coordinator_imports_a_calendar_and_replaces_it(
    page: Page, coordinator: User, rosa: Patient, sign_in: SignIn, tmp_path: Path
) -> None:
    sign_in(page, coordinator)
    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="Import calendar"))
    page.get_by_label("Minutes to get there").fill("20")
    assert_accessible(page)
    send(page, tmp_path, "X-NOTHING:1", event("RRULE:FREQ=SECONDLY"))
    expect(page.get_by_text("An entry in the file repeats every hour, minute or second.").first).to_be_visible()
    expect(page.get_by_label("Minutes to get there")).to_have_value("20")
    assert_accessible(page)
    send(page, tmp_path, shift("130000"), HOLIDAY)
    expect(page.get_by_role("heading", name="Work calendar: save it?")).to_be_visible()
    expect(page.get_by_text(unbroken("Mon, Wed 1:00–8:00 PM"))).to_be_visible()
    expect(page.locator(".week-picture-plot .block-life")).to_have_count(2)
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save calendar"))
    expect(page.get_by_text("Some entries last all day.").first).to_be_visible()
    page.get_by_label("The patient is busy all day").check()
    follow(page.get_by_role("button", name="Save calendar"))
    expect(page.get_by_text("The calendar is saved.")).to_be_visible()
    expect(page.get_by_text("covers dates through Sun, May 23, 2027")).to_be_visible()
    assert_accessible(page)

    follow(page.get_by_role("link", name="Import calendar"))
    expect(page.get_by_label("Minutes to get there")).to_have_value("20")
    send(page, tmp_path, shift("150000"))
    difference = page.get_by_role("region", name=re.compile("Changes since the calendar"))
    expect(difference.get_by_text(unbroken("Mon, Wed 3:00–8:00 PM"))).to_be_visible()
    expect(difference.get_by_text(unbroken("Mon, Wed 1:00–8:00 PM"))).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("link", name="Next week"))
    expect(page.get_by_role("heading", name="Week of Mon, Nov 30")).to_be_visible()
    follow(page.get_by_role("button", name="Save calendar"))
    expect(page.get_by_text("The calendar is saved.")).to_be_visible()
    saved = ImportedCalendar.objects.get()
    assert (saved.state, saved.intervals.count(), saved.travel_before) == ("kept", 52, 20)

    follow(page.get_by_role("link", name="Show Work calendar"))
    expect(page.get_by_role("heading", name="Work calendar", exact=True)).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Delete calendar").click()
    follow(page.get_by_role("dialog").get_by_role("button", name="Delete calendar"))
    expect(page.get_by_text("The calendar is deleted.")).to_be_visible()


@pytest.mark.journey
def test_a_calendar_sent_from_a_phone_waits_for_the_clinic(
    phone: Page, page: Page, coordinator: User, rosa: Patient, sign_in: SignIn, tmp_path: Path
) -> None:
    sign_in(phone, make_patient_user(rosa))
    phone.goto(reverse("portal-commitments"))
    follow(phone.get_by_role("link", name="Send a calendar file"))
    assert_accessible(phone)
    send(phone, tmp_path, shift("110000"))
    expect(phone.get_by_text("It is at the same time as 1 appointment")).to_be_visible()
    expect(phone).to_have_title("Calendar file · My schedule")
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Save calendar"))
    expect(
        phone.get_by_text("This is at the same time as an appointment, so we will look at it first.")
    ).to_be_visible()
    assert_accessible(phone)

    sign_in(page, coordinator)
    page.goto(reverse("patient", args=[rosa.pk]))
    follow(page.get_by_role("link", name="Decide Work calendar"))
    expect(page.get_by_text("It conflicts with 1 booked session")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Accept"))
    expect(page.get_by_text("1 booked session conflicts with a commitment")).to_be_visible()
    phone.reload()
    expect(phone.get_by_text("It goes to Sun, May 23, 2027.")).to_be_visible()
