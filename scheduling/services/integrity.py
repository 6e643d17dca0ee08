"""Turns what the database refuses into what a coordinator understands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from scheduling.double_booking import GUARDS
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class TakenConcurrently(Reason):
    """Somebody else was quicker: the database kept a promise that this would have broken. `guard` is its name."""

    guard: str


EXPECTED_CONSTRAINTS = (
    *(guard.name for guard in GUARDS),
    "session_is_not_overbooked",
    "patient_is_booked_once_in_a_session",
)
"""What can be broken by somebody else's act, although it was asked about under the lock: people work at several sites."""


@contextmanager
def translate_integrity_errors() -> Iterator[None]:
    """Whole or not at all. Raises Refused where others' acts can break the constraint; our own faults stay faults."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as broken:
        said = str(broken)
        kept = next((name for name in EXPECTED_CONSTRAINTS if name in said), None)
        if kept is None:
            raise
        raise Refused([TakenConcurrently(kept)]) from broken
