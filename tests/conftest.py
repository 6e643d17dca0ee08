"""Setup for all tests: the deployment, a database for each process, and rows that are restored after a test."""

import os
from collections.abc import Iterator

import django
import hypothesis
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.http import HttpResponse
from django.test import TransactionTestCase, override_settings
from pytest_django import DjangoDbBlocker

# The deployment must be set before Django reads the settings, so pyproject.toml does not set DJANGO_SETTINGS_MODULE.
os.environ["DEPLOYMENT"] = "test"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
django.setup()

# No deadlines, because the time that an example takes depends more on the machine than on the code.
hypothesis.settings.register_profile(
    "unhurried", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(autouse=True, scope="session")
def _background_tasks_run_at_once() -> Iterator[None]:
    """Run background tasks in the process that enqueues them. Tests of the queue use the settings of production."""
    at_once = {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}
    with override_settings(TASKS={**settings.TASKS, "background": at_once}):
        yield


@pytest.fixture(autouse=True, scope="session")
def _responses_are_read_as_plain_text() -> Iterator[None]:
    """Give `response.text` plain spaces and no word joiners, so that tests can compare sentences as people read them.

    Pages have no-break spaces between numbers and units, and word joiners around the dash of a range. `response.content`
    keeps both.
    """

    from scheduling.formats import breakable  # imported here because it needs Django's settings

    def text_of(response: HttpResponse) -> str:
        return breakable(response.content.decode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpResponse, "text", property(text_of))
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On SQLite, give each process its own database file, because an in-memory database serves only one thread at a time."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Empty every table after a test with real transactions, and restore the service types, which a migration wrote.

    The triggers of append-only tables would refuse the deletion. Therefore the triggers are dropped first, and created
    again afterward.
    """
    from accounts.append_only import (
        append_only_models,
        create_triggers,
    )  # models can only be imported after django.setup()
    from scheduling.models import ServiceType

    with django_db_blocker.unblock():
        service_types = list(ServiceType.objects.all())
    append_only = [model for app in apps.get_app_configs() for model in append_only_models(app)]
    empty_every_table = vars(TransactionTestCase)["_fixture_teardown"]

    def empty_and_refill(test_case: TransactionTestCase) -> None:
        for model in append_only:
            _drop_triggers(model)
        empty_every_table(test_case)
        ServiceType.objects.bulk_create(service_types, ignore_conflicts=True)
        for model in append_only:
            create_triggers(model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_and_refill)
        yield


def _drop_triggers(model: type[models.Model]) -> None:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_is_append_only" ON "{table}"')
        else:
            for verb in ("update", "delete"):
                cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_refuses_{verb}"')


@pytest.fixture
def postgres_only() -> None:
    """Skip the test unless the database is PostgreSQL. Some tests need PostgreSQL, for example for row locks."""
    if connection.vendor != "postgresql":
        pytest.skip("this test needs PostgreSQL: make test-postgres runs it")


@pytest.fixture
def sqlite_only() -> None:
    """Skip the test unless the database is SQLite. Slow tests with the same result on both databases use this fixture."""
    if connection.vendor != "sqlite":
        pytest.skip("what this test checks is the same on both databases: make test runs it on SQLite")
