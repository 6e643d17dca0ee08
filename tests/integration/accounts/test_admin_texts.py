"""Texts on the pages of Django's admin. Django makes these texts from the models."""

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.urls import reverse

from accounts.models import Action, AuditEvent
from accounts.permissions import Role
from tests.clinic import client_for
from tests.factories import make_site, make_staff

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


def test_times_in_administration_are_in_the_zone_of_the_site_and_name_it() -> None:
    administrator = make_staff(Role.ADMINISTRATOR, None)
    at = datetime(2026, 11, 24, 3, 15, tzinfo=UTC)
    AuditEvent.objects.create(at=at, actor_label="Ada", action=Action.VIEWED, subject_kind="site", subject_label="x")
    changelist, client = reverse("admin:accounts_auditevent_changelist"), client_for(administrator)
    page = client.get(changelist).text
    assert "times in UTC" in page
    assert "3:15" in page
    make_site(time_zone="America/New_York")
    page = client.get(changelist).text
    assert "times in America/New_York" in page
    assert "10:15" in page
