"""The import reports every fault with its file, row and column. If there is any fault, nothing is written."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, User
from clinic_import.clinic import TABLES
from clinic_import.reading.faults import ImportFailed
from patients.models import Patient
from scheduling.models import Meeting, Room, Session, Site, Track
from tests.spreadsheets import CLINIC, NOW, clinic_with, import_files, only_fault, write_files

pytestmark = pytest.mark.django_db

TWENTY_FAULTS = {
    "sites": ("code,name,time_zone\nNORTH,Harbor Street,America/New_York\nSOUTH,Prairie Avenue,Central Time\n"),
    "rooms": (
        "site,code,name,places,colour\n"
        "NORTH,BIG,Big room,12,\n"
        "NORTH,BIG,Other room,10,\n"
        "WEST,TINY,Tiny room,4,\n"
        "NORTH,DARK,Dark room,none,\n"
    ),
    "staff": (
        "code,email,name,roles\n"
        "ADA,ada@clinic.example,Ada Park,clinician@NORTH\n"
        "BEN,ben.clinic.example,Ben Cho,clinician@NORTH\n"
        "CAL,cal@clinic.example,Cal Roe,doctor@NORTH\n"
        "DEE,dee@clinic.example,Dee Fox,coordinator@NORTH\n"
    ),
    "tracks": "site,code,name,status\nNORTH,AM,Morning,published\nNORTH,PM,Evening,draft\n",
    "meetings": (
        "site,code,name,tracks,weekday,starts,ends,break_starts,break_ends,room,lead,places,runs_from\n"
        "NORTH,A1,Group,AM,Mon,9:00,12:00,,,BIG,ADA,10,2026-01-05\n"
        "NORTH,A2,Group,AM,Tue,9:00,12:00,,,BIG,ADA,10,2026-01-05\n"
        "NORTH,P1,Group,PM,Mon,18:00,17:00,,,BIG,ADA,10,2026-01-05\n"
        "NORTH,P2,Group,PM,Tue,17:00,20:00,16:00,16:10,BIG,ADA,10,2026-01-05\n"
        "NORTH,P3,Group,PM,Wed,17:00,20:00,,,BIG,ADA,14,2026-01-05\n"
        "NORTH,P4,Group,NIGHT,Thu,17:00,20:00,,,BIG,ADA,10,2026-01-05\n"
        "NORTH,P5,Group,PM,Fri,17:00,25:00,,,BIG,ADA,10,2026-01-05\n"
        "NORTH,P6,Group,PM,Fri,17:00,20:00,,,BIG,DEE,10,2026-01-05\n"
    ),
    "patients": (
        "site,code,first_name,last_name,birth_date,admitted,level,prescribed_hours,prescribed_days,stated_by\n"
        "NORTH,P1,,,1990-05-17,,,,,\n"
        "NORTH,P2,Emil,Hart,1990-02-30,,,,,\n"
        "NORTH,P3,Mai,Nguyen,1990-02-03,2026-08-31,2.1,,3,Dr. Cole\n"
        "NORTH,P4,Omar,Haddad,1990-02-03,,,,,\n"
    ),
    "commitments": (
        "patient,code,kind,label,weekdays,starts,ends\n"
        "P4,C1,holiday,Beach,Mon,9:00,10:00\n"
        "P9,C1,work,Shift,Mon,9:00,10:00\n"
        "P1,C1,work,Shift,Mon,9:00,10:00\n"
    ),
    "closures": "site,first_day,last_day\nNORTH,2026-11-27,2026-11-26\n",
}

THEIR_SENTENCES = """\
sites.csv, row 3, time_zone: “Central Time” is not a time zone. Use a name such as America/Chicago.
rooms.csv, row 1, colour: This file has no column with this title. Use one of these: site, code, name, places.
rooms.csv, row 3, code: Row 2 has the same site and code.
rooms.csv, row 4, site: “WEST” is not a code in sites.csv or in the database.
rooms.csv, row 5, places: “none” is not a whole number.
staff.csv, row 3, email: “ben.clinic.example” is not an email address.
staff.csv, row 4, roles: “doctor” is not one of the options. Use one of these: administrator, coordinator, clinician, reviewer.
tracks.csv, row 2, status: 6 h a week is 3 h less than the 9 h required. 2 days a week are too few. At least 3 are required.
meetings.csv, row 4, ends: The end, 5:00 PM, is not after the start, 6:00 PM.
meetings.csv, row 5, break_starts: The break must be within the times of the group.
meetings.csv, row 6, places: Big room holds 12 people, so 14 spots are too many.
meetings.csv, row 7, tracks: “NIGHT” is not a code in tracks.csv or in the database.
meetings.csv, row 8, ends: “25:00” is not a time. Write it as 9:00 AM or 21:30.
meetings.csv, row 9, lead: Dee Fox is not a clinician at NORTH and can't lead its groups.
patients.csv, row 2, first_name: Enter a first name or a last name.
patients.csv, row 3, birth_date: “1990-02-30” is not on the calendar. Check the day and the month.
patients.csv, row 4, prescribed_hours: An admitted patient needs this. Fill it in, or leave admitted blank.
commitments.csv, row 2, kind: “holiday” is not one of the options. Use one of these: work, school, family,\
 childcare, court, medical, other.
