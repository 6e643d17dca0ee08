"""Leaves of absence come in, and the patients' sessions on these days are excused."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from attendance.models import Attendance, AttendanceStatus
from clinic_import.clinic import ImportResult, import_clinic
from clinic_import.reading.faults import ImportFailed
from patients.models import Episode
from scheduling.models import LeaveOfAbsence, Session, Track
from tests.factories import book, enroll
from tests.spreadsheets import CLINIC, NOW, import_files, write_files

pytestmark = pytest.mark.django_db

HEAD = "patient,first_day,last_day,reason\n"
WEEK_OFF = HEAD + "P1,2026-09-07,2026-09-11,Family emergency\n"
LATER = datetime(2026, 9, 9, 18, tzinfo=UTC)
"""A time after the session on Wednesday, September 9."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of an imported clinic in which P1 is booked for two weeks."""
    import_files(tmp_path)
    episode = Episode.objects.get()
    enrollment = enroll(episode, Track.objects.get(), date(2026, 9, 2))
    for session in Session.objects.filter(on__lt=date(2026, 9, 19)):
        book(session, enrollment)
    return tmp_path


def leave(folder: Path, text: str, *, now: datetime = NOW, dry_run: bool = False) -> ImportResult:
    by = User.objects.get(code="BEN")
    return import_clinic(write_files(folder, {"leaves": text}), by=by, now=now, dry_run=dry_run)


def excused() -> list[date]:
    marks = Attendance.objects.filter(status=AttendanceStatus.EXCUSED).order_by("booking__starts")
    return [*marks.values_list("booking__session__on", flat=True)]


MON, WED, FRI = date(2026, 9, 7), date(2026, 9, 9), date(2026, 9, 11)


def test_sessions_in_an_imported_leave_are_excused_once(folder: Path) -> None:
    leave(folder, WEEK_OFF, dry_run=True)
    assert not LeaveOfAbsence.objects.exists()
    assert len(leave(folder, WEEK_OFF).changes) == 1
    (found,) = LeaveOfAbsence.objects.all()
    assert (found.starts, found.last_day, found.reason, found.recorded_by.code) == (MON, FRI, "Family emergency", "BEN")
    assert excused() == [MON, WED, FRI]
    assert not leave(folder, WEEK_OFF).changes
    assert excused() == [MON, WED, FRI]


def test_an_imported_leave_gets_another_last_day(folder: Path) -> None:
    leave(folder, HEAD + "P1,2026-09-07,,Ill\n")
    assert excused()[-1] == date(2026, 9, 18)
    (change,) = leave(folder, HEAD + "P1,2026-09-07,2026-09-08,Sick\n", now=LATER).changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [
        ("last_day", "nothing", "2026-09-08"),
        ("reason", "Ill", "Sick"),
    ]
    assert excused() == [MON, WED], "the excuse for a session that has begun says what happened"
    assert not leave(folder, HEAD + "P1,2026-09-07,,Sick\n", now=LATER).changes, "a blank last day changes nothing"


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        pytest.param(
            "P1,2026-09-07,2026-09-06,Ill\n",
            ["row 2, last_day: The last day, Sep 6, 2026, is before the first day, Sep 7, 2026."],
            id="ends before it begins",
        ),
        pytest.param(
            "P1,2026-08-30,2026-09-06,Ill\n",
            ["row 2, first_day: P1 is not in care on Aug 30, 2026. Enter the admission in episodes.csv."],
            id="before the admission",
        ),
        pytest.param(
            "P2,2026-09-07,2026-09-08,Ill\n",
            ["row 2, first_day: P2 is not in care on Sep 7, 2026. Enter the admission in episodes.csv."],
            id="not admitted",
        ),
        pytest.param(
            "P1,2026-09-09,2026-09-15,Ill\nP1,2026-09-07,2026-09-09,Trip\n",
            ["row 2, first_day: Another leave of absence covers some of these days: Mon, Sep 7 – Wed, Sep 9."],
            id="two on one day",
        ),
        pytest.param("P1,2026-09-07,2026-09-08,\n", ["row 2, reason: This is blank. Fill it in."], id="no reason"),
        pytest.param(
            "P9,2026-09-07,2026-09-08,Ill\n",
            ["row 2, patient: “P9” is not a code in patients.csv or in the database."],
            id="an unknown patient",
        ),
    ],
)  # fmt: skip
def test_a_wrong_leave_is_one_fault(folder: Path, rows: str, faults: list[str]) -> None:
    with pytest.raises(ImportFailed) as found:
        leave(folder, HEAD + rows)
    assert [str(fault) for fault in found.value.faults] == [f"leaves.csv, {fault}" for fault in faults]
    assert not LeaveOfAbsence.objects.exists()
    assert not excused()


def test_a_leave_that_reaches_into_an_existing_one_is_a_fault(folder: Path) -> None:
    leave(folder, WEEK_OFF)
    with pytest.raises(ImportFailed, match=r"leaves\.csv, row 2, first_day: .*Mon, Sep 7 – Fri, Sep 11"):
        leave(folder, HEAD + "P1,2026-09-02,,Ill\n")


def test_a_new_leave_needs_somebody_who_records_it(folder: Path) -> None:
    with pytest.raises(ImportFailed) as found:
        import_files(folder, {"leaves": WEEK_OFF})
    assert [str(fault) for fault in found.value.faults] == [
        "leaves.csv: A leave of absence is recorded in somebody's name. Import the file in a staff member's name (--by)."
    ]


def test_hundreds_of_leaves_take_few_queries(
    tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    people = [f"NORTH,P{n},First{n},Last{n},1990-01-01,2026-08-31,2.1,9,3,Dr. Cole" for n in range(400)]
    head = CLINIC["patients"].split("\n")[0]
    import_files(tmp_path, {"sites": CLINIC["sites"], "staff": CLINIC["staff"], "patients": "\n".join([head, *people])})
    with django_assert_max_num_queries(80):
        leave(tmp_path, HEAD + "\n".join(f"P{n},2026-09-07,2026-09-11,Ill" for n in range(400)))
    assert LeaveOfAbsence.objects.count() == 400
    with django_assert_max_num_queries(60):
        assert not leave(tmp_path, (tmp_path / "leaves.csv").read_text()).changes
