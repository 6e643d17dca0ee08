"""Database constraints against double booking of patients, rooms, facilitators and counselor hours.

For each of these four, PostgreSQL gets one exclusion constraint, and SQLite gets two triggers with the same effect.
They are created after every `migrate`, because SQLite drops a table's triggers when a migration rebuilds the table.
"""

from dataclasses import dataclass

from django.apps import AppConfig
from django.db import connections


@dataclass(frozen=True, slots=True)
class OverlapGuard:
    """A constraint for the rows of `table` that meet `condition`: no two rows with the same `subject` may overlap.

    Rows are half-open ranges from `starts` to `ends`. `condition` is SQL with `{row}` before each column name.
    `columns` are the columns that the condition reads.
    """

    name: str
    table: str
    subject: str
    condition: str
    columns: tuple[str, ...]
    ranges: str = "tstzrange(starts, ends) WITH &&"
    """PostgreSQL only: the element of the exclusion constraint that compares the time ranges of two rows."""
    overlaps: str = "other.starts < NEW.ends AND NEW.starts < other.ends"
    """SQLite only: the SQL condition that is true when two rows overlap."""

    @property
    def postgresql(self) -> str:
        """The SQL statement that adds the exclusion constraint on PostgreSQL."""
        return (
            f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} EXCLUDE USING gist "
            f"({self.subject} WITH =, {self.ranges}) WHERE ({self.condition.format(row='')})"
        )

    def sqlite(self, when: str, event: str) -> str:
        """Return the SQL statement that creates a trigger for `event` on SQLite. The trigger's name ends with `when`."""
        return f"""
            CREATE TRIGGER IF NOT EXISTS {self.name}_{when} AFTER {event} ON {self.table}
            WHEN {self.condition.format(row="NEW.")}
            BEGIN
                SELECT RAISE(ABORT, '{self.name}')
                WHERE EXISTS (
                    SELECT 1 FROM {self.table} AS other
                    WHERE other.{self.subject} = NEW.{self.subject} AND {self.condition.format(row="other.")}
                    AND other.id <> NEW.id AND {self.overlaps}
                );
            END
        """

    @property
    def sqlite_events(self) -> dict[str, str]:
        """Maps the suffix of each SQLite trigger's name to the SQL event that fires the trigger."""
        columns = ", ".join((self.subject, "starts", "ends", *self.columns))
        return {"on_insert": "INSERT", "on_update": f"UPDATE OF {columns}"}


PATIENT = OverlapGuard(
    name="patient_is_in_one_place_at_a_time",
    table="scheduling_booking",
    subject="episode_id",
    condition="{row}released_at IS NULL",
    columns=("released_at",),
)
ROOM = OverlapGuard(
    name="room_holds_one_session_at_a_time",
    table="scheduling_session",
    subject="room_id",
    condition="{row}room_id IS NOT NULL AND {row}status <> 'cancelled'",
    columns=("status",),
)
FACILITATOR = OverlapGuard(
    name="facilitator_is_in_one_session_at_a_time",
    table="scheduling_sessionfacilitator",
    subject="user_id",
    condition="{row}starts IS NOT NULL",
    columns=(),
)
HOURS = OverlapGuard(
    name="counselor_states_an_hour_once",
    table="scheduling_counselorhours",
    subject="user_id",
    condition="{row}user_id IS NOT NULL",
    columns=("weekday", "valid_from", "valid_until"),
    ranges=(
        "weekday WITH =, "
        "int4range((EXTRACT(EPOCH FROM starts) / 60)::integer, (EXTRACT(EPOCH FROM ends) / 60)::integer) WITH &&, "
        "daterange(valid_from, valid_until) WITH &&"
    ),
    overlaps=(
        "other.weekday = NEW.weekday AND other.starts < NEW.ends AND NEW.starts < other.ends "
        "AND (other.valid_until IS NULL OR NEW.valid_from IS NULL OR NEW.valid_from < other.valid_until) "
        "AND (NEW.valid_until IS NULL OR other.valid_from IS NULL OR other.valid_from < NEW.valid_until)"
    ),
)
GUARDS = (PATIENT, ROOM, FACILITATOR, HOURS)


def create_overlap_constraints(sender: AppConfig, using: str = "default", **_: object) -> None:
    """Create the constraints or triggers that do not exist yet. A receiver of the signal `post_migrate`."""
    connection = connections[using]
    existing = connection.introspection.table_names()
    for guard in GUARDS:
        if guard.table not in existing:
            continue
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT 1 FROM pg_constraint WHERE conname = %s", [guard.name])
                if cursor.fetchone() is None:
                    cursor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
                    cursor.execute(guard.postgresql)
            else:
                for when, event in guard.sqlite_events.items():
                    cursor.execute(guard.sqlite(when, event))
