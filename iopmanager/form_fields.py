"""Parsing and form fields for typed dates and times. Dates with implausible years are rejected as typing errors."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _

PLAUSIBLE_YEARS = range(2000, 2150)
"""Years that forms accept in dates. The limit finds typing errors, and keeps calculations from exceeding `date.max`."""

BIRTH_YEARS = range(1900, 2150)
"""Years that forms accept in birth dates."""


def parse_day(text: str) -> date | None:
    """Parse an ISO date such as 2026-11-23. Return None for other text and for implausible years."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in PLAUSIBLE_YEARS else None


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
