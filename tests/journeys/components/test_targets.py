"""Sizes of links and buttons: 44 px on a phone and on a tablet, and 24 px with a mouse."""

import re
from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.clinic import Clinic, booking_of, make_clinic
from tests.factories import make_commitment, make_patient_user
from tests.journeys.conftest import OpenPage
from tests.journeys.steps import SignIn, assert_names_are_well_spaced, assert_no_sideways_scrolling, settle

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_thursday")]

TOO_SMALL = """least => [...document.querySelectorAll("a[href], button, summary, select, input:not([type=hidden])")]
  .filter(each => each.checkVisibility() && !each.closest(".visually-hidden, .skip-link"))
  .filter(each => !(each.tagName === "A" && getComputedStyle(each).display === "inline"))  // in a sentence
  .map(each => [each, each.matches("[type=checkbox], [type=radio]") && each.labels[0] || each])
  .map(([each, target]) => ({each, area: target.getBoundingClientRect()}))
  .filter(({area}) => area.width > 1 && area.height > 1 && area.height < least - 0.5)
  .map(({each, area}) => `${(each.innerText || each.name || each.tagName).trim()}: ${Math.round(area.height)} px`)"""


@pytest.fixture
def clinic() -> Clinic:
    clinic = make_clinic()
    rosa = clinic.admit("Rosa")
    make_commitment(rosa.patient, [0], "14:00", "16:00", label="Work")
    clinic.mark(booking_of(rosa), "no_show")
    return clinic


@pytest.fixture
def tablet(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page on a tablet, 768 px wide, that is operated with fingers."""
    context = browser.new_context(
        viewport={"width": 768, "height": 1024}, base_url=live_server.url, locale="en-US", has_touch=True
    )
    yield context.new_page()
    context.close()


def assert_large(page: Page, path: str, least: int) -> None:
    page.goto(path)
    settle(page)
    page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
    assert page.evaluate(TOO_SMALL, least) == [], path
    assert_names_are_well_spaced(page)


def edges(page: Page, selector: str) -> list[tuple[float, float]]:
    """Return the left and the right edge of each element that matches, in pixels."""
    rectangles = page.locator(selector).evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")
    return [(rectangle["left"], rectangle["right"]) for rectangle in rectangles]


def staff_pages(clinic: Clinic) -> list[str]:
    [patient] = clinic.site.patients.all()
    return [
        reverse("today"),
        reverse("patients"),
        reverse("patient", args=[patient.pk]),
        reverse("find-schedule", args=[patient.pk]),
        reverse("weeks"),
        reverse("session", args=[clinic.sessions[1].pk]),
    ]


def test_targets_are_large_enough_for_fingers_on_a_tablet(clinic: Clinic, tablet: Page, sign_in: SignIn) -> None:
    sign_in(tablet, clinic.leader)
    assert_large(tablet, reverse("session", args=[clinic.sessions[1].pk]), 44)
    sign_in(tablet, clinic.coordinator)
    for path in staff_pages(clinic):
        assert_large(tablet, path, 44)


def test_targets_are_large_enough_for_a_mouse(clinic: Clinic, page: Page, sign_in: SignIn) -> None:
    sign_in(page, clinic.coordinator)
    for path in staff_pages(clinic):
        assert_large(page, path, 24)


def test_targets_of_a_patient_are_large_enough(clinic: Clinic, phone: Page, sign_in: SignIn) -> None:
    [patient] = clinic.site.patients.all()
    sign_in(phone, make_patient_user(patient))
    for name in ("portal-home", "portal-week", "portal-calendar", "portal-account", "portal-commitments"):
        assert_large(phone, reverse(name), 44)


def test_the_bar_of_a_phone_has_one_line_per_name(clinic: Clinic, phone: Page, sign_in: SignIn) -> None:
    sign_in(phone, clinic.coordinator)
    for language in ("en", "es"):
        clinic.coordinator.language = language
        clinic.coordinator.save()
        phone.goto(reverse("today"))
        settle(phone)
        words = phone.locator(".rail a:visible span:visible")
        assert words.count() == 4
        assert [round(words.nth(number).bounding_box()["height"]) for number in range(4)] == [21] * 4  # type: ignore[index]


@pytest.mark.parametrize(("width", "number"), [(768, 3), (1000, 7)])
def test_the_days_of_the_board_do_not_run_into_each_other(
    clinic: Clinic, open_page: OpenPage, sign_in: SignIn, width: int, number: int
) -> None:
    page = open_page({"width": width, "height": 1024})
    sign_in(page, clinic.coordinator)
    page.goto(reverse("board") + "?view=week")
    settle(page)
    days = page.locator(".board-day")
    days.first.wait_for()
    texts = edges(page, ".board-day > span")
    columns = edges(page, "[role=columnheader]")
    assert days.count() == number
    for left, right in texts:
        assert any(start <= left and right <= end for start, end in columns)


def test_a_week_can_be_painted_on_a_narrow_phone(clinic: Clinic, open_page: OpenPage, sign_in: SignIn) -> None:
    [patient] = clinic.site.patients.all()
    narrow = open_page({"width": 320, "height": 640})
    sign_in(narrow, make_patient_user(patient))
    narrow.goto(reverse("portal-commitment-week"))
    settle(narrow)
    assert_no_sideways_scrolling(narrow)


def test_a_wrong_value_of_a_scenario_is_marked_and_described(clinic: Clinic, page: Page, sign_in: SignIn) -> None:
    [patient] = clinic.site.patients.all()
    sign_in(page, clinic.coordinator)
    page.goto(reverse("find-schedule", args=[patient.pk]))
    settle(page)
    page.locator("details.what-if > summary").click()
    hours = page.locator("[name$=prescribed_minutes]")

    hours.fill("many")
    hours.press("Tab")
    expect(hours).to_have_attribute("aria-invalid", "true")
    expect(hours).to_have_accessible_description(re.compile("Hours a week"))

    hours.fill("9")
    hours.press("Tab")
    expect(hours).not_to_have_attribute("aria-invalid", "true")
