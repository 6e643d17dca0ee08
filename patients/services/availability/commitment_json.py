"""The values of a commitment as JSON and back, for what a patient states and somebody decides on later."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time
from typing import Any

from patients.services.availability.commitments import CommitmentValues

DATES = frozenset({"anchor", "on", "until", "valid_from", "valid_until"})
TIMES = frozenset({"starts", "ends"})


def written_values(values: CommitmentValues) -> dict[str, Any]:
    """Every field; dates and times as in ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, date | time) else value for name, value in vars(values).items()
    }


def read_values(written: Mapping[str, Any]) -> CommitmentValues:
    """What `written_values` wrote; fields that there were none of yet are as they are by default."""
    known = {each.name for each in fields(CommitmentValues)} & set(written)
    return CommitmentValues(**{name: _read(name, written[name]) for name in known})


def _read(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in DATES:
        return date.fromisoformat(value)
    return time.fromisoformat(value) if name in TIMES else value
