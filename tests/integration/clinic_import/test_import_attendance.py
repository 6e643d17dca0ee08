"""Importing the attendance of past sessions: the weeks' ledgers come out right, and nothing that is recorded changes."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from attendance.models import Attendance, AttendanceStatus
from attendance.services.amendments import amend_attendance
from attendance.services.attention import find_attention
from attendance.services.ledgers import site_ledgers
from attendance.services.marks import Mark, mark_booking
from attendance.services.roster import ANY
from clinic_import.clinic import import_clinic, known_titles, parse_clinic, write_clinic
from clinic_import.reading.faults import ImportFailed
from clinic_import.reading.sources import read_source
from patients.models import Episode, FormerSite, Patient
from scheduling.models import Booking, Session, SessionStatus, Site
from scheduling.services.bookings.horizon import extend_horizon
from tests.clinic import client_for
from tests.factories import make_site, make_staff
from tests.integration.clinic_import.test_import_enrollments import FILES, PATIENTS
from tests.integration.clinic_import.test_import_workbooks import Cell, write_xlsx
from tests.spreadsheets import CLINIC, NOW, import_files

pytestmark = pytest.mark.django_db

ENROLLMENTS = "patient,track,starts,last_day\nP1,AM,2026-07-06,\nP2,AM,2026-08-03,2026-08-28\n"
TITLES = "patient,group,on,status,arrived,left,reason,makes_up,makes_up_on\n"
WEEKS = [date(2026, 7, 6) + timedelta(weeks=number) for number in range(8)]
P1 = [
    ("present", "present", "present"),
    ("present", "late 9:30", "present"),
    ("no-show", "present", "present"),
    ("present", "present", "present"),
    ("excused", "present", "present"),
    ("present", "present", "left early 11:00"),
    ("present", "unexcused", "present"),
    ("canceled", "present", "present"),
]
"""What P1 did on Monday, Wednesday and Friday of each week. Each session lasts from 9:00 to 12:00."""
P1_LEDGERS = [
    # first day of the week, scheduled minutes, credited minutes, credited days, standing
    (date(2026, 7, 6), 540, 540, 3, "met"),
    (date(2026, 7, 13), 540, 510, 3, "short"),
    (date(2026, 7, 20), 540, 360, 2, "short"),
    (date(2026, 7, 27), 540, 540, 3, "met"),
    (date(2026, 8, 3), 540, 360, 2, "short"),
    (date(2026, 8, 10), 540, 480, 3, "short"),
    (date(2026, 8, 17), 540, 360, 2, "short"),
    (date(2026, 8, 24), 360, 360, 2, "short"),
]
P2_LEDGERS = [
    (date(2026, 8, 3), 540, 540, 3, "met"),
    (date(2026, 8, 10), 540, 540, 3, "met"),
    (date(2026, 8, 17), 720, 540, 3, "met"),  # missed Monday, made it up on Tuesday
    (date(2026, 8, 24), 360, 360, 2, "short"),  # the file has no row for Friday
]


def cells_of(patient: str, day: date, group: str, what: str) -> list[Cell]:
    """Return the cells of a row. `what` is the status, and a time if the patient came late or left early."""
    status, _space, at = what.rpartition(" ") if what[-1].isdigit() else (what, "", "")
    wall: Cell = time.fromisoformat(at.zfill(5)) if at else ""
    arrived, left = (wall, "") if status == "late" else ("", wall)
    return [patient, group, day, status, arrived, left, "Sick" if status == "excused" else "", "", ""]


def rows_of(patient: str, weeks: list[date], marks: list[tuple[str, str, str]]) -> list[list[Cell]]:
    return [
        cells_of(patient, monday + timedelta(days=day), group, what)
        for monday, of_week in zip(weeks, marks, strict=True)
        for day, group, what in zip((0, 2, 4), ("M1", "W1", "F1"), of_week, strict=True)
    ]


def eight_weeks() -> list[list[Cell]]:
    """Return the rows of attendance, with titles: eight weeks of P1 and four weeks of P2."""
    present = ("present", "present", "present")
    p2 = rows_of("P2", WEEKS[4:], [present, present, ("no-show", "present", "present"), present])[:-1]
    makeup: list[Cell] = ["P2", "PM-TUE", date(2026, 8, 18), "present", "", "", "", "M1", date(2026, 8, 17)]
    titles: list[Cell] = [*TITLES.strip().split(",")]
    return [titles, *rows_of("P1", WEEKS, P1), *p2, makeup]


MEETINGS = CLINIC["meetings"] + "".join(
    f"NORTH,{code},Afternoon,PM,{day},13:00,16:00,SMALL,BEN,6,2026-01-05\n"
    for code, day in (("PM-TUE", "Tue"), ("PM-WED", "Wed"), ("PM-THU", "Thu"))
)
BASE = {**FILES, "meetings": MEETINGS, "enrollments": ENROLLMENTS}


def as_workbook(folder: Path) -> Path:
    sheets: dict[str, list[list[Cell]]] = {
        table: [[*line.split(",")] for line in text.replace('"Dr. Cole, MD"', "Dr. Cole").splitlines()]
        for table, text in BASE.items()
    }
    return write_xlsx(folder / "clinic.xlsx", {**sheets, "attendance": eight_weeks()})


def as_folder(folder: Path) -> Path:
    rows = eight_weeks()
    text = "".join(",".join(str(cell) for cell in row) + "\n" for row in rows)
    for table, content in {**BASE, "attendance": text}.items():
        (folder / f"{table}.csv").write_text(content)
    return folder


def with_attendance(rows: str) -> dict[str, str]:
    return {**BASE, "attendance": TITLES + rows}


def ledgers_of(code: str, weeks: list[date]) -> list[tuple[date, int, int, int, str]]:
    episode = Episode.objects.select_related("patient", "site").prefetch_related("spans").get(patient__code=code)
    rows = [site_ledgers(site=episode.site, week=week, now=NOW, episodes=[episode])[0] for week in weeks]
    return [
        (
            row.week,
            row.ledger.scheduled_minutes,
            row.ledger.credited_minutes,
            row.ledger.credited_days,
            row.ledger.standing.value,
        )
        for row in rows
    ]


@pytest.mark.parametrize("written", [as_workbook, as_folder])
def test_eight_weeks_come_in_once_and_their_ledgers_are_right(tmp_path: Path, written: Callable[[Path], Path]) -> None:
    source = written(tmp_path)
    outcome = import_clinic(source, by=None, now=NOW)
    assert outcome.rows["attendance"] == 24 + 11 + 1
    assert ledgers_of("P1", WEEKS) == P1_LEDGERS
    assert ledgers_of("P2", WEEKS[4:]) == P2_LEDGERS
    again = import_clinic(source, by=None, now=NOW)
    assert again.changes == ()
    assert again.unchanged == outcome.rows.total()
    assert Attendance.objects.count() == 36


def test_imported_sessions_are_held_and_on_nobodys_list(tmp_path: Path) -> None:
    import_clinic(as_folder(tmp_path), by=None, now=NOW)
    past = Session.objects.filter(ends__lte=NOW)
    assert past.count() == 24 + 1
    assert not past.exclude(status=SessionStatus.HELD, imported_at=NOW, finalized_at=NOW, finalized_by=None).exists()
    monday = past.get(meeting__code="M1", on=date(2026, 8, 3))
    assert (monday.booked, monday.room and monday.room.code, monday.name) == (2, "BIG", "Group")
    assert [each.user.code for each in monday.session_facilitators.all()] == ["ADA"]
    assert not Attendance.objects.exclude(imported_at=NOW, recorded_by=None).exists()
    assert AuditEvent.objects.filter(subject_kind="attendance", action=Action.IMPORTED).count() == 36
    site = Site.objects.get()
    assert find_attention(site=site, user=make_staff(Role.COORDINATOR, site), now=NOW).sessions == []
    made_up = Booking.objects.get(makes_up__isnull=False)
    assert (made_up.enrollment, made_up.makes_up and made_up.makes_up.session.on) == (None, date(2026, 8, 17))
    page = client_for(User.objects.get(code="BEN")).get(f"/sessions/{monday.pk}/").content.decode()
    assert "imported" in page
    assert ", without a signature." in page


def test_an_import_in_somebodys_name_records_that_name(tmp_path: Path) -> None:
    import_files(tmp_path, BASE)
    by = make_staff(Role.COORDINATOR, Site.objects.get())
    import_clinic(as_folder(tmp_path), by=by, now=NOW)
    assert not Attendance.objects.exclude(recorded_by=by).exists()


def test_more_patients_than_spots_are_recorded(tmp_path: Path) -> None:
    meetings = MEETINGS.replace("BIG,ADA,10", "BIG,ADA,1")
    enrollments = "patient,track,starts,last_day\nP1,AM,2026-07-06,2026-08-28\nP2,AM,2026-08-03,2026-08-28\n"
    first = with_attendance("P1,M1,2026-08-03,present,,,,,\n")
    import_files(tmp_path, {**first, "meetings": meetings, "enrollments": enrollments})
    rows = "P1,M1,2026-08-03,present,,,,,\nP2,M1,2026-08-03,present,,,,,\n"
    import_files(tmp_path, {**with_attendance(rows), "meetings": meetings, "enrollments": enrollments})
    session = Session.objects.get(on=date(2026, 8, 3))
    assert (session.booked, session.places) == (2, 2)


def amended(tmp_path: Path) -> Attendance:
    """Import one mark and amend it."""
    import_files(tmp_path, with_attendance("P1,M1,2026-07-06,no-show,,,,,\n"))
    mark = Attendance.objects.get()
    by = User.objects.get(code="ADA")
    correction = Mark(AttendanceStatus.PRESENT, reason="Signed the sheet")
    amend_attendance(attendance=mark, mark=correction, by=by, now=NOW, seen_amendments=ANY)
    return mark


def test_an_amended_mark_stays_when_the_file_comes_again(tmp_path: Path) -> None:
    mark = amended(tmp_path)
    assert import_files(tmp_path, with_attendance("P1,M1,2026-07-06,no-show,,,,,\n")).changes == ()
    assert import_files(tmp_path, with_attendance("P1,M1,2026-07-06,present,,,,,\n")).changes == ()
    mark.refresh_from_db()
    assert (mark.status, mark.credited_minutes) == (AttendanceStatus.PRESENT, 180)


def failed(tmp_path: Path, rows: str) -> list[str]:
    with pytest.raises(ImportFailed) as found:
        import_files(tmp_path, with_attendance(rows))
    return [str(fault) for fault in found.value.faults]


def test_what_is_imported_changes_only_by_an_amendment(tmp_path: Path) -> None:
    import_files(tmp_path, with_attendance("P1,M1,2026-07-06,no-show,,,,,\n"))
    assert failed(tmp_path, "P1,M1,2026-07-06,present,,,,,\n") == [
        "attendance.csv, row 2, status: “No-show” was imported before. Amend it on the session's page, not by import."
    ]


@pytest.fixture
def with_past_session(tmp_path: Path) -> Session:
    """The session of Friday, August 28, as the program planned it, with P1 booked."""
    import_files(tmp_path, BASE, now=NOW - timedelta(days=6))
    extend_horizon(site=Site.objects.get(), now=NOW - timedelta(days=6))
    return Session.objects.get(meeting__code="F1", on=date(2026, 8, 28))


def test_a_session_of_the_program_gets_marks_and_is_not_signed(tmp_path: Path, with_past_session: Session) -> None:
    import_files(tmp_path, with_attendance("P1,F1,2026-08-28,present,,,,,\n"))
    mark = Attendance.objects.get()
    assert (mark.booking.session, mark.imported_at) == (with_past_session, NOW)
    assert mark.booking.session.finalized_at is None


def test_a_persons_mark_is_never_overwritten(tmp_path: Path, with_past_session: Session) -> None:
    booking = Booking.objects.active().get(session=with_past_session, episode__patient__code="P1")
    by = User.objects.get(code="ADA")
    mark_booking(booking=booking, mark=Mark(AttendanceStatus.NO_SHOW), by=by, now=NOW, seen_at=ANY)
    assert import_files(tmp_path, with_attendance("P1,F1,2026-08-28,no-show,,,,,\n")).changes == ()
    assert failed(tmp_path, "P1,F1,2026-08-28,present,,,,,\n") == [
        "attendance.csv, row 2, status: Ada Park recorded “No-show”. Change it on the session's page, not by import."
    ]


def test_nobody_is_added_to_a_signed_or_canceled_session(tmp_path: Path, with_past_session: Session) -> None:
    ada = User.objects.get(code="ADA")
    Booking.objects.filter(session=with_past_session).delete()
    rows = Session.objects.filter(pk=with_past_session.pk)
    rows.update(booked=0, status=SessionStatus.CANCELLED)
    row = "P1,F1,2026-08-28,present,,,,,\n"
    assert failed(tmp_path, row) == ["attendance.csv, row 2, on: F1 was canceled on Aug 28, 2026."]
    rows.update(status=SessionStatus.HELD, finalized_at=NOW, finalized_by=ada, finalized_credential="Ada Park, LADC")
    assert failed(tmp_path, row) == [
        "attendance.csv, row 2, on: Ada Park, LADC finalized this session. Add the attendance on the session's page, not by"
        " import."
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param(
            "P9,M1,2026-07-06,present,,,,,\n",
            "patient: “P9” is not a code in patients.csv or in the database.",
            id="unknown patient",
        ),
        pytest.param(
            "P2,M1,2026-08-31,present,,,,,\n",
            "group: P2 is not enrolled in M1 on Aug 31, 2026. Add the enrollment to enrollments.csv.",
            id="after the enrollment",
        ),
        pytest.param(
            "P1,M9,2026-07-06,present,,,,,\n",
            "group: P1 is not enrolled in M9 on Jul 6, 2026. Add the enrollment to enrollments.csv.",
            id="unknown group",
        ),
        pytest.param("P1,M1,2026-07-07,present,,,,,\n", "on: M1 is not held on Jul 7, 2026.", id="another weekday"),
        pytest.param("P1,W1,2026-09-02,present,,,,,\n", "on: W1 on Sep 2, 2026 is not over yet.", id="tomorrow"),
        pytest.param("P1,F1,2026-07-17,present,,,,,\n", "on: The site is closed on Jul 17, 2026.", id="closed"),
        pytest.param(
            "P1,M1,2026-07-06,late,,,,,\n",
            "arrived: Enter the time of arrival here, or the time of departure under left.",
            id="late without a time",
        ),
        pytest.param(
            "P1,M1,2026-07-06,late,13:30,,,,\n",
            "arrived: These times don't fit the group, which was held from 9:00 AM to 12:00 PM.",
            id="after the end",
        ),
        pytest.param(
            "P1,M1,2026-07-06,no-show,9:30,,,,\n",
            "arrived: Only patients who attended have times. Correct the status, or leave this blank.",
            id="absent with a time",
        ),
        pytest.param(
            "P1,M1,2026-07-06,excused,,,,,\n",
            "reason: An excused absence needs a reason. Fill it in.",
            id="excused without a reason",
        ),
        pytest.param(
            "P1,PM-TUE,2026-07-07,present,,,,M1,\n",
            "makes_up_on: A make-up session needs the group's code and the date of the missed session.",
            id="half a make-up session",
        ),
        pytest.param(
            "P1,PM-TUE,2026-07-07,present,,,,M1,2026-07-06\n",
            "makes_up: No attendance of P1 in M1 is known for Jul 6, 2026. Add it to attendance.csv.",
            id="makes up what is not known",
        ),
    ],
)
def test_a_faulty_row_is_reported(tmp_path: Path, row: str, fault: str) -> None:
    closures = "site,first_day,last_day,reason\nNORTH,2026-07-17,2026-07-17,Repairs\n"
    with pytest.raises(ImportFailed) as found:
        import_files(tmp_path, {**with_attendance(row), "closures": closures})
    assert [str(each) for each in found.value.faults] == [f"attendance.csv, row 2, {fault}"]
    assert not Attendance.objects.exists()
    assert not Session.objects.exists()


def test_a_session_that_was_attended_can_not_be_made_up(tmp_path: Path) -> None:
    rows = "P1,M1,2026-07-06,present,,,,,\nP1,PM-TUE,2026-07-07,present,,,,M1,2026-07-06\n"
    assert failed(tmp_path, rows) == [
        "attendance.csv, row 3, makes_up: P1 attended M1 on Jul 6, 2026, so there is nothing to make up."
    ]


def test_a_patient_is_in_one_place_at_a_time(tmp_path: Path) -> None:
    meetings = MEETINGS + "NORTH,M2,Other group,PM,Mon,10:00,13:00,SMALL,BEN,6,2026-01-05\n"
    rows = "P1,M1,2026-07-06,present,,,,,\nP1,W1,2026-07-08,no-show,,,,,\nP1,M2,2026-07-06,present,,,,W1,2026-07-08\n"
    with pytest.raises(ImportFailed) as found:
        import_files(tmp_path, {**with_attendance(rows), "meetings": meetings})
    assert [str(each) for each in found.value.faults] == [
        "attendance.csv, row 4, on: P1 was in another session at this time."
    ]


def test_times_are_those_of_the_site(tmp_path: Path) -> None:
    import_files(tmp_path, with_attendance("P1,M1,2026-07-06,present,9:00,11:15,,,\n"))
    mark = Attendance.objects.get()
    assert mark.left == datetime(2026, 7, 6, 11, 15, tzinfo=ZoneInfo("America/New_York"))
    assert (mark.status, mark.credited_minutes) == (AttendanceStatus.PARTIAL, 135)


def test_the_queries_do_not_grow_with_the_rows(
    tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    numbers = {}
    for people in (1, 6):
        names = [f"X{people}{number}" for number in range(people)]
        patients = PATIENTS + "".join(
            f'NORTH,{name},Ann,{name},1990-05-17,2026-07-01,2.1,9,3,"Dr. Cole, MD"\n' for name in names
        )
        enrollments = ENROLLMENTS + "".join(f"{name},AM,2026-07-06,2026-08-28\n" for name in names)
        known = {**BASE, "patients": patients, "enrollments": enrollments}
        import_files(tmp_path, known)
        rows = "".join(",".join(str(cell) for cell in row) + "\n" for name in names for row in rows_of(name, WEEKS, P1))
        with django_assert_max_num_queries(500) as captured:
            import_files(tmp_path, {**known, "attendance": TITLES + rows})
        numbers[people] = len(captured)
    assert numbers[6] <= numbers[1]


def import_as(folder: Path, by: User) -> None:
    """Import the folder as the page does: each row needs the rights of the user."""
    write_clinic(parse_clinic(*read_source(folder, known_titles()), None), by=by, now=NOW, checks_rights=True)


def test_the_care_at_a_former_site_needs_rights_there(tmp_path: Path) -> None:
    import_files(tmp_path, BASE)
    episode = Episode.objects.get(patient__code="P2")
    south = make_site(code="SOUTH", name="South Street")
    FormerSite.objects.create(episode=episode, site=episode.site, starts=episode.starts, ends=date(2026, 8, 31))
    Episode.objects.filter(pk=episode.pk).update(site=south, came_on=date(2026, 8, 31))
    Patient.objects.filter(code="P2").update(site=south)
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "attendance.csv").write_text(TITLES + "P2,M1,2026-08-03,present,,,,,\n")
    here = make_staff(Role.COORDINATOR, south)
    with pytest.raises(ImportFailed) as found:
        import_as(tmp_path / "only", here)
    assert [str(each) for each in found.value.faults] == [
        "attendance.csv, row 2, group: You may not change patients of NORTH. A coordinator of that site can import this row."
    ]
    RoleAssignment.objects.create(user=here, role=Role.COORDINATOR, site=Site.objects.get(code="NORTH"))
    import_as(tmp_path / "only", User.objects.get(pk=here.pk))
    assert Attendance.objects.get().recorded_by == here
