"""A new clinic: from an empty database to the first site."""

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect

from accounts.services.first_run import set_up_code
from tests.journeys.accessibility.checks import assert_accessible

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_first_administrator_sets_up_the_first_site(page: Page) -> None:
    cache.clear()
    page.goto("/")
    expect(page.get_by_role("heading", name="Set up iopmanager")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Set-up code").fill("wrong")
    page.get_by_label("Your name").fill("Imani Cole")
    page.get_by_label("Email").fill("imani@clinic.example")
    page.get_by_label("Password").fill("long enough for anybody")
    page.get_by_role("button", name="Create administrator").click()
    expect(page.get_by_text("This is not the set-up code.").first).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Set-up code").fill(set_up_code())
    page.get_by_role("button", name="Create administrator").click()
    expect(page.get_by_role("heading", name="Getting started")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Add your first site").click()
    page.get_by_label("Name of the site").fill("Harbor Street")
    page.get_by_label("Neutral name").fill("Appointment")
    page.get_by_label("Time zone").select_option(label="Central (Chicago)")
    page.get_by_label("Coordinator").check()
    assert_accessible(page)
    page.get_by_role("button", name="Add site").click()
    expect(page.get_by_text("Harbor Street is added.")).to_be_visible()
    expect(page.get_by_role("row", name="A coordinator who enrolls patients")).to_contain_text("Done")
    assert_accessible(page)
    page.get_by_role("link", name="Patients").first.click()
    expect(page.get_by_role("heading", name="Patients", level=1)).to_be_visible()
