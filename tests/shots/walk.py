"""Find the pages that links lead to, and photograph pages in each width and in both colors."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Page, StorageState

WIDTHS = (390, 768, 1280)
COLORS = ("light", "dark")
BROWSER_LANGUAGES = {"en": "en-US", "es": "es-US"}
NOT_PAGES = ("/accounts/logout/", "/calendar/", "/static/", "/admin/")
FILES = (".pdf", ".ics", ".csv", ".txt")


class Camera:
    """Takes screenshots of pages of one server in one language, and collects the pages that are wider than the screen."""

    def __init__(self, browser: Browser, base: str, language: str, folder: Path) -> None:
        self.browser, self.base, self.language, self.folder = browser, base, language, folder
        self.too_wide: list[str] = []
        self.found: set[str] = set()

    def open_page(self, state: StorageState | None = None) -> Page:
        """Open a blank page in a new browser profile, with the cookies of `state`."""
        return self.browser.new_context(locale=BROWSER_LANGUAGES[self.language], storage_state=state).new_page()

    def take_pages(self, role: str, paths: Mapping[str, str], state: StorageState | None = None) -> None:
        """Photograph pages in all views. `paths` has one path for each name. `state` has the cookies of the sign-in."""
        print(f"{self.language}: {len(paths)} pages of the {role}", flush=True)
        page = self.open_page(state)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for name, path in paths.items():
                page.goto(self.base + path)
                page.wait_for_load_state("networkidle")
                self._take_colors(page, width, f"{role}-{name}")
        self.found |= set(paths)
        page.context.close()

    def take_open_page(self, role: str, name: str, page: Page) -> None:
        """Photograph a page that can't be loaded again, such as recovery codes, which are shown once."""
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            self._take_colors(page, width, f"{role}-{name}")
        self.found.add(name)

    def _take_colors(self, page: Page, width: int, name: str) -> None:
        needed: int = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            self.too_wide.append(f"{self.language}, {width} px: {name} is {needed} px wide")
        for colors in COLORS:
            page.emulate_media(color_scheme="dark" if colors == "dark" else "light")
            folder = self.folder / f"{self.language}-{colors}-{width}"
            page.screenshot(path=folder / f"{name}.png", full_page=True)


def url_name(path: str) -> str:
    """Return the URL name of a path, or an empty string if the path has no URL name or is not a page."""
    bare = urlsplit(path).path
    if bare.startswith(NOT_PAGES) or bare.endswith(FILES):
        return ""
    try:
        return resolve(bare).url_name or ""
    except Resolver404:
        return ""


def links_of(page: Page, base: str) -> Iterator[str]:
    hrefs: list[str] = page.eval_on_selector_all("a[href]:not([download])", "links => links.map(link => link.href)")
    return (href.removeprefix(base) for href in hrefs if href.startswith(base))


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


def sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/accounts/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_load_state("networkidle")


def choose_language(page: Page, base: str, paths: Mapping[str, str], language: str) -> None:
    """Save the language in the user's settings, because a patient's pages don't follow the browser's language."""
    settings = next((paths[name] for name in ("portal-account", "reader-settings") if name in paths), None)
    if settings is None:
        return
    page.goto(base + settings)
    page.check(f"[name=language][value={language}]")
    page.click("form:has([name=language]) button[type=submit]")
    page.wait_for_load_state("networkidle")