commitments.csv, row 3, patient: “P9” is not a code in patients.csv or in the database.
closures.csv, row 1, reason: This column is missing. Add it to the file.
"""


def test_twenty_different_faults_are_all_reported_and_nothing_is_written(tmp_path: Path) -> None:
    """The last commitment refers to a faulty row. This reference is not reported as another fault."""
    output = StringIO()
    with pytest.raises(CommandError, match=r"^20 problems found\. Nothing was imported\."):
        call_command("import_clinic", write_files(tmp_path, TWENTY_FAULTS), stderr=output)
    assert output.getvalue() == THEIR_SENTENCES
    for model in (Site, Room, User, Track, Meeting, Session, Patient, AuditEvent):
        assert not model.objects.exists()


@pytest.mark.parametrize(
    ("table", "old", "new", "sentence"),
    [
        pytest.param(
            "meetings", "BIG,ADA,10,2026-01-05\nNORTH,W1", "BIG,EVE,10,2026-01-05\nNORTH,W1",
            "meetings.csv, row 2, lead: “EVE” is not a code or email of anyone in staff.csv or in the database.",
            id="an unknown leader",
        ),
        pytest.param(
            "meetings", "NORTH,W1,Group,AM,Wed,9:00", "NORTH,W1,Group,AM,Mon,11:00",
            "tracks.csv, row 2, status: 6 h a week is 3 h less than the 9 h required. 2 days a week are too few. At least"
            " 3 are required. Big room would have “Group” and “Group” at the same time on Monday. Ada Park"
            " would be in “Group” and “Group” at the same time on Monday.",
            id="two groups in one room",
        ),
        pytest.param(
            "meetings", "F1,Group,AM,Fri", "M1,Group,AM,Fri",
            "meetings.csv, row 4, runs_from: Row 2 has the same site and code and runs_from.",
            id="one code twice",
        ),
        pytest.param(
            "patients", "P1,Rosa", "P2,Rosa",
            "patients.csv, row 3, code: Row 2 has the same code.",
            id="one patient twice",
        ),
        pytest.param(
            "patients", "2026-08-31", "1990-05-16",
            "patients.csv, row 2, admitted: The admission, May 16, 1990, is not after the birth date, May 17, 1990.",
            id="admitted before birth",
        ),
        pytest.param(
            "commitments", "22:00,6:00", "6:00,6:00",
            "commitments.csv, row 2, ends: The commitment starts and ends at 6:00 AM. For all day, enter 0:00 for both.",
            id="a shift of no length",
        ),
        pytest.param(
            "commitments", "Sun-Thu", "",
            "commitments.csv, row 2, weekdays: Enter one of these: days of the week, a rotation, or a date under on.",
            id="a shift on no day",
        ),
        pytest.param(
            "commitments",
            "weekdays,starts,ends,on\nP1,C1,work,Night shift,Sun-Thu",
            "rotation,starts,ends,on\nP1,C1,work,Night shift,4 on and off",
            "commitments.csv, row 2, rotation: “4 on and off” is not a rotation. Write it as 4 on, 3 off or as 2-2-3-2-2-3.",
            id="a rotation that is none",
        ),
        pytest.param(
            "commitments",
            "weekdays,starts,ends,on\nP1,C1,work,Night shift,Sun-Thu",
            "rotation,starts,ends,on\nP1,C1,work,Night shift,4-3",
            "commitments.csv, row 2, anchor: A rotation needs the date of its first day.",
            id="a rotation that begins nowhere",
        ),
        pytest.param(
            "patients",
            "P2,Emil,Hart,7/3/1988",
            "P2,Emil,Hart,7/3/2088",
            "patients.csv, row 3, birth_date: The birth date, Jul 3, 2088, is in the future.",
            id="not born yet",
        ),
        pytest.param(
            "closures", "Thanksgiving\n", "Thanksgiving\nNORTH,2026-11-27,,Other\n",
            "closures.csv, row 3, first_day: Row 2 already closes the site on some of these days.",
            id="closed twice",
        ),
        pytest.param(
            "sites", "time_zone\nNORTH,Harbor Street,America/New_York",
            "time_zone,country\nNORTH,Harbor Street,America/New_York,USA",
            "sites.csv, row 2, country: “USA” is not a country code. Use two letters, such as US.",
            id="a country of three letters",
        ),
        pytest.param(
            "sites", "time_zone\nNORTH,Harbor Street,America/New_York",
            "time_zone,state\nNORTH,Harbor Street,America/New_York,ZZ",
            "sites.csv, row 2, state: “ZZ” is not a state of US with its own holidays. Leave this blank.",
            id="a state that nobody knows",
        ),
        pytest.param(
            "sites", "time_zone\nNORTH,Harbor Street,America/New_York",
            "time_zone,opens,closes\nNORTH,Harbor Street,America/New_York,9:00,8:00",
            "sites.csv, row 2, closes: The site closes at 8:00 AM, which is not after it opens at 9:00 AM.",
            id="open for no time",
        ),
        pytest.param(
            "staff", "ben@", "ada@",
            "staff.csv, row 3, email: Row 2 has the same email.",
            id="one address for two",
        ),
        pytest.param(
            "staff", "BEN,ben", "ADA,ben",
            "staff.csv, row 3, code: Row 2 is about the same person. Remove one of the rows.",
            id="one code for two",
        ),
        pytest.param(
            "rooms", "Big room,12", "Big room,12,surplus",
            "rooms.csv, row 2: “surplus” is in a column without a title.",
            id="a cell too many",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_reported_in_a_sentence(tmp_path: Path, table: str, old: str, new: str, sentence: str) -> None:
    files = clinic_with(table, old, new)
    if table in {"staff", "rooms"}:
        files = {name: files[name] for name in ("sites", "rooms", "staff")}
    if new == "P2,Rosa":  # patient P1 is missing, so P1's commitment would be another fault
        files.pop("commitments")
    assert only_fault(tmp_path, files) == sentence


def test_two_meetings_with_one_code_may_not_overlap(tmp_path: Path) -> None:
    text = CLINIC["meetings"].replace("F1,Group,AM,Fri", "M1,Group,AM,Fri").replace("2026-01-05\n", "2026-02-02\n")
    text = text.replace("BIG,ADA,10,2026-02-02", "BIG,ADA,10,2026-01-05", 1)
    assert only_fault(tmp_path, {**CLINIC, "meetings": text}) == (
        "meetings.csv, row 4, runs_from: The group in row 2 has the same code and has not ended by this day."
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "sites.csv",
            b"",
            "sites.csv: The file is empty. Its first row must have these column titles: code, name, time_zone.",
        ),
        (
            "sites.csv",
            b"code\n\x81",
            "sites.csv: Line 2 of the file can't be read. Save the file as “CSV UTF-8”.",
        ),
        (
            "sites.csv",
            b"\xff\xfec\x00\x00\xd8\n\x00",
            "sites.csv: Line 1 of the file can't be read. Save the file as “CSV UTF-8”.",
        ),
        ("sites.csv", b"code,name\0", "sites.csv: The file has characters that are not text. Save it as “CSV UTF-8”."),
        ("sites.xlsx", b"PK", "sites.xlsx: This is a spreadsheet. Import it on its own, or save it as “CSV UTF-8”."),
        ("site.csv", b"code", "site.csv: The import has no file with this name. Did you mean sites.csv?"),
        (
            "sites.csv",
            b'code,name,time_zone\nA,"B"C,America/Chicago\n',
            "sites.csv, row 2: This row can't be read (',' expected after '\"'). Check its quotation marks.",
        ),
    ],
)
def test_an_unreadable_file_is_reported(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert only_fault(tmp_path, {}) == sentence


def test_unknown_columns_are_reported_with_a_suggestion(tmp_path: Path) -> None:
    head, rows = CLINIC["patients"].split("\n", 1)
    with pytest.raises(ImportFailed) as found:
        import_files(
            tmp_path, {"sites": CLINIC["sites"], "patients": head.replace("birth_date", "Birthdat") + "\n" + rows}
        )
    assert [str(fault) for fault in found.value.faults] == [
        "patients.csv, row 1, Birthdat: This file has no column with this title. Did you mean birth_date?",
        "patients.csv, row 1, birth_date: This column is missing. Add it to the file.",
    ]


def test_an_empty_folder_and_no_folder_are_faults(tmp_path: Path) -> None:
    assert only_fault(tmp_path, {}) == (
        f"{tmp_path}: The folder has no file to import. It can have these: {', '.join(f'{table}.csv' for table in TABLES)}."
    )
    with pytest.raises(CommandError, match=r"1 problem found\. Nothing was imported\."):
        call_command("import_clinic", tmp_path / "nowhere", stderr=StringIO())


def test_rows_are_numbered_as_in_a_spreadsheet(tmp_path: Path) -> None:
    text = 'code,name,address,time_zone\n\n"S1",One,"Two\nlines",America/Chicago\n,,\nS2,Other,,Nowhere\n'
    assert only_fault(tmp_path, {"sites": text}).startswith("sites.csv, row 5, time_zone:")


def test_the_past_of_a_running_group_does_not_change(tmp_path: Path) -> None:
    import_files(tmp_path)
    (tmp_path / "rooms.csv").unlink()
    later = clinic_with("meetings", "Wed,9:00,12:00,BIG,ADA,10,2026-01-05", "Wed,9:00,12:00,BIG,ADA,10,2026-01-12")
    with pytest.raises(
        ImportFailed, match="row 3, runs_from: This group has met since Jan 5, 2026, so this date can't change"
    ):
        import_files(tmp_path, later, now=NOW + timedelta(weeks=1))


def test_a_published_track_does_not_become_a_draft(tmp_path: Path) -> None:
    import_files(tmp_path)
    assert only_fault(tmp_path, clinic_with("tracks", "published", "draft")) == (
        "tracks.csv, row 2, status: The track is published and can't become a draft again."
    )


def test_a_site_with_sessions_keeps_its_time_zone(tmp_path: Path) -> None:
    import_files(tmp_path)
    assert only_fault(tmp_path, clinic_with("sites", "America/New_York", "America/Chicago")) == (
        "sites.csv, row 2, time_zone: This site has sessions, so its time zone can't change."
    )


def test_a_commitment_that_never_occurs_is_refused_in_the_words_of_the_pages(tmp_path: Path) -> None:
    text = (
        "patient,code,kind,label,weekdays,starts,ends,valid_from,last_day\n"
        "P1,C1,work,Shift,Sun,22:00,6:00,2026-09-07,2026-09-11\n"
    )
    sentence = only_fault(tmp_path, {**CLINIC, "commitments": text})
    assert sentence.startswith("commitments.csv, row 2: ")
    assert sentence.endswith(".")
