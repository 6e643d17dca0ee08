"""Read the CSV files that spreadsheet programs export, as cells with row numbers."""

import codecs
import csv
import io
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from django.utils.translation import gettext as _

from clinic_import.reading.faults import Fault

SEPARATORS = (",", ";", "\t")

Line = tuple[int, list[str]]
"""The number of a row, as a spreadsheet shows it, and the texts of its cells."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The content of a CSV file, or of a sheet in a workbook.

    Each row has its number, as a spreadsheet shows it, and its cells by column name.
    """

    file: str
    title_row: int
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def advice(name: str, known: Sequence[str], ending: str = "") -> str:
    """Return a sentence that suggests the known name closest to `name`, or all known names if none is close."""
    if close := get_close_matches(name, known, n=1):
        return _("Did you mean %(name)s?") % {"name": f"{close[0]}{ending}"}
    return _("Use one of these: %(names)s.") % {"names": ", ".join(known)}


def read_csv(name: str, data: bytes, titles: Container[str]) -> tuple[list[Line] | None, list[Fault]]:
    """Return the lines of a CSV file that aren't empty, and the faults found. The lines are None if the file can't be read.

    `titles` are the known column titles. They tell which character separates the cells.
    """
    try:
        text = _decode(data)
    except UnicodeError as error:
        return None, [Fault(name, 0, "", str(error))]
    separator, text = _separator(text, titles)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    numbered: list[Line] = []
    number = 0
    try:
        for number, cells in enumerate(lines, start=1):
            if any(cell.strip() for cell in cells):
                numbered.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        sentence = _("This row can't be read (%(error)s). Check its quotation marks.") % {"error": error}
        return None, [Fault(name, number + 1, "", sentence)]
    return numbered, []


def read_sheet(
    name: str, lines: Sequence[Line], columns: Sequence[str], required: Sequence[str], other_titles: Mapping[str, str]
) -> tuple[Sheet | None, list[Fault]]:
    """Return the cells of a file or sheet by column, and the faults found. The sheet is None if there are no lines.

    Unknown and duplicate columns are faults, and so are cells without a column title. `other_titles` maps titles that
    are accepted too to the names of columns.
    """
    if not lines:
        sentence = _("The file is empty. Its first row must have these column titles: %(required)s.") % {
            "required": ", ".join(required)
        }
        return None, [Fault(name, 0, "", sentence)]
    (title_row, titles), *rest = lines
    names = [other_titles.get(title, title) for title in map(column_name, titles)]
    faults = _faults_of_columns(name, title_row, titles, names, columns)
    found, too_wide = _cells_by_column(name, names, rest)
    return Sheet(name, title_row, tuple(each for each in names if each), tuple(found)), faults + too_wide


def _decode(data: bytes) -> str:
    """Decode text in UTF-8, UTF-16 or, if it is neither, Windows-1252, the encoding of “CSV” in Excel.

    UTF-16 is recognized by its byte order mark. Raises UnicodeError with advice for the user.
    """
    encoding = "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        try:
            text = data.decode("cp1252") if encoding != "utf-16" else ""
        except UnicodeDecodeError:
            text = ""
        if not text:
            raise UnicodeError(
                _("Line %(row)d of the file can't be read. Save the file as “CSV UTF-8”.") % {"row": row}
            ) from None
    if "\0" in text:
        raise UnicodeError(_("The file has characters that are not text. Save it as “CSV UTF-8”."))
    return text


def _separator(text: str, columns: Container[str]) -> tuple[str, str]:
    """Return the separator between cells, and the text without Excel's `sep=` line.

    If there is no such line, choose the separator that yields the most known column names in the first row.
    """
    first, _break, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5 and first.strip()[4] in SEPARATORS:
        return first.strip()[4], rest
    header = next((line for line in text.splitlines() if line.strip()), "")
    found = {each: sum(column_name(part.strip('" ')) in columns for part in header.split(each)) for each in SEPARATORS}
    return max(SEPARATORS, key=lambda each: found[each]), text


def column_name(title: str) -> str:
    """Convert a column title to a column name: “Birth date” and “birth-date” become birth_date."""
    return "_".join(title.lower().replace("-", " ").replace("_", " ").split())


def _faults_of_columns(
    file: str, title_row: int, titles: Sequence[str], names: Sequence[str], columns: Sequence[str]
) -> list[Fault]:
    faults = []
    for position, (title, name) in enumerate(zip(titles, names, strict=True)):
        if name in names[:position] and name:
            faults.append(Fault(file, title_row, title, _("Two columns have this title. Remove one of them.")))
        elif name and name not in columns:
            faults.append(
                Fault(
                    file,
                    title_row,
                    title,
                    f"{_('This file has no column with this title.')} {advice(name, columns)}",
                )
            )
    return faults


def _cells_by_column(
    file: str, names: Sequence[str], rows: Iterable[tuple[int, list[str]]]
) -> tuple[list[tuple[int, dict[str, str]]], list[Fault]]:
    """Return the cells of each row by column name, and the faults.

    A cell without a column title is a fault, because its content would be lost.
    """
    found, faults = [], []
    for number, cells in rows:
        stray = [cell for at, cell in enumerate(cells) if cell and (at >= len(names) or not names[at])]
        if stray:
            faults.append(
                Fault(file, number, "", _("“%(stray)s” is in a column without a title.") % {"stray": stray[0][:40]})
            )
        found.append((number, {name: cell for name, cell in zip(names, cells, strict=False) if name}))
    return found, faults
