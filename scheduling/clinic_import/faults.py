"""Faults in the files of an import, each with its place."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, as a sentence. `row` is the number that a spreadsheet shows, 0 for the file as a whole."""

    file: str
    row: int
    column: str
    sentence: str

    def __str__(self) -> str:
        place = [self.file] if self.file else []
        if self.row:
            place.append(f"row {self.row}")
        if self.column:
            place.append(self.column)
        return f"{', '.join(place)}: {self.sentence}" if place else self.sentence


class ImportFailed(Exception):
    """The import failed and nothing was written. `faults` are all that were found, in the order of the files and rows."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
