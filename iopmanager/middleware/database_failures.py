"""Answer requests that fail because the database is busy or away, and limit how long a request waits for it."""

import sqlite3
import sys
from enum import Enum
from typing import Any

from django.db import Error, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error as django_server_error

from iopmanager.middleware.kept_form import NEVER_KEPT

LOCK_SECONDS, STATEMENT_SECONDS = 8, 10
"""How long a request waits for somebody else's changes, and how long one of its statements may run."""
WAITED_TOO_LONG = {"55P03", "57014", "40001", "40P01"}
"""PostgreSQL's codes for a lock or a statement that took too long, and for changes that conflict with each other."""
DISCONNECTED = ("08", "57P", "53300", "25006")
"""The first characters of PostgreSQL's codes for lost connections, restarts, too many connections, and read-only servers."""
SQLITE_WAITED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class DatabaseFailure(Enum):
    """Why the database could not answer. The value is the number of seconds after which to try again."""

    BUSY = 5
    AWAY = 20


def database_failure(error: BaseException | None) -> DatabaseFailure | None:
    """Return why the database failed, or None if the error has another cause."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the higher bits have details
        return DatabaseFailure.BUSY if code in SQLITE_WAITED else None
    code = getattr(cause, "sqlstate", None)
    if code in WAITED_TOO_LONG:
        return DatabaseFailure.BUSY
    # A connection that can't be opened, or is closed while it is used, has no code.
    return DatabaseFailure.AWAY if code is None or code.startswith(DISCONNECTED) else None


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that raised an exception.

    If the database was busy or away, the status is 503, and the page can send a form again with all that was typed.
    Passwords and files can't be sent again. For other exceptions, the status is 500. Does not use the database.
    """
    failure = database_failure(sys.exception())
    if failure is None:
        return django_server_error(request)
    context = {
        "is_busy": failure is DatabaseFailure.BUSY,
        "address": request.get_full_path(),
        "is_form": request.method == "POST",
        "fields": _typed_fields(request),
    }
    page = render_to_string("503.html", context)
    return HttpResponse(page, status=503, headers={"Retry-After": str(failure.value), "Cache-Control": "no-store"})


def _typed_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the names and values of the sent form, or nothing if it can't be sent again."""
    if request.method != "POST" or request.path.startswith(NEVER_KEPT) or request.FILES:
        return []
    return [(name, value) for name, values in request.POST.lists() for value in values]


def limit_waiting(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Limit how long the connection waits. Connect it to Django's signal `connection_created` in processes for requests.

    Imports, nightly jobs and migrations run in other processes and may take longer.
    """
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
                cursor.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
            else:
                cursor.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
    except Error:
        connection.close()
        raise
