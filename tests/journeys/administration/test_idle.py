"""A page warns before a sign-in ends, and is covered when it ends. After the same person signs in again, the page is back."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.permissions import Role
from bench.chromium import chromium_flags, chromium_path
from patients.models import Patient
from scheduling.models import Site
from tests.clinic import WEDNESDAY, at
from tests.factories import PASSWORD, make_delegate, make_patient, make_patient_user, make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.conftest import CHROMIUM_FLAGS, PATIENCE
from tests.journeys.steps import SignIn, settle

pytestmark = pytest.mark.django_db(transaction=True)

type PassTime = Callable[[Page, timedelta], None]


@pytest.fixture
def pass_time() -> Iterator[PassTime]:
    """Return a function that moves the clocks of the server and of the browser."""
    with time_machine.travel(at("12:30", WEDNESDAY), tick=True) as traveler:

        def pass_time(page: Page, by: timedelta) -> None:
            traveler.shift(by)
            page.context.clock.fast_forward(int(by.total_seconds() * 1000))

        yield pass_time


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def patient(site: Site) -> Patient:
    return make_patient(site, "Rosa", "Lindqvist")


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site, "Ada Park")


def open_form(page: Page, sign_in: SignIn, user: User, path: str, *, clock_is_off_by: timedelta = timedelta()) -> None:
    """Sign in and open the page. The browser's clock differs from the server's clock by `clock_is_off_by`."""
    page.context.clock.install(time=at("12:30", WEDNESDAY) + clock_is_off_by)
    sign_in(page, user)
    page.goto(path)
    settle(page)
    page.wait_for_function("document.head.querySelector('script[src*=signed_in]')")


def sign_in_in_new_tab(page: Page, user: User) -> Page:
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    tab = opened.value
    tab.get_by_label("Email").fill(user.email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    return tab


def warning(page: Page) -> Locator:
    return page.get_by_role("alertdialog", name="Do you want to stay signed in?")


def test_a_half_filled_form_is_as_it_was_after_signing_in_again(
    page: Page, sign_in: SignIn, pass_time: PassTime, coordinator: User, patient: Patient
) -> None:
    open_form(page, sign_in, coordinator, f"/patients/{patient.pk}/places/new/")
    page.locator("#id_name").fill("Bakery")
    pass_time(page, timedelta(minutes=16))
    expect(page.get_by_role("heading", name="You are signed out")).to_be_focused()
    assert "Rosa" not in page.content()
    assert "Bakery" not in page.content()
    assert page.title() == "Signed out"
    assert_accessible(page)
    tab = sign_in_in_new_tab(page, coordinator)
    expect(tab.get_by_role("heading", name="You are signed in again")).to_be_visible()
    assert_accessible(tab)
    expect(page.locator("#id_name")).to_have_value("Bakery")
    expect(page.locator("#id_name")).to_be_focused()
    page.get_by_role("button", name="Add place").click()
    expect(page.get_by_text("Bakery").first).to_be_visible()
    assert patient.places.get().name == "Bakery"


def test_a_patients_form_is_as_it_was_too(phone: Page, sign_in: SignIn, pass_time: PassTime, patient: Patient) -> None:
    user = make_patient_user(patient)
    open_form(phone, sign_in, user, "/me/life/new/")
    what = phone.locator("input[name=label]")
    what.fill("Night shift")
    pass_time(phone, timedelta(minutes=31))
    expect(phone.get_by_role("heading", name="You are signed out")).to_be_focused()
    tab = sign_in_in_new_tab(phone, user)
    expect(tab.get_by_role("heading", name="You are signed in again")).to_be_visible()
    expect(what).to_have_value("Night shift")


def test_a_delegates_page_warns_and_is_covered_too(
    phone: Page, sign_in: SignIn, pass_time: PassTime, patient: Patient, coordinator: User
) -> None:
    Site.objects.update(allows_delegates=True)
    mother = make_delegate(patient, "Maja Berg", by=coordinator)
    open_form(phone, sign_in, mother, f"/shared/{patient.pk}/")
    expect(phone.get_by_role("heading", name="Schedule of Rosa")).to_be_visible()
    pass_time(phone, timedelta(minutes=28, seconds=5))
    expect(warning(phone)).to_be_visible()
    assert_accessible(phone)
    pass_time(phone, timedelta(minutes=2))
    expect(phone.get_by_role("heading", name="You are signed out")).to_be_focused()
    assert "Rosa" not in phone.content()
    assert_accessible(phone)
    sign_in_in_new_tab(phone, mother)
    expect(phone.get_by_role("heading", name="Schedule of Rosa")).to_be_visible()


def test_the_warning_can_be_answered_by_keyboard(
    page: Page, sign_in: SignIn, pass_time: PassTime, coordinator: User, patient: Patient
) -> None:
    open_form(page, sign_in, coordinator, f"/patients/{patient.pk}/places/new/")
    page.locator("#id_name").fill("Bakery")
    pass_time(page, timedelta(minutes=13, seconds=5))
    expect(warning(page)).to_be_visible()
    expect(page.get_by_text("You will be signed out in 2 minutes.")).to_be_visible()
    expect(page.get_by_role("button", name="Stay signed in")).to_be_focused()
    assert_accessible(page)
    pass_time(page, timedelta(minutes=1))
    expect(page.get_by_text("You will be signed out in 1 minute.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(warning(page)).to_have_count(0)
    expect(page.locator("#id_name")).to_be_focused()
    pass_time(page, timedelta(minutes=12))
    expect(page.locator("#id_name")).to_have_value("Bakery")
    expect(warning(page)).to_have_count(0)


def test_typing_keeps_a_person_signed_in(
    page: Page, sign_in: SignIn, pass_time: PassTime, coordinator: User, patient: Patient
) -> None:
    open_form(page, sign_in, coordinator, f"/patients/{patient.pk}/places/new/")
    name = page.locator("#id_name")
    for _ in range(4):
        pass_time(page, timedelta(minutes=8))
        with page.expect_response(re.compile("active=yes")):
            name.press_sequentially("a")
    expect(warning(page)).to_have_count(0)
    page.get_by_role("button", name="Add place").click()
    expect(page.get_by_text("aaaa").first).to_be_visible()


def test_activity_in_another_tab_counts(
    page: Page, sign_in: SignIn, pass_time: PassTime, coordinator: User, patient: Patient
) -> None:
    open_form(page, sign_in, coordinator, f"/patients/{patient.pk}/places/new/")
    tab = page.context.new_page()
    pass_time(page, timedelta(minutes=11))
    tab.goto("/tracks/")
    settle(tab)
    with page.expect_response(re.compile("state")):
        pass_time(page, timedelta(minutes=4, seconds=5))
    expect(page.locator("#id_name")).to_be_visible()
    expect(warning(page)).to_have_count(0)


@pytest.mark.parametrize("days", [1, -1])
def test_a_wrong_clock_on_the_device_makes_no_difference(
    phone: Page, sign_in: SignIn, pass_time: PassTime, patient: Patient, days: int
) -> None:
    """The page has no connection, so it can't ask the server how much time is left."""
    open_form(phone, sign_in, make_patient_user(patient), "/me/life/new/", clock_is_off_by=timedelta(days=days))
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url))
    phone.context.set_offline(True)
    for _ in range(4):
        pass_time(phone, timedelta(minutes=6))
    expect(phone.locator("input[name=label]")).to_be_visible()
    assert asked == []
    pass_time(phone, timedelta(minutes=4, seconds=5))
    expect(warning(phone)).to_be_visible()
    expect(phone.get_by_text("You will be signed out in 2 minutes.")).to_be_visible()
    pass_time(phone, timedelta(minutes=2))
    expect(phone.get_by_role("heading", name="You are signed out")).to_be_focused()


