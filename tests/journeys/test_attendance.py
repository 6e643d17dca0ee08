"""Mark a roster, amend a mark, and book a make-up session, in a browser on a desktop and on a phone."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from attendance.models import Attendance
from attendance.services.finalization import finalize_session
from attendance.services.roster import ANY
from tests.clinic import THURSDAY_NOON, WEDNESDAY, Clinic, at, booking_of, make_clinic
from tests.factories import MONDAY, make_meeting, make_session, make_track
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_thursday")]


@pytest.fixture
def clinic() -> Clinic:
    clinic = make_clinic()
    for name in ("Rosa", "Tomasz", "Wen"):
        clinic.admit(name)
    meeting = make_meeting(clinic.site, 5, "10:00", "13:00", name="Saturday group")
    make_track(clinic.site, [meeting], name="Weekend track")
    make_session(meeting, MONDAY + timedelta(days=5))
    return clinic


def test_everyone_is_marked_present_then_one_mark_is_changed_and_the_roster_is_finalized(
    page: Page, sign_in: SignIn, clinic: Clinic
) -> None:
    sign_in(page, clinic.leader)
    page.goto(reverse("session", args=[clinic.monday.pk]))
    expect(page.get_by_text("0 of 3 marked")).to_be_visible()
    assert_accessible(page)

    follow(page.get_by_role("button", name="Mark everyone present"))
    expect(page.get_by_text("3 patients marked present.")).to_be_visible()
    expect(page.get_by_role("heading", name="Roster")).to_be_focused()

    page.get_by_text("Change attendance of Tomasz Lindqvist").click()
    mark_form = page.get_by_role("form", name="Attendance of Tomasz Lindqvist")
    mark_form.get_by_label("Attendance").select_option("partial")
    mark_form.get_by_role("button").click()
    expect(mark_form.get_by_text("For “Late or left early”")).to_be_visible()
    assert_accessible(page)
    mark_form.get_by_label("Arrived").fill("09:20")
    mark_form.get_by_role("button").click()
    expect(page.get_by_text("2 h 40 min credited")).to_be_visible()
    expect(page.get_by_text("3 patients marked present.")).to_be_visible()  # the page was not reloaded
    expect(page.get_by_text("Change attendance of Tomasz Lindqvist")).to_be_focused()

    page.get_by_role("button", name="Finalize as Ada Park, LADC").click()
    follow(page.get_by_role("dialog").get_by_role("button", name="Finalize as Ada Park, LADC"))
    expect(page.get_by_text("Finalized by Ada Park, LADC on ")).to_be_visible()
    expect(page.get_by_role("heading", name="Signature")).to_be_focused()
    assert_accessible(page)


def test_a_finalized_mark_is_amended(page: Page, phone: Page, sign_in: SignIn, clinic: Clinic) -> None:
    for booking in clinic.monday.bookings.all():
        clinic.mark(booking, "partial", arrived=at("9:20"))
    finalize_session(session=clinic.monday, by=clinic.leader, now=THURSDAY_NOON, seen_version=ANY)
    sign_in(page, clinic.coordinator)
    sign_in(phone, clinic.coordinator)
    address = reverse("attendance-amend", args=[Attendance.objects.order_by("pk")[0].pk])
    phone.goto(address)
    assert_accessible(phone)

    page.goto(address)
    page.get_by_label("Arrived").fill("")
    page.get_by_role("combobox", name="Attendance").select_option("present")
    page.get_by_label("Reason for the amendment").fill("The sheet at the door has 9:00.")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Amend"))
    expect(page.get_by_text("“The sheet at the door has 9:00.”")).to_be_visible()
    phone.goto(reverse("session", args=[clinic.monday.pk]))
    assert_accessible(phone)


def test_a_makeup_session_brings_a_week_at_risk_back_on_pace(page: Page, sign_in: SignIn, clinic: Clinic) -> None:
    for booking in clinic.monday.bookings.all():
        clinic.mark(booking, "no_show" if booking.episode.patient.first_name == "Rosa" else "present")
    sign_in(page, clinic.coordinator)
    page.goto(reverse("weeks"))
    assert_accessible(page)
    follow(page.get_by_role("link", name="At risk 1"))
    follow(page.get_by_role("link", name="Rosa Lindqvist"))
    assert_accessible(page)
    follow(page.get_by_role("button", name="Book as make-up"))
    expect(page.get_by_text("Rosa is booked into Saturday group")).to_be_visible()
    expect(page.get_by_text("On pace")).to_be_visible()


def test_the_attendance_pages_fit_a_phone(phone: Page, sign_in: SignIn, clinic: Clinic) -> None:
    rosa = clinic.monday.bookings.order_by("pk")[0].episode
    clinic.mark(booking_of(rosa), "no_show")
    clinic.mark(booking_of(rosa, WEDNESDAY))
    sign_in(phone, clinic.coordinator)
    for address in (
        reverse("session", args=[clinic.monday.pk]),
        reverse("weeks"),
        reverse("patient-week", args=[rosa.patient_id, MONDAY]),
    ):
        phone.goto(address)
        assert_accessible(phone)
