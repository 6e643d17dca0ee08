"""If the database is busy or away, a page says so with status 503, and a form can be sent again with all that was typed."""

import os
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client
from django.urls import reverse
from psycopg import errors

from accounts.permissions import Role
from iopmanager.middleware.database_failures import DatabaseFailure, database_failure, limit_waiting
from patients.models import Patient
from patients.services.record import person
from tests.factories import make_site, make_staff
from tests.paths import PROJECT

PERSON = {
    "first_name": "Noor",
    "last_name": "O’Brien & Sons",
    "birth_date": "1988-02-29",
    "language": "English",
    "travel_minutes": "0",
    "address": "4 Main Street\nUtica, NY",
}


def django_error(cause: Exception, kind: type[Exception] = OperationalError) -> Exception:
    """Return an error as Django raises it, with the driver's error as its cause."""
    error = kind(str(cause))
    error.__cause__ = cause
    return error


def locked_database(folder: Path) -> sqlite3.Error:
    """Return the error of a connection that waits in vain for the lock of another one."""
    first, second = (sqlite3.connect(folder / "db", timeout=0, isolation_level=None) for _ in range(2))
    try:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as locked:
            second.execute("BEGIN IMMEDIATE")
        return locked.value
    finally:
        first.close()
        second.close()


class Inputs(HTMLParser):
    """The names and values of a page's hidden inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden":
            self.values[given["name"] or ""] = given["value"] or ""


@pytest.mark.parametrize(
    ("cause", "failure"),
    [
        (errors.LockNotAvailable(), DatabaseFailure.BUSY),
        (errors.QueryCanceled(), DatabaseFailure.BUSY),
        (errors.DeadlockDetected(), DatabaseFailure.BUSY),
        (errors.SerializationFailure(), DatabaseFailure.BUSY),
        (psycopg.OperationalError("connection refused"), DatabaseFailure.AWAY),
        (errors.AdminShutdown(), DatabaseFailure.AWAY),
        (errors.CannotConnectNow(), DatabaseFailure.AWAY),
        (errors.TooManyConnections(), DatabaseFailure.AWAY),
        (errors.ReadOnlySqlTransaction(), DatabaseFailure.AWAY),
        (errors.DiskFull(), None),
        (sqlite3.OperationalError("no such table"), None),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else str(each),
)
def test_a_failure_is_told_from_a_mistake(cause: Exception, failure: DatabaseFailure | None) -> None:
    assert database_failure(django_error(cause)) is failure


def test_a_locked_sqlite_database_is_busy(tmp_path: Path) -> None:
    assert database_failure(django_error(locked_database(tmp_path))) is DatabaseFailure.BUSY


def test_a_connection_that_is_closed_while_it_is_used_is_away() -> None:
    closed = psycopg.InterfaceError("the connection is closed")
    assert database_failure(django_error(closed, InterfaceError)) is DatabaseFailure.AWAY


@pytest.mark.parametrize("error", [ValueError("x"), IntegrityError("x"), ProgrammingError("x"), None])
def test_other_errors_are_no_failures_of_the_database(error: Exception | None) -> None:
    assert database_failure(error) is None


@pytest.fixture
def desk(db: None) -> Client:
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(make_staff(Role.COORDINATOR, make_site()))
    return client


@pytest.mark.parametrize(
    ("cause", "seconds", "sentence"),
    [
        (errors.LockNotAvailable(), "5", "Somebody else is changing this site. Please try again."),
        (errors.AdminShutdown(), "20", "The server can’t reach its records at the moment."),
    ],
)
def test_a_form_is_sent_again_from_the_page_that_says_why_it_failed(
    desk: Client, monkeypatch: pytest.MonkeyPatch, cause: Exception, seconds: str, sentence: str
) -> None:
    address = reverse("patient-new")
    form = desk.get(address)
    typed = PERSON | {"csrfmiddlewaretoken": str(form.context["csrf_token"])}

    def fail(*_: object, **__: object) -> None:
        raise django_error(cause)

    with monkeypatch.context() as patched:
        patched.setattr(person, "save_values", fail)
        failed = desk.post(address, typed)
    assert (failed.status_code, failed.headers["Retry-After"]) == (503, seconds)
    assert sentence in failed.text
    assert f'action="{address}"' in failed.text
    assert not Patient.objects.exists()

    page = Inputs()
    page.feed(failed.text)
    assert {name: page.values[name] for name in typed} == typed
    assert desk.post(address, page.values).status_code == 302
    assert Patient.objects.get().last_name == "O’Brien & Sons"


def test_passwords_and_files_are_not_on_the_page(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise django_error(errors.AdminShutdown())

    monkeypatch.setattr("django.contrib.auth.backends.ModelBackend.authenticate", fail)
    monkeypatch.setattr("allauth.account.forms.LoginForm.clean", fail)
    client = Client(raise_request_exception=False)
    failed = client.post(reverse("account_login"), {"login": "ada@clinic.example", "password": "a secret"})
    assert failed.status_code == 503
    assert "a secret" not in failed.text
    assert "Go back to the previous page" in failed.text


def test_a_page_that_failed_can_be_opened_again(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise django_error(errors.AdminShutdown())

    monkeypatch.setattr("patients.views.record.patients.current_site", fail)
    failed = desk.get(reverse("patients"), {"q": "Noor"})
    assert failed.status_code == 503
    assert f'href="{reverse("patients")}?q=Noor"' in failed.text


def test_other_exceptions_are_still_errors_of_the_server(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr("patients.views.record.patients.current_site", fail)
    failed = desk.get(reverse("patients"))
    assert failed.status_code == 500
    assert "Something went wrong" in failed.text


@pytest.mark.django_db
def test_a_connection_for_requests_waits_a_limited_time() -> None:
    limit_waiting(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
            assert cursor.fetchone() == ("8s", "10s")
            cursor.execute("RESET lock_timeout")
            cursor.execute("RESET statement_timeout")
        else:
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone() == (8000,)
            cursor.execute("PRAGMA busy_timeout = 20000")


def test_the_server_for_requests_limits_its_connections() -> None:
    code = (
        "import iopmanager.wsgi\n"
        "from django.db import connection\n"
        "cursor = connection.cursor()\n"
        "print(cursor.execute('PRAGMA busy_timeout').fetchone()[0])"
    )
    environment = {**os.environ, "DEPLOYMENT": "test", "DATABASE_URL": "sqlite://:memory:"}
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, check=True
    )
    assert printed.stdout.strip() == b"8000"
