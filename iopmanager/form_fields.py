"""Days and times as people type them, into a field or an address: a date, and not a slip of the keyboard."""

from datetime import date
from typing import Any

from django import forms

PLAUSIBLE_YEARS = range(1900, 2150)
"""What is alive or planned lies in them; outside there is no room left to count weeks backwards or on."""


def parse_day(text: str) -> date | None:
    """The day that `text` gives as 2026-11-23; None for anything else, and for years that nobody means."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in PLAUSIBLE_YEARS else None


class DayField(forms.DateField):
    """A date of a year in `YEARS`, typed in the browser's own way."""

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
    """A time on the clock to the minute, as which all of a week is counted."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
        super().__init__(input_formats=["%H:%M"], **kwargs)
