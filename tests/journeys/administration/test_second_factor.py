"""An invited coordinator accepts the invitation, and sets up an authenticator app or a passkey."""

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.services.administration.staff import invite_staff
from tests.factories import make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import plug_in_authenticator
from tests.second_factor import app_code

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

NEW_PASSWORD = "a long password of my own"


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = True
    cache.clear()


def accept_invitation(page: Page, name: str) -> str:
    """Invite a coordinator, open the link, and choose a password. Return the coordinator's email address."""
    site = make_site()
    administrator = make_staff(Role.ADMINISTRATOR, None)
    email = f"{name.split()[0].lower()}@clinic.example"
    _, token = invite_staff(
        name=name, email=email, roles=[(Role.COORDINATOR, site.pk)], by_mail=False, by=administrator, now=clock.now()
    )
    page.goto(f"/join/{token}/")
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    expect(page.get_by_role("heading", name="Two-step sign-in")).to_be_visible()
    assert_accessible(page)
    return email


def test_a_coordinator_accepts_with_an_authenticator_app(page: Page) -> None:
    email = accept_invitation(page, "Ada Park")
    page.goto("/today/")
    expect(page.get_by_role("heading", name="Two-step sign-in")).to_be_visible()
    page.get_by_role("link", name="Set up app").click()
    expect(page.get_by_role("img", name="Square to scan with a camera")).to_be_visible()
    assert_accessible(page)
    page.get_by_text("I cannot scan the square").click()
    secret = page.locator("code").inner_text()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Turn on two-step sign-in").click()
    expect(page.get_by_text("This code is not right.").first).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Code").fill(app_code(secret))
    page.get_by_role("button", name="Turn on two-step sign-in").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert_accessible(page)
    recovery_code = page.locator(".recovery-codes li").first.inner_text()
    page.get_by_role("link", name="I saved my codes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Confirm your sign-in")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Code").fill(recovery_code)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")


def test_a_coordinator_accepts_with_a_passkey(page: Page) -> None:
    accept_invitation(page, "Ben Ortiz")
    page.get_by_role("link", name="Add a passkey").click()
    assert_accessible(page)
    plug_in_authenticator(page)
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I saved my codes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")
    page.context.clear_cookies()
    page.goto("/accounts/login/?next=/board/")
    page.get_by_label("Email").fill(User.objects.get(name="Ben Ortiz").email)
    page.get_by_label("Password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Use passkey").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Board")
    page.goto("/accounts/two-step/")
    expect(page.get_by_text("My laptop")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Rename My laptop").click()
    page.get_by_label("Name").fill("Old laptop")
    page.get_by_role("button", name="Save name").click()
    page.get_by_role("link", name="Remove Old laptop").click()
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_role("link", name="Sign out")).to_be_visible()
    page.goto("/today/")
    expect(page.get_by_role("heading", name="Two-step sign-in")).to_be_visible()
