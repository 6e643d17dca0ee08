"""Notice that somebody else changed a record after a user opened its form."""

from dataclasses import dataclass
from hashlib import blake2b

from django.db import models

from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class ChangedAfterOpening(Reason):
    """Somebody else changed the record after the user opened its form. `fields` are the labels of what now differs."""

    fields: tuple[str, ...] = ()


def version_of(*rows: models.Model) -> str:
    """Return a short hash of the rows. It changes whenever a column of one of the rows changes."""
    columns = [field.attname for field in rows[0]._meta.concrete_fields] if rows else []
    values = [[str(getattr(row, column)) for column in columns] for row in rows]
    return blake2b(repr(values).encode(), digest_size=12).hexdigest()


def refuse_other_version(seen: str, *rows: models.Model) -> None:
    """Raise Refused unless the rows are in the version `seen`. The caller has locked them, or the site they belong to."""
    if seen != version_of(*rows):
        raise Refused([ChangedAfterOpening()])
