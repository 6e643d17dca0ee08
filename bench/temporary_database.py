"""A temporary database for benchmarks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django


def set_up_django() -> None:
    """Set up Django with the test settings."""
    os.environ["DEPLOYMENT"] = "test"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
    django.setup()


@contextmanager
def temporary_database() -> Iterator[str]:
    """Create an empty, migrated database, yield its name, and drop it on exit.

    With SQLite, the database is a temporary file.
    """
    set_up_django()
    from django.db import connection

    regular_name = connection.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as folder:
        # Tests may be running on the same server, so don't use the name of their database.
        connection.settings_dict["TEST"]["NAME"] = (
            str(Path(folder) / "bench.sqlite3") if connection.vendor == "sqlite" else f"bench_{os.getpid()}"
        )
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield str(connection.settings_dict["NAME"])
        finally:
            connection.creation.destroy_test_db(regular_name, verbosity=0)
