"""Steps that the browser tests share, such as following a link and waiting until the new page has settled."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from accounts.models import User

type SignIn = Callable[[Page, User], None]

# htmx puts these classes on elements from the start of a request until the response is in the page. A part that the page
# loads separately has the attribute `data-load` until the part is there.
AT_WORK = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added, .js [data-load]"


def settle(page: Page) -> None:
    """Wait until the page and its scripts have loaded, its heading is there, and no part is being loaded."""
    page.wait_for_load_state("load")
    expect(page.locator("h1").first).to_be_attached()
    expect(page.locator(AT_WORK)).to_have_count(0)


def follow(control: Locator) -> None:
    """Click a link or a button that opens another page, and wait until that page has settled.

    A plain click may return before the new page has replaced the old page. The test's next step would then act on the
    old page, or on a new page that has no body yet.
    """
    settle(control.page)
    with control.page.expect_navigation():
        control.click()
    settle(control.page)


def unbroken(text: str) -> str:
    """Return a text as pages write it, with word joiners around the dash of a range."""
    return text.replace("–", "\N{WORD JOINER}–\N{WORD JOINER}")


def plug_in_authenticator(page: Page) -> None:
    """Give the browser a passkey store that answers every request for a passkey.

    The store answers only while the page has focus. `assert_accessible` takes the focus away, so call it first.
    """
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def find_badly_spaced_names(page: Page) -> list[str]:
    """Return the names that screen readers read with a space before punctuation, such as "Open : Group"."""
    names = re.findall(r'"([^"]*)"', page.locator("body").aria_snapshot())
    return [name for name in names if re.search(r"\s[:;,.](?!\w)", name)]


def assert_names_are_well_spaced(page: Page) -> None:
    assert find_badly_spaced_names(page) == [], page.url


def assert_no_sideways_scrolling(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
