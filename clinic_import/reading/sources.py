"""Find the tables that a clinic gives: CSV files in a folder or a zip file, or the sheets of a workbook."""

import io
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from django.utils.translation import gettext as _

from clinic_import.reading.csv_files import Line, advice, column_name, read_csv
from clinic_import.reading.faults import Fault
from clinic_import.workbooks.child_process import read_in_child
from clinic_import.workbooks.worker import MAX_ROWS, MAX_SHEETS, MEGABYTE, Refusal, WorkbookRefused

WORKBOOKS = {".xlsx", ".xlsm", ".ods", ".xls"}
OTHER_SPREADSHEETS = {".numbers"}
MAX_FILES = 200
MAX_UNPACKED_BYTES = 200 * MEGABYTE
MAX_UNKNOWN_SHEETS = 5
"""If more sheets have unknown names, only their number is reported."""


@dataclass(frozen=True, slots=True)
class GivenTable:
    """A table as the clinic gives it. `name` is the name of its file. `lines` is None if it can't be read."""

    name: str
    lines: list[Line] | None


Tables = dict[str, GivenTable]
NamedFile = tuple[str, Callable[[], bytes]]
"""The name of a file, and a function that reads it."""


def read_source(source: Path, titles_of: Mapping[str, Container[str]]) -> tuple[Tables, list[Fault]]:
    """Return the tables in a folder, a zip file, a workbook or a CSV file by table name, and the faults found.

    `titles_of` has the known column titles of each table. Files and sheets with other names are faults.
    """
    if source.is_dir():
        files: list[NamedFile] = [(path.name, path.read_bytes) for path in sorted(source.iterdir()) if path.is_file()]
        return _csv_tables(str(source), files, titles_of)
    if not source.is_file():
        return {}, [Fault(str(source), 0, "", _("This folder does not exist."))]
    return read_files([(source.name, source.read_bytes)], titles_of)


def read_files(files: Sequence[NamedFile], titles_of: Mapping[str, Container[str]]) -> tuple[Tables, list[Fault]]:
    """Return the tables in one zip file or workbook, or in several CSV files, as `read_source` does."""
    if len(files) == 1:
        [(name, read)] = files
        ending = PurePosixPath(name).suffix.lower()
        if ending == ".zip":
            return _zip_tables(name, read(), titles_of)
        if ending in WORKBOOKS:
            return _workbook_tables(name, read(), [*titles_of])
        if ending != ".csv":
            sentence = _(
                "The import can't read this kind of file. Use a workbook (.xlsx, .ods), a zip file or CSV files."
            )
            return {}, [Fault(name, 0, "", sentence)]
    return _csv_tables("", files, titles_of)


def _csv_tables(
    place: str, files: Iterable[NamedFile], titles_of: Mapping[str, Container[str]]
) -> tuple[Tables, list[Fault]]:
    found: Tables = {}
    faults = []
    for name, read in files:
        table, ending = PurePosixPath(name).stem.lower(), PurePosixPath(name).suffix.lower()
        if ending in WORKBOOKS | OTHER_SPREADSHEETS and table in titles_of:
            sentence = _("This is a spreadsheet. Import it on its own, or save it as “CSV UTF-8”.")
            faults.append(Fault(name, 0, "", sentence))
        if ending != ".csv":
            continue
        if table not in titles_of:
            sentence = f"{_('The import has no file with this name.')} {advice(table, [*titles_of], '.csv')}"
            faults.append(Fault(name, 0, "", sentence))
        elif table in found:
            sentence = _("The folder has %(name)s too. Keep only one of them.") % {"name": found[table].name}
            faults.append(Fault(name, 0, "", sentence))
        else:
            lines, unreadable = read_csv(name, read(), titles_of[table])
            found[table] = GivenTable(name, lines)
            faults += unreadable
    if not found and not faults:
        sentence = _("The folder has no file to import. It can have these: %(files)s.") % {
            "files": ", ".join(f"{table}.csv" for table in titles_of)
        }
        faults.append(Fault(place, 0, "", sentence))
    return found, faults