def test_a_clock_that_is_set_while_the_page_is_open_prolongs_nothing(
    page: Page, sign_in: SignIn, pass_time: PassTime, coordinator: User, patient: Patient
) -> None:
    open_form(page, sign_in, coordinator, f"/patients/{patient.pk}/places/new/")
    page.context.clock.set_system_time(at("12:30", WEDNESDAY) - timedelta(days=1))
    pass_time(page, timedelta(minutes=16))
    expect(page.get_by_role("heading", name="You are signed out")).to_be_focused()


def test_another_person_sees_nothing_of_the_page(
    page: Page, sign_in: SignIn, pass_time: PassTime, coordinator: User, site: Site, patient: Patient
) -> None:
    open_form(page, sign_in, coordinator, f"/patients/{patient.pk}/places/new/")
    page.locator("#id_name").fill("Bakery")
    pass_time(page, timedelta(minutes=16))
    sign_in_in_new_tab(page, make_staff(Role.REVIEWER, site, "Rex Roe"))
    expect(page).to_have_url(re.compile("/today/"))
    assert "Bakery" not in page.content()
    assert "Ada Park" not in page.content()


def test_signing_out_in_another_tab_covers_the_page(
    page: Page, sign_in: SignIn, pass_time: PassTime, coordinator: User, patient: Patient
) -> None:
    open_form(page, sign_in, coordinator, f"/patients/{patient.pk}/places/new/")
    tab = page.context.new_page()
    tab.goto("/tracks/")
    settle(tab)
    tab.wait_for_function("document.head.querySelector('script[src*=signed_in]')")
    tab.get_by_text("Ada Park", exact=True).click()
    tab.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_back_shows_nothing_after_the_end_even_if_the_browser_keeps_pages(
    browser: Browser, live_server: LiveServer, sign_in: SignIn, pass_time: PassTime, coordinator: User, patient: Patient
) -> None:
    remembering = browser.browser_type.launch(
        executable_path=chromium_path(),
        args=[*CHROMIUM_FLAGS, *chromium_flags()],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    context = remembering.new_context(base_url=live_server.url, locale="en-US")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    open_form(page, sign_in, coordinator, "/today/")
    page.goto(f"/patients/{patient.pk}/")
    settle(page)
    pass_time(page, timedelta(minutes=16))
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.evaluate("history.back()")
    expect(page.get_by_role("heading", name=re.compile("Sign in|You are signed out"))).to_be_visible()
    assert "Rosa" not in page.content()
    assert "Ada Park" not in page.content()
    remembering.close()
