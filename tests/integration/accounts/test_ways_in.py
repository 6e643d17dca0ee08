"""Every way to sign in limits password guesses. The count of guesses can't be pushed out of the cache."""

import pytest
from django.core.cache import cache, caches
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.permissions import Role
from iopmanager.settings import CACHES_IN_DATABASE
from tests.factories import PASSWORD, make_site, make_staff

pytestmark = pytest.mark.django_db

GUESSES_ALLOWED = 5
MANY_FEEDS = 400


@pytest.fixture
def coordinator() -> User:
    return make_staff(Role.COORDINATOR, make_site())


@pytest.fixture
def production_caches(settings: Settings) -> None:
    """Use caches like those of production, which are in the database."""
    settings.CACHES = CACHES_IN_DATABASE
    call_command("createcachetable")


def try_to_sign_in(client: Client, user: User, password: str) -> bool:
    """Return whether the password was accepted."""
    return client.post(reverse("account_login"), {"login": user.email, "password": password}).status_code == 302


@pytest.mark.usefixtures("production_caches")
def test_polling_feeds_do_not_make_the_count_of_wrong_passwords_start_again(client: Client, coordinator: User) -> None:
    for _ in range(GUESSES_ALLOWED):
        assert not try_to_sign_in(client, coordinator, "wrong")
    for number in range(MANY_FEEDS):
        caches["feeds"].add(f"feed:{number}", 0, 3600)
    assert not try_to_sign_in(client, coordinator, PASSWORD)
    cache.clear()
    assert try_to_sign_in(client, coordinator, PASSWORD)


def test_requests_for_feeds_are_not_counted_in_the_cache_of_the_sign_ins(client: Client) -> None:
    cache.clear()
    caches["feeds"].clear()
    client.get(reverse("feed", args=["no-such-token"]))
    assert caches["feeds"].get("feed-wrong:127.0.0.1") == 1
    assert cache.get("feed-wrong:127.0.0.1") is None


@pytest.mark.usefixtures("coordinator")
def test_the_admin_has_no_sign_in_of_its_own(client: Client) -> None:
    index = reverse("admin:index")
    to_sign_in = f"{reverse('account_login')}?next={index}"
    for response in (client.get(reverse("admin:login")), client.post(reverse("admin:login"), {"username": "a"})):
        assert (response.status_code, response.headers["Location"]) == (302, to_sign_in)
    assert client.get(index, follow=True).redirect_chain[-1] == (to_sign_in, 302)


def test_the_admin_sends_nobody_to_another_host(client: Client, coordinator: User) -> None:
    page = client.get(reverse("admin:login"), {"next": "https://elsewhere.example/"}).headers["Location"]
    response = client.post(page, {"login": coordinator.email, "password": PASSWORD})
    assert response.headers["Location"] == reverse("home")


def test_a_coordinator_is_not_sent_from_the_admin_to_the_sign_in_page(client: Client, coordinator: User) -> None:
    client.force_login(coordinator)
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_an_administrator_uses_the_same_pages_in_the_admin_as_elsewhere(client: Client) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert client.get(reverse("admin:login")).headers["Location"] == reverse("admin:index")
    assert client.get(reverse("admin:password_change")).headers["Location"] == reverse("account_change_password")
    assert client.post(reverse("admin:logout")).headers["Location"] == reverse("account_login")
    assert client.get(reverse("home")).status_code == 302
