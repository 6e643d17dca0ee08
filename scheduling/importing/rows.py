"""The files' columns: for each file one class whose fields are its columns, with how a cell is read and what an empty one means."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, ClassVar, TypeVar

from accounts.permissions import Role
from patients.models import CommitmentKind, LevelOfCare
from scheduling.domain.occurrences import middle_break
from scheduling.importing.cells import (
    read_choice,
    read_codes,
    read_date,
    read_dates,
    read_email,
    read_hours,
    read_number,
    read_text,
    read_time,
    read_weekday,
    read_weekdays,
    read_yes,
    split,
)
from scheduling.models import Entry, Modality

T = TypeVar("T")
D = TypeVar("D")

MINUTES_A_WEEK = 7 * 24 * 60
EVERY_WEEK, EVERY_OTHER_WEEK = "every", "every_other"
WEEKS = {"every": EVERY_WEEK, "every_week": EVERY_WEEK, "every_other": EVERY_OTHER_WEEK, "every_other_week": EVERY_OTHER_WEEK}

read_code = read_text(40)


def needed(read: Callable[[str], T]) -> T:
    """A column that the file must have and a cell that must not be empty."""
    column: Any = field(metadata={"read": read, "needed": True})
    return column  # type: ignore[no-any-return]


def optional(read: Callable[[str], T], empty: D) -> T | D:
    """A column that may be missing: what it says is then left as it is. An empty cell means `empty`."""
    column: Any = field(default=empty, metadata={"read": read, "needed": False})
    return column  # type: ignore[no-any-return]
