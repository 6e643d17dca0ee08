"""Measure the import of a clinic with the attendance of its past weeks: the preview, and the import itself.

    [bin/with-postgres] .venv/bin/python -m bench.import_clinic [--tiny]

The clinic has 5 sites, 200 tracks of three groups each, 2,000 patients and 50,000 rows of attendance, in a zip file of
CSV files. The preview and the import run in a process of their own, whose CPU seconds and peak memory are reported. The
baseline writes the rows of the larger tables again: with COPY on PostgreSQL, with executemany on SQLite. Half of the
patients are enrolled now and booked up to the horizon; the enrollments of the others have ended. The limits are 60 s of
CPU for a preview and for an import, and 300 MB. On SQLite and two busy cores, a preview took 47 s, an import 53 s (10 times
as long as executemany), a second import without changes 17 s, and the process used 273 MB.
"""

import io
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from bench.command_line import parse_tiny
from bench.temporary_database import set_up_django, temporary_database


class ClinicSize(NamedTuple):
    sites: int
    tracks: int
    patients: int
    attendance: int


FULL = ClinicSize(sites=5, tracks=200, patients=2000, attendance=50_000)
TINY = ClinicSize(sites=2, tracks=4, patients=12, attendance=200)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY, BEGINS = date(2026, 11, 22), date(2026, 6, 1)
WEEKDAYS = ("Mon", "Wed", "Fri")
COMMAND = "import bench.import_clinic; bench.import_clinic.measure_import()"
TABLES = (
    "scheduling_session", "scheduling_sessionfacilitator", "scheduling_enrollment", "scheduling_enrollmentmeeting",
    "scheduling_booking", "attendance_attendance", "accounts_auditevent",
)  # fmt: skip
"""The tables to which the import writes most rows, in the order of their references."""


def _csv(titles: str, rows: Iterator[Sequence[object]]) -> str:
    return "\n".join([titles, *(",".join(map(str, row)) for row in rows)]) + "\n"


