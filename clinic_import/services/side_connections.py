"""Connections beside the one that an import uses: to report progress, and to preview without locking SQLite."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DEFAULT_DB_ALIAS, OperationalError

from clinic_import.models import ClinicImport

PAUSE = timedelta(seconds=1)
"""The shortest time between two reports that are stored."""


class ProgressReport:
    """Callback for an import that stores how far it is, outside of its transaction, so that the page can show it."""

    def __init__(self, own: BaseDatabaseWrapper | None, row: ClinicImport, now: Callable[[], datetime]) -> None:
        self._connection, self._row, self._now = own, row, now
        self._last = now()

    def __call__(self, table: str, done: int, rows: int) -> None:
        """Store that `done` of the `rows` of a table are done, at most once in every `PAUSE`."""
        now = self._now()
        if self._connection is None or now - self._last < PAUSE:
            return
        self._last = now
        values = {"active_at": now, "progress_table": table, "progress_done": done, "progress_rows": rows}
        fields = {field.name: field for field in ClinicImport._meta.concrete_fields}
        prepared = [fields[name].get_db_prep_save(value, self._connection) for name, value in values.items()]
        columns = ", ".join(f"{name} = %s" for name in values)
        statement = f"UPDATE {ClinicImport._meta.db_table} SET {columns} WHERE id = %s"
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, [*prepared, self._row.pk])
        except OperationalError:
            return  # the database is busy, and the next report will do


@contextmanager
def progress_connection(*, is_writing: bool) -> Iterator[BaseDatabaseWrapper | None]:
    """Yield a connection on which progress can be stored while an import runs in the current thread.

    On SQLite, yield None while an import is being written, because SQLite allows only one writer at a time.
    """
    main = connections[DEFAULT_DB_ALIAS]
    if main.in_atomic_block:  # the caller's transaction, for example that of a test
        yield main
    elif main.vendor == "sqlite":
        yield None if is_writing else main
    else:
        own = main.copy()
        try:
            yield own
        finally:
            own.close()


@contextmanager
def copied_database() -> Iterator[None]:
    """On SQLite, let the current thread work on a copy of the database in memory, which is thrown away at the end.

    A preview writes everything and rolls it back. On PostgreSQL, it does so beside the work of others. On SQLite, it would
    keep everybody from writing meanwhile. The copy takes as much memory as the database file.
    """
    main = connections[DEFAULT_DB_ALIAS]
    if main.vendor != "sqlite" or main.in_atomic_block:
        yield
        return
    copy = main.copy()
    copy.settings_dict["NAME"] = ":memory:"
    copy.ensure_connection()
    main.ensure_connection()
    main.connection.backup(copy.connection)
    connections[DEFAULT_DB_ALIAS] = copy
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = main
        copy.connection.close()
