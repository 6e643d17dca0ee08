"""Form fields and parsing for dates and times that people type, with protection against typing errors."""

from datetime import date
from typing import Any

from django import forms

PLAUSIBLE_YEARS = range(1900, 2150)
"""Dates of living people and their plans are in these years. Near the limits of `date`, counting weeks would overflow."""


def parse_day(text: str) -> date | None:
    """Parse a date such as 2026-11-23; return None for anything else and for implausible years."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in PLAUSIBLE_YEARS else None


class DayField(forms.DateField):
    """A date in one of `PLAUSIBLE_YEARS`, typed into the browser's date input."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:
        day = super().to_python(value)
        if day is not None and day.year not in PLAUSIBLE_YEARS:
            raise forms.ValidationError(
                f"The year must lie between {PLAUSIBLE_YEARS.start} and {PLAUSIBLE_YEARS.stop - 1}."
            )
        return day


class MinuteField(forms.TimeField):
    """A wall-clock time to the minute, since weeks are computed in minutes."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
        super().__init__(input_formats=["%H:%M"], **kwargs)
