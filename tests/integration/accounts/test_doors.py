"""One limiter counts the guesses on every page that accepts a password or a code."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.cache import cache
from django.core.management import call_command
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Invitation, User
from accounts.permissions import Role
from accounts.services.invitations import issue_invitation
from iopmanager import clock
from iopmanager.settings import CACHES_IN_DATABASE
from tests.every_page import make_pages, url_names
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff
from tests.mailed_codes import ask_for_code, code_in_mail, type_code
from tests.second_factor import app_code, set_up_app, set_up_recovery_codes, sign_in_now

pytestmark = pytest.mark.django_db

SECRET_FIELD = re.compile(
    r'<input[^>]*(type="password"|autocomplete="(one-time-code|current-password|new-password)")', re.IGNORECASE
)
ASKED_FOR_A_SECRET = {
    "account_login",
    "account_confirm_login_code",
    "account_change_password",
    "account_reset_password_from_key",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_authenticate",
    "mfa_reauthenticate",
    "set-up",
    "join",
}
"""URL names of the pages that accept a password or a code. This module has a test for each page."""
AFTER_A_FIRST_STEP = {"account_confirm_login_code", "mfa_authenticate"}
"""URL names of the pages that open only after the password, or after somebody has asked for a code by mail."""
ADDRESS_IS_SECRET = {"account_reset_password_from_key", "join", "feed"}
MOST_TRIES = 40


@pytest.fixture(autouse=True)
def production_caches(settings: Settings) -> Iterator[None]:
    """Count guesses in the database, as in production, and start from zero."""
    settings.CACHES = CACHES_IN_DATABASE
    call_command("createcachetable")
    cache.clear()
    yield
    cache.clear()


def tries_until_limited(send: Callable[[int], HttpResponseBase]) -> int:
    """Send wrong secrets until the page says that there were too many. Return how many the page checked."""
    for number in range(MOST_TRIES):
        answer = send(number)
        if re.search("Too many (tries|wrong codes)", str(getattr(answer, "text", ""))):
            return number
    pytest.fail(f"{MOST_TRIES} wrong secrets in a row were judged")


def _asks_for_a_secret(page: Any) -> bool:
    is_html = page.headers.get("Content-Type", "").startswith("text/html")
    return is_html and SECRET_FIELD.search(page.text) is not None


def test_no_other_page_asks_for_a_password_or_a_code() -> None:
    names = sorted(set(url_names()) - ADDRESS_IS_SECRET)
    asking = {"set-up"} if SECRET_FIELD.search(Client().get(reverse("set-up")).text) else set()
    pages = make_pages(names)
    users = [None, *(make_staff(role, pages.site) for role in Role), make_staff(Role.ADMINISTRATOR, None)]
    for user in [*users, make_patient_user(pages.patient)]:
        client = Client()
        if user is not None:
            sign_in_now(client, user)
            set_up_recovery_codes(user)
        asking |= {name for name in names if _asks_for_a_secret(client.get(pages.addresses[name]))}
    assert asking == ASKED_FOR_A_SECRET - ADDRESS_IS_SECRET - AFTER_A_FIRST_STEP


def test_the_sign_in_page_limits_wrong_passwords() -> None:
    user = make_staff(Role.COORDINATOR, make_site())
    form = {"login": user.email, "password": "wrong"}
    path = reverse("account_login")
    assert tries_until_limited(lambda number: Client().post(path, form, REMOTE_ADDR=f"10.0.{number}.1")) == 5


def test_codes_from_mails_are_limited_for_each_person() -> None:
    user = make_patient_user(make_patient(make_site()))
    clients = [Client(REMOTE_ADDR=f"10.0.{number}.1") for number in range(5)]
    for client in clients:
        ask_for_code(client, user.email)
    code = code_in_mail()
    assert tries_until_limited(lambda number: type_code(clients[number % 5], "12")) == 5
    assert "Too many tries" in type_code(clients[4], code).text


def test_one_address_cannot_type_codes_for_many_accounts() -> None:
    def guess(number: int) -> HttpResponseBase:
        client = Client()
        ask_for_code(client, f"{number}@a.example")
        return type_code(client, "12")

    assert tries_until_limited(guess) == 10


@pytest.mark.parametrize("email", ["rosa@a.example", "nobody@a.example"])
def test_asking_for_codes_is_limited_for_each_address(email: str) -> None:
    User.objects.filter(pk=make_patient_user(make_patient(make_site())).pk).update(email="rosa@a.example")
    assert tries_until_limited(lambda n: ask_for_code(Client(REMOTE_ADDR=f"10.0.{n}.1"), email)) == 5


def test_one_address_cannot_ask_for_codes_for_many_accounts() -> None:
    assert tries_until_limited(lambda number: ask_for_code(Client(), f"{number}@a.example")) == 30


def test_one_address_cannot_try_a_password_on_many_accounts() -> None:
    path = reverse("account_login")
    assert tries_until_limited(lambda n: Client().post(path, {"login": f"{n}@a.example", "password": PASSWORD})) == 10


@pytest.mark.parametrize(
    "make_user", [lambda: make_staff(Role.CLINICIAN, make_site()), lambda: make_patient_user(make_patient(make_site()))]
)
def test_changing_the_password_limits_guesses_at_the_current_one(client: Client, make_user: Callable[[], User]) -> None:
    client.force_login(make_user())
    form = {"oldpassword": "wrong", "password1": "another long password", "password2": "another long password"}
    assert tries_until_limited(lambda _: client.post(reverse("account_change_password"), form)) == 5


def test_the_code_after_the_password_is_limited_for_each_person() -> None:
    user = make_staff(Role.COORDINATOR, make_site())
    secret = set_up_app(user)
    clients = [Client(REMOTE_ADDR=f"10.0.{number}.1") for number in range(10)]
    for client in clients:
        client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    path = reverse("mfa_authenticate")
    assert tries_until_limited(lambda number: clients[number].post(path, {"code": "12"})) == 5
    assert "Too many tries" in clients[9].post(path, {"code": app_code(secret)}).text


def test_a_known_device_may_try_no_more_codes_than_other_devices(client: Client) -> None:
    user = make_staff(Role.COORDINATOR, make_site())
    secret = set_up_app(user)
    form = {"login": user.email, "password": PASSWORD}
    client.post(reverse("account_login"), form)
    client.post(reverse("mfa_authenticate"), {"code": app_code(secret)})
    client.post(reverse("account_logout"))
    client.post(reverse("account_login"), form)
    assert client.cookies["device"].value
    assert tries_until_limited(lambda _: client.post(reverse("mfa_authenticate"), {"code": "12"})) == 5


@pytest.mark.parametrize(("name", "field"), [("account_reauthenticate", "password"), ("mfa_reauthenticate", "code")])
def test_reauthentication_limits_guesses(client: Client, name: str, field: str) -> None:
    user = make_staff(Role.COORDINATOR, make_site())
    set_up_app(user)
    client.force_login(user)
    assert tries_until_limited(lambda _: client.post(reverse(name), {field: "12"})) == 5


def test_setting_up_an_app_limits_wrong_codes(client: Client) -> None:
    sign_in_now(client, make_staff(Role.COORDINATOR, make_site()))
    client.get(reverse("mfa_activate_totp"))
    assert tries_until_limited(lambda _: client.post(reverse("mfa_activate_totp"), {"code": "12"})) == 5


def test_the_first_administrators_page_limits_wrong_codes(client: Client) -> None:
    form = {"code": "AAAA-AAAA-AAAA-AAAA", "name": "Ann", "email": "a@a.example", "password": "a long new password"}
    assert tries_until_limited(lambda _: client.post(reverse("set-up"), form)) == 5


def test_invitation_links_limit_wrong_tokens(client: Client) -> None:
    make_site()
    assert tries_until_limited(lambda number: client.post(reverse("join", args=[f"{number:043}"]), {})) == 20


def test_an_invitation_link_limits_guesses_at_addresses_that_have_accounts(client: Client) -> None:
    coordinator = make_staff(Role.COORDINATOR, site := make_site())
    invitation = Invitation(patient=make_patient(site))
    path = reverse("join", args=[issue_invitation(invitation, by=coordinator, now=clock.now())])

    def ask(number: int) -> Any:
        form = {"email": coordinator.email, "password": "a long new password"}
        return client.post(path, form, REMOTE_ADDR=f"10.0.{number}.1")

    assert "Somebody else signs in with" in ask(0).text
    assert tries_until_limited(lambda number: ask(number + 1)) == 19
    assert coordinator.email in ask(MOST_TRIES).text, "what was typed is still in the form"


def test_password_links_limit_wrong_keys(client: Client) -> None:
    user = make_staff(Role.CLINICIAN, make_site())
    right = reverse(
        "account_reset_password_from_key", args=[user_pk_to_url_str(user), default_token_generator.make_token(user)]
    )
    page = client.get(right, follow=True)
    assert SECRET_FIELD.search(page.text)
    path = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(user), "abc-def"])
    assert tries_until_limited(lambda _: client.post(path, {"password1": PASSWORD})) == 20


def test_the_admin_accepts_no_password(client: Client) -> None:
    answer = client.post(reverse("admin:login"), {"username": "a", "password": "b"})
    assert answer.status_code == 302
