"""Texts on the pages of Django's admin. Django makes these texts from the models."""

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from accounts.models import Action, AuditEvent, RoleAssignment
from accounts.permissions import Role
from tests.clinic import client_for
from tests.factories import make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db


def test_the_index_names_every_kind_of_record() -> None:
    administrator = make_staff(Role.ADMINISTRATOR, None)
    RoleAssignment.objects.create(user=administrator, role=Role.COORDINATOR, site=make_site())
    page = client_for(administrator).get(reverse("admin:index")).text
    assert "<h1>Administration</h1>" in page
    for name in ("Waitlist entries", "Releases of information", "Episodes of care", "Leaves of absence", "Sessions"):
        assert name in page
    assert "Waiting entrys" not in page
    assert reverse("admin:scheduling_meeting_changelist") in page
    assert "auth/group" not in page


def test_administrators_who_may_not_see_patients_do_not_see_them_here_either() -> None:
    administrator, site = make_staff(Role.ADMINISTRATOR, None), make_site()
    patient = make_patient(site, "Rosa", "Lindqvist")
    account = make_patient_user(patient)
    client = client_for(administrator)
    models = [model for model in apps.get_models() if admin.site.is_registered(model)]
    with_patients = [model for model in models if hasattr(model, "audit_patient_id")]
    assert {"Patient", "Commitment", "Attendance", "Booking"} <= {model.__name__ for model in with_patients}
    lists = [reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist") for model in with_patients]
    pages = [*lists, reverse("admin:patients_patient_change", args=[patient.pk])]
    index = client.get(reverse("admin:index")).text
    assert not [page for page in lists if page in index]
    assert [client.get(page).status_code for page in pages] == [403] * len(pages)
    users = reverse("admin:accounts_user_changelist")
    assert account.email not in client.get(users).text
    assert administrator.email in client.get(users).text
    assert "/emailaddress/" not in index

    RoleAssignment.objects.create(user=administrator, role=Role.REVIEWER, site=site)
    assert [client.get(page).status_code for page in pages] == [200] * len(pages)
    assert account.email in client.get(users).text
    make_site("Elm Square")
    assert [client.get(page).status_code for page in pages] == [403] * len(pages)


@pytest.mark.parametrize("app", ["accounts", "patients", "scheduling", "attendance", "clinic_import"])
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