def write_clinic(path: Path, size: ClinicSize, random: Random) -> None:
    """Write the clinic's files into a zip file. The same seed gives the same files."""
    of_site = [number % size.sites for number in range(size.tracks)]
    per_track = size.patients // size.tracks
    patients = [(f"P{number}", number // per_track) for number in range(per_track * size.tracks)]
    current = [number % 2 == 0 for number in range(len(patients))]
    hours = {0: ("9:00", "12:00"), 1: ("13:00", "16:00"), 2: ("17:00", "20:00")}

    def meetings() -> Iterator[Sequence[object]]:
        for track, site in enumerate(of_site):
            starts, ends = hours[track % 3]
            for day in WEEKDAYS:
                yield (
                    f"S{site}", f"T{track}-{day.upper()}", "Group", f"T{track}", day, starts, ends, f"R{track}",
                    f"L{track}", 12, BEGINS,
                )  # fmt: skip

    def attendance() -> Iterator[Sequence[object]]:
        days = [BEGINS + timedelta(days=number) for number in range((TODAY - BEGINS).days)]
        held = [day for day in days if day.weekday() in (0, 2, 4)]
        for number in range(size.attendance):
            patient, track = patients[number % len(patients)]
            day = held[number // len(patients)]
            status = random.choices(("present", "no-show", "unexcused"), (85, 10, 5))[0]
            yield patient, f"T{track}-{WEEKDAYS[day.weekday() // 2].upper()}", day, status

    files = {
        "sites": _csv("code,name,time_zone", ((f"S{n}", f"Site {n}", "America/New_York") for n in range(size.sites))),
        "rooms": _csv("site,code,name,places", ((f"S{s}", f"R{n}", f"Room {n}", 12) for n, s in enumerate(of_site))),
        "staff": _csv(
            "code,email,name,roles",
            (
                (f"L{n}", f"lead{n}@clinic.example", f"Lead {n}", f"clinician@S{s}; coordinator@S{s}")
                for n, s in enumerate(of_site)
            ),
        ),
        "tracks": _csv("site,code,name,status", ((f"S{s}", f"T{n}", f"Track {n}", "published") for n, s in enumerate(of_site))),
        "meetings": _csv("site,code,name,tracks,weekday,starts,ends,room,lead,places,runs_from", meetings()),
        "patients": _csv(
            "site,code,first_name,last_name,birth_date,admitted,level,prescribed_hours,prescribed_days,stated_by",
            (
                (f"S{of_site[track]}", code, f"Ann{code}", "Lee", "1990-05-17", BEGINS, "2.1", 9, 3, "Dr. Cole")
                for code, track in patients
            ),
        ),
        "enrollments": _csv(
            "patient,track,starts,last_day",
            (
                (code, f"T{track}", BEGINS, "" if is_current else "2026-11-20")
                for (code, track), is_current in zip(patients, current, strict=True)
            ),
        ),
        "attendance": _csv("patient,group,on,status", attendance()),
    }  # fmt: skip
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for table, text in files.items():
            packed.writestr(f"{table}.csv", text)


def measure_import() -> None:
    """Preview and import the file in this process, and print CPU seconds and peak memory."""
    set_up_django()
    from django.db import connection

    from clinic_import.clinic import import_clinic

    connection.settings_dict["NAME"] = os.environ["BENCH_DATABASE"]
    source = Path(os.environ["BENCH_SOURCE"])
    for name, dry_run in (("preview", True), ("import", False), ("second import, no change", None)):
        started = process_time()
        outcome = import_clinic(source, by=None, now=NOW, dry_run=bool(dry_run))
        print(f"{name:26} {process_time() - started:7.2f} s of CPU, {len(outcome.changes)} rows changed")
        del outcome  # In the product, the results of a preview and of its import are never in memory at the same time.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"the process used at most {peak:.0f} MB (limit 300)")


def write_again() -> float:
    """Delete the rows of TABLES and write them again in one transaction. Return the CPU seconds of this process.

    The rows are written with COPY on PostgreSQL, and with executemany on SQLite, where foreign keys are not checked.
    """
    from django.db import connection

    return _copy_again() if connection.vendor == "postgresql" else _execute_again()


def _copy_again() -> float:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        dumped = {}
        for table in TABLES:
            lines = io.BytesIO()
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                for part in copy:
                    lines.write(part)
            dumped[table] = lines.getvalue()
        for table in reversed(TABLES):
            # A trigger forbids DELETE in the trail. TRUNCATE of other tables would empty the tables that refer to them.
            cursor.execute(f"TRUNCATE {table}" if table == "accounts_auditevent" else f"DELETE FROM {table}")
        started = process_time()
        for table, content in dumped.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(content)
        return process_time() - started


def _execute_again() -> float:
    from django.db import connection, transaction

    connection.ensure_connection()
    raw: Any = connection.connection
    raw.execute("PRAGMA foreign_keys = OFF")
    with transaction.atomic():
        rows = {table: raw.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        for (name,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'accounts_auditevent'"
        ).fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        for table in reversed(TABLES):
            raw.execute(f"DELETE FROM {table}")
        started = process_time()
        for table, content in rows.items():
            if content:
                marks = ", ".join("?" * len(content[0]))
                raw.executemany(f"INSERT INTO {table} VALUES ({marks})", content)
        return process_time() - started


def main() -> None:
    size = TINY if parse_tiny(__doc__) else FULL
    with TemporaryDirectory() as folder, temporary_database() as database:
        source = Path(folder) / "clinic.zip"
        write_clinic(source, size, Random(7))
        environment = {**os.environ, "BENCH_DATABASE": database, "BENCH_SOURCE": str(source)}
        command = [sys.executable, "-c", COMMAND]
        printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()
        print(printed)
        ours = float(next(line for line in printed.splitlines() if line.startswith("import ")).split()[1])
        again = write_again()
        print(f"the same rows once more    {again:7.2f} s of CPU, without the server's: ratio {ours / again:.1f}")


if __name__ == "__main__":
    main()
