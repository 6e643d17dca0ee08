"""Run a whole import: read all files, try to write all rows, and commit everything or nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.models import User
from clinic_import.import_run import ImportRun, Progress, RowChange
from clinic_import.reading.columns import ImportRow
from clinic_import.reading.dates_and_times import DateOrder
from clinic_import.reading.faults import Fault, ImportFailed
from clinic_import.reading.sources import read_source
from clinic_import.reading.spelling import use_known_spellings
from clinic_import.reading.tables import ParsedTable, parse_table
from clinic_import.rows.care_rows import EnrollmentRow
from clinic_import.rows.clinic_rows import CounselorHoursRow, MeetingRow, RoomRow, SiteRow, StaffRow, TrackRow
from clinic_import.rows.episode_rows import EpisodeRow
from clinic_import.rows.person_rows import ClosureRow, CommitmentRow, PatientRow
from clinic_import.rows.user_rows import SignInRow
from clinic_import.rows.waiting_rows import LeaveRow, WaitingRow
from clinic_import.writers.commitments import write_commitments
from clinic_import.writers.enrollments import write_enrollments
from clinic_import.writers.episodes import write_episodes
from clinic_import.writers.hours import write_counselor_hours
from clinic_import.writers.leaves import write_leaves
from clinic_import.writers.meetings import write_meetings
from clinic_import.writers.patients import write_patients
from clinic_import.writers.places import write_closures, write_rooms, write_sites
from clinic_import.writers.staff import check_groups_have_their_staff, write_staff
from clinic_import.writers.tracks import publish_tracks, write_tracks
from clinic_import.writers.users import write_users
from clinic_import.writers.waitlist import write_waitlist

ROW_TYPES: tuple[type[ImportRow], ...] = (
    SiteRow, RoomRow, StaffRow, CounselorHoursRow, TrackRow, MeetingRow, PatientRow, CommitmentRow, EpisodeRow,
    EnrollmentRow, WaitingRow, LeaveRow, SignInRow, ClosureRow,
)  # fmt: skip
TABLES = tuple(kind.table for kind in ROW_TYPES)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import: changes (sorted by file and row), number of rows per table, and notices for the clinic."""

    changes: tuple[RowChange, ...]
    rows: Counter[str]
    notices: tuple[str, ...] = ()

    @property
    def unchanged(self) -> int:
        """Number of rows that changed nothing."""
        return sum(self.rows.values()) - len(self.changes)


def _no_progress(table: str, done: int, rows: int) -> None:
    """Do nothing. This is the default `progress` callback of `import_clinic`."""


def import_clinic(
    source: Path,
    *,
    by: User | None,
    now: datetime,
    dry_run: bool = False,
    date_order: DateOrder | None = None,
    progress: Progress = _no_progress,
) -> ImportResult:
    """Import the tables in a folder of CSV files, a zip file of them, or a workbook.

    Rows are matched to existing records by the clinic's own codes. Records that the files don't mention stay
    unchanged. A `dry_run` writes everything and then rolls it back. `date_order` is the order of the numbers in dates
    like 1/5/26. If any file has a fault, nothing is written, and ImportFailed is raised with the faults of all files.
    """
    titles_of = {kind.table: {*(column.name for column in kind.columns()), *kind.other_titles} for kind in ROW_TYPES}
    given, faults = read_source(source, titles_of)
    tables: dict[str, ParsedTable[Any]] = {
        kind.table: parse_table(kind, given[kind.table], date_order) for kind in ROW_TYPES if kind.table in given
    }
    faults += (fault for table in tables.values() for fault in table.faults)
    files = {table: each.name for table, each in given.items()}
    spelled = use_known_spellings(tables, ROW_TYPES)
    run = ImportRun(by=by, now=now, tables=spelled, files=files, progress=progress, faults=faults)
    rows = Counter({name: len(table.rows) for name, table in tables.items()})
    with transaction.atomic():
        if tables:
            _write(run)
        if run.faults:
            order = [files.get(table, f"{table}.csv").lower() for table in TABLES]
            raise ImportFailed(sorted(dict.fromkeys(run.faults), key=lambda fault: _fault_position(fault, order)))
        if dry_run:
            transaction.set_rollback(True)
    return ImportResult(tuple(sorted(run.changes, key=_change_position)), rows, tuple(run.notices))


def _write(run: ImportRun) -> None:
    """Write the tables in order of their dependencies.

    Valid rows are tried even if other rows are faulty, so that the user sees all faults at once.
    """
    sites = write_sites(run)
    rooms = write_rooms(run, sites)
    staff = write_staff(run, sites)
    write_counselor_hours(run, sites, staff)
    tracks = write_tracks(run, sites)
    changed_by, uncertain = write_meetings(run, sites, rooms, staff, tracks)
    check_groups_have_their_staff(run, staff)
    write_closures(run, sites)
    publish_tracks(run, tracks, changed_by, uncertain)
    write_patients(run, sites)
    write_commitments(run)
    write_episodes(run, sites)
    write_enrollments(run, sites)
    write_waitlist(run)
    write_leaves(run)
    write_users(run)


def _fault_position(fault: Fault, order: Sequence[str]) -> tuple[int, str, int]:
    file = fault.file.lower()
    return order.index(file) if file in order else -1, fault.file, fault.row


def _change_position(change: RowChange) -> tuple[int, int]:
    return TABLES.index(change.table), change.row
