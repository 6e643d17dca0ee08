"""In the demo clinic, every linked page is accessible. The other journeys check fewer pages, but in more states."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from demo.load import load_demo
from demo.sign_ins import SIGN_INS
from iopmanager import clock
from tests.journeys.accessibility.checks import find_faults
from tests.journeys.accessibility.keyboard import find_covered_stops
from tests.journeys.conftest import DESKTOP, OpenPage
from tests.journeys.steps import SignIn, settle
from tests.shots.walk import pages_of

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

WEDNESDAY_NOON = datetime(2026, 11, 25, 17, tzinfo=UTC)


@pytest.mark.usefixtures("sqlite_only")
def test_every_page_of_every_role_is_accessible(
    open_page: OpenPage, live_server: LiveServer, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To save time, each page is checked only for the first role that can open it."""
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY_NOON)
    load_demo(now=WEDNESDAY_NOON, say=lambda words: None)
    checked: set[str] = set()
    faults: list[str] = []
    for role in SIGN_INS:
        page: Page = open_page(DESKTOP)
        sign_in(page, User.objects.get(email=role.email))
        for name, path in pages_of(page, live_server.url).items():
            if name in checked:
                continue
            page.goto(path)
            settle(page)
            faults += [f"{path}: {fault}" for fault in find_covered_stops(page) + find_faults(page)]
            checked.add(name)
    assert faults == [], "\n".join(faults)
    assert {"patient", "find-schedule", "session", "board", "nightly-work", "portal-home"} <= checked
