"""Close a day and change a group in a browser: preview, confirm, and read the result in the patient's own week."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.permissions import Role
from patients.models import Patient
from scheduling.models import Session, SessionStatus, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.sessions.cancel import cancel_session
from tests.factories import (
    MONDAY,
    admit,
    make_meeting,
    make_patient,
    make_patient_user,
    make_site,
    make_staff,
    make_track,
)
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, unbroken

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_monday")]

MONDAY_AT_SEVEN = datetime(2026, 11, 23, 12, tzinfo=UTC)
THANKSGIVING = date(2026, 11, 26)
WEEK = timedelta(weeks=1)


@pytest.fixture
def on_monday() -> Iterator[None]:
    with time_machine.travel(MONDAY_AT_SEVEN, tick=True):
        yield


class Clinic:
    """A clinic with groups on Monday, Wednesday and Thursday, and a patient who is enrolled in them."""

    def __init__(self) -> None:
        self.site: Site = make_site(country="US", state="ME")
        self.coordinator: User = make_staff(Role.COORDINATOR, self.site, "Nora Castellanos")
        groups = [make_meeting(self.site, day, name="Skills", code=f"S{day}") for day in (0, 2, 3)]
        self.track: Track = make_track(self.site, groups)
        extend_horizon(site=self.site, now=MONDAY_AT_SEVEN)
        self.patient: Patient = make_patient(self.site)
        self.own: User = make_patient_user(self.patient)
        enroll_patient(
            episode=admit(self.patient),
            track=self.track,
            meetings=groups,
            starts=MONDAY,
            by=self.coordinator,
            now=MONDAY_AT_SEVEN,
        )


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


def test_a_holiday_is_closed_and_the_patients_own_week_shows_it(
    page: Page, phone: Page, sign_in: SignIn, clinic: Clinic
) -> None:
    sign_in(phone, clinic.own)
    phone.goto(reverse("portal-home"))
    expect(phone.get_by_text("Thu, Nov 26").first).to_be_visible()

    sign_in(page, clinic.coordinator)
    page.goto(reverse("tracks"))
    follow(page.get_by_role("link", name="Closed days"))
    holiday = page.get_by_role("listitem").filter(has_text="Thanksgiving Day")
    expect(holiday).to_contain_text("1 session scheduled")
    assert_accessible(page)
    follow(holiday.get_by_role("button"))
    expect(page.get_by_text("1 patient loses a session")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Rosa Lindqvist")).to_contain_text("6 h on 2 days")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Close Thu, Nov 26"))
    expect(page.get_by_text("Harbor Street is closed Thu, Nov 26 (Thanksgiving Day).")).to_be_visible()
    assert Session.objects.get(on=THANKSGIVING).status == SessionStatus.CANCELLED

    phone.reload()
    this_week = phone.locator("section").filter(has_text="This week").get_by_role("listitem")
    expect(this_week).to_have_text(
        [re.compile("Mon, Nov 23"), re.compile("Wed, Nov 25"), re.compile("Canceled.*Thu, Nov 26", re.DOTALL)]
    )
    expect(phone.get_by_text("Thanksgiving")).to_have_count(0)
    assert_accessible(phone)

    closed = page.get_by_role("listitem").filter(has_text="1 session canceled")
    follow(closed.get_by_role("button", name=re.compile("^Remove closure")))
    expect(page.get_by_text("1 patient gains a session")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Open Thu, Nov 26"))
    expect(page.get_by_text("Harbor Street is open Thu, Nov 26.")).to_be_visible()
    phone.reload()
    expect(this_week).to_have_count(3)
    expect(phone.get_by_text("Canceled")).to_have_count(0)


def test_a_group_is_changed_from_a_date_and_one_changed_session_is_kept(
    page: Page, sign_in: SignIn, clinic: Clinic
) -> None:
    group = clinic.track.meetings.get(weekday=0)
    kept, not_kept = (
        cancel_session(
            session=group.sessions.get(on=MONDAY + weeks * WEEK),
            reason=reason,
            by=clinic.coordinator,
            now=MONDAY_AT_SEVEN,
        )
        for weeks, reason in ((2, "Staff day"), (3, "Painters"))
    )
    sign_in(page, clinic.coordinator)
    page.goto(reverse("track", args=[clinic.track.pk]))
    expect(page.get_by_role("region", name="Changes in the next four weeks")).to_contain_text("canceled (Painters)")
    assert_accessible(page)
    follow(page.get_by_role("link", name="Edit group: Skills on Monday"))
    expect(page.get_by_label("Keep Mon, Dec 7: canceled (Staff day)")).to_be_checked()
    page.locator("#id_starts").fill("13:00")
    page.locator("#id_ends").fill("16:00")
    page.get_by_label("Change from").fill("2026-12-07")
    page.get_by_label("Keep Mon, Dec 14: canceled (Painters)").uncheck()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save group"))

    expect(page.get_by_text("1 patient moves to another time")).to_be_visible()
    expect(page.get_by_label("Keep Mon, Dec 14: canceled (Painters)")).not_to_be_checked()
    expect(page.get_by_text(unbroken("Gains “Skills” · Mon, Dec 14, 1:00–4:00 PM"))).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save group").first)
    expect(page.get_by_text("Skills changes from Mon, Dec 7.")).to_be_visible()
    kept.refresh_from_db()
    assert kept.status == SessionStatus.CANCELLED
    assert not Session.objects.filter(on=kept.on, status=SessionStatus.SCHEDULED).exists()
    scheduled = Session.objects.get(on=not_kept.on, status=SessionStatus.SCHEDULED)
    assert (scheduled.local_starts().time(), scheduled.booked) == (time(13), 1)


def test_the_timetable_pages_fit_a_phone(phone: Page, sign_in: SignIn, clinic: Clinic) -> None:
    group = clinic.track.meetings.get(weekday=0)
    session = group.sessions.get(on=MONDAY + WEEK)
    cancel_session(session=session, reason="Painters", by=clinic.coordinator, now=MONDAY_AT_SEVEN)
    sign_in(phone, clinic.coordinator)
    for address in (
        reverse("closures"),
        reverse("track", args=[clinic.track.pk]),
        reverse("meeting-edit", args=[group.pk]),
        reverse("meeting-end", args=[group.pk]),
        reverse("meeting-new", args=[clinic.track.pk]),
    ):
        phone.goto(address)
        assert_accessible(phone)
    phone.goto(reverse("closures"))
    follow(phone.get_by_role("button", name=re.compile("Thanksgiving Day")))
    expect(phone.get_by_text("1 patient loses a session")).to_be_visible()
    assert_accessible(phone)
