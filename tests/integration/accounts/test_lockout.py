"""Strangers' wrong guesses lock out strangers. The account's owner can still sign in on a device used before."""

from collections.abc import Iterator

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.permissions import Role
from accounts.services.known_devices import COOKIE, MOST_PEOPLE, Device, read_device, remember_person
from iopmanager.settings import CACHES_IN_DATABASE
from tests.factories import PASSWORD, make_site, make_staff

pytestmark = pytest.mark.django_db

GUESSES_ALLOWED = 5


@pytest.fixture(autouse=True)
def production_caches(settings: Settings) -> Iterator[None]:
    """Count guesses in the database, as in production, and start from zero."""
    settings.CACHES = CACHES_IN_DATABASE
    call_command("createcachetable")
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def coordinator() -> User:
    return make_staff(Role.COORDINATOR, make_site())


def try_to_sign_in(client: Client, email: str, password: str, address: str = "127.0.0.1") -> bool:
    """Return whether the password was accepted."""
    answer = client.post(reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR=address)
    return answer.status_code == 302


def device_of(user: User) -> Client:
    """Return a browser in which the user has signed in and out."""
    client = Client()
    assert try_to_sign_in(client, user.email, PASSWORD)
    client.post(reverse("account_logout"))
    return client


@pytest.mark.parametrize("same_address", [True, False])
def test_a_hundred_wrong_guesses_of_strangers_do_not_lock_out_a_known_device(
    coordinator: User, same_address: bool
) -> None:
    known = device_of(coordinator)
    for number in range(100):
        address = "127.0.0.1" if same_address else f"10.0.{number}.1"
        assert not try_to_sign_in(Client(), coordinator.email, "wrong", address)
    assert not try_to_sign_in(Client(), coordinator.email, PASSWORD, "10.9.9.9")
    assert try_to_sign_in(known, coordinator.email.upper(), PASSWORD)


def test_a_new_password_lets_a_person_in_at_a_new_device_while_strangers_guess(coordinator: User) -> None:
    new, password = Client(), "harbor lights at dusk"
    link = [user_pk_to_url_str(coordinator), default_token_generator.make_token(coordinator)]
    page = new.get(reverse("account_reset_password_from_key", args=link), follow=True)
    saved = new.post(page.request["PATH_INFO"], {"password1": password, "password2": password})
    assert saved.status_code == 302
    for number in range(GUESSES_ALLOWED):
        assert not try_to_sign_in(Client(), coordinator.email, "wrong", f"10.0.{number}.1")
    assert not try_to_sign_in(Client(), coordinator.email, password, "10.9.9.9")
    assert try_to_sign_in(new, coordinator.email, password)


def test_guesses_on_a_known_device_are_limited_too(coordinator: User) -> None:
    known, other = device_of(coordinator), device_of(coordinator)
    for _ in range(GUESSES_ALLOWED):
        assert not try_to_sign_in(known, coordinator.email, "wrong")
    assert not try_to_sign_in(known, coordinator.email, PASSWORD)
    assert (
        "Too many tries"
        in known.post(reverse("account_login"), {"login": coordinator.email, "password": PASSWORD}).text
    )
    assert try_to_sign_in(other, coordinator.email, PASSWORD)


def test_a_device_is_known_only_for_the_people_who_have_signed_in_on_it(coordinator: User) -> None:
    own = device_of(make_staff(Role.REVIEWER, make_site()))
    for number in range(GUESSES_ALLOWED):
        assert not try_to_sign_in(Client(), coordinator.email, "wrong", f"10.0.{number}.1")
    assert not try_to_sign_in(own, coordinator.email, PASSWORD, "10.9.9.9")


def test_a_forged_cookie_does_not_make_a_device_known(coordinator: User) -> None:
    forged = Client()
    forged.cookies[COOKIE] = device_of(coordinator).cookies[COOKIE].value[:-1] + "?"
    for number in range(GUESSES_ALLOWED):
        assert not try_to_sign_in(Client(), coordinator.email, "wrong", f"10.0.{number}.1")
    assert not try_to_sign_in(forged, coordinator.email, PASSWORD, "10.9.9.9")


def test_the_cookie_names_nobody_and_no_script_can_read_it(coordinator: User) -> None:
    cookie = device_of(coordinator).cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["max-age"] == 365 * 24 * 60 * 60
    device = read_device(cookie.value)
    assert device is not None
    assert not any(coordinator.email in part for part in (cookie.value, device.id, *device.people))


def test_a_failed_sign_in_gives_no_cookie(client: Client, coordinator: User) -> None:
    assert not try_to_sign_in(client, coordinator.email, "wrong")
    assert COOKIE not in client.cookies


def test_a_shared_device_knows_the_last_people_who_signed_in() -> None:
    device: Device | None = None
    for number in range(MOST_PEOPLE + 1):
        device = read_device(remember_person(device, f"{number}@clinic.example"))
    assert device is not None
    assert not device.knows("0@clinic.example")
    assert device.knows("1@clinic.example")
    device = read_device(remember_person(device, "1@clinic.example"))
    assert device is not None
    assert (device.knows("2@clinic.example"), len(device.people)) == (True, MOST_PEOPLE)


def test_an_address_that_sends_too_many_requests_gets_a_page_that_says_so() -> None:
    for _ in range(30):
        Client().post(reverse("account_login"), {"login": "a@b.example", "password": "wrong"})
    answer = Client().post(reverse("account_login"), {"login": "a@b.example", "password": "wrong"})
    assert answer.status_code == 429
    assert "Wait 5 minutes, then try again." in answer.text
