"""Take all screenshots in one language, with a demo clinic and an empty clinic of their own."""

import os
import sys
import tempfile

import django
from playwright.sync_api import sync_playwright

from bench.chromium import NOT_FOUND, chromium_flags, chromium_path
from bench.demo_server import demo_server
from tests.paths import PROJECT

SHOTS = PROJECT / "var" / "shots"


def take_language(language: str) -> tuple[list[str], set[str]]:
    """Take all screenshots in one language. Return a sentence for each page that is too wide, and the names of all pages."""
    chromium = chromium_path() or sys.exit(NOT_FOUND)
    with tempfile.TemporaryDirectory() as folder:
        # This process adds rows to the database of the demo server, such as invitations.
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/shots.sqlite3"
        # Playwright runs its event loop in this thread, where Django would refuse to query the database.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
        django.setup()
        from tests.shots import roles  # imported here because it needs Django's settings
        from tests.shots.walk import Camera

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=chromium_flags())
            with demo_server(EMPTY="1") as base:
                empty = Camera(browser, base, language, SHOTS)
                roles.take_first_user(empty)
            with demo_server(DATABASE_URL=os.environ["DATABASE_URL"]) as base:
                camera = Camera(browser, base, language, SHOTS)
                roles.add_delegate()
                roles.take_visitor(camera)
                roles.take_signed_in(camera)
            browser.close()
    return empty.too_wide + camera.too_wide, empty.found | camera.found
