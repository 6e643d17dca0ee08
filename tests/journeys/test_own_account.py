"""Users sign in and choose the language and the clock of their pages, in a browser on a desktop and on a phone."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from tests.factories import make_patient, make_patient_user, make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_sign_in_page_is_accessible_on_a_desktop_and_on_a_phone(page: Page, phone: Page) -> None:
    make_staff(Role.CLINICIAN, make_site())
    for screen in (page, phone):
        screen.goto("/accounts/login/")
        expect(screen.get_by_label("Password")).to_be_visible()
        assert_accessible(screen)


def test_staff_choose_their_language_and_clock(page: Page, phone: Page, sign_in: SignIn) -> None:
    ada = make_staff(Role.CLINICIAN, make_site(), name="Ada Park")
    for screen in (page, phone):
        sign_in(screen, ada)
        screen.goto(reverse("tracks"))
        screen.locator("summary", has_text="Ada Park").click()
        follow(screen.get_by_role("link", name="Settings"))
        assert_accessible(screen)
    page.get_by_label("Español").check()
    page.get_by_label("24-hour (17:30)").check()
    follow(page.get_by_role("button", name="Save settings"))
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.get_by_text("Sus preferencias están guardadas.")).to_be_visible()
    expect(page.get_by_label("Español")).to_be_checked()
    assert_accessible(page)


def test_patients_choose_their_language_and_clock(phone: Page, sign_in: SignIn) -> None:
    sign_in(phone, make_patient_user(make_patient(make_site())))
    phone.goto(reverse("portal-account"))
    assert_accessible(phone)
    phone.get_by_label("Español").check()
    phone.get_by_label("24-hour (17:30)").check()
    follow(phone.get_by_role("button", name="Save settings"))
    expect(phone.get_by_text("Sus preferencias están guardadas.")).to_be_visible()
    assert_accessible(phone)
