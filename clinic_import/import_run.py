"""State shared by the steps of one import: the user, the time, the parsed tables, the faults and the changes."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from accounts.models import User
from clinic_import.reading.columns import ImportRow
from clinic_import.reading.faults import Fault
from clinic_import.reading.tables import ParsedTable
from patients.domain.codes import fold_code
from scheduling.formats import clock
from scheduling.models import Site
from scheduling.reason_text import reason_text
from timekeeping.reasons import Refused

Progress = Callable[[str, int, int], None]
"""Callback that takes the table name, the number of rows done, and the number of rows in the table."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The value of one column before and after the import, as text."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """A record that one row of an import file created or changed."""

    table: str
    file: str
    row: int
    label: str
    is_new: bool
    fields: tuple[FieldChange, ...] = ()
    patient: str = ""
    """The code of the patient whom the record is about, or empty."""

    @property
    def detail(self) -> str:
        """Text for the audit trail: “new”, or the names of the changed columns without their values."""
        return "new" if self.is_new else ", ".join(each.column for each in self.fields)


@dataclass(slots=True)
class ImportRun:
    """One run of an import. `faults`, `changes` and `notices` are collected while rows are written."""

    by: User | None
    now: datetime
    tables: Mapping[str, ParsedTable[Any]]
    files: Mapping[str, str]
    """The names of the files or sheets by table."""
    progress: Progress
    checks_rights: bool = False
    """Whether the user may see only some of the patients and staff members."""
    faults: list[Fault] = field(default_factory=list)
    changes: list[RowChange] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    _faulty_keys: dict[tuple[str, tuple[str, ...]], tuple[int, set[tuple[str, ...]]]] = field(default_factory=dict)

    def rows(self, table: str) -> Iterable[Any]:
        """Yield the valid rows of a table and report progress."""
        rows = self.tables[table].rows if table in self.tables else ()
        for done, row in enumerate(rows):
            if done % 250 == 0:
                self.progress(table, done, len(rows))
            yield row
        if rows:
            self.progress(table, len(rows), len(rows))

    def add_fault(self, row: ImportRow, column: str, sentence: str) -> None:
        """Record a fault that was found while writing a row, and mark the row as faulty."""
        self.faults.append(Fault(row.file, row.number, column, sentence))
        self.mark_faulty(row)

    def ask_about_times(self, row: ImportRow, site: Site) -> bool:
        """Add a fault for each time without AM or PM that is outside the site's hours. Return whether there is one."""
        unclear = [
            (column, at)
            for column in sorted(row.unclear_times)
            if (at := getattr(row, column)) and not (site.opens or time.min) <= at <= (site.closes or time.max)
        ]
        for column, at in unclear:
            sentence = _("%(time)s is outside the site's hours. Write it with AM or PM, as %(morning)s or %(evening)s.")
            morning, evening = time(at.hour % 12, at.minute), time(at.hour % 12 + 12, at.minute)
            values = {"time": f"{at.hour}:{at:%M}", "morning": clock(morning), "evening": clock(evening)}
            self.add_fault(row, column, sentence % values)
        return bool(unclear)

    def refuse(self, row: ImportRow, column: str, refused: Refused) -> None:
        """Record that a service refused the row, as one fault with all reasons of the service."""
        self.add_fault(row, column, " ".join(reason_text(reason) for reason in refused.reasons))

    def mark_faulty(self, row: ImportRow) -> None:
        """Mark a row as faulty. References to this row are then not reported as further faults."""
        self.tables[row.table].faulty_rows.append(row.code_cells())

    def find[T](
        self, row: ImportRow, column: str, table: str, key: Mapping[str, str], found: Mapping[Any, T]
    ) -> T | None:
        """Return the record that a cell of the row refers to, or None if there is none.

        `key` has the codes that identify the record in `table`, and `found` maps codes to records. An unknown code is a
        fault of the row, unless a faulty row of the table's file could have created the record.
        """
        values = tuple(key.values())
        wanted = values[0] if len(values) == 1 else values
        if wanted in found:
            return found[wanted]
        if self.is_faulty(table, key):
            self.mark_faulty(row)
        else:
            self.add_fault(
                row,
                column,
                _("“%(code)s” is not a code in %(file)s or in the database.")
                % {"code": values[-1], "file": self.file_of(table)},
            )
        return None

    def file_of(self, table: str) -> str:
        """Return the name of the table's file or sheet, or the name that its file would have."""
        return self.files.get(table, f"{table}.csv")

    def is_faulty(self, table: str, key: Mapping[str, str]) -> bool:
        """Return whether the key may belong to a faulty row, or to a record that an incomplete file lacks."""
        given = self.tables.get(table)
        if given is None:
            return False
        folded = tuple(fold_code(code) for code in key.values())
        return not given.is_complete or folded in self._keys_of_faulty_rows(table, tuple(key))

    def _keys_of_faulty_rows(self, table: str, columns: tuple[str, ...]) -> set[tuple[str, ...]]:
        """Return the folded codes in the `columns` of the faulty rows. Only rows added since the last call are read."""
        faulty_rows = self.tables[table].faulty_rows
        known, keys = self._faulty_keys.get((table, columns), (0, set()))
        keys.update(tuple(fold_code(cells.get(column, "")) for column in columns) for cells in faulty_rows[known:])
        self._faulty_keys[table, columns] = (len(faulty_rows), keys)
        return keys

    def note(self, row: ImportRow, *, is_new: bool, fields: tuple[FieldChange, ...] = ()) -> RowChange:
        """Record what a row changed, for the result of the import. Return the change."""
        change = RowChange(row.table, row.file, row.number, row.label, is_new, fields, row.patient_code)
        self.changes.append(change)
        return change


def differences(
    before: Mapping[str, object], after: Mapping[str, object], absent: Container[str] = ()
) -> tuple[FieldChange, ...]:
    """Return the changes between two mappings of columns to values. The `absent` columns are left out."""
    return tuple(
        FieldChange(column, format_value(before[column]), format_value(value))
        for column, value in after.items()
        if column not in absent and before[column] != value
    )


def format_value(value: object) -> str:
    """Format a value as it would be written in an import file. Empty values become “nothing”."""
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
