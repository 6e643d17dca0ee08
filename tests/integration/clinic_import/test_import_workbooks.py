"""Workbooks and zip files come in like folders. What can't be read is refused in a sentence, and nothing is written."""

import io
from collections.abc import Callable, Mapping
from csv import reader
from datetime import date, datetime, time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import xlsxwriter

from clinic_import.clinic import TABLES, import_clinic
from clinic_import.reading.faults import ImportFailed
from clinic_import.workbooks.worker import MAX_UNPACKED_BYTES
from patients.models import Commitment, Patient
from scheduling.models import Meeting, Site
from tests.spreadsheets import CLINIC, NOW, import_files

pytestmark = pytest.mark.django_db

Cell = str | float | bool | date | time


def write_xlsx(path: Path, sheets: Mapping[str, list[list[Cell]]]) -> Path:
    """Write a workbook whose dates and times are typed cells, as spreadsheet programs store them."""
    with xlsxwriter.Workbook(path) as book:
        day, clock = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "h:mm AM/PM"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, time):
                        sheet.write_datetime(number, column, cell, clock)
                    elif isinstance(cell, date):
                        sheet.write_datetime(number, column, datetime.combine(cell, time()), day)
                    else:
                        sheet.write(number, column, cell)
    return path


def write_ods(path: Path, sheets: Mapping[str, list[list[Cell]]]) -> Path:
    """Write an OpenDocument workbook whose cells are all text."""
    tables = "".join(
        f'<table:table table:name="{name}">'
        + "".join(
            "<table:table-row>"
            + "".join(
                f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
                for cell in row
            )
            + "</table:table-row>"
            for row in rows
        )
        + "</table:table>"
        for name, rows in sheets.items()
    )
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        content = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        packed.writestr("META-INF/manifest.xml", "<manifest/>")
        packed.writestr("content.xml", f"<office:document-content {names}>{content}</office:document-content>")
    return path


def rows_of(text: str) -> list[list[Cell]]:
    return [list(row) for row in reader(io.StringIO(text))]


SHEETS = {table.title().replace("_", " "): rows_of(text) for table, text in CLINIC.items()}


def only_fault(source: Path) -> str:
    with pytest.raises(ImportFailed) as found:
        import_clinic(source, by=None, now=NOW)
    (fault,) = found.value.faults
    assert not Site.objects.exists()
    return str(fault)


@pytest.mark.parametrize("write", [write_xlsx, write_ods])
def test_a_workbook_comes_in_like_the_same_folder(
    tmp_path: Path, write: Callable[[Path, Mapping[str, list[list[Cell]]]], Path]
) -> None:
    ending = ".xlsx" if write is write_xlsx else ".ods"
    result = import_clinic(write(tmp_path / f"clinic{ending}", SHEETS), by=None, now=NOW)
    assert len(result.changes) == 14
    assert not import_files(tmp_path).changes


def test_dates_times_and_numbers_of_a_workbook_keep_their_values(tmp_path: Path) -> None:
    sheets: dict[str, list[list[Cell]]] = {
        **SHEETS,
        "Patients": [
            ["Site", "MRN", "First name", "Last name", "DOB", "Phone"],
            ["NORTH", 1017, "Rosa", "Lindqvist", date(1990, 5, 17), 2075550142],
        ],
        "Commitments": [
            ["MRN", "Code", "Kind", "Label", "Days", "Starts", "Ends"],
            [1017, 1, "work", "Early shift", "M/W/F", time(5, 30), time(8, 30)],
        ],
    }
    import_clinic(write_xlsx(tmp_path / "clinic.xlsx", sheets), by=None, now=NOW)
    patient = Patient.objects.get()
    assert (patient.code, patient.birth_date) == ("1017", date(1990, 5, 17))
    assert patient.phones.get().number == "2075550142"
    shift = Commitment.objects.get()
    assert (shift.code, shift.starts, shift.ends) == ("1", time(5, 30), time(8, 30))


def test_faults_name_the_sheet_and_the_row_as_the_spreadsheet_shows_it(tmp_path: Path) -> None:
    rooms = rows_of(CLINIC["rooms"])
    rooms[2][3] = "many"
    sheets: dict[str, list[list[Cell]]] = {**SHEETS, "Rooms": [[], [], *rooms]}
    assert only_fault(write_xlsx(tmp_path / "clinic.xlsx", sheets)) == (
        "clinic.xlsx, Rooms, row 5, places: “many” is not a whole number."
    )


def test_an_unknown_sheet_is_named_and_many_are_counted(tmp_path: Path) -> None:
    extra: dict[str, list[list[Cell]]] = {"Patient": [["x"]]}
    assert only_fault(write_xlsx(tmp_path / "one.xlsx", {**SHEETS, **extra})) == (
        "one.xlsx, Patient: The import has no sheet with this name. Did you mean patients?"
    )
    many: dict[str, list[list[Cell]]] = {f"Week {number}": [["x"]] for number in range(30)}
    assert only_fault(write_xlsx(tmp_path / "many.xlsx", {**SHEETS, **many})).startswith(
        "many.xlsx: 30 sheets have names that the import doesn't know. It can have these: sites, rooms,"
    )


def test_an_empty_sheet_with_another_name_is_no_fault(tmp_path: Path) -> None:
    assert import_clinic(write_xlsx(tmp_path / "clinic.xlsx", {**SHEETS, "Sheet1": []}), by=None, now=NOW).changes


