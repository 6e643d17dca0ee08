"""Parse the cells of a table into typed rows, and find the faults within each row."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from clinic_import.reading.cells import refuse_broken_cell
from clinic_import.reading.columns import Cells, ImportRow
from clinic_import.reading.csv_files import Sheet, read_sheet
from clinic_import.reading.dates_and_times import (
    DateOrder,
    has_half,
    is_24_hour,
    read_birth_date,
    read_date,
    read_dates,
    read_day_and_time,
    read_time,
    split_time_range,
)
from clinic_import.reading.faults import Fault
from clinic_import.reading.sources import GivenTable
from patients.domain.codes import fold_code

DATE_READERS = (read_date, read_dates, read_birth_date, read_day_and_time)


@dataclass(frozen=True, slots=True)
class ParsedTable[R: ImportRow]:
    """The valid rows of a file, and its faults.

    `faulty_rows` has the cells of the invalid rows. A reference to such a row is not reported as another fault.
    `is_complete` is False if the file can't be read, or if one of its columns has a wrong title or is missing. The file may
    then lack any record, so no reference to it is reported as a fault.
    """

    rows: tuple[R, ...] = ()
    faults: tuple[Fault, ...] = ()
    faulty_rows: list[Cells] = field(default_factory=list)
    is_complete: bool = True


def parse_table[R: ImportRow](kind: type[R], given: GivenTable, date_order: DateOrder | None = None) -> ParsedTable[R]:
    """Parse the rows of a table into the row type `kind`. `date_order` is the order of dates like 1/5/26."""
    if given.lines is None:
        return ParsedTable(is_complete=False)
    columns = [column.name for column in kind.columns()]
    sheet, faults = read_sheet(given.name, given.lines, columns, _required_columns(kind), kind.other_titles)
    if sheet is None:
        return ParsedTable(faults=tuple(faults), is_complete=False)
    sheet = _split_time_ranges(sheet, columns)
    missing = [name for name in _required_columns(kind) if name not in sheet.columns]
    is_complete = not missing and not any(fault.row == sheet.title_row for fault in faults)
    faults += (
        Fault(sheet.file, sheet.title_row, name, _("This column is missing. Add it to the file.")) for name in missing
    )
    return _parse(kind, sheet, faults, date_order, is_complete=is_complete)


def _split_time_ranges(sheet: Sheet, columns: Sequence[str]) -> Sheet:
    """Split ranges such as `9:00-12:00` under `starts` into `starts` and `ends`, in rows that have nothing under `ends`."""
    if not {"starts", "ends"} <= {*columns} or "starts" not in sheet.columns:
        return sheet
    rows: list[tuple[int, dict[str, str]]] = []
    for number, cells in sheet.rows:
        parts = None if cells.get("ends") else split_time_range(cells.get("starts", ""))
        rows.append((number, {**cells, "starts": parts[0], "ends": parts[1]} if parts else cells))
    if not any("ends" in cells for _number, cells in rows):
        return sheet
    return replace(sheet, columns=tuple(dict.fromkeys((*sheet.columns, "ends"))), rows=tuple(rows))


def _parse[R: ImportRow](
    kind: type[R], sheet: Sheet, faults: list[Fault], date_order: DateOrder | None, *, is_complete: bool
) -> ParsedTable[R]:
    absent = frozenset(column.name for column in kind.columns()) - set(sheet.columns)
    bad_rows = {fault.row for fault in faults}
    first_of: dict[tuple[object, ...], int] = {}
    rows: list[R] = []
    faulty_rows: list[Cells] = []
    times = [column.name for column in kind.columns() if column.metadata["read"] is read_time]
    is_24_hour_file = any(is_24_hour(cells.get(column, "")) for _number, cells in sheet.rows for column in times)
    for number, cells in _records(kind, sheet):
        values, errors = _read_cells(kind, cells, absent, date_order)
        row = None
        if not errors and not (absent & set(_required_columns(kind))):
            unclear_times = _unclear_times(times, cells, is_24_hour_file=is_24_hour_file)
            row = kind(file=sheet.file, number=number, absent=absent, unclear_times=unclear_times, **values)
            errors += row.errors()
        key = tuple(_comparable(values.get(column)) for column in kind.key_columns)
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
    return ParsedTable(tuple(rows), tuple(faults), faulty_rows, is_complete)


def _records(kind: type[ImportRow], sheet: Sheet) -> Iterator[tuple[int, Cells]]:
    """Yield the row number and the cells of each record. A row with several weekdays can be several records."""
    for number, cells in sheet.rows:
        for each in kind.spread(cells):
            yield number, each


def _comparable(value: object) -> object:
    return fold_code(value) if isinstance(value, str) else value


def _unclear_times(times: Sequence[str], cells: Cells, *, is_24_hour_file: bool) -> frozenset[str]:
    """Return the columns of the row's times, unless one of them has AM or PM or the file is written in the 24-hour way."""
    given = [column for column in times if cells.get(column)]
    return frozenset() if is_24_hour_file or any(has_half(cells[column]) for column in given) else frozenset(given)


def _read_cells(
    kind: type[ImportRow], cells: Cells, absent: frozenset[str], date_order: DateOrder | None
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return a row's values by column, and its errors. An error is a column name and a sentence about the cell."""
    values: dict[str, Any] = {}
    errors = []
    for column in kind.columns():
        cell, read = cells.get(column.name, ""), column.metadata["read"]
        if cell:
            try:
                refuse_broken_cell(cell)
                values[column.name] = read(cell, date_order) if read in DATE_READERS else read(cell)
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
