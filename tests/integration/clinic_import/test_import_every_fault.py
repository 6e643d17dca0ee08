"""One folder with every kind of fault: each is listed once, in the right place, and nothing is written."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from clinic_import.clinic import import_clinic
from clinic_import.reading.faults import ImportFailed
from tests.spreadsheets import CLINIC, NOW, import_files, write_files

pytestmark = pytest.mark.django_db

SITES = (
    "code,name,time_zone,opens,closes\n"
    "NORTH,Harbor Street,America/New_York,7:00 AM,10:00 PM\n"
    "SOUTH,Prairie Avenue,America/Chicago,,\n"
)
BEFORE = {
    **CLINIC,
    "sites": SITES,
    "staff": CLINIC["staff"] + "CAL,cal@clinic.example,Cal Roe,,clinician@NORTH\n",
    "meetings": CLINIC["meetings"].replace("Wed,9:00,12:00,BIG,ADA", "Wed,9:00,12:00,BIG,CAL"),
    "patients": (
        "site,code,first_name,last_name,birth_date,admitted,level,prescribed_hours,prescribed_days,stated_by\n"
        "NORTH,P1,Rosa,Lindqvist,1990-05-17,2026-08-31,2.1,9,3,Dr. Cole\n"
        "NORTH,P2,Emil,Hart,1988-07-03,,,,,\n"
        "NORTH,P3,Mai,Nguyen,1992-02-03,,,,,\n"
    ),
}
FAULTY = {
    "staff": (
        "code,email,name,roles\n"
        "ADA,eve@clinic.example,Eve Diaz,clinician@SOUTH\n"
        "CAL,cal@clinic.example,Cal Roe,reviewer@NORTH\n"
    ),
    "rooms": "site,coed,name,places\nNORTH,HALL,Hall,20\n",
    "tracks": "site,code,name\nNORTH,PM,Evening\n",
    "meetings": (
        "site,code,name,tracks,weekday,starts,ends,room,lead,places,runs_from\n"
        "NORTH,PM-MON,Group,PM,Mon,5:00 PM,8:00 PM,HALL,BEN,10,2026-01-05\n"
        "NORTH,PM-TUE,#REF!,PM,Tue,5:00 PM,8:00 PM,HALL,BEN,10,2026-01-05\n"
        "NORTH,PM-WED,Group,PM,Wed,5:30,8:30,,BEN,10,2026-01-05\n"
    ),
    "patients": (
        "site,code,first_name,last_name,birth_date,phone,admitted,level,prescribed_hours,prescribed_days,stated_by\n"
        "NORTH,P1,Rosa,Lindqvist,1990-05-17,,2026-08-31,2.1,12,4,Dr. Cole\n"
        "NORTH,P2,Omar,Haddad,1990-02-03,,,,,,\n"
        "NORTH,P4,MAI,Nguyen,1992-02-03,,,,,,\n"
        "NORTH,P5,Ada,Berg,1991-01-01,2.07556E+09,,,,,\n"
        "NORTH,1E+05,Ola,Berg,1991-01-02,,,,,,\n"
        'NORTH,P6,"Ida\nMarie",Berg,1991-01-03,,,,,,\n'
        "NORTH,P7,=A1,Berg,1991-01-04,,,,,,\n"
        "NORTH,P8,Kai,Berg,1991-01-05,,,,,,\n"
        "NORTH,p8,Kim,Berg,1991-01-06,,,,,,\n"
        "NORTH,P\u200b8,Kit,Berg,1991-01-07,,,,,,\n"
    ),
    "commitments": (
        "patient,code,kind,label,weekdays,starts,ends\n"
        "P3,C1,work,Early shift,Mon,3:00,9:00\n"
        "P5,C1,work,Shift,Mon,9:00,10:00\n"
    ),
    "episodes": "patient,admitted,level,prescribed_hours,prescribed_days,stated_by\nP6,2026-08-31,2.1,9,3,Dr. Cole\n",
    "waitlist": "patient,track,priority,from_day\nP6,PM,soon,2026-09-14\n",
    "leaves": "patient,first_day,reason\nP6,2026-09-14,Trip\n",
}

THEIR_SENTENCES = """\
rooms.csv, row 1, coed: This file has no column with this title. Did you mean code?
rooms.csv, row 1, code: This column is missing. Add it to the file.
staff.csv, row 2, code: ADA is the code of Ada Park, ada@clinic.example. This row has another name and another email.\
 If it is another person, use another code. If it is the same person, change one of them first and import again for the\
 other.
staff.csv, row 3, roles: These groups need this person: Group (Wednesday). Give them to somebody else first.
meetings.csv, row 3, name: “#REF!” is an error of the spreadsheet. Enter the value itself.
meetings.csv, row 4, starts: 5:30 is outside the site's hours. Write it with AM or PM, as 5:30 AM or 5:30 PM.
patients.csv, row 2, level_from: This order differs from the current one (prescribed_hours: 540 → 720; prescribed_days:\
 3 → 4). Enter the first day of the new order.
patients.csv, row 3, code: P2 is the code of Emil Hart, born Jul 3, 1988. This row has another name and another birth\
 date. If it is another person, use another code. If it is the same person, correct the record on the chart.
patients.csv, row 4, code: P3 is a patient with the same name and birth date. If it is the same person, use that code.\
 If it is another person, enter yes under another_person.
patients.csv, row 5, phone: “2.07556E+09” is a number that the spreadsheet has shortened. Format the column as text and\
 enter it again.
patients.csv, row 6, code: “1E+05” is a number that the spreadsheet has shortened. Format the column as text and enter\
 it again.
patients.csv, row 7, first_name: This text has a line break. Write it on one line.
patients.csv, row 8, first_name: “=A1” is a formula. Enter its value.
patients.csv, row 10, code: Row 9 has the same code.
patients.csv, row 11, code: Row 9 has the same code.
commitments.csv, row 2, starts: 3:00 is outside the site's hours. Write it with AM or PM, as 3:00 AM or 3:00 PM.
"""
"""Rows that refer to a faulty row, or to the file without codes, add no fault, such as the rows about P5 and P6."""


def all_rows() -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables."""
    return {model._meta.label: [*model._base_manager.order_by("pk").values()] for model in apps.get_models()}


def test_every_fault_is_listed_once_and_nothing_is_written(tmp_path: Path) -> None:
    import_files(tmp_path, BEFORE)
    for table in BEFORE:
        (tmp_path / f"{table}.csv").unlink()
    before = all_rows()
    with pytest.raises(ImportFailed) as found:
        import_clinic(write_files(tmp_path, FAULTY), by=None, now=NOW)
    assert "".join(f"{fault}\n" for fault in found.value.faults) == THEIR_SENTENCES
    assert all_rows() == before
