"""The import as a whole: everything is read, everything is tried, and all of it is kept or none."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.models import User
from scheduling.clinic_import.clinic_rows import CounselorHoursRow, MeetingRow, RoomRow, SiteRow, StaffRow, TrackRow
from scheduling.clinic_import.columns import ImportRow
from scheduling.clinic_import.csv_files import find_files
from scheduling.clinic_import.faults import Fault, ImportFailed
from scheduling.clinic_import.import_run import ImportRun, Progress, RowChange
from scheduling.clinic_import.person_rows import ClosureRow, CommitmentRow, PatientRow
from scheduling.clinic_import.tables import ParsedTable, parse_file
from scheduling.clinic_import.writers.commitments import write_commitments
from scheduling.clinic_import.writers.hours import write_counselor_hours
from scheduling.clinic_import.writers.meetings import write_meetings
from scheduling.clinic_import.writers.patients import write_patients
from scheduling.clinic_import.writers.places import write_closures, write_rooms, write_sites
from scheduling.clinic_import.writers.staff import write_staff
from scheduling.clinic_import.writers.tracks import publish_tracks, write_tracks

ROW_TYPES: tuple[type[ImportRow], ...] = (
    SiteRow, RoomRow, StaffRow, CounselorHoursRow, TrackRow, MeetingRow, PatientRow, CommitmentRow, ClosureRow,
)  # fmt: skip
TABLES = tuple(kind.table for kind in ROW_TYPES)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import changed, in the order of the files and their rows; how many rows each file has; what to look at."""

    changes: tuple[RowChange, ...]
    rows: Counter[str]
    notices: tuple[str, ...] = ()

    @property
    def unchanged(self) -> int:
        return sum(self.rows.values()) - len(self.changes)


def _no_progress(table: str, done: int, rows: int) -> None:
    """What an import tells that nobody waits for."""


def import_clinic(
    folder: Path, *, by: User | None, now: datetime, dry_run: bool = False, progress: Progress = _no_progress
) -> ImportResult:
    """Writes what the folder's files say, each row known by the clinic's own codes; what they don't mention stays.

    Raises Faulty with every fault of every file when there is one, and then nothing is written. A `dry_run` does all of it
    and takes it back.
    """
    files, faults = find_files(folder, TABLES)
    tables: dict[str, ParsedTable[Any]] = {
        kind.table: parse_file(kind, files[kind.table]) for kind in ROW_TYPES if kind.table in files
    }
    faults += (fault for table in tables.values() for fault in table.faults)
    work = ImportRun(by=by, now=now, tables=tables, progress=progress, faults=faults)
    rows = Counter({name: len(table.rows) for name, table in tables.items()})
    with transaction.atomic():
        if tables:
            _write(work)
        if work.faults:
            raise ImportFailed(sorted(work.faults, key=_fault_position))
        if dry_run:
            transaction.set_rollback(True)
    return ImportResult(tuple(sorted(work.changes, key=_change_position)), rows, tuple(work.notices))


def _write(work: ImportRun) -> None:
    """In the order in which things refer to each other. Sound rows are tried even if others are not, to find their faults."""
    sites = write_sites(work)
    rooms = write_rooms(work, sites)
    staff = write_staff(work, sites)
    write_counselor_hours(work, sites, staff)
    tracks = write_tracks(work, sites)
    changed_by, doubtful = write_meetings(work, sites, rooms, staff, tracks)
    write_closures(work, sites)
    publish_tracks(work, tracks, changed_by, doubtful)
    write_patients(work, sites)
    write_commitments(work)


def _fault_position(fault: Fault) -> tuple[int, str, int]:
    table = Path(fault.file).stem.lower()
    return TABLES.index(table) if table in TABLES else -1, fault.file, fault.row


def _change_position(change: RowChange) -> tuple[int, int]:
    return TABLES.index(change.table), change.row
