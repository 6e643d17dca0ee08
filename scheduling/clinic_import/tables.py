"""From cells to typed rows, and everything that is wrong with the rows of one file by themselves."""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any

from scheduling.clinic_import.columns import ImportRow
from scheduling.clinic_import.csv_files import CsvFile, read_sheet
from scheduling.clinic_import.faults import Fault


@dataclass(frozen=True, slots=True)
class ParsedTable[R: ImportRow]:
    """A file's sound rows, what is wrong with the others, and which these are.

    `spoiled` are the cells of faulty rows: what refers to one of them is not blamed for it. `is_readable` is False when
    nothing can be known of its rows.
    """

    rows: tuple[R, ...] = ()
    faults: tuple[Fault, ...] = ()
    spoiled: list[dict[str, str]] = field(default_factory=list)
    is_readable: bool = True
    is_given: bool = True


def parse_file[R: ImportRow](kind: type[R], path: Path) -> ParsedTable[R]:
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
    spoiled = []
    for number, cells in sheet.rows:
        values, wrong = _values(kind, cells, absent)
        row = None
        if not wrong and not (absent & set(_required_columns(kind))):
            row = kind(number=number, absent=absent, **values)
            wrong += row.wrong()
        key = tuple(values.get(column) for column in kind.key_columns)
        if None not in key and (earlier := first_of.setdefault(key, number)) != number:
            wrong.append((kind.key_columns[-1], f"Row {earlier} has the same {_join_names(kind.key_columns)} already."))
        faults += (Fault(sheet.file, number, column, sentence) for column, sentence in wrong)
        if row is None or wrong or number in bad_rows:
            spoiled.append(cells)
        else:
            rows.append(row)
    return ParsedTable(tuple(rows), tuple(faults), spoiled)


def _values(
    kind: type[ImportRow], cells: dict[str, str], absent: frozenset[str]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The row's values by column, and for each cell that has none the column with a sentence."""
    values: dict[str, Any] = {}
    wrong = []
    for column in kind.columns():
        cell = cells.get(column.name, "")
        if cell:
            try:
                values[column.name] = column.metadata["read"](cell)
            except ValueError as error:
                wrong.append((column.name, str(error)))
        elif column.default is not MISSING:
            values[column.name] = column.default
        elif column.name not in absent:
            wrong.append((column.name, "This must not be empty."))
    return values, wrong


def _required_columns(kind: type[ImportRow]) -> Sequence[str]:
    return [column.name for column in kind.columns() if column.metadata["needed"]]


def _join_names(columns: Sequence[str]) -> str:
    return " and ".join(columns)
