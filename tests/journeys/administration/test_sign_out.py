"""After sign-out, the Back button leads to the sign-in page, even if the browser keeps earlier pages in memory."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.permissions import Role
from bench.chromium import chromium_flags, chromium_path
from tests.factories import make_delegate, make_patient, make_patient_user, make_site, make_staff
from tests.journeys.conftest import CHROMIUM_FLAGS, PATIENCE
from tests.journeys.steps import SignIn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def remembering_page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page in a browser that has its back-forward cache on. By default, Playwright turns this cache off."""
    remembering = browser.browser_type.launch(
        executable_path=chromium_path(),
        args=[*CHROMIUM_FLAGS, *chromium_flags()],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    context = remembering.new_context(base_url=live_server.url, locale="en-US")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    remembering.close()


def go_back(page: Page) -> None:
    page.evaluate("history.back()")


def test_this_browser_keeps_pages_in_memory(remembering_page: Page) -> None:
    """The browser's back-forward cache is on. Without this cache, the other test would prove nothing."""
    page = remembering_page
    page.goto("/accounts/password/reset/done/")
    page.evaluate("window.isKept = true")
    page.goto("/accounts/inactive/")
    go_back(page)
    expect(page).to_have_url(re.compile("/reset/done/$"))
    assert page.evaluate("window.isKept") is True


def test_back_after_sign_out_shows_no_record(remembering_page: Page, sign_in: SignIn) -> None:
    site = make_site()
    patient = make_patient(site, "Rosa", "Lindqvist")
    page = remembering_page
    sign_in(page, make_staff(Role.COORDINATOR, site, "Ada Park"))
    page.goto("/today/")
    page.goto(f"/patients/{patient.pk}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rosa")
    page.get_by_text("Ada Park", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    for _ in ("the chart", "the day"):
        go_back(page)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert "Rosa" not in page.content()
        assert "Ada Park" not in page.content()


@pytest.mark.parametrize("who", ["patient", "delegate"])
def test_back_after_sign_out_shows_no_schedule(remembering_page: Page, sign_in: SignIn, who: str) -> None:
    site = make_site(allows_delegates=True)
    patient, page = make_patient(site, "Rosa", "Lindqvist"), remembering_page
    if who == "patient":
        sign_in(page, make_patient_user(patient))
        paths = ["/me/week/", "/me/account/"]
    else:
        sign_in(page, make_delegate(patient, "Maja Berg", by=make_staff(Role.COORDINATOR, site)))
        paths = [f"/shared/{patient.pk}/?week=2026-12-07", f"/shared/{patient.pk}/"]
    for path in paths:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    for _ in paths:
        go_back(page)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert "Rosa" not in page.content()
