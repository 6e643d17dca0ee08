"""Files as clinics export them: other encodings, separators, titles, and forms of times, weekdays and dates."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from django.core import mail

from accounts.models import User
from attendance.models import Attendance, AttendanceStatus
from clinic_import.clinic import TABLES, import_clinic
from clinic_import.reading.dates_and_times import DateOrder
from clinic_import.reading.faults import ImportFailed
from patients.models import Commitment, LevelOfCareSpan, Patient
from scheduling.models import CounselorHours, Meeting, WaitingEntry
from tests.spreadsheets import CLINIC, NOW, import_files, write_files

pytestmark = pytest.mark.django_db

AS_EXPORTED = {
    "sites": "Code;Name;Time Zone;Opens;Closes\nNORTH;Harbor Street;America/New_York;7:00 AM;10:00 PM\n",
    "staff": "Code;E-mail;Name;Roles\n"
    'ADA;ada@clinic.example;Ada Muñoz;"coordinator@NORTH; clinician@NORTH"\n',
    "rooms": "Site;Code;Name;Places\nNORTH;BIG;Big room;12.0\n",
    "tracks": "Site;Code;Name;Status\nNORTH;AM;Morning;published\n",
    "meetings": (
        "Site;Code;Name;Tracks;Days;Time;Leader;Spots;Runs from\n"
        "NORTH;AM;Morning group;AM;M/W/F;9-12;ADA;10;1/5/26\n"
    ),
    "counselor_hours": "Site;Person;Day;Time\nNORTH;ADA;TTh;1:00p - 5:00p\n",
    "patients": "Site;MRN;First Name;Last Name;DOB;Phone\nNORTH;P1;Rosa;Peña;5/17/1990;(207) 555-0142\n"
    "NORTH;P2;Emil;Hart;7/3/1988;\n",
    "commitments": "MRN;Code;Kind;Label;Days;Time\nP1;C1;work;Night shift;Sun-Thu;10 PM to 6 AM\n",
    "closures": "Site;Date;Reason\nNORTH;11/26/26;Thanksgiving\n",
    "episodes": (
        "MRN;Admission Date;Discharge Date;Level;Level from;Prescribed hours;Prescribed days;Stated by\n"
        "P1;2/3/25;5/16/25;2.5;;20;5;Dr. Cole\n"
        "P1;2/3/25;5/16/25;2.1;3/17/25;9:00;3;Dr. Cole\n"
        "p1;8/24/26;;2.1;;9.0;3;Dr. Cole\n"
        "P2;8/31/26;;2.1;;9.0;3;Dr. Cole\n"
    ),
    "enrollments": "MRN;Track;Start Date\nP1;AM;8/24/26\n",
    "waitlist": "MRN;Track;Priority;Can start;Added\nP2;am;Soon;9/14/26;8/28/26 9:15 AM\n",
    "attendance": "MRN;Group;On;Status;Arrived\nP1;am-mon;8/31/26;Late;9:20 AM\n",
    "leaves": "MRN;First Day;Last Day;Reason\nP1;9/9/26;9/11/26;Family emergency\n",
    "users": "MRN;Staff;E-mail;Language;Invite\nP1;;Rosa@mail.example;español;Yes\n;ADA;;;N\n",
}  # fmt: skip
"""All files of a clinic, with the titles, dates, times and weekdays that people and their programs write."""


def test_a_range_of_times_may_stand_beside_an_empty_end(tmp_path: Path) -> None:
    groups = (
        "site,code,name,tracks,weekday,starts,ends,lead,places,runs_from\n"
        "NORTH,AM,Group,AM,Mon,9-12,,ADA,10,2026-01-05\nNORTH,PM,Group,AM,Tue,13:00,16:00,ADA,10,2026-01-05\n"
    )
    files = {table: AS_EXPORTED[table].replace("published", "draft").replace(";", ",") for table in ("rooms", "tracks")}
    files |= {"sites": "code,name,time_zone\nNORTH,Harbor Street,America/New_York\n", "meetings": groups}
    files["staff"] = "code,email,name,roles\nADA,ada@clinic.example,Ada,clinician@NORTH; coordinator@NORTH\n"
    import_files(tmp_path, files)
    assert [*Meeting.objects.order_by("weekday").values_list("starts", "ends")] == [
        (time(9), time(12)),
        (time(13), time(16)),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_a_folder_as_a_clinic_exports_it_comes_in(tmp_path: Path, encoding: str) -> None:
    for table, text in AS_EXPORTED.items():
        (tmp_path / f"{table}.csv").write_bytes(text.encode(encoding))
    by = User.objects.create_superuser("boss@clinic.example", name="Boss")
    result = import_clinic(tmp_path, by=by, now=NOW, date_order=DateOrder.MONTH_FIRST)
    assert {change.table for change in result.changes} == {*AS_EXPORTED} == {*TABLES}
    groups = Meeting.objects.order_by("weekday").values_list("code", "weekday", "starts", "ends", "runs_from")
    first = date(2026, 1, 5)
    assert [*groups] == [
        ("AM-MON", 0, time(9), time(12), first),
        ("AM-WED", 2, time(9), time(12), first),
        ("AM-FRI", 4, time(9), time(12), first),
    ]
    assert [*CounselorHours.objects.order_by("weekday").values_list("weekday", "starts", "ends")] == [
        (1, time(13), time(17)),
        (3, time(13), time(17)),
    ]
    patient = Patient.objects.get(code="P1")
    assert (patient.last_name, patient.birth_date, patient.email) == ("Peña", date(1990, 5, 17), "rosa@mail.example")
    shift = Commitment.objects.get()
    assert (shift.starts, shift.ends) == (time(22), time(6))
    levels = LevelOfCareSpan.objects.filter(episode__patient=patient).order_by("starts")
    assert [*levels.values_list("starts", "ends", "prescribed_minutes")] == [
        (date(2025, 2, 3), date(2025, 3, 17), 1200),
        (date(2025, 3, 17), date(2025, 5, 17), 540),
        (date(2026, 8, 24), None, 540),
    ]
    marks = Attendance.objects.order_by("booking__starts").values_list("booking__session__on", "status")
    assert [*marks] == [
        (date(2026, 8, 31), AttendanceStatus.PARTIAL),
        (date(2026, 9, 9), AttendanceStatus.EXCUSED),
        (date(2026, 9, 11), AttendanceStatus.EXCUSED),
    ], "booked by the enrollment, excused by the leave"
    assert WaitingEntry.objects.get().requested_at == datetime(2026, 8, 28, 13, 15, tzinfo=UTC)
    assert [message.to for message in mail.outbox] == [["rosa@mail.example"]]
    again = import_clinic(tmp_path, by=by, now=NOW, date_order=DateOrder.MONTH_FIRST)
    assert (again.changes, again.unchanged) == ((), result.rows.total())
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("table", "old", "new", "sentence"),
    [
        pytest.param(
            "meetings", "Mon,9:00,12:00", "Mon,5:30,8:30",
            "meetings.csv, row 2, starts: 5:30 is outside the site's hours. Write it with AM or PM, as 5:30 AM or 5:30 PM.",
            id="a group before the site opens",
        ),
        pytest.param(
            "commitments", "22:00,6:00", "9:00,5:00",
            "commitments.csv, row 2, ends: 5:00 could be in the morning or in the afternoon. Write both times with AM or PM.",
            id="work from 9 to 5",
        ),
        pytest.param(
            "commitments", "22:00,6:00", "3:00,4:00",
            "commitments.csv, row 2, ends: 4:00 is outside the site's hours. Write it with AM or PM, as 4:00 AM or 4:00 PM.",
            id="a commitment in the night",
        ),
    ],
)  # fmt: skip
def test_times_that_could_be_in_either_half_of_the_day_are_asked_about(
    tmp_path: Path, table: str, old: str, new: str, sentence: str
) -> None:
    files = {**CLINIC, "sites": "code,name,time_zone,opens,closes\nNORTH,Harbor Street,America/New_York,7:00,22:00\n"}
    with pytest.raises(ImportFailed) as found:
        import_files(tmp_path, {**files, table: CLINIC[table].replace(old, new)})
    assert sentence in map(str, found.value.faults)


def test_a_wrong_title_does_not_hide_behind_the_faults_that_follow_from_it(tmp_path: Path) -> None:
    """Without the codes of patients and the tracks of groups, no reference to them can be checked."""
    files = {
        **CLINIC,
        "meetings": CLINIC["meetings"].replace("tracks,", "trakcs,"),
        "patients": CLINIC["patients"].replace("site,code", "site,coed"),
    }
    with pytest.raises(ImportFailed) as found:
        import_files(tmp_path, files)
    assert [str(fault) for fault in found.value.faults] == [
        "meetings.csv, row 1, trakcs: This file has no column with this title. Did you mean tracks?",
        "patients.csv, row 1, coed: This file has no column with this title. Did you mean code?",
        "patients.csv, row 1, code: This column is missing. Add it to the file.",
    ]


@pytest.mark.parametrize("cell", ["#REF!", "=A1"])
def test_broken_cells_are_named(tmp_path: Path, cell: str) -> None:
    write_files(tmp_path, {**CLINIC, "rooms": CLINIC["rooms"].replace("Small room", cell)})
    with pytest.raises(ImportFailed) as found:
        import_clinic(tmp_path, by=None, now=NOW)
    (fault,) = found.value.faults
    assert (fault.file, fault.row, fault.column) == ("rooms.csv", 3, "name")
    assert cell in fault.sentence
