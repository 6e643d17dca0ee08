"""The nightly work page in a browser, on a desktop and on a phone, with jobs in every status."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from tests.factories import make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow
from tests.nightly_jobs import make_run

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def administrator() -> User:
    """An administrator of four sites.

    At these sites, the nightly job succeeded, failed, is still running, or never ran.
    """
    now = clock.now()
    for name, outcome in (("Harbor Street", "done"), ("Prairie Avenue", "failed"), ("Airport Road", "running")):
        words = "36 sessions added. 112 bookings added. 2 bookings not made, because their sessions are full."
        make_run(make_site(name), now - timedelta(minutes=5), name="extend_horizon", outcome=outcome, words=words)
    make_site("Mill Lane")
    return make_staff(Role.ADMINISTRATOR, None, name="Tom Abara")


def test_nightly_work_is_accessible_on_a_desktop_and_on_a_phone(
    page: Page,
    phone: Page,
    sign_in: SignIn,
    administrator: User,
) -> None:
    for screen in (page, phone):
        sign_in(screen, administrator)
        screen.goto("/tracks/")
        screen.locator("summary", has_text="Tom Abara").click()
        assert_accessible(screen)
        screen.keyboard.press("Escape")
        follow(screen.get_by_role("navigation", name="Main").locator("a[href='/administration/']"))
        assert_accessible(screen)
        follow(screen.get_by_role("link", name="Nightly work"))
        expect(screen.get_by_role("heading", name="Nightly work")).to_be_visible()
        for status in ("Done", "Failed", "Running", "Due"):
            expect(screen.locator(".badge", has_text=status).first).to_be_visible()
        assert_accessible(screen)


def test_a_warning_is_shown_when_the_scheduler_seems_stopped(page: Page, sign_in: SignIn) -> None:
    make_site()
    sign_in(page, make_staff(Role.ADMINISTRATOR, None))
    page.goto("/jobs/")
    expect(page.get_by_role("alert")).to_contain_text("The scheduler does not seem to be running")
    assert_accessible(page)
