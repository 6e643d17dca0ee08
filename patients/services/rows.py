"""Save a dataclass of values into a database row."""

from django.db import models


def save_values(row: models.Model, values: object) -> list[str]:
    """Set the row's fields to the values of the same names, save the row, and return the names of changed fields."""
    changed = [name for name, value in vars(values).items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, getattr(values, name))
    row.save()
    return changed
