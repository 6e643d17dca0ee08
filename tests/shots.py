"""Take a screenshot of every page that can be reached by links, for each role: `make shots`.

The pages are those of a temporary demo clinic. If pages differ only in the row that they show, there is
a screenshot of one of them. Screenshots are written to var/shots/<language>-<colors>-<width>/<role>-<page>.png. Two
lists are printed: pages that are wider than the screen, and URL names to which no link leads.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import django
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Page, sync_playwright

from bench.chromium import NOT_FOUND, chromium_flags, chromium_path
from bench.demo_server import demo_server
from tests.paths import PROJECT

WIDTHS = (390, 768, 1280)
COLORS = ("light", "dark")
LANGUAGES = ("en", "es")
SHOTS = PROJECT / "var" / "shots"
NOT_PAGES = ("/accounts/logout/", "/calendar/", "/static/", "/admin/")
FILES = (".pdf", ".ics", ".csv", ".txt")


@dataclass(frozen=True)
class View:
    """How a page is viewed: its language, colors and width."""

    language: str
    colors: str
    width: int

    @property
    def folder(self) -> str:
        return f"{self.language}-{self.colors}-{self.width}"


def url_name(path: str) -> str:
    """Return the URL name of a path, or an empty string if the path has no URL name or is not a page."""
    bare = urlsplit(path).path
    if bare.startswith(NOT_PAGES) or bare.endswith(FILES):
        return ""
    try:
        return resolve(bare).url_name or ""
    except Resolver404:
        return ""


def links_of(page: Page, base: str) -> list[str]:
    hrefs: list[str] = page.eval_on_selector_all("a[href]:not([download])", "links => links.map(link => link.href)")
    return [href.removeprefix(base) for href in hrefs if href.startswith(base)]


def sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/accounts/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_load_state("networkidle")


def choose_language(page: Page, base: str, paths: dict[str, str], language: str) -> None:
    """Save the language in the user's settings, because a patient's pages don't follow the browser's language."""
    settings = next(paths[name] for name in ("portal-account", "reader-settings") if name in paths)
    page.goto(base + settings)
    page.check(f"[name=language][value={language}]")
    page.click("form:has([name=language]) button[type=submit]")
    page.wait_for_load_state("networkidle")


def pages_of(page: Page, base: str) -> dict[str, str]:
    """Follow links from the home page, and return one path for each URL name that is found."""
    found: dict[str, str] = {}
    paths = ["/"]
    while paths:
        path = paths.pop(0)
        name = url_name(path)
        if not name or name in found:
            continue
        found[name] = path
        response = page.goto(base + path)
        if response is not None and "text/html" in response.headers.get("content-type", ""):
            paths += links_of(page, base)
        else:
            del found[name]
    return found


def take_shots(browser: Browser, base: str) -> Iterator[str]:
    """Take all screenshots. Yield a sentence about each page that is wider than the screen."""
    from demo.sign_ins import SIGN_INS  # imported here because the module needs Django's settings

    done: set[str] = set()
    for sign_in_of in SIGN_INS:
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        sign_in(page, base, sign_in_of.email, sign_in_of.password)
        paths = pages_of(page, base)
        print(f"{sign_in_of.role}: {len(paths)} pages", flush=True)
        state = context.storage_state()
        context.close()
        views = [View(language, colors, width) for language in LANGUAGES for colors in COLORS for width in WIDTHS]
        for view in views:
            is_plain = view.language == LANGUAGES[0] and view.colors == COLORS[0]
            wanted = {name: path for name, path in paths.items() if is_plain or name not in done}
            yield from _shots_of_view(browser, base, view, sign_in_of.role, wanted, state, settings=paths)
        done |= set(paths)


def _shots_of_view(
    browser: Browser,
    base: str,
    view: View,
    role: str,
    paths: dict[str, str],
    state: object,
    *,
    settings: dict[str, str],
) -> Iterator[str]:
    folder = SHOTS / view.folder
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(
        viewport={"width": view.width, "height": 900},
        color_scheme="dark" if view.colors == "dark" else "light",
        locale="es-US" if view.language == "es" else "en-US",
        storage_state=state,  # type: ignore[arg-type]  # what storage_state() returned
    )
    page = context.new_page()
    choose_language(page, base, settings, view.language)
    for name, path in paths.items():
        page.goto(base + path)
        page.wait_for_load_state("networkidle")
        width: int = page.evaluate("document.documentElement.scrollWidth")
        if width > view.width:
            yield f"{view.folder}: {role}'s page {name} is {width} px wide"
        page.screenshot(path=folder / f"{role}-{name}.png", full_page=True)
    context.close()


def main() -> None:
    chromium = chromium_path() or sys.exit(NOT_FOUND)
    shutil.rmtree(SHOTS, ignore_errors=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
    django.setup()
    with demo_server() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=chromium_flags())
        for sentence in take_shots(browser, base):
            print(sentence, flush=True)
        browser.close()
    print(f"The screenshots are in {SHOTS.relative_to(PROJECT)}/.")


if __name__ == "__main__":
    main()
