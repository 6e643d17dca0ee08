"""What the steps of one import share: who and when, the rows, and what they found and changed."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db import models

from accounts.models import User
from scheduling.clinic_import.columns import ImportRow
from scheduling.clinic_import.faults import Fault
from scheduling.clinic_import.tables import ParsedTable
from scheduling.reason_text import reason_text
from timekeeping.reasons import Refused

Progress = Callable[[str, int, int], None]
"""Told the file, how many of its rows are done, and how many it has."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """What one row of a file made new, or changed in which columns."""

    table: str
    row: int
    label: str
    is_new: bool
    fields: tuple[FieldChange, ...] = ()

    @property
    def detail(self) -> str:
        """For the trail: which columns, not what was in them."""
        return "new" if self.is_new else ", ".join(each.column for each in self.fields)


@dataclass(slots=True)
class ImportRun:
    by: User | None
    now: datetime
    tables: Mapping[str, ParsedTable[Any]]
    progress: Progress
    faults: list[Fault] = field(default_factory=list)
    changes: list[RowChange] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    _spoiled: dict[tuple[str, tuple[str, ...]], tuple[int, set[tuple[str, ...]]]] = field(default_factory=dict)

    def rows(self, table: str) -> Iterable[Any]:
        """The sound rows of a file, with word of how far one has come."""
        rows = self.tables[table].rows if table in self.tables else ()
        for done, row in enumerate(rows):
            if done % 250 == 0:
                self.progress(table, done, len(rows))
            yield row
        if rows:
            self.progress(table, len(rows), len(rows))

    def blame(self, row: ImportRow, column: str, sentence: str) -> None:
        """Notes a fault of a row that seemed sound; what refers to the row is not blamed for it."""
        self.faults.append(Fault(row.file, row.number, column, sentence))
        self.spoil(row)

    def refuse(self, row: ImportRow, column: str, refused: Refused) -> None:
        """A service's refusal in its own words."""
        self.blame(row, column, " ".join(reason_text(reason) for reason in refused.reasons))

    def spoil(self, row: ImportRow) -> None:
        codes = {column: _format_code(getattr(row, column)) for column in (column.name for column in row.columns())}
        self.tables[row.table].spoiled.append(codes)

    def find[T](
        self, row: ImportRow, column: str, table: str, key: Mapping[str, str], found: Mapping[Any, T]
    ) -> T | None:
        """What a cell refers to: `found` under the values of `key`. A code that nobody has is a fault; None either way."""
        values = tuple(key.values())
        wanted = values[0] if len(values) == 1 else values
        if wanted in found:
            return found[wanted]
        if self.is_spoiled(table, key):
            self.spoil(row)
        else:
            self.blame(row, column, f"“{values[-1]}” is the code of nothing in {table}.csv, nor in the database.")
        return None

    def is_spoiled(self, table: str, key: Mapping[str, str]) -> bool:
        """Whether a faulty row, or a file that can't be read, may be what the key means."""
        given = self.tables.get(table)
        if given is None:
            return False
        return not given.is_readable or tuple(key.values()) in self._spoiled_keys(table, tuple(key))

    def _spoiled_keys(self, table: str, columns: tuple[str, ...]) -> set[tuple[str, ...]]:
        """The values of the columns in the file's faulty rows; only rows spoiled since the last call are looked at."""
        spoiled = self.tables[table].spoiled
        looked_at, keys = self._spoiled.get((table, columns), (0, set()))
        keys.update(tuple(cells.get(column, "") for column in columns) for cells in spoiled[looked_at:])
        self._spoiled[table, columns] = (len(spoiled), keys)
        return keys

    def note(self, row: ImportRow, *, is_new: bool, fields: tuple[FieldChange, ...] = ()) -> RowChange:
        change = RowChange(row.table, row.number, row.label, is_new, fields)
        self.changes.append(change)
        return change


def differences(
    before: Mapping[str, object], after: Mapping[str, object], absent: Container[str] = ()
) -> tuple[FieldChange, ...]:
    """The columns in which the values differ; those that the file does not have are left out."""
    return tuple(
        FieldChange(column, format_value(before[column]), format_value(value))
        for column, value in after.items()
        if column not in absent and before[column] != value
    )


def format_value(value: object) -> str:
    """A value as one would write it in a file; “nothing” for none."""
    if value is None or value == "" or value == ():
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, models.Model):
        return str(getattr(value, "code", None) or value)
    if isinstance(value, tuple | list | frozenset):
        return "; ".join(format_value(each) for each in value)
    return str(value)


def _format_code(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(str(each) for each in value)
    return "" if value is None else str(value)
