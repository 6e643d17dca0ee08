"""Read one workbook in a separate process. The process has no other data, and exits afterward.

`python -m clinic_import.workbooks.worker` reads the file from standard input and writes one line of JSON to standard output:
`{"sheets": {name: [[row number, [cell, ...]], ...]}}`, or `{"refused": code}` with a code of `Refusal`.
"""

import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from patients.calendar_import.process_limits import limit_this_process

MEGABYTE = 1024 * 1024
MAX_BYTES = 25 * MEGABYTE
MAX_UNPACKED_BYTES = 300 * MEGABYTE
MAX_SHEETS = 50
MAX_ROWS = 200_000
MAX_MEMORY = 1536 * MEGABYTE
MAX_CPU_SECONDS = 40
OLE_HEADER = bytes.fromhex("d0cf11e0a1b11ae1")
"""The first bytes of an old `.xls` file, and of a workbook with a password."""
FORMULA_WITHOUT_RESULT = re.compile(rb"<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*</c>")
EXCEL_EPOCH = date(1900, 1, 1)


class Refusal(StrEnum):
    """Why a workbook can't be read."""

    ENCRYPTED = "encrypted"
    OLD_FORMAT = "old_format"
    MACROS = "macros"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    TOO_MANY_SHEETS = "too_many_sheets"
    TOO_MANY_ROWS = "too_many_rows"
    FORMULAS_WITHOUT_RESULTS = "formulas_without_results"


class WorkbookRefused(Exception):
    """The workbook can't be read. The refusal says why."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal)


def read_workbook(data: bytes) -> dict[str, list[tuple[int, list[str]]]]:
    """Return the rows of each sheet that aren't empty: the row's number, starting with 1, and the texts of its cells.

    Raises WorkbookRefused.
    """
    _check_container(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        if len(workbook.sheet_names) > MAX_SHEETS:
            raise WorkbookRefused(Refusal.TOO_MANY_SHEETS)
        sheets = {name: list(_rows(workbook.get_sheet_by_name(name))) for name in workbook.sheet_names}
    except PasswordError:
        raise WorkbookRefused(Refusal.ENCRYPTED) from None
    except CalamineError:
        raise WorkbookRefused(Refusal.BROKEN) from None
    if sum(map(len, sheets.values())) > MAX_ROWS:
        raise WorkbookRefused(Refusal.TOO_MANY_ROWS)
    return sheets


def _check_container(data: bytes) -> None:
    """Raise WorkbookRefused if the file is not a workbook, or one that must not be unpacked."""
    if len(data) > MAX_BYTES:
        raise WorkbookRefused(Refusal.TOO_LARGE)
    if data.startswith(OLE_HEADER):
        is_encrypted = "EncryptedPackage".encode("utf-16-le") in data
        raise WorkbookRefused(Refusal.ENCRYPTED if is_encrypted else Refusal.OLD_FORMAT)
    try:
        with ZipFile(io.BytesIO(data)) as container:
            _check_parts(container)
    except (BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError, EOFError):
        raise WorkbookRefused(Refusal.BROKEN) from None


def _check_parts(container: ZipFile) -> None:
    parts = container.infolist()
    if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise WorkbookRefused(Refusal.TOO_LARGE)
    names = [part.filename for part in parts]
    if any(name.lower().endswith("vbaproject.bin") or name.startswith("Basic/") for name in names):
        raise WorkbookRefused(Refusal.MACROS)
    if "META-INF/manifest.xml" in names and b"encryption-data" in container.read("META-INF/manifest.xml"):
        raise WorkbookRefused(Refusal.ENCRYPTED)
    for name in names:
        is_sheet = name.startswith("xl/worksheets/") and name.endswith(".xml")
        if is_sheet and FORMULA_WITHOUT_RESULT.search(container.read(name)):
            raise WorkbookRefused(Refusal.FORMULAS_WITHOUT_RESULTS)


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    first, left = sheet.start or (0, 0)
    for number, cells in enumerate(sheet.to_python(skip_empty_area=True), start=first + 1):
        texts = [""] * left + [cell_text(cell) for cell in cells]
        if any(texts):
            yield number, texts


def cell_text(value: object) -> str:
    """Return the value of a cell as it would be written in a CSV file: dates as 2026-11-23, times as 09:00."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        if value.date() < EXCEL_EPOCH:
            return f"{value:%H:%M}"
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, timedelta):
        hours, minutes = divmod(round(value.total_seconds() / 60), 60)
        return f"{hours}:{minutes:02d}"
    return str(value).strip()


def main() -> None:
    """Read the workbook from standard input, and write its sheets or the refusal to standard output."""
    limit_this_process(memory=MAX_MEMORY, cpu_seconds=MAX_CPU_SECONDS)
    try:
        result: dict[str, object] = {"sheets": read_workbook(sys.stdin.buffer.read(MAX_BYTES + 1))}
    except WorkbookRefused as refused:
        result = {"refused": refused.refusal}
    except MemoryError:
        result = {"refused": Refusal.TOO_LARGE}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
