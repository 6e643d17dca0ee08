"""Nothing on a page moves when scripts arrive after the page was shown, as on a slow connection."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from tests.clinic import Clinic, make_clinic
from tests.factories import make_patient_user
from tests.journeys.steps import SignIn, settle

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_wednesday")]

LATE = re.compile(r"/static/(js/(?!early)|vendor/|django_htmx/).*\.js")
COUNT_MOVES = """
window.moved = 0;
new PerformanceObserver((list) => list.getEntries().forEach((each) => { window.moved += each.value; }))
  .observe({ type: "layout-shift", buffered: true });
"""
SHOWN = """new Promise((done) => new PerformanceObserver((_list, observer) => { observer.disconnect(); done(); })
  .observe({ type: "paint", buffered: true }))"""
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


def moves_when_scripts_are_late(page: Page, address: str, last: str) -> float:
    """Open the page, hold its scripts back until it is shown, and return its cumulative layout shift."""
    held: list[Route] = []
    page.add_init_script(COUNT_MOVES)
    page.route(LATE, lambda route: held.append(route))
    page.goto(address, wait_until="commit")
    page.evaluate(SHOWN)
    page.evaluate(TWO_FRAMES)
    assert held
    for route in held:
        route.continue_()
    settle(page)
    expect(page.locator(last)).to_be_visible()
    page.evaluate(TWO_FRAMES)
    moved: float = page.evaluate("window.moved")
    return moved


def test_the_note_about_the_time_zone_moves_nothing(phone: Page, sign_in: SignIn, clinic: Clinic) -> None:
    sign_in(phone, make_patient_user(clinic.admit("Rosa").patient))
    assert moves_when_scripts_are_late(phone, reverse("portal-home"), ".zone-note") < 0.001


def test_the_grid_for_a_week_moves_nothing(phone: Page, sign_in: SignIn, clinic: Clinic) -> None:
    sign_in(phone, make_patient_user(clinic.admit("Rosa").patient))
    assert moves_when_scripts_are_late(phone, reverse("portal-commitment-week"), ".life-table") < 0.001


def test_the_calendar_of_the_board_moves_nothing(page: Page, sign_in: SignIn, clinic: Clinic) -> None:
    clinic.admit("Rosa")
    sign_in(page, clinic.coordinator)
    assert moves_when_scripts_are_late(page, reverse("board"), "#board [data-session] >> nth=0") < 0.001
