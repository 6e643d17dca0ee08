"""Faults in the files of an import, each with its file, row and column."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem in an import file. `row` is the row number that a spreadsheet shows, or 0 for the whole file."""

    file: str
    row: int
    column: str
    sentence: str

    def __str__(self) -> str:
        place = [self.file] if self.file else []
        if self.row:
            place.append(_("row %(number)d") % {"number": self.row})
        if self.column:
            place.append(self.column)
        return f"{', '.join(place)}: {self.sentence}" if place else self.sentence


class ImportFailed(Exception):
    """The import failed and nothing was written. `faults` has all faults, ordered by file and row."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