def changed_parts(path: Path, change: Callable[[str, bytes], bytes], extra: Mapping[str, bytes] | None = None) -> Path:
    """Write a workbook, change its parts by `change(name, content)`, and add the `extra` parts."""
    with ZipFile(write_xlsx(path, SHEETS)) as packed:
        parts = {name: change(name, packed.read(name)) for name in packed.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for name, content in {**parts, **(extra or {})}.items():
            packed.writestr(name, content)
    return path


def _many_rows(name: str, content: bytes) -> bytes:
    """Fill the first sheet with a million rows that have a format but no value."""
    empty = b"".join(b'<row r="%d"><c r="A%d" s="1"/></row>' % (row, row) for row in range(3, 1_000_000))
    return content.replace(b"</sheetData>", empty + b"</sheetData>") if name.endswith("sheet1.xml") else content


def _far_cell(name: str, content: bytes) -> bytes:
    """Put one value into the last possible cell, so that the used area has 17 billion cells."""
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return content.replace(b"</sheetData>", far) if name.endswith("sheet1.xml") else content


def _formula(name: str, content: bytes) -> bytes:
    """Put a formula without its result into the first sheet, as some programs write them."""
    cell = b'<row r="9"><c r="A9"><f>B1&amp;"x"</f></c></row></sheetData>'
    return content.replace(b"</sheetData>", cell) if name.endswith("sheet1.xml") else content


TOO_LARGE = "The workbook is too large. Delete what is not to be imported, or import it in parts."
BROKEN = "The workbook can't be read. Open it in your spreadsheet program and save it again."


def test_a_million_empty_rows_do_no_harm(tmp_path: Path) -> None:
    assert len(import_clinic(changed_parts(tmp_path / "c.xlsx", _many_rows), by=None, now=NOW).changes) == 14


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda path: changed_parts(path, _far_cell), TOO_LARGE, id="a cell far away"),
        pytest.param(
            lambda path: changed_parts(path, _formula),
            "The workbook has formulas without results. Open it in your spreadsheet program and save it again.",
            id="formulas without results",
        ),
        pytest.param(
            lambda path: changed_parts(path, lambda _name, content: content, {"xl/vbaProject.bin": b"macro"}),
            "The workbook has macros. Save it as “Excel Workbook (.xlsx)”, without macros.",
            id="macros",
        ),
        pytest.param(
            lambda path: changed_parts(
                path, lambda _name, content: content, {"xl/media/bomb": bytes(MAX_UNPACKED_BYTES + 1)}
            ),
            TOO_LARGE,
            id="a zip bomb",
        ),
        pytest.param(
            lambda path: write_xlsx(path, {**SHEETS, **{f"Week {number}": [["x"]] for number in range(200)}}),
            "The workbook has more than 50 sheets. Delete those that are not to be imported.",
            id="200 sheets",
        ),
    ],
)
def test_a_workbook_that_cannot_be_read_is_refused_in_a_sentence(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    assert only_fault(make(tmp_path / "clinic.xlsx")) == f"clinic.xlsx: {sentence}"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", BROKEN),
        (b"not a workbook", BROKEN),
        (b"PK\x03\x04 cut off", BROKEN),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "The workbook is protected with a password. Save it without a password.",
        ),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + b"BIFF",
            "This is an old kind of workbook. Save it as “Excel Workbook (.xlsx)”.",
        ),
    ],
)
def test_a_file_that_is_no_workbook_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "clinic.xlsx"
    path.write_bytes(content)
    assert only_fault(path) == f"clinic.xlsx: {sentence}"


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


@pytest.mark.parametrize("folder", ["", "our clinic/"])
def test_a_zip_file_comes_in_like_the_same_folder(tmp_path: Path, folder: str) -> None:
    files = {f"{folder}{table}.csv": text.encode() for table, text in CLINIC.items()}
    path = zipped(tmp_path / "clinic.zip", {**files, "__MACOSX/._sites.csv": b"\0"})
    assert len(import_clinic(path, by=None, now=NOW).changes) == 14


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"a/sites.csv": b"code", "b/rooms.csv": b"code"},
            "The zip file has several folders. Put all files in one folder.",
        ),
        (
            {"sites.csv": bytes(200 * 1024 * 1024 + 1)},
            "The zip file is too large. Put only the files to import in it.",
        ),
        ({}, f"The folder has no file to import. It can have these: {', '.join(f'{table}.csv' for table in TABLES)}."),
    ],
    ids=["several folders", "a bomb", "nothing"],
)  # fmt: skip
def test_a_zip_file_that_cannot_be_read_is_refused(tmp_path: Path, files: Mapping[str, bytes], sentence: str) -> None:
    assert only_fault(zipped(tmp_path / "clinic.zip", files)) == f"clinic.zip: {sentence}"


def test_a_damaged_zip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clinic.zip"
    path.write_bytes(b"PK\x03\x04")
    assert only_fault(path) == "clinic.zip: The zip file can't be read. It may be damaged or protected with a password."


def test_one_csv_file_can_be_imported_alone(tmp_path: Path) -> None:
    import_files(tmp_path)
    path = tmp_path / "patients.csv"
    path.write_text(CLINIC["patients"].replace("Emil", "Emile"), encoding="utf-8")
    (change,) = import_clinic(path, by=None, now=NOW).changes
    assert (change.file, change.row) == ("patients.csv", 3)
    assert Meeting.objects.count() == 3
