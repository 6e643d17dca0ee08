"""Values in addresses."""

from datetime import date


class IsoDate:
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)  # a ValueError means: no such page

    def to_url(self, value: date) -> str:
        return value.isoformat()
