"""Run an import in the background: read and preview its files, and write them once its user has confirmed it.

A task may be run twice, and its worker may be killed at any time. Therefore a worker first claims the import, and marks it
as done in the transaction that writes it. So no import is written twice.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.tasks import task
from django.utils import translation

from accounts.audit import record, record_all
from accounts.models import Action, User
from clinic_import.clinic import ClinicFiles, ImportChanged, known_titles, parse_clinic, write_clinic
from clinic_import.models import ClinicImport, ImportState
from clinic_import.reading.dates_and_times import DateOrder
from clinic_import.reading.faults import ImportFailed
from clinic_import.reading.sources import read_files
from clinic_import.services.details import (
    ImportDetails,
    details_of_faults,
    details_of_result,
    seal_details,
)
from clinic_import.services.packed_files import unpack_files
from clinic_import.services.side_connections import ProgressReport, copied_database, progress_connection
from iopmanager import clock
from iopmanager.reader import HourClock, hour_clock_of
from patients.models import Patient
from patients.services.record.reader_settings import chosen_language

logger = logging.getLogger(__name__)
BATCH = 500


class ClaimLost(Exception):
    """Another worker has claimed the import in the meantime, or the user has discarded it."""


@task(backend="background")
def run_import(import_id: int) -> None:
    """Preview or write the import, whichever is due. Do nothing if another worker has claimed it.

    Errors are caught, because the queue would otherwise store their texts, which can contain patients' data.
    """
    claimed = claim_import(import_id=import_id, now=clock.now())
    if claimed is None:
        return
    try:
        with _texts_for(claimed.by):
            if claimed.state == ImportState.WRITING:
                _write(claimed, clock.now())
            else:
                _preview(claimed, clock.now())
    except ClaimLost:
        logger.warning("import %d was claimed by another worker, or discarded", import_id)
    except Exception as error:
        logger.error("import %d failed: %s", import_id, type(error).__name__)
        _claimed(claimed).update(state=ImportState.FAILED)


def claim_import(*, import_id: int, now: datetime) -> ClinicImport | None:
    """Claim the import for this worker and return it. Return None if there is nothing to do, or another worker is faster."""
    found = ClinicImport.objects.claimable(now).without_contents().select_related("by").filter(pk=import_id).first()
    if found is None:
        return None
    is_confirmed = found.state in (ImportState.CONFIRMED, ImportState.WRITING)
    state = ImportState.WRITING if is_confirmed else ImportState.READING
    unchanged = ClinicImport.objects.filter(pk=found.pk, state=found.state, claimed_at=found.claimed_at)
    if not unchanged.update(state=state, claimed_at=now, active_at=now, progress_table=""):
        return None
    found.state, found.claimed_at = state, now
    return found


def _claimed(claimed: ClinicImport) -> Any:
    """Return a queryset with the import, or an empty one if somebody else has claimed or discarded it."""
    return ClinicImport.objects.filter(pk=claimed.pk, state=claimed.state, claimed_at=claimed.claimed_at)


@contextmanager
def _texts_for(user: User) -> Iterator[None]:
    """Write sentences in the user's language and with the user's clock, as on the user's pages."""
    language = chosen_language(user) or settings.LANGUAGE_CODE
    with translation.override(language), hour_clock_of(lambda: user.hour_clock or HourClock.TWELVE):
        yield


def _parse(claimed: ClinicImport) -> ClinicFiles:
    files = [(name, lambda content=content: content) for name, content in unpack_files(bytes(claimed.upload or b""))]
    order = DateOrder(claimed.date_order) if claimed.date_order else None
    return parse_clinic(*read_files(files, known_titles()), order)


def _preview(claimed: ClinicImport, now: datetime, *, has_changed: bool = False) -> None:
    """Try the import, roll it back, and store what it would change, or its faults."""
    files = _parse(claimed)
    with progress_connection(is_writing=False) as connection:
        progress = ProgressReport(connection, claimed, clock.now)
        with copied_database():
            details = _tried(files, claimed.by, now, progress)
    _store_preview(claimed, details, clock.now(), has_changed=has_changed)


def _tried(files: ClinicFiles, by: User, now: datetime, progress: ProgressReport) -> ImportDetails:
    try:
        result = write_clinic(files, by=by, now=now, dry_run=True, checks_rights=True, progress=progress)
    except ImportFailed as failed:
        return details_of_faults(failed.faults)
    return details_of_result(result, dict(files.names))


@transaction.atomic
def _store_preview(claimed: ClinicImport, details: ImportDetails, now: datetime, *, has_changed: bool) -> None:
    stored = _claimed(claimed).update(
        state=ImportState.FAULTY if details.faults else ImportState.PREVIEWED,
        details=seal_details(details),
        digest=details.digest,
        has_changed=has_changed,
        new=details.total("new"),
        changed=details.total("changed"),
        unchanged=details.total("unchanged"),
        faults=details.fault_count,
        active_at=now,
    )
    if not stored:
        raise ClaimLost
    for begin in range(0, len(details.patients), BATCH):
        shown = Patient.objects.filter(code__in=details.patients[begin : begin + BATCH])
        record_all(shown, by=claimed.by, action=Action.VIEWED, at=now, detail="preview of an import")


def _write(claimed: ClinicImport, now: datetime) -> None:
    """Write what the user confirmed. If it would not do what the preview showed, show a new preview instead."""
    files = _parse(claimed)
    try:
        with progress_connection(is_writing=True) as connection, transaction.atomic():
            progress = ProgressReport(connection, claimed, clock.now)
            write_clinic(files, by=claimed.by, now=now, checks_rights=True, shown=claimed.digest, progress=progress)
            if not _claimed(claimed).update(state=ImportState.DONE, upload=None, active_at=clock.now()):
                raise ClaimLost
            record(
                claimed,
                by=claimed.by,
                action=Action.IMPORTED,
                at=now,
                detail=f"rows: {claimed.new} new, {claimed.changed} changed",
            )
    except (ImportFailed, ImportChanged):
        _preview(claimed, clock.now(), has_changed=True)
