"""The test setup. Tests run on the requested database, and rows that migrations wrote are restored after every test."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts.models import Action, AuditEvent
from scheduling.models import ServiceType

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def add_event() -> AuditEvent:
    return AuditEvent.objects.create(
        at=AT, actor_label="Imani Cole", action=Action.VIEWED, subject_kind="patient", subject_label="P1"
    )


def assert_refuses_changes(event: AuditEvent) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(actor_label="Somebody else")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).delete()


def test_tests_run_in_the_test_deployment() -> None:
    assert settings.DEPLOYMENT == "test"
    assert not settings.DEBUG


def test_tests_run_on_the_requested_database(db: None) -> None:
    postgresql_requested = settings.DATABASE_URL.startswith("postgres")
    assert connection.vendor == ("postgresql" if postgresql_requested else "sqlite")


@pytest.mark.parametrize("attempt", [1, 2])
def test_tests_with_real_transactions_start_with_complete_tables(transactional_db: None, attempt: int) -> None:
    assert ServiceType.objects.count() >= 11
    assert AuditEvent.objects.count() == 0
    assert_refuses_changes(add_event())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", [1, 2])
def test_tests_marked_for_real_transactions_start_with_complete_tables_too(attempt: int) -> None:
    assert ServiceType.objects.count() >= 11
    assert AuditEvent.objects.count() == 0
    assert_refuses_changes(add_event())


def test_the_audit_trail_refuses_changes(db: None) -> None:
    assert_refuses_changes(add_event())
