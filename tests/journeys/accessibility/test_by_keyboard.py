"""Each role does its main job by keyboard alone. After each action, focus is where the user continues.

When a link opens a page, the first stop of the Tab key is the link that skips to the content.
"""

import re
from collections.abc import Iterator

import pytest
import time_machine
from playwright.sync_api import Locator, Page, expect

from accounts.permissions import Role
from attendance.models import Attendance
from patients.models import Commitment, CommitmentProposal, ProposalState
from scheduling.models import Closure, Enrollment, Site
from scheduling.services.bookings.horizon import extend_horizon
from tests.clinic import WEDNESDAY, at, booking_of, make_clinic
from tests.factories import (
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.accessibility.keyboard import (
    follow_by_key,
    sign_in_by_keyboard,
    skip_to_content,
    submit_by_key,
    tab_back_to,
    tab_to,
    type_into,
)

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_monday")]

AFTER_THE_GROUP = at("12:30")


@pytest.fixture
def on_monday() -> Iterator[None]:
    with time_machine.travel(AFTER_THE_GROUP, tick=True):
        yield


def message(page: Page, text: str) -> Locator:
    return page.locator(".toast-note").filter(has_text=text)


def test_a_coordinator_finds_a_patient_and_a_schedule_and_enrolls(page: Page) -> None:
    site = make_site()
    make_track(site, [make_meeting(site, day, "14:00", "17:00") for day in range(3)], name="Afternoon track")
    extend_horizon(site=site, now=AFTER_THE_GROUP)
    admit(make_patient(site, "Omar", "Haddad"))
    rosa = make_patient(site, "Rosa", "Lindqvist")
    admit(rosa)

    sign_in_by_keyboard(page, make_staff(Role.COORDINATOR, site).email)
    type_into(page.get_by_role("searchbox", name="Find a patient"), "Lindqvist")
    submit_by_key(page)
    skip_to_content(page)
    follow_by_key(page.get_by_role("main").get_by_role("link", name="Rosa Lindqvist"))
    skip_to_content(page)
    follow_by_key(page.get_by_role("link", name="Find a schedule"))
    skip_to_content(page)
    follow_by_key(page.get_by_role("link", name=re.compile("^Enroll from")))
    skip_to_content(page)
    follow_by_key(page.get_by_role("button", name="Enroll", exact=True))
    expect(message(page, "All upcoming sessions are booked.")).to_be_focused()
    assert Enrollment.objects.get().episode.patient == rosa


def test_a_clinician_takes_attendance_and_finalizes(page: Page) -> None:
    clinic = make_clinic()
    rosa = clinic.admit("Rosa")
    clinic.admit("Wen")
    sign_in_by_keyboard(page, clinic.leader.email)
    skip_to_content(page)
    follow_by_key(page.get_by_role("link", name="Take attendance").first)
    expect(page.get_by_role("heading", name="Roster")).to_be_focused()

    tab_to(page.get_by_role("combobox", name="Attendance").first)
    page.keyboard.type("No-show")
    tab_to(page.get_by_role("button", name="Save attendance of Rosa Lindqvist"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Change attendance of Rosa Lindqvist")).to_be_focused()
    assert booking_of(rosa).attendance.status == "no_show"

    tab_back_to(page.get_by_role("button", name="Mark everyone present"))
    submit_by_key(page)
    expect(page.get_by_role("heading", name="Roster")).to_be_focused()

    tab_to(page.get_by_role("button", name="Finalize as Ada Park, LADC"))
    page.keyboard.press("Enter")
    in_dialog = page.get_by_role("dialog").get_by_role("button")
    expect(in_dialog.first).to_be_focused()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Finalize as Ada Park, LADC")).to_be_focused()
    page.keyboard.press("Enter")
    expect(in_dialog.first).to_be_focused()
    submit_by_key(page)
    expect(page.get_by_role("heading", name="Signature")).to_be_focused()
    expect(page.get_by_text("Finalized by Ada Park, LADC on")).to_be_visible()
    assert Attendance.objects.count() == 2


def test_a_patient_sees_the_week_adds_a_busy_time_and_cancels_a_request(phone: Page) -> None:
    site = make_site()
    patient = make_patient(site, "Rosa", "Lindqvist")
    enrollment = enroll(admit(patient), make_weekday_track(site))
    book(make_session(enrollment.track.meetings.get(weekday=2), WEDNESDAY), enrollment)
    sign_in_by_keyboard(phone, make_patient_user(patient).email)
    bar = phone.get_by_role("navigation", name="Main")
    follow_by_key(bar.get_by_role("link", name="Week", exact=True))
    skip_to_content(phone)
    follow_by_key(bar.get_by_role("link", name="Me", exact=True))
    skip_to_content(phone)
    follow_by_key(phone.get_by_role("link", name="Change my busy times"))
    skip_to_content(phone)
    follow_by_key(phone.get_by_role("link", name="Mark my week"))

    # By keyboard, a week is entered in the form below the grid. The first attempt leaves out the day.
    skip_to_content(phone)
    tab_to(phone.get_by_role("button", name="Add a row"))
    phone.keyboard.press("Enter")
    row = phone.get_by_role("group", name="Commitment").locator("visible=true").last
    expect(row.get_by_label("What")).to_be_focused()
    phone.keyboard.type("Class")
    type_into(row.get_by_label("Starts"), "0800AM")
    type_into(row.get_by_label("Ends"), "1000AM")
    follow_by_key(phone.get_by_role("button", name="Save my week"))
    expect(phone.locator(".error-summary")).to_be_focused()
    assert_accessible(phone)
    tab_to(row.get_by_label("Wed"))
    phone.keyboard.press("Space")
    follow_by_key(phone.get_by_role("button", name="Save my week"))
    expect(phone.locator(".toast-note")).to_be_focused()
    assert not Commitment.objects.exists(), "it waits for a decision, because it is at the same time as a visit"

    follow_by_key(phone.get_by_role("button", name="Cancel this request"))
    expect(message(phone, "Your request is canceled.")).to_be_focused()
    assert CommitmentProposal.objects.get().state == ProposalState.WITHDRAWN


def test_an_administrator_closes_a_day(page: Page) -> None:
    site: Site = make_site(country="US", state="ME")
    enroll(admit(make_patient(site)), make_track(site, [make_meeting(site, 3)]))
    extend_horizon(site=site, now=AFTER_THE_GROUP)
    sign_in_by_keyboard(page, make_staff(Role.ADMINISTRATOR, site).email)
    follow_by_key(page.get_by_role("navigation", name="Main").get_by_role("link", name="Tracks"))
    skip_to_content(page)
    follow_by_key(page.get_by_role("link", name="Closed days"))
    skip_to_content(page)
    follow_by_key(page.get_by_role("button", name=re.compile("Thanksgiving Day")))
    expect(page.get_by_role("heading", name="What this changes")).to_be_focused()
    follow_by_key(page.get_by_role("button", name=re.compile("^Close Thu, Nov 26")))
    expect(message(page, "Harbor Street is closed Thu, Nov 26")).to_be_focused()
    assert Closure.objects.get().reason == "Thanksgiving Day"


def test_a_reviewer_reads_a_patients_weekly_hours(page: Page) -> None:
    clinic = make_clinic()
    clinic.mark(booking_of(clinic.admit("Rosa")), now=AFTER_THE_GROUP)
    sign_in_by_keyboard(page, clinic.reviewer.email)
    follow_by_key(page.get_by_role("navigation", name="Main").get_by_role("link", name="Weekly hours"))
    skip_to_content(page)
    follow_by_key(page.get_by_role("main").get_by_role("link", name="Rosa Lindqvist"))
    skip_to_content(page)
    expect(page.get_by_role("main")).to_contain_text("3 h")
