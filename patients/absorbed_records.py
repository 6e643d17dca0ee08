"""A guard in the database: nothing is added to a record that was merged into another record.

Somebody can have a form about a patient open while a colleague merges the patient's record. Without the guard, a row
that is saved at the same moment would belong to the absorbed record, and nobody would see it again. On PostgreSQL, the
guard also waits until a merge that is being saved has ended.

On SQLite, the triggers are dropped before every `migrate`, because a migration that rebuilds a table fails while a
trigger of another table names it. They are created after every `migrate`.
"""

from collections.abc import Iterator, Sequence

from django.apps import AppConfig
from django.db import connections, models

from patients.models import Patient, PatientMerge

GUARD = "absorbed_record_takes_nothing"
"""The name of the guard, which is in the message of the IntegrityError."""
ABOUT_MERGES = (PatientMerge,)
"""Models whose rows refer to absorbed records by design."""


def columns_of_patients() -> Iterator[tuple[type[models.Model], str]]:
    """Yield each model whose rows belong to a patient, with the name of the column that has the patient's id."""
    for relation in Patient._meta.related_objects:
        if relation.related_model not in ABOUT_MERGES:
            yield relation.related_model, relation.field.attname


def _postgresql(table: str, column: str) -> Sequence[str]:
    # The lock waits for a merge, which has locked the row. Then the row is read as the merge left it.
    return (
        f"""
        CREATE OR REPLACE FUNCTION {GUARD}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            owner bigint := (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
            target bigint;
        BEGIN
            SELECT merged_into_id INTO target FROM patients_patient WHERE id = owner FOR KEY SHARE;
            IF target IS NOT NULL THEN
                RAISE EXCEPTION '{GUARD}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END
        $$
        """,
        f'DROP TRIGGER IF EXISTS "{table}_{GUARD}" ON "{table}"',
        f'DROP TRIGGER IF EXISTS "{table}_{GUARD}_moved" ON "{table}"',
        f"""
        CREATE TRIGGER "{table}_{GUARD}" BEFORE INSERT ON "{table}"
        FOR EACH ROW WHEN (NEW.{column} IS NOT NULL) EXECUTE FUNCTION {GUARD}('{column}')
        """,
        f"""
        CREATE TRIGGER "{table}_{GUARD}_moved" BEFORE UPDATE ON "{table}"
        FOR EACH ROW WHEN (NEW.{column} IS DISTINCT FROM OLD.{column} AND NEW.{column} IS NOT NULL)
        EXECUTE FUNCTION {GUARD}('{column}')
        """,
    )


def _sqlite(table: str, column: str) -> Sequence[str]:
    # A trigger that names patients_patient would stop every migration that rebuilds that table.
    merges = f"SELECT 1 FROM patients_patientmerge WHERE absorbed_id = NEW.{column} AND taken_back_at IS NULL"
    is_absorbed = f"EXISTS ({merges})"
    return tuple(
        statement
        for suffix, event, condition in (
            ("", "INSERT", is_absorbed),
            ("_moved", f"UPDATE OF {column}", f"NEW.{column} IS NOT OLD.{column} AND {is_absorbed}"),
        )
        for statement in (
            f'DROP TRIGGER IF EXISTS "{table}_{GUARD}{suffix}"',
            f"""
            CREATE TRIGGER "{table}_{GUARD}{suffix}" BEFORE {event} ON "{table}"
            WHEN {condition} BEGIN SELECT RAISE(ABORT, '{GUARD}'); END
            """,
        )
    )


def remove_guard(sender: AppConfig, using: str = "default", **_: object) -> None:
    """Drop the triggers on SQLite, where they would stop some migrations. This is a receiver of `pre_migrate`."""
    if connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            cursor.execute(f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%{GUARD}%'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')


def install_guard(sender: AppConfig, using: str = "default", **_: object) -> None:
    """Create the triggers on the app's tables whose rows belong to patients. This is a receiver of `post_migrate`."""
    connection = connections[using]
    own = [(model, column) for model, column in columns_of_patients() if model._meta.app_config is sender]
    existing = set(connection.introspection.table_names()) if own else set()
    if PatientMerge._meta.db_table not in existing:
        return
    write = _postgresql if connection.vendor == "postgresql" else _sqlite
    with connection.cursor() as cursor:
        for model, column in own:
            if model._meta.db_table in existing:
                for statement in write(model._meta.db_table, column):
                    cursor.execute(statement)
