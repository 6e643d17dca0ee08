"""The forms with which people sign in speak like all other forms."""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.urls import reverse
from django.utils.http import int_to_base36

from accounts.permissions import Role
from tests.factories import make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["account_login", "account_request_login_code", "account_reset_password"])
def test_no_placeholder_repeats_a_label_before_signing_in(name: str) -> None:
    assert "placeholder=" not in Client().get(reverse(name)).text


@pytest.mark.parametrize("name", ["account_change_password", "account_reauthenticate"])
def test_no_placeholder_repeats_a_label_after_signing_in(name: str) -> None:
    client = Client()
    client.force_login(make_staff(Role.COORDINATOR, make_site()))
    assert "placeholder=" not in client.get(reverse(name)).text


def test_a_new_password_has_the_same_hint_as_on_the_page_of_an_invitation() -> None:
    user = make_staff(Role.COORDINATOR, make_site())
    key = f"{int_to_base36(user.pk)}-{default_token_generator.make_token(user)}"
    page = Client().get(f"/accounts/password/reset/key/{key}/", follow=True)
    assert "At least 12 characters." in page.text
    assert "commonly used" not in page.text
