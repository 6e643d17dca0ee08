"""Nightly work in a browser, on a desk and on a phone: every state of it at once."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from tests.factories import make_site, make_staff
from tests.journeys.steps import Axe, SignIn, assert_no_sideways_scrolling, follow
from tests.nightly_jobs import make_run

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def administrator() -> User:
    """Of four sites: at one it was done, at one it failed, at one it runs, and at one it never ran."""
    now = clock.now()
    for name, outcome in (("Harbor Street", "done"), ("Prairie Avenue", "failed"), ("Airport Road", "running")):
        words = "36 sessions and 112 bookings written; 2 places not given, as a session is full or another one clashes."
        make_run(make_site(name), now - timedelta(minutes=5), name="extend_horizon", outcome=outcome, words=words)
    make_site("Mill Lane")
    return make_staff(Role.ADMINISTRATOR, None, name="Tom Abara")


def test_nightly_work_is_found_and_read_on_a_desk_and_on_a_phone(
    page: Page,
    phone: Page,
    sign_in: SignIn,
    axe: Axe,
    administrator: User,
) -> None:
    for screen in (page, phone):
        sign_in(screen, administrator)
        screen.goto("/tracks/")
        screen.locator("summary", has_text="Tom Abara").click()
        follow(screen.get_by_role("link", name="Nightly work"))
        expect(screen.get_by_role("heading", name="Nightly work")).to_be_visible()
        for word in ("Done", "Failed", "Running", "Due"):
            expect(screen.locator(".badge", has_text=word).first).to_be_visible()
        axe(screen)
        assert_no_sideways_scrolling(screen)


def test_a_scheduler_that_seems_stopped_is_said_to_everyone(page: Page, sign_in: SignIn, axe: Axe) -> None:
    make_site()
    sign_in(page, make_staff(Role.ADMINISTRATOR, None))
    page.goto("/jobs/")
    expect(page.get_by_role("alert")).to_contain_text("The scheduler does not seem to be running")
    axe(page)
