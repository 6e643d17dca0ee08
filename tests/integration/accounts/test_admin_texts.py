"""Texts on the pages of Django's admin. Django makes these texts from the models."""

import pytest
from django.apps import apps
from django.urls import reverse

from accounts.permissions import Role
from tests.clinic import client_for
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_the_index_names_every_kind_of_record() -> None:
    page = client_for(make_staff(Role.ADMINISTRATOR, None)).get(reverse("admin:index")).text
    assert "<h1>Administration</h1>" in page
    for name in ("Waitlist entries", "Releases of information", "Episodes of care", "Leaves of absence", "Sessions"):
        assert name in page
    assert "Waiting entrys" not in page
    assert reverse("admin:scheduling_meeting_changelist") in page
    assert "auth/group" not in page


@pytest.mark.parametrize("app", ["accounts", "patients", "scheduling", "attendance"])
def test_every_model_has_a_name_of_its_own(app: str) -> None:
    for model in apps.get_app_config(app).get_models():
        if not model._meta.auto_created:
            assert type(model._meta.verbose_name_plural) is not str, model
