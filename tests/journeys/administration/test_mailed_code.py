"""A patient who has forgotten the password signs in on a phone with a code from a mail, and sees the week."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.factories import make_patient, make_patient_user, make_site
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import follow
from tests.mailed_codes import code_in_mail, wrong

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def no_earlier_tries() -> None:
    cache.clear()


def test_a_patient_signs_in_on_a_phone_with_a_code(phone: Page) -> None:
    user = make_patient_user(make_patient(make_site()))
    phone.goto(reverse("portal-week"))
    follow(phone.get_by_role("link", name="Send me a code by email"))
    expect(phone.get_by_role("heading", name="Sign in with a code")).to_be_visible()
    assert_accessible(phone)
    phone.get_by_label("Email").fill(user.email)
    follow(phone.get_by_role("button", name="Send code"))
    expect(phone.get_by_role("heading", name="Check your email")).to_be_visible()
    assert_accessible(phone)
    phone.get_by_label("Code").fill(wrong(code_in_mail()))
    follow(phone.get_by_role("button", name="Sign in", exact=True))
    expect(phone.get_by_text("This code is not right.").first).to_be_visible()
    assert_accessible(phone)
    follow(phone.get_by_role("button", name="Send a new code"))
    phone.get_by_label("Code").fill(code_in_mail())
    follow(phone.get_by_role("button", name="Sign in", exact=True))
    assert phone.url.endswith(reverse("portal-week"))
    expect(phone.get_by_role("heading", level=1)).to_have_text("This week")


def test_it_works_without_scripts_and_in_spanish(browser: Browser, live_server: LiveServer) -> None:
    user = make_patient_user(make_patient(make_site(), language="Spanish"))
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, locale="es-US")
    page = context.new_page()
    page.goto(reverse("account_login"))
    page.get_by_role("link", name="Recibir un código por correo electrónico").click()
    page.locator("[name=email]").fill(user.email)
    page.get_by_role("button", name="Enviar código", exact=True).click()
    expect(page.get_by_role("button", name="Enviar un código nuevo")).to_be_visible()
    page.locator("[name=code]").fill(code_in_mail())
    page.get_by_role("button", name="Iniciar sesión", exact=True).click()
    page.wait_for_url(f"**{reverse('portal-home')}")
    assert page.locator("html").get_attribute("lang") == "es"
    context.close()
