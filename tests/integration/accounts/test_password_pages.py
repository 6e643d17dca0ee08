"""The pages on which users change their password have labels in sentence case, like all other forms."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from tests.factories import make_site, make_staff


@pytest.mark.django_db
def test_labels_of_passwords_are_in_sentence_case(client: Client) -> None:
    client.force_login(make_staff(Role.COORDINATOR, make_site()))
    text = client.get(reverse("account_change_password")).text
    for label in ("Current password", "New password", "New password again"):
        assert label in text
    assert "New Password" not in text
