"""Parse the cells of a CSV file into typed rows, and find the faults within each row."""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from scheduling.clinic_import.columns import ImportRow
from scheduling.clinic_import.csv_files import CsvFile, read_sheet
from scheduling.clinic_import.faults import Fault


@dataclass(frozen=True, slots=True)
class ParsedTable[R: ImportRow]:
    """The valid rows of a file, and its faults.

    `faulty_rows` has the cells of the invalid rows. A reference to such a row is not reported as another fault.
    `is_readable` is False if no row of the file could be read.
    """

    rows: tuple[R, ...] = ()
    faults: tuple[Fault, ...] = ()
    faulty_rows: list[dict[str, str]] = field(default_factory=list)
    is_readable: bool = True
    is_given: bool = True


def parse_file[R: ImportRow](kind: type[R], path: Path) -> ParsedTable[R]:
    """Read a CSV file and parse its rows into the row type `kind`."""
    columns = kind.columns()
    required = [column.name for column in columns if column.metadata["needed"]]
    sheet, faults = read_sheet(path, [column.name for column in columns], required)
    if sheet is None:
        return ParsedTable(faults=tuple(faults), is_readable=False)
    return _parse(kind, sheet, faults)


def _parse[R: ImportRow](kind: type[R], sheet: CsvFile, faults: list[Fault]) -> ParsedTable[R]:
    absent = frozenset(column.name for column in kind.columns()) - set(sheet.columns)
    bad_rows = {fault.row for fault in faults}
    first_of: dict[tuple[object, ...], int] = {}
    rows: list[R] = []
    faulty_rows = []
    for number, cells in sheet.rows:
        values, errors = _read_cells(kind, cells, absent)
        row = None
        if not errors and not (absent & set(_required_columns(kind))):
            row = kind(number=number, absent=absent, **values)
            errors += row.errors()
        key = tuple(values.get(column) for column in kind.key_columns)
        if None not in key and (earlier := first_of.setdefault(key, number)) != number:
            errors.append(
                (
                    kind.key_columns[-1],
                    _("Row %(earlier)s has the same %(columns)s.")
                    % {"earlier": earlier, "columns": _join_names(kind.key_columns)},
                )
            )
        faults += (Fault(sheet.file, number, column, sentence) for column, sentence in errors)
        if row is None or errors or number in bad_rows:
            faulty_rows.append(cells)
        else:
            rows.append(row)
    return ParsedTable(tuple(rows), tuple(faults), faulty_rows)


def _read_cells(
    kind: type[ImportRow], cells: dict[str, str], absent: frozenset[str]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return a row's values by column, and its errors. An error is a column name and a sentence about the cell."""
    values: dict[str, Any] = {}
    errors = []
    for column in kind.columns():
        cell = cells.get(column.name, "")
        if cell:
            try:
                values[column.name] = column.metadata["read"](cell)
            except ValueError as error:
                errors.append((column.name, str(error)))
        elif column.default is not MISSING:
            values[column.name] = column.default
        elif column.name not in absent:
            errors.append((column.name, _("This is blank. Fill it in.")))
    return values, errors


def _required_columns(kind: type[ImportRow]) -> Sequence[str]:
    return [column.name for column in kind.columns() if column.metadata["needed"]]


def _join_names(columns: Sequence[str]) -> str:
    return " and ".join(columns)
