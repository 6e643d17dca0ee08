"""New passwords must be hard to guess. That is found out on the server, from lists that come with it."""

import time

import pytest
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from accounts.services.password_strength import HardToGuessValidator
from demo.sign_ins import PASSWORD as DEMO_PASSWORD
from tests.factories import PASSWORD, make_site, make_staff

ROSA = User(name="Rosa Lindqvist", email="harborlights@mail.example")
ADVICE = "Use four or more words that do not belong together."


def is_refused(password: str, user: User | None = None) -> bool:
    try:
        HardToGuessValidator().validate(password, user)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "Password123!", "P@ssw0rd1234", "qwertyuiop123", "qwerty123456", "iloveyou1234", "letmein12345",
        "princess1234", "football1234", "1q2w3e4r5t6y", "123456789012", "sunshine2024!", "trustno1trustno1",
        "abc123abc123", "aaaaaaaaaaaa", "abcdefghijkl",
    ],
)  # fmt: skip
def test_long_passwords_from_breaches_are_refused(password: str) -> None:
    assert len(password) >= 12
    assert is_refused(password)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        DEMO_PASSWORD,
        "harbor lights at dusk",
        "mother dog river seven",
        "casa perro río siete",
        "песок река окно семь",
        "k8#Vq2!xZr0p",
    ],
)
def test_four_words_or_random_characters_are_accepted(password: str) -> None:
    assert not is_refused(password)


@pytest.mark.parametrize("password", ["Rosa Lindqvist 2026", "lindqvist2026!", "harborlights2026"])
def test_the_persons_own_name_and_address_are_no_secret(password: str) -> None:
    assert is_refused(password, ROSA)
    assert not is_refused(password + " mother dog river", ROSA)


def test_one_persons_name_is_forgotten_before_the_next() -> None:
    assert is_refused("lindqvist2026!", ROSA)
    assert not is_refused("lindqvist2026!", User(name="Ada Park", email="ada@mail.example"))


@pytest.mark.parametrize("password", ["1l|!" * 1_000_000, "password" * 1_000_000, "4@8(6#1!0$5+7%2z" * 500_000])
def test_a_password_of_millions_of_characters_takes_no_longer_than_one_of_72(password: str) -> None:
    begun = time.process_time()
    is_refused(password)
    assert time.process_time() - begun < 5


def test_the_rule_of_length_and_the_list_of_common_passwords_still_hold() -> None:
    validators = get_default_password_validators()
    assert [type(each).__name__ for each in validators] == [
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "HardToGuessValidator",
    ]
    assert vars(validators[1])["min_length"] == 12


@pytest.mark.django_db
def test_the_page_says_what_to_do_instead(client: Client) -> None:
    client.force_login(make_staff(Role.COORDINATOR, make_site()))
    form = {"oldpassword": PASSWORD, "password1": "iloveyou1234", "password2": "iloveyou1234"}
    assert ADVICE in client.post(reverse("account_change_password"), form).text
    strong = {"password1": "mother dog river seven", "password2": "mother dog river seven"}
    assert client.post(reverse("account_change_password"), {**form, **strong}).status_code == 302
