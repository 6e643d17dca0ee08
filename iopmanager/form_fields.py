"""Parsing and form fields for typed dates, times and ids. Dates with implausible years are rejected as typing errors."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext as _

PLAUSIBLE_YEARS = range(2000, 2150)
"""Years that forms accept in dates. The limit finds typing errors, and keeps calculations from exceeding `date.max`."""

MAX_NUMBER_DIGITS = 18
"""Every number with up to this many digits fits into 64 bits."""

BIRTH_YEARS = range(1900, 2150)
"""Years that forms accept in birth dates."""


def parse_day(text: str) -> date | None:
    """Parse an ISO date such as 2026-11-23. Return None for other text and for implausible years."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in PLAUSIBLE_YEARS else None


def parse_number(text: str) -> int | None:
    """Parse a whole number, such as an id. Return None for other text, and for more digits than the database can store."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_NUMBER_DIGITS else None


class RowsField[M: Model](forms.ModelMultipleChoiceField[M]):
    """Field for several rows of a table, given by their ids. Refuses ids with more digits than SQLite can look up."""

    def clean(self, value: Any) -> Any:
        for key in value if isinstance(value, (list, tuple)) else ():
            if parse_number(str(key)) is None:
                message = self.error_messages["invalid_choice"]
                raise forms.ValidationError(message, code="invalid_choice", params={"value": key})
        return super().clean(value)


class DayField(forms.DateField):
    """Date field that uses the browser's date input. The year must be in `years`."""

    def __init__(self, *, years: range = PLAUSIBLE_YEARS, **kwargs: Any) -> None:
        self.years = years
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:
        day = super().to_python(value)
        if day is not None and day.year not in self.years:
            years = {"first": self.years.start, "last": self.years.stop - 1}
            raise forms.ValidationError(_("Check the year. It must be from %(first)s to %(last)s.") % years)
        return day


class MinuteField(forms.TimeField):
    """Wall-clock time field without seconds, because schedules are computed in whole minutes."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
        super().__init__(input_formats=["%H:%M"], **kwargs)
