"""Convert the values of a commitment to JSON and back. The JSON is stored with a proposal that awaits a decision."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, time
from typing import Any

from patients.services.availability.commitments import CommitmentValues

DATE_FIELDS = frozenset({"anchor", "on", "until", "valid_from", "valid_until"})
TIME_FIELDS = frozenset({"starts", "ends"})


def values_to_json(values: CommitmentValues) -> dict[str, Any]:
    """Return all fields as JSON values, with dates and times in ISO 8601."""
    return {
        name: value.isoformat() if isinstance(value, date | time) else value for name, value in vars(values).items()
    }


def values_from_json(stored: Mapping[str, Any]) -> CommitmentValues:
    """Return the values that `values_to_json` stored.

    Fields that are missing in `stored` get their default values.
    """
    known = {each.name for each in fields(CommitmentValues)} & set(stored)
    return CommitmentValues(**{name: _field_from_json(name, stored[name]) for name in known})


def _field_from_json(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in DATE_FIELDS:
        return date.fromisoformat(value)
    return time.fromisoformat(value) if name in TIME_FIELDS else value
