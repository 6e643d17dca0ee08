"""A page is open for a while. Before a sensitive act, the person confirms who they are, and goes on where they were."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from tests.factories import PASSWORD, make_patient, make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, plug_in_authenticator, settle

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def time() -> Iterator[time_machine.Traveller]:
    cache.clear()
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield traveller


def work_elsewhere(page: Page, time: time_machine.Traveller) -> None:
    """Let 16 minutes pass in which the person works in another tab, so that the sign-in doesn't end."""
    tab = page.context.new_page()
    for _ in range(2):
        time.shift(timedelta(minutes=8))
        tab.goto(reverse("tracks"))
        settle(tab)
    tab.close()


def roles_of(user: User) -> set[str]:
    return set(RoleAssignment.objects.filter(user=user).values_list("role", flat=True))


def test_roles_are_saved_after_a_confirmation_and_one_more_click(
    page: Page, sign_in: SignIn, time: time_machine.Traveller
) -> None:
    site = make_site(name="Harbor Street")
    make_staff(Role.COORDINATOR, site)
    clinician = make_staff(Role.CLINICIAN, site, "Ben Ito")
    sign_in(page, make_staff(Role.ADMINISTRATOR, site))
    page.goto(reverse("staff-member", args=[clinician.pk]))
    settle(page)
    page.get_by_label("Reviewer").check()
    work_elsewhere(page, time)
    follow(page.get_by_role("button", name="Save roles"))
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    expect(page.get_by_text("What you entered is not lost.")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Password").fill("not this one")
    follow(page.get_by_role("button", name="Confirm"))
    expect(page.get_by_text("This is not your current password.").first).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Password").fill(PASSWORD)
    follow(page.get_by_role("button", name="Confirm"))
    note = page.get_by_role("alert").filter(has_text="We asked who you are before this was saved.")
    expect(note).to_be_focused()
    expect(page.get_by_label("Reviewer")).to_be_checked()
    assert_accessible(page)
    assert roles_of(clinician) == {"clinician"}
    follow(page.get_by_role("button", name="Save roles"))
    assert roles_of(clinician) == {"clinician", "reviewer"}


def test_a_coordinator_without_a_password_confirms_with_the_passkey(
    phone: Page, sign_in: SignIn, time: time_machine.Traveller
) -> None:
    site = make_site(name="Harbor Street")
    patient = make_patient(site, first_name="Rosa")
    sign_in(phone, make_staff(Role.COORDINATOR, site))
    phone.goto(reverse("mfa_add_webauthn"))
    settle(phone)
    plug_in_authenticator(phone)
    follow(phone.get_by_role("button", name="Add passkey"))
    expect(phone.get_by_role("heading", name="Recovery codes")).to_be_visible()
    phone.context.clear_cookies()
    phone.goto(reverse("account_login"))
    settle(phone)
    phone.get_by_role("button", name="Sign in with a passkey").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Today")
    work_elsewhere(phone, time)
    phone.bring_to_front()
    phone.goto(reverse("portal-access", args=[patient.pk]))
    expect(phone).to_have_url(re.compile(reverse("mfa_reauthenticate_webauthn")))
    settle(phone)
    phone.get_by_role("button", name="Use passkey").click()
    expect(phone).to_have_url(re.compile(reverse("portal-access", args=[patient.pk])))
    expect(phone.get_by_role("button", name="Print sheet")).to_be_visible()
