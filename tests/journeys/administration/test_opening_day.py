"""A new clinic opens: from an empty database to the first patient's week on a phone."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.cache import cache
from playwright.sync_api import Frame, Page, expect
from pytest_django.fixtures import Settings

from accounts.services.first_run import set_up_code
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.conftest import DESKTOP, OpenPage
from tests.journeys.steps import follow, plug_in_authenticator
from tests.second_factor import app_code

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

MONDAY_AT_EIGHT = datetime(2026, 11, 23, 13, tzinfo=UTC)
PASSWORD = "a calm lake in the morning"


@pytest.fixture(autouse=True)
def opening_day(settings: Settings) -> Iterator[None]:
    settings.STAFF_NEED_SECOND_FACTOR = True
    cache.clear()
    with time_machine.travel(MONDAY_AT_EIGHT, tick=True):
        yield


class PageCount:
    """Counts the pages that a person sees in one tab."""

    def __init__(self, page: Page) -> None:
        self.number = 0
        page.on("framenavigated", self._count)

    def _count(self, frame: Frame) -> None:
        self.number += frame.parent_frame is None


def set_up_app(page: Page) -> None:
    """Set up an authenticator app on the pages that open after a new staff member has signed in."""
    expect(page.get_by_role("heading", name="Two-step sign-in")).to_be_visible()
    assert_accessible(page)
    follow(page.get_by_role("link", name="Set up app"))
    assert_accessible(page)
    page.get_by_text("I cannot scan the square").click()
    secret = page.get_by_role("code").inner_text()
    page.get_by_label("Code").fill(app_code(secret))
    follow(page.get_by_role("button", name="Turn on two-step sign-in"))
    assert_accessible(page)
    follow(page.get_by_role("link", name="I saved my codes"))


def add_passkey(page: Page) -> None:
    """Add a passkey on the pages that open after a new staff member has signed in."""
    follow(page.get_by_role("link", name="Add a passkey"))
    assert_accessible(page)
    plug_in_authenticator(page)
    page.get_by_label("Name").fill("My laptop")
    follow(page.get_by_role("button", name="Add passkey"))
    follow(page.get_by_role("link", name="I saved my codes"))


def invite(page: Page, name: str, role: str) -> str:
    """On the list of staff, invite somebody by a printed sheet. Return the path of the link on the sheet."""
    follow(page.get_by_role("link", name="Invite staff"))
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_label("Email").fill(f"{name.split()[0].lower()}@clinic.example")
    page.get_by_label(role).check()
    follow(page.get_by_role("button", name="Print sheet"))
    link = link_on_sheet(page)
    follow(page.get_by_role("link", name="Back"))
    return link


def join(page: Page, link: str) -> None:
    """Open the link of an invitation, and choose a password."""
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Save and sign in"))


def link_on_sheet(page: Page) -> str:
    """Return the path of the link on the printed sheet that the page shows."""
    return urlsplit(page.get_by_text("/join/").inner_text()).path


def test_a_clinic_opens_and_its_first_patient_sees_the_week(page: Page, phone: Page, open_page: OpenPage) -> None:
    ada, nora = open_page(DESKTOP), open_page(DESKTOP)
    seen, seen_by_ada, seen_by_nora, seen_by_rosa = (PageCount(each) for each in (page, ada, nora, phone))
    # The first administrator
    page.goto("/")
    page.get_by_label("Set-up code").fill(set_up_code())
    page.get_by_label("Your name").fill("Imani Cole")
    page.get_by_label("Email").fill("imani@clinic.example")
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Create administrator"))
    set_up_app(page)

    # The site, its rules and its rooms
    follow(page.get_by_role("link", name="Add your first site"))
    page.get_by_label("Name of the site").fill("Harbor Street")
    page.get_by_label("Neutral name").fill("Appointment")
    page.get_by_label("Time zone").select_option(label="Eastern (New York)")
    page.get_by_label("Coordinator").check()
    follow(page.get_by_role("button", name="Add site"))
    follow(page.get_by_role("link", name="Check the rules"))
    expect(page.get_by_text("9 h to 25 h on 3 to 5 days")).to_be_visible()
    page.go_back()
    follow(page.get_by_role("link", name="Add rooms"))
    follow(page.get_by_role("link", name="Add a room").first)
    page.get_by_role("textbox", name="Name").fill("Garden room")
    page.get_by_label("Capacity").fill("12")
    follow(page.get_by_role("button", name="Add room"))

    # A clinician and a coordinator accept their invitations: one with an app, the other one with a passkey
    follow(page.get_by_role("navigation", name="Main").get_by_role("link", name="Administration"))
    follow(page.locator("main").get_by_role("link", name=re.compile("^Staff")).first)
    join(ada, invite(page, "Ada Park", "Clinician"))
    set_up_app(ada)
    expect(ada.get_by_role("heading", name="Today", level=1)).to_be_visible()
    follow(page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="Staff"))
    join(nora, invite(page, "Nora Castellanos", "Coordinator"))
    add_passkey(nora)
    expect(nora.get_by_role("heading", name="Today", level=1)).to_be_visible()

    # A track with a group on three days
    follow(page.get_by_role("link", name="Tracks"))
    follow(page.get_by_role("link", name="Add a track"))
    page.get_by_role("textbox", name="Code").fill("morning")
    page.get_by_role("textbox", name="Name").fill("Morning track")
    follow(page.get_by_role("button", name="Add draft track"))
    follow(page.get_by_role("link", name="Add a group").first)
    page.get_by_role("textbox", name="Name").fill("Morning group")
    for day in ("Monday", "Wednesday", "Friday"):
        page.get_by_label(day).check()
    page.get_by_role("textbox", name="Starts", exact=True).fill("09:00")
    page.get_by_role("textbox", name="Ends", exact=True).fill("12:00")
    page.get_by_role("combobox", name="Room").select_option(label="Garden room")
    page.get_by_role("combobox", name="Leader").select_option(label="Ada Park")
    follow(page.get_by_role("button", name="Add group"))
    follow(page.get_by_role("button", name="Publish"))

    # The first patient is admitted and enrolled
    follow(page.get_by_role("link", name="Patients").first)
    follow(page.get_by_role("link", name="New patient").first)
    page.get_by_role("textbox", name="First name").fill("Rosa")
    page.get_by_role("textbox", name="Last name").fill("Lindqvist")
    page.get_by_role("textbox", name="Code").fill("P001")
    page.get_by_role("textbox", name="Birth date").fill("1990-05-17")
    follow(page.get_by_role("button", name="Add patient"))
    follow(page.get_by_role("link", name="Admit"))
    page.get_by_label("Prescribed hours a week").fill("9")
    page.get_by_label("Prescribed days a week").fill("3")
    page.get_by_label("Ordered by").fill("Dr. Imani Cole, MD")
    follow(page.get_by_role("button", name="Admit patient"))
    follow(page.get_by_role("link", name="Find a schedule").first)
    follow(page.get_by_role("link", name=re.compile("^Enroll from")).first)
    follow(page.get_by_role("button", name=re.compile("^Enroll")))

    # The patient gets a printed sheet, and sees the week on a phone
    follow(page.get_by_role("link", name="Give access"))
    follow(page.get_by_role("button", name="Print sheet"))
    phone.goto(link_on_sheet(page))
    phone.get_by_label("Email").fill("rosa@mail.example")
    phone.get_by_label("Password").fill(PASSWORD)
    follow(phone.get_by_role("button", name="Save and sign in"))
    follow(phone.get_by_role("navigation", name="Main").get_by_role("link", name="Week"))
    expect(phone.get_by_text("Wed, Nov 25").first).to_be_visible()
    assert_accessible(phone)
    assert [each.number for each in (seen, seen_by_ada, seen_by_nora, seen_by_rosa)] == [37, 5, 5, 3]
