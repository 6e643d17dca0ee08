"""Fixtures for tests in a browser. A test fails when any page sends a request to another host, violates the content
security policy, or has a script error."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect, sync_playwright

from bench.chromium import NOT_FOUND, chromium_flags, chromium_path
from tests.clinic import THURSDAY_NOON, WEDNESDAY, at
from tests.journeys.steps import SignIn

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from accounts.models import User

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 30_000  # in milliseconds; enough for pages to load even on a busy machine
LOCAL_SCHEMES = {"data", "blob", "about"}
CHROMIUM_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]

type OpenPage = Callable[[ViewportSize], Page]


def _find_chromium() -> str:
    if path := chromium_path():
        return path
    if os.environ.get("REQUIRE_CHROMIUM") == "1":
        pytest.fail(NOT_FOUND)
    pytest.skip(NOT_FOUND)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = _find_chromium()
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs its event loop in the test's thread, where Django would refuse to query the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE)
        chromium = playwright.chromium.launch(executable_path=executable, args=[*CHROMIUM_FLAGS, *chromium_flags()])
        yield chromium
        chromium.close()


class PageGuard:
    """Records what no page may do: requests to other hosts, violations of the security policy, and script errors."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.faults: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("request", self._check_request)
        page.on("console", self._check_console)
        page.on("pageerror", lambda error: self.faults.append(f"a script failed: {error}"))

    def _check_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in LOCAL_SCHEMES and address.netloc != self.host:
            self.faults.append(f"a request went to another host: {request.url}")

    def _check_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.faults.append(f"the content security policy was violated: {message.text}")


@pytest.fixture
def open_page(browser: Browser, live_server: "LiveServer") -> Iterator[OpenPage]:
    """Return a function that opens a blank page of a given size. Paths are relative to the test server."""
    guard = PageGuard(live_server.url)
    contexts = []

    def open_page(size: ViewportSize) -> Page:
        context = browser.new_context(viewport=size, base_url=live_server.url, accept_downloads=True, locale="en-US")
        context.set_default_timeout(PATIENCE)
        context.on("page", guard.watch)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert guard.faults == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page on a desktop, 1280 px wide."""
    return open_page(DESKTOP)


@pytest.fixture
def phone(open_page: OpenPage) -> Page:
    """A page on a phone, 390 px wide."""
    return open_page(PHONE)


@pytest.fixture
def sign_in(live_server: "LiveServer") -> SignIn:
    """Return a function that signs a user in without the sign-in form.

    The browser also gets the CSRF cookie that the form sets. Without the cookie, two simultaneous requests would get
    different CSRF tokens.
    """

    def sign_in(page: Page, user: "User") -> None:
        client = Client()
        client.get(reverse("account_login"))
        client.force_login(user)
        page.context.add_cookies(
            [
                {"name": name, "value": client.cookies[name].value, "url": live_server.url}
                for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
            ]
        )

    return sign_in


@pytest.fixture
def on_wednesday() -> Iterator[None]:
    with time_machine.travel(at("12:30", WEDNESDAY), tick=True):
        yield


@pytest.fixture
def on_thursday() -> Iterator[None]:
    with time_machine.travel(THURSDAY_NOON, tick=True):
        yield
