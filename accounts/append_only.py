"""Tables that only grow: the database itself refuses UPDATE and DELETE on them.

SQLite drops a table's triggers when it remakes the table, so they are put in place again after every `migrate`.
"""

from collections.abc import Sequence

from django.apps import AppConfig
from django.db import connections, models


class AppendOnlyModel(models.Model):
    """A row is written once. Neither the code nor a person at the database's prompt changes or removes it."""

    class Meta:
        abstract = True


def append_only_models(app: AppConfig) -> list[type[models.Model]]:
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


def drop_triggers(model: type[models.Model], using: str = "default") -> None:
    """Lets a test's flush empty the table."""
    table = model._meta.db_table
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":
            cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_is_append_only" ON "{table}"')
        else:
            for verb in ("update", "delete"):
                cursor.execute(f'DROP TRIGGER IF EXISTS "{table}_refuses_{verb}"')


def create_triggers(model: type[models.Model], using: str = "default") -> None:
    table = model._meta.db_table
    statements = _postgresql_triggers(table) if connections[using].vendor == "postgresql" else _sqlite_triggers(table)
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def install_append_only_triggers(sender: AppConfig, using: str = "default", **_: object) -> None:
    """A `post_migrate` receiver."""
    existing = set(connections[using].introspection.table_names())
    for model in append_only_models(sender):
        if model._meta.db_table in existing:
            create_triggers(model, using)
