"""Converters for values in URL paths."""

from datetime import date

from iopmanager.form_fields import parse_day


class IsoDate:
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        day = parse_day(value)
        if day is None:
            raise ValueError(f"not a day: {value}")  # Django turns ValueError into a 404 response
        return day

    def to_url(self, value: date) -> str:
        return value.isoformat()
