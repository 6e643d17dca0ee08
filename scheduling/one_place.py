"""Nobody is in two sessions at once, and the database keeps it: standing bookings of an episode never overlap.

PostgreSQL says it with an exclusion constraint, SQLite with two triggers of the same meaning. Both are put in place after
every `migrate`, as SQLite drops a table's triggers when it remakes the table.
"""

from django.apps import AppConfig
from django.db import connections

NAME = "patient_is_in_one_place_at_a_time"

POSTGRESQL = f"""
ALTER TABLE scheduling_booking ADD CONSTRAINT {NAME}
EXCLUDE USING gist (episode_id WITH =, tstzrange(starts, ends) WITH &&) WHERE (released_at IS NULL)
"""

SQLITE = """
CREATE TRIGGER IF NOT EXISTS {name}_{when} AFTER {event} ON scheduling_booking WHEN NEW.released_at IS NULL
BEGIN
    SELECT RAISE(ABORT, '{name}')
    WHERE EXISTS (
        SELECT 1 FROM scheduling_booking AS other
        WHERE other.episode_id = NEW.episode_id AND other.released_at IS NULL AND other.id <> NEW.id
        AND other.starts < NEW.ends AND NEW.starts < other.ends
    );
END
"""
SQLITE_EVENTS = {"on_insert": "INSERT", "on_update": "UPDATE OF episode_id, starts, ends, released_at"}


def keep_patients_in_one_place(sender: AppConfig, using: str = "default", **_: object) -> None:
    """A `post_migrate` receiver."""
    connection = connections[using]
    if "scheduling_booking" not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT 1 FROM pg_constraint WHERE conname = %s", [NAME])
            if cursor.fetchone() is None:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
                cursor.execute(POSTGRESQL)
        else:
            for when, event in SQLITE_EVENTS.items():
                cursor.execute(SQLITE.format(name=NAME, when=when, event=event))
