"""How `make run` prepares a local database, and how a production database gets its first administrator."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from demo.sign_ins import SIGN_INS
from scheduling.models import Site
from tests.factories import make_site

pytestmark = pytest.mark.django_db


def prepare() -> str:
    output = StringIO()
    call_command("prepare_local", stdout=output)
    return output.getvalue()


def test_an_existing_clinic_is_not_changed(settings: Settings) -> None:
    settings.SERVED_AT = "127.0.0.1:8123"
    site = make_site()
    output = prepare()
    assert list(Site.objects.all()) == [site]
    assert "http://127.0.0.1:8123/" in output


def test_only_existing_sign_ins_are_printed() -> None:
    make_site()
    present, *absent = SIGN_INS
    User.objects.create_user(present.email, present.password, name="Imani Cole")
    output = prepare()
    assert present.email in output
    assert present.password in output
    assert not [each.email for each in absent if each.email in output]


def test_the_demo_clinic_is_never_loaded_into_a_production_database(settings: Settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="passwords are public"):
        prepare()
    assert not Site.objects.exists()


def test_the_first_administrator_has_the_role_at_every_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long password for tests")
    call_command(
        "createsuperuser", interactive=False, email="First@clinic.example", name="Imani Cole", stdout=StringIO()
    )
    user = User.objects.get()
    assert user.is_staff
    assert user.check_password("a long password for tests")
    assignment = RoleAssignment.objects.get()
    assert (assignment.user, assignment.role, assignment.site) == (user, Role.ADMINISTRATOR, None)