def _zip_tables(name: str, data: bytes, titles_of: Mapping[str, Container[str]]) -> tuple[Tables, list[Fault]]:
    """Return the tables of the CSV files in a zip file. They may all be in one folder."""
    try:
        with ZipFile(io.BytesIO(data)) as packed:
            entries = [each for each in packed.infolist() if not each.is_dir() and not _is_hidden(each.filename)]
            if len(entries) > MAX_FILES or sum(each.file_size for each in entries) > MAX_UNPACKED_BYTES:
                return {}, [Fault(name, 0, "", _("The zip file is too large. Put only the files to import in it."))]
            if len({PurePosixPath(each.filename).parent for each in entries}) > 1:
                return {}, [Fault(name, 0, "", _("The zip file has several folders. Put all files in one folder."))]
            files = [(PurePosixPath(each.filename).name, packed.read(each)) for each in entries]
    except (BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError):
        sentence = _("The zip file can't be read. It may be damaged or protected with a password.")
        return {}, [Fault(name, 0, "", sentence)]
    return _csv_tables(name, [(each, io.BytesIO(content).read) for each, content in files], titles_of)


def _is_hidden(name: str) -> bool:
    """Whether the file was put into the zip file by the operating system."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _workbook_tables(name: str, data: bytes, known: list[str]) -> tuple[Tables, list[Fault]]:
    try:
        sheets = read_in_child(data)
    except WorkbookRefused as refused:
        return {}, [Fault(name, 0, "", _refusal_text(refused.refusal))]
    found: Tables = {}
    faults = []
    unknown = []
    for title, lines in sheets.items():
        table = column_name(title)
        if table in found:
            faults.append(Fault(f"{name}, {title}", 0, "", _("Two sheets have this name. Keep only one of them.")))
        elif table in known:
            found[table] = GivenTable(f"{name}, {title}", lines)
        elif lines:
            unknown.append(title)
    if len(unknown) > MAX_UNKNOWN_SHEETS:
        sentence = _("%(number)d sheets have names that the import doesn't know. It can have these: %(names)s.")
        faults.append(Fault(name, 0, "", sentence % {"number": len(unknown), "names": ", ".join(known)}))
    else:
        text = _("The import has no sheet with this name.")
        faults += (Fault(f"{name}, {title}", 0, "", f"{text} {advice(column_name(title), known)}") for title in unknown)
    if not found and not faults:
        sentence = _("The workbook has no sheet to import. It can have these: %(names)s.")
        faults.append(Fault(name, 0, "", sentence % {"names": ", ".join(known)}))
    return found, faults


def _refusal_text(refusal: Refusal) -> str:
    texts = {
        Refusal.ENCRYPTED: _("The workbook is protected with a password. Save it without a password."),
        Refusal.OLD_FORMAT: _("This is an old kind of workbook. Save it as “Excel Workbook (.xlsx)”."),
        Refusal.MACROS: _("The workbook has macros. Save it as “Excel Workbook (.xlsx)”, without macros."),
        Refusal.BROKEN: _("The workbook can't be read. Open it in your spreadsheet program and save it again."),
        Refusal.TOO_LARGE: _("The workbook is too large. Delete what is not to be imported, or import it in parts."),
        Refusal.TOO_MANY_SHEETS: _(
            "The workbook has more than %(number)d sheets. Delete those that are not to be imported."
        )
        % {"number": MAX_SHEETS},
        Refusal.TOO_MANY_ROWS: _("The workbook has more than %(number)d rows. Import it in parts.")
        % {"number": MAX_ROWS},
        Refusal.FORMULAS_WITHOUT_RESULTS: _(
            "The workbook has formulas without results. Open it in your spreadsheet program and save it again."
        ),
    }
    return texts[refusal]
