"""Migrations that move data keep it, forward and back."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps.registry import Apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.factories import make_site

pytestmark = pytest.mark.django_db(transaction=True)

Migrate = Callable[[str, str], Apps]


@pytest.fixture
def migrate() -> Iterator[Migrate]:
    """Return a function that migrates an app to a migration. After the test, all migrations are applied again."""

    def run(app: str, name: str) -> Apps:
        call_command("migrate", app, name, verbosity=0)
        return MigrationExecutor(connection).loader.project_state([(app, name)]).apps

    yield run
    call_command("migrate", verbosity=0)


def test_the_phone_number_of_a_patient_becomes_the_first_of_their_numbers(migrate: Migrate) -> None:
    site = make_site()
    old = migrate("patients", "0011_merges")
    person: dict[str, Any] = {
        "site_id": site.pk,
        "first_name": "Rosa",
        "last_name": "Lindqvist",
        "birth_date": "1990-05-17",
    }
    patients: Any = old.get_model("patients", "Patient").objects
    for code, phone in (("P1", "(207) 555-0142 "), ("P2", ""), ("P3", "  "), ("P4", "banana")):
        patients.create(code=code, phone=phone, **person)

    new = migrate("patients", "0013_phones_in_rows")
    phones = new.get_model("patients", "PatientPhone").objects
    assert [*phones.order_by("patient__code").values_list("patient__code", "position", "number", "kind")] == [
        ("P1", 0, "(207) 555-0142", ""),
        ("P4", 0, "banana", ""),
    ]
    assert not phones.filter(may_leave_message=True).exists()
    assert {*new.get_model("patients", "Patient").objects.values_list("address", flat=True)} == {""}

    rosa = phones.get(number="(207) 555-0142").patient
    phones.create(patient=rosa, position=1, number="(207) 555-0143")
    back: Any = migrate("patients", "0011_merges").get_model("patients", "Patient").objects
    assert dict(back.values_list("code", "phone")) == {"P1": "(207) 555-0142", "P2": "", "P3": "", "P4": "banana"}
