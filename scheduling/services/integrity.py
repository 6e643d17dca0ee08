"""Turn violated constraints of the database into reasons that a coordinator understands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from scheduling.double_booking import GUARDS
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class TakenConcurrently(Reason):
    """Somebody else was quicker: saving would have violated the database constraint named `guard`."""

    guard: str


EXPECTED_CONSTRAINTS = (
    *(guard.name for guard in GUARDS),
    "session_is_not_overbooked",
    "patient_is_booked_once_in_a_session",
)
"""Constraints that an action at another site can violate after the checks: people work at several sites, locks are per site."""


@contextmanager
def translate_integrity_errors() -> Iterator[None]:
    """Run the block in a transaction. Raises Refused for an expected constraint, and IntegrityError for any other."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        message = str(error)
        violated = next((name for name in EXPECTED_CONSTRAINTS if name in message), None)
        if violated is None:
            raise
        raise Refused([TakenConcurrently(violated)]) from error
