"""The values of a commitment as JSON and back, for what a patient states and somebody decides on later."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time
from typing import Any

from patients.services.availability.commitments import CommitmentValues

DATE_FIELDS = frozenset({"anchor", "on", "until", "valid_from", "valid_until"})
TIME_FIELDS = frozenset({"starts", "ends"})


def values_to_json(values: CommitmentValues) -> dict[str, Any]:
    """Every field; dates and times as in ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, date | time) else value for name, value in vars(values).items()
    }


def values_from_json(written: Mapping[str, Any]) -> CommitmentValues:
    """What `written_values` wrote; fields that there were none of yet are as they are by default."""
    known = {each.name for each in fields(CommitmentValues)} & set(written)
    return CommitmentValues(**{name: _field_from_json(name, written[name]) for name in known})


def _field_from_json(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in DATE_FIELDS:
        return date.fromisoformat(value)
    return time.fromisoformat(value) if name in TIME_FIELDS else value
