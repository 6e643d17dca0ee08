"""Read the CSV files that spreadsheet programs export, as cells with row numbers."""

import codecs
import csv
import io
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from django.utils.translation import gettext as _

from scheduling.clinic_import.faults import Fault

SEPARATORS = (",", ";", "\t")
SPREADSHEETS = {".xls", ".xlsx", ".ods", ".numbers"}


@dataclass(frozen=True, slots=True)
class CsvFile:
    """The content of a CSV file: for each row, its number as in a spreadsheet, and its cells by column name."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def find_files(folder: Path, known: Sequence[str]) -> tuple[dict[str, Path], list[Fault]]:
    """Return the folder's CSV files by table name, and the faults found.

    Unknown CSV files are faults. So are spreadsheets that should have been saved as CSV.
    """
    if not folder.is_dir():
        return {}, [Fault(str(folder), 0, "", _("This folder does not exist."))]
    found: dict[str, Path] = {}
    faults = []
    for path in sorted(folder.iterdir()):
        table, ending = path.stem.lower(), path.suffix.lower()
        if ending in SPREADSHEETS and table in known:
            faults.append(Fault(path.name, 0, "", _("This is a spreadsheet. Save it as “CSV UTF-8” first.")))
        if ending != ".csv":
            continue
        if table not in known:
            faults.append(
                Fault(
                    path.name, 0, "", f"{_('The import has no file with this name.')} {_advice(table, known, '.csv')}"
                )
            )
        elif table in found:
            faults.append(
                Fault(
                    path.name,
                    0,
                    "",
                    _("The folder has %(name)s too. Keep only one of them.") % {"name": found[table].name},
                )
            )
        else:
            found[table] = path
    if not found and not faults:
        files = ", ".join(f"{table}.csv" for table in known)
        faults.append(
            Fault(
                str(folder),
                0,
                "",
                _("The folder has no file to import. It can have these: %(files)s.") % {"files": files},
            )
        )
    return found, faults


def _advice(name: str, known: Sequence[str], ending: str = "") -> str:
    """Return a sentence that suggests the known name closest to `name`, or all known names if none is close."""
    if close := get_close_matches(name, known, n=1):
        return _("Did you mean %(name)s?") % {"name": f"{close[0]}{ending}"}
    return _("Use one of these: %(names)s.") % {"names": ", ".join(known)}


def read_sheet(
    path: Path, columns: Sequence[str], required: Sequence[str], other_titles: Mapping[str, str]
) -> tuple[CsvFile | None, list[Fault]]:
    """Return the cells of a CSV file, and the faults found. The cells are None if the file can't be read.

    Unknown and duplicate columns are faults, and so are cells without a column title. `other_titles` maps titles that
    are accepted too to the names of columns.
    """
    try:
        text = _decode(path.read_bytes())
    except UnicodeError as error:
        return None, [Fault(path.name, 0, "", str(error))]
    separator, text = _separator(text, {*columns, *other_titles})
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    numbered: list[tuple[int, list[str]]] = []
    number = 0
    try:
        for number, cells in enumerate(lines, start=1):
            if any(cell.strip() for cell in cells):
                numbered.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        sentence = _("This row can't be read (%(error)s). Check its quotation marks.") % {"error": error}
        return None, [Fault(path.name, number + 1, "", sentence)]
    if not numbered:
        sentence = _("The file is empty. Its first row must have these column titles: %(required)s.") % {
            "required": ", ".join(required)
        }
        return None, [Fault(path.name, 0, "", sentence)]
    (_number, titles), *rest = numbered
    names = [other_titles.get(name, name) for name in map(_column_name, titles)]
    faults = _faults_of_columns(path.name, titles, names, columns)
    found, too_wide = _cells_by_column(path.name, names, rest)
    return CsvFile(path.name, tuple(name for name in names if name), tuple(found)), faults + too_wide


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
    found = {each: sum(_column_name(part.strip('" ')) in columns for part in header.split(each)) for each in SEPARATORS}
    return max(SEPARATORS, key=lambda each: found[each]), text


def _column_name(title: str) -> str:
    """Convert a column title to a column name: “Birth date” and “birth-date” become birth_date."""
    return "_".join(title.lower().replace("-", " ").replace("_", " ").split())


def _faults_of_columns(file: str, titles: Sequence[str], names: Sequence[str], columns: Sequence[str]) -> list[Fault]:
    faults = []
    for position, (title, name) in enumerate(zip(titles, names, strict=True)):
        if name in names[:position] and name:
            faults.append(Fault(file, 1, title, _("Two columns have this title. Remove one of them.")))
        elif name and name not in columns:
            faults.append(
                Fault(
                    file,
                    1,
                    title,
                    f"{_('This file has no column with this title.')} {_advice(name, columns)}",
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
