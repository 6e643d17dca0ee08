"""A number with more digits than the database can store is refused like any other unknown number."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from accounts.permissions import Role
from iopmanager.form_fields import RowsField, parse_number
from tests.factories import make_site, make_staff

pytestmark = pytest.mark.django_db

LONG_NUMBERS = ["9" * 19, "9" * 300, "9" * 5000]


@pytest.mark.parametrize("number", LONG_NUMBERS)
def test_a_long_number_selects_no_row(number: str) -> None:
    with pytest.raises(ValidationError):
        RowsField(User.objects.all()).clean([number])


def test_a_number_is_parsed_from_decimal_digits_alone() -> None:
    assert parse_number(" 12 ") == 12
    for text in ("", "-1", "1.0", "²", "٣", "x", *LONG_NUMBERS):
        assert parse_number(text) is None


@pytest.mark.parametrize("number", LONG_NUMBERS)
def test_a_page_with_a_long_number_in_its_url_is_not_found(client: Client, number: str) -> None:
    client.force_login(make_staff(Role.COORDINATOR, make_site()))
    assert client.get(f"/patients/{number}/").status_code == 404
    assert client.get(f"/sessions/{number}/").status_code == 404
    assert client.get(f"/tracks/{number}/").status_code == 404
