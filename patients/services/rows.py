"""Save a dataclass of values into a database row."""

from django.db import models


def save_values(row: models.Model, values: object) -> list[str]:
    """Copy each value to the row's field of the same name, save the row, and return the names of the changed fields."""
    changed = [name for name, value in vars(values).items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, getattr(values, name))
    row.save()
    return changed
