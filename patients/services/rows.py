"""How a value is written into its row, and how what stands against it is raised."""

from collections.abc import Iterable

from django.db import models

from timekeeping.reasons import Reason, Refused


def write(row: models.Model, values: object) -> list[str]:
    """Sets the fields; the names of those that were otherwise before."""
    changed = [name for name, value in vars(values).items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, getattr(values, name))
    row.save()
    return changed


def refuse(reasons: Iterable[Reason]) -> None:
    """Raises Refused with every reason; does nothing where there is none."""
    found = tuple(reasons)
    if found:
        raise Refused(found)
