"""Append-only tables: database triggers reject UPDATE and DELETE.

SQLite drops a table's triggers when a migration rebuilds the table, so the triggers are created again after every
`migrate`.
"""

from collections.abc import Sequence

from django.apps import AppConfig
from django.db import connections, models


class AppendOnlyModel(models.Model):
    """Abstract model whose rows can't be changed or deleted once they are written, not even with SQL."""

    class Meta:
        abstract = True


def append_only_models(app: AppConfig) -> list[type[models.Model]]:
    """Return the append-only models of an app."""
    return [model for model in app.get_models() if issubclass(model, AppendOnlyModel)]


def _postgresql_triggers(table: str) -> Sequence[str]:
    return (
        """
        CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END
        $$
        """,
        f'DROP TRIGGER IF EXISTS "{table}_is_append_only" ON "{table}"',
        f"""
        CREATE TRIGGER "{table}_is_append_only" BEFORE UPDATE OR DELETE ON "{table}"
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
        """,
    )


def _sqlite_triggers(table: str) -> Sequence[str]:
    return tuple(
        statement
        for verb in ("UPDATE", "DELETE")
        for statement in (
            f'DROP TRIGGER IF EXISTS "{table}_refuses_{verb.lower()}"',
            f"""
            CREATE TRIGGER "{table}_refuses_{verb.lower()}" BEFORE {verb} ON "{table}"
            BEGIN SELECT RAISE(ABORT, 'table {table} is append-only'); END
            """,
        )
    )


def create_triggers(model: type[models.Model], using: str = "default") -> None:
    """Create the triggers that reject UPDATE and DELETE on the model's table. Existing triggers are replaced."""
    table = model._meta.db_table
    statements = _postgresql_triggers(table) if connections[using].vendor == "postgresql" else _sqlite_triggers(table)
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def install_append_only_triggers(sender: AppConfig, using: str = "default", **_: object) -> None:
    """Create the triggers of the app's append-only tables. This is a receiver of the `post_migrate` signal."""
    existing = set(connections[using].introspection.table_names())
    for model in append_only_models(sender):
        if model._meta.db_table in existing:
            create_triggers(model, using)
