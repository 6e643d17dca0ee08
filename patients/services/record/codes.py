"""Give each patient a code that nobody else has, even if several people add patients at the same time."""

from django.db import connection

from patients.domain.codes import clean_code, next_code
from patients.models import Patient

LOCK_NUMBER = 8_117_340_261
"""The number of the lock on PostgreSQL. It is arbitrary, and nothing else may use it."""


def lock_codes() -> None:
    """Let no other transaction give a code to a patient until the current one ends.

    Take this lock before the lock of any patient, so that two transactions can't deadlock. On SQLite, only one
    transaction writes at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_NUMBER])


def typed_or_next_code(typed: str) -> str:
    """Return the typed code without invisible characters, or the next free code if nothing is left. Call `lock_codes` first."""
    return clean_code(typed) or next_code(
        Patient.all_records.filter(code__istartswith="p").order_by().values_list("code", flat=True)
    )
