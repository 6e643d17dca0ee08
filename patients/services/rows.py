"""How a value is written into its row, and how what stands against it is raised."""

from django.db import models


def save_values(row: models.Model, values: object) -> list[str]:
    """Sets the fields; the names of those that were otherwise before."""
    changed = [name for name, value in vars(values).items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, getattr(values, name))
    row.save()
    return changed
