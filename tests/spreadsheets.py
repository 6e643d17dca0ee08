"""A small clinic as CSV files, for tests that change one cell and import the files."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clinic_import.clinic import ImportResult, import_clinic
from clinic_import.reading.faults import ImportFailed

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
"""Noon UTC on Tuesday, September 1, 2026, when the tests import the files."""

CLINIC: Mapping[str, str] = {
    "sites": "code,name,time_zone\nNORTH,Harbor Street,America/New_York\n",
    "rooms": "site,code,name,places\nNORTH,BIG,Big room,12\nNORTH,SMALL,Small room,6\n",
    "staff": (
        "code,email,name,credential,roles\n"
        "ADA,ada@clinic.example,Ada Park,LADC,clinician@NORTH\n"
        "BEN,ben@clinic.example,Ben Cho,,coordinator@NORTH; clinician@NORTH\n"
    ),
    "tracks": "site,code,name,status\nNORTH,AM,Morning,published\n",
    "meetings": (
        "site,code,name,tracks,weekday,starts,ends,room,lead,places,runs_from\n"
        "NORTH,M1,Group,AM,Mon,9:00,12:00,BIG,ADA,10,2026-01-05\n"
        "NORTH,W1,Group,AM,Wed,9:00,12:00,BIG,ADA,10,2026-01-05\n"
        "NORTH,F1,Group,AM,Fri,9:00,12:00,BIG,ADA,10,2026-01-05\n"
    ),
    "patients": (
        "site,code,first_name,last_name,birth_date,admitted,level,prescribed_hours,prescribed_days,stated_by\n"
        'NORTH,P1,Rosa,Lindqvist,1990-05-17,2026-08-31,2.1,9,3,"Dr. Cole, MD"\n'
        "NORTH,P2,Emil,Hart,7/3/1988,,,,,\n"
    ),
    "commitments": (
        "patient,code,kind,label,weekdays,starts,ends,on\n"
        "P1,C1,work,Night shift,Sun-Thu,22:00,6:00,\n"
        "P2,C1,court,Hearing,,9:00 AM,10:30 AM,2026-10-05\n"
    ),
    "closures": "site,first_day,last_day,reason\nNORTH,2026-11-26,2026-11-27,Thanksgiving\n",
}


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    for table, text in files.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


def clinic_with(table: str, old: str, new: str) -> dict[str, str]:
    """Return the files of CLINIC with `old` replaced by `new` in the file of `table`.

    `old` must occur there exactly once.
    """
    assert CLINIC[table].count(old) == 1, f"{old!r} occurs {CLINIC[table].count(old)} times in {table}"
    return {**CLINIC, table: CLINIC[table].replace(old, new)}


def import_files(folder: Path, files: Mapping[str, str] = CLINIC, now: datetime = NOW) -> ImportResult:
    return import_clinic(write_files(folder, files), by=None, now=now)


def only_fault(folder: Path, files: Mapping[str, str]) -> str:
    """Import the files, and return the text of the only fault found in them."""
    with pytest.raises(ImportFailed) as found:
        import_files(folder, files)
    (fault,) = found.value.faults
    return str(fault)
