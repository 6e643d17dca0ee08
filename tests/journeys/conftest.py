"""A browser, pages of two sizes, and what holds on every page: nothing leaves for another host, nothing breaks the
content security policy, no script fails."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, sync_playwright

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

    from accounts.models import User

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
LOCAL_SCHEMES = {"data", "blob", "about"}
CHROMIUM_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]

OpenPage = Callable[[ViewportSize], Page]


def _find_chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    sentence = (
        "Chromium was not found, so no page was opened in a browser: install it (on Debian: apt-get install chromium)"
    )
    if os.environ.get("REQUIRE_CHROMIUM") == "1":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = _find_chromium()
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright's loop runs in the thread of the test, which Django would take for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=executable, args=[*CHROMIUM_FLAGS, *as_root])
        yield chromium
        chromium.close()


class PageGuard:
    """Collects what no page may do."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.faults: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("request", self._see_request)
        page.on("console", self._see_console)
        page.on("pageerror", lambda error: self.faults.append(f"a script failed: {error}"))

    def _see_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in LOCAL_SCHEMES and address.netloc != self.host:
            self.faults.append(f"a request went to another host: {request.url}")

    def _see_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.faults.append(f"the content security policy was violated: {message.text}")


@pytest.fixture
def open_page(browser: Browser, live_server: "LiveServer") -> Iterator[OpenPage]:
    """Opens a page of a size, signed in as nobody; addresses begin with / and mean the server under test."""
    guard = PageGuard(live_server.url)
    contexts = []

    def open_page(size: ViewportSize) -> Page:
        context = browser.new_context(viewport=size, base_url=live_server.url, accept_downloads=True, locale="en-US")
        context.set_default_timeout(10_000)
        context.on("page", guard.watch)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert guard.faults == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page on a desk, 1280 px wide."""
    return open_page(DESKTOP)


@pytest.fixture
def phone(open_page: OpenPage) -> Page:
    """A page on a phone, 390 px wide."""
    return open_page(PHONE)


@pytest.fixture
def sign_in(live_server: "LiveServer") -> Callable[[Page, "User"], None]:
    """Signs a person in without the form, for the tests that are not about signing in."""

    def sign_in(page: Page, user: "User") -> None:
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": session.key, "value": session.value, "url": live_server.url}])

    return sign_in


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], None]:
    """Fails with axe's report when the page has an accessibility violation."""
    rules = Axe()

    def axe(page: Page) -> None:
        results: Any = rules.run(page)
        assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"

    return axe
