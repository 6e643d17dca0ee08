"""Run a whole import: read all files, try to write all rows, and commit everything or nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from clinic_import.import_run import ImportRun, Progress, RowChange
from clinic_import.merged_records import find_faults_of_merged_records
from clinic_import.missing import MissingRecords, find_missing
from clinic_import.reading.columns import ImportRow
from clinic_import.reading.dates_and_times import DateOrder
from clinic_import.reading.faults import Fault, ImportFailed
from clinic_import.reading.sources import GivenTable, read_source
from clinic_import.reading.spelling import use_known_spellings
from clinic_import.reading.tables import ParsedTable, parse_table
from clinic_import.rights import leave_out_forbidden_rows
from clinic_import.rows.care_rows import AttendanceRow, EnrollmentRow
from clinic_import.rows.clinic_rows import CounselorHoursRow, MeetingRow, RoomRow, SiteRow, StaffRow, TrackRow
from clinic_import.rows.episode_rows import EpisodeRow
from clinic_import.rows.person_rows import ClosureRow, CommitmentRow, PatientRow
from clinic_import.rows.user_rows import SignInRow
from clinic_import.rows.waiting_rows import LeaveRow, WaitingRow
from clinic_import.writers.attendance import write_attendance
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
from scheduling.models import Site
from scheduling.services.locks import lock_site

ROW_TYPES: tuple[type[ImportRow], ...] = (
    SiteRow, RoomRow, StaffRow, CounselorHoursRow, TrackRow, MeetingRow, PatientRow, CommitmentRow, EpisodeRow,
    EnrollmentRow, WaitingRow, LeaveRow, AttendanceRow, SignInRow, ClosureRow,
)  # fmt: skip
IMPORT_LOCK = 20_261_130
"""The number of the lock that an import takes on PostgreSQL. It is arbitrary, and nothing else may use it."""
TABLES = tuple(kind.table for kind in ROW_TYPES)


@dataclass(frozen=True, slots=True)
class ClinicFiles:
    """The files of a clinic: their parsed tables, the names of the files or sheets by table, and the faults found so far."""

    tables: Mapping[str, ParsedTable[Any]]
    names: Mapping[str, str]
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import: changes (sorted by file and row), number of rows per table, and notices for the clinic."""

    changes: tuple[RowChange, ...]
    rows: Counter[str]
    notices: tuple[str, ...] = ()
    missing: Mapping[str, MissingRecords] = field(default_factory=dict)
    """Current records that the files don't mention, by table."""

    @property
    def unchanged(self) -> int:
        """Number of rows that changed nothing."""
        return sum(self.rows.values()) - len(self.changes)

    @property
    def digest(self) -> str:
        """A hash of the changes and notices. It tells whether an import would do what its preview showed."""
        return sha256(repr((self.changes, self.notices)).encode()).hexdigest()


class ImportChanged(Exception):
    """The import would not do what its preview showed, because the clinic has changed since. Nothing was written."""


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

    Records that the files don't mention stay unchanged. `date_order` is the order of the numbers in dates like 1/5/26. See
    `write_clinic` for the other parameters and for what is raised.
    """
    files = parse_clinic(*read_source(source, known_titles()), date_order)
    return write_clinic(files, by=by, now=now, dry_run=dry_run, progress=progress)


def known_titles() -> dict[str, set[str]]:
    """Return the column titles that the import knows, by table."""
    return {kind.table: {*(column.name for column in kind.columns()), *kind.other_titles} for kind in ROW_TYPES}


def parse_clinic(given: Mapping[str, GivenTable], faults: Sequence[Fault], date_order: DateOrder | None) -> ClinicFiles:
    """Parse the given tables into rows. `faults` are those found while the files were read. No database is needed."""
    tables: dict[str, ParsedTable[Any]] = {
        kind.table: parse_table(kind, given[kind.table], date_order) for kind in ROW_TYPES if kind.table in given
    }
    found = [*faults, *(fault for table in tables.values() for fault in table.faults)]
    return ClinicFiles(tables, {table: each.name for table, each in given.items()}, found)


def write_clinic(
    files: ClinicFiles,
    *,
    by: User | None,
    now: datetime,
    dry_run: bool = False,
    checks_rights: bool = False,
    shown: str | None = None,
    progress: Progress = _no_progress,
) -> ImportResult:
    """Write all rows of the files, or nothing. Rows are matched to existing records by the clinic's own codes.

    A `dry_run` writes everything and then rolls it back. With `checks_rights`, each row needs the permissions of `by`.
    `shown` is the digest of the result that the preview showed.

    Raises ImportFailed with the faults of all files if any file has a fault, and ImportChanged if the changes differ from
    those shown. All sites are locked first, so that nobody else changes what the import reads.
    """
    rows = Counter({name: len(table.rows) for name, table in files.tables.items()})
    with transaction.atomic():
        _lock_clinic()
        tables, faults = use_known_spellings(files.tables, ROW_TYPES), list(files.faults)
        faults += find_faults_of_merged_records(files.tables)
        if checks_rights and by is not None:
            tables, forbidden = leave_out_forbidden_rows(tables, by)
            faults += forbidden
        run = ImportRun(
            by=by,
            now=now,
            tables=tables,
            files=files.names,
            progress=progress,
            checks_rights=checks_rights,
            faults=faults,
        )
        if tables:
            _write(run)
        if run.faults:
            order = [files.names.get(table, f"{table}.csv").lower() for table in TABLES]
            raise ImportFailed(sorted(dict.fromkeys(run.faults), key=lambda fault: _fault_position(fault, order)))
        changes = tuple(sorted(run.changes, key=_change_position))
        result = ImportResult(changes, rows, tuple(run.notices), find_missing(run))
        if shown is not None and result.digest != shown:
            raise ImportChanged
        if dry_run:
            transaction.set_rollback(True)
    return result


def _lock_clinic() -> None:
    """Lock all sites until the transaction ends, in order of their ids. Another import waits, even if there is no site yet.

    On SQLite, only one transaction runs at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
    for site_id in Site.objects.order_by("pk").values_list("pk", flat=True):
        lock_site(site_id)


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
    write_attendance(run)
    write_users(run)


def _fault_position(fault: Fault, order: Sequence[str]) -> tuple[int, str, int]:
    file = fault.file.lower()
    return order.index(file) if file in order else -1, fault.file, fault.row


def _change_position(change: RowChange) -> tuple[int, int]:
    return TABLES.index(change.table), change.row
