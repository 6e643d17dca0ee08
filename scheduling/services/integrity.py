"""Turn violations of database constraints into reasons that a coordinator can understand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from scheduling.double_booking import GUARDS
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class TakenConcurrently(Reason):
    """Another user saved first, and saving would now violate the database constraint named `guard`."""

    guard: str


EXPECTED_CONSTRAINTS = (
    *(guard.name for guard in GUARDS),
    "session_is_not_overbooked",
    "patient_is_booked_once_in_a_session",
)
"""Constraints that a concurrent change at another site can violate, because locks are per site."""


@contextmanager
def translate_integrity_errors() -> Iterator[None]:
    """Run the block in a transaction, and turn violations of expected constraints into refusals.

    Raises Refused for an expected constraint, and IntegrityError for any other.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        message = str(error)
        violated = next((name for name in EXPECTED_CONSTRAINTS if name in message), None)
        if violated is None:
            raise
        raise Refused([TakenConcurrently(violated)]) from error
