"""An administrator finds out who is signed in, signs a colleague out everywhere, and is told when somebody else was faster."""

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from tests.factories import make_patient, make_patient_user, make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.conftest import DESKTOP, OpenPage
from tests.journeys.steps import SignIn, follow

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def no_earlier_tries() -> None:
    cache.clear()


def test_an_administrator_signs_a_colleague_out_everywhere(page: Page, open_page: OpenPage, sign_in: SignIn) -> None:
    site = make_site("Harbor Street")
    ada = make_staff(Role.COORDINATOR, site, "Ada Park")
    make_patient_user(make_patient(site, "Rosa", "Lindqvist"))
    other = open_page(DESKTOP)
    sign_in(other, ada)
    other.goto(reverse("tracks"))
    sign_in(page, make_staff(Role.ADMINISTRATOR, site, "Edda Holm"))
    page.goto(reverse("administration"))
    follow(page.get_by_role("link", name="Sign-ins"))
    expect(page.get_by_text("3 accounts")).to_be_visible()
    expect(page.get_by_role("link", name="A patient")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Name or email").fill("park")
    page.get_by_label("Who", exact=True).select_option("staff")
    follow(page.get_by_role("button", name="Show"))
    expect(page.get_by_role("search").get_by_role("status")).to_contain_text("1 account")
    expect(page.get_by_label("Name or email")).to_have_value("park")
    follow(page.get_by_role("link", name="Ada Park"))
    assert_accessible(page)
    page.get_by_role("button", name="End all sign-ins").click()
    follow(page.get_by_role("dialog").get_by_role("button", name="End all sign-ins"))
    expect(page.get_by_text("Signed out on 1 device.")).to_be_visible()
    assert_accessible(page)
    other.reload()
    expect(other.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_the_later_of_two_administrators_is_told_and_loses_nothing(
    page: Page, open_page: OpenPage, sign_in: SignIn
) -> None:
    site = make_site("Harbor Street")
    other = open_page(DESKTOP)
    for each, name in ((page, "Edda Holm"), (other, "Bo Reyes")):
        sign_in(each, make_staff(Role.ADMINISTRATOR, site, name))
        each.goto(reverse("site-edit", args=[site.pk]))
    other.get_by_label("Phone").fill("(207) 555-0100")
    follow(other.get_by_role("button", name="Save site"))
    page.get_by_label("Address").fill("4 Harbor Street")
    follow(page.get_by_role("button", name="Save site"))
    expect(page.get_by_text("Somebody else changed this after you opened the page")).to_be_visible()
    expect(page.get_by_label("Address")).to_have_value("4 Harbor Street")
    assert_accessible(page)
    follow(page.get_by_role("button", name="Save site"))
    site.refresh_from_db()
    assert (site.address, site.phone) == ("4 Harbor Street", "")


def test_the_page_of_own_sign_ins_is_accessible(page: Page, phone: Page, sign_in: SignIn) -> None:
    site = make_site("Harbor Street")
    for each, user in (
        (page, make_staff(Role.COORDINATOR, site, "Ada Park")),
        (phone, make_patient_user(make_patient(site))),
    ):
        sign_in(each, user)
        sign_in(each, user)  # the earlier sign-in stays open, as on another device
        each.goto(reverse("account-sign-ins"))
        expect(each.get_by_text("This device")).to_be_visible()
        assert_accessible(each)
