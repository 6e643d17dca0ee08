"""What every test stands on: the test deployment, one database per process, and tables that a test can leave empty."""

import os
from collections.abc import Iterator

import django
import hypothesis
import pytest
from django.apps import apps
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

# Set before the settings are read for the first time, which is why pyproject.toml does not name them to pytest-django.
os.environ["DEPLOYMENT"] = "test"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
django.setup()

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile(
    "unhurried", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite's test database is a file of its own for each process: a database in memory serves one thread at a time."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """After a test with real transactions Django empties every table: the append-only ones too, and those that the
    migrations filled. This lets it, and then puts back the triggers and the rows that every clinic begins with."""
    from accounts.append_only import append_only_models, create_triggers, drop_triggers  # once the apps are loaded
    from scheduling.models import ServiceType

    with django_db_blocker.unblock():
        service_types = list(ServiceType.objects.all())
    append_only = [model for app in apps.get_app_configs() for model in append_only_models(app)]
    empty_every_table = vars(TransactionTestCase)["_fixture_teardown"]

    def empty_and_refill(test_case: TransactionTestCase) -> None:
        for model in append_only:
            drop_triggers(model)
        empty_every_table(test_case)
        ServiceType.objects.bulk_create(service_types, ignore_conflicts=True)
        for model in append_only:
            create_triggers(model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_and_refill)
        yield


@pytest.fixture
def postgres_only() -> None:
    """For what only PostgreSQL does, such as row locks held by two connections at once."""
    if connection.vendor != "postgresql":
        pytest.skip("this is about PostgreSQL alone: make test-postgres runs it")
