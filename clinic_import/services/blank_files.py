"""Blank files to fill in and import: a workbook with a sheet for each table, or a zip file of CSV files.

They are made from the row types, so they always have the columns that the import knows.
"""

import io
from dataclasses import Field
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter
from django.utils.translation import gettext as _

from clinic_import.clinic import ROW_TYPES
from clinic_import.reading.cells import CHOICES, read_yes_no
from clinic_import.reading.columns import ImportRow
from clinic_import.reading.dates_and_times import (
    read_birth_date,
    read_date,
    read_dates,
    read_time,
    read_weekday,
    read_weekdays,
)

PREPARED_ROWS = 1000
"""Number of rows in which a cell offers its choices as a list."""
TEXT, DAY, TIME = "@", "yyyy-mm-dd", 18
"""Number formats of cells. 18 is the index of a built-in format: times with AM or PM."""
WIDTH = 18


def blank_workbook() -> bytes:
    """Return an .xlsx workbook whose sheets have only titles. A note on each title says what to enter."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        formats = {each: book.add_format({"num_format": each}) for each in (TEXT, DAY, TIME)}
        required, plain = book.add_format({"bold": True}), book.add_format()
        for kind in ROW_TYPES:
            sheet = book.add_worksheet(kind.table)
            sheet.freeze_panes(1, 0)
            for number, column in enumerate(kind.columns()):
                is_required = column.metadata["needed"]
                sheet.set_column(number, number, WIDTH, formats[_cell_format(column)])
                sheet.write_string(0, number, column.name, required if is_required else plain)
                sheet.write_comment(0, number, _hint(kind, column))
                if choices := _choices(column):
                    sheet.data_validation(
                        1, number, PREPARED_ROWS, number,
                        {"validate": "list", "source": choices, "error_type": "warning"},
                    )  # fmt: skip
    return target.getvalue()


def blank_csv_files() -> bytes:
    """Return a zip file with a CSV file for each table. The CSV files have only titles."""
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as packed:
        for kind in ROW_TYPES:
            titles = ",".join(column.name for column in kind.columns())
            packed.writestr(f"{kind.table}.csv", f"{titles}\r\n")
    return target.getvalue()


def _cell_format(column: Field[Any]) -> str | int:
    """Return the format of a column's cells. Codes are text, so that a spreadsheet program does not turn 1E5 into 100000."""
    read = column.metadata["read"]
    if read in (read_date, read_birth_date):
        return DAY
    return TIME if read is read_time else TEXT


def _choices(column: Field[Any]) -> list[str]:
    read = column.metadata["read"]
    if read is read_yes_no:
        return ["yes", "no"]
    return [*getattr(read, CHOICES, ())]


def _hint(kind: type[ImportRow], column: Field[Any]) -> str:
    """Return a note that says whether the column is required, and what to enter."""
    hints = [_("Required.") if column.metadata["needed"] else _("Optional.")]
    if column.name in kind.key_columns:
        hints.append(_("Identifies the row, so that you can import it again."))
    elif table := column.metadata["code_of"]:
        hints.append(_("Codes from the sheet %(sheet)s.") % {"sheet": table})
    if choices := _choices(column):
        hints.append(_("One of these: %(choices)s.") % {"choices": ", ".join(choices)})
    elif example := _example(column):
        hints.append(_("For example %(example)s.") % {"example": example})
    return " ".join(hints)


def _example(column: Field[Any]) -> str:
    examples = {
        read_date: "2026-11-23",
        read_birth_date: "1990-05-17",
        read_dates: "2026-11-23; 2026-11-30",
        read_time: "9:00 AM",
        read_weekday: "Mon",
        read_weekdays: "Mon, Wed",
    }
    return examples.get(column.metadata["read"], "")
