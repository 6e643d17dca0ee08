"""Imports on a page: upload files, confirm what the preview showed, discard the import, or start it again."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from clinic_import.models import ClinicImport, ImportState
from clinic_import.reading.dates_and_times import DateOrder
from clinic_import.services.packed_files import UploadedFiles, pack_files
from clinic_import.services.run import run_import
from timekeeping.reasons import Reason, Refused

MAX_NAMES_LENGTH = 500


@dataclass(frozen=True, slots=True)
class ImportNotAsShown(Reason):
    """The import is no longer in the state in which the user saw it."""


@dataclass(frozen=True, slots=True)
class ImportIsRunning(Reason):
    """The user has confirmed the import, or it is done, so it can't be discarded."""


@transaction.atomic
def upload_import(*, files: UploadedFiles, date_order: DateOrder | None, by: User, now: datetime) -> ClinicImport:
    """Store the files, encrypted, and tell the background worker to preview them."""
    names = ", ".join(name for name, _content in files)
    stored = ClinicImport.objects.create(
        by=by,
        created_at=now,
        active_at=now,
        file_names=names if len(names) <= MAX_NAMES_LENGTH else f"{names[: MAX_NAMES_LENGTH - 1]}…",
        date_order=date_order.value if date_order else "",
        upload=pack_files(files),
    )
    run_import.enqueue(stored.pk)
    return stored


@transaction.atomic
def confirm_import(*, import_id: int, shown: str, now: datetime) -> None:
    """Tell the background worker to write what the preview showed. `shown` is the preview's digest.

    Raises Refused if the import is no longer in the state that was shown.
    """
    previewed = ClinicImport.objects.filter(pk=import_id, state=ImportState.PREVIEWED, digest=shown)
    if not previewed.update(state=ImportState.CONFIRMED, has_changed=False, active_at=now, progress_table=""):
        raise Refused([ImportNotAsShown()])
    run_import.enqueue(import_id)


@transaction.atomic
def discard_import(*, import_id: int) -> None:
    """Delete the files and the details. Raises Refused if the import is confirmed, being written or done."""
    over = (ImportState.CONFIRMED, ImportState.WRITING, ImportState.DONE)
    discarded = ClinicImport.objects.filter(pk=import_id).exclude(state__in=over)
    if not discarded.update(state=ImportState.DISCARDED, upload=None, details=None):
        raise Refused([ImportIsRunning()])


@transaction.atomic
def start_again(*, import_id: int, now: datetime) -> None:
    """Tell the background worker again to do what is due. Raises Refused if a worker is at work or nothing is due."""
    failed = ClinicImport.objects.filter(pk=import_id, state=ImportState.FAILED).exclude(upload=None)
    if not failed.update(state=ImportState.WAITING, active_at=now, progress_table=""):
        stuck = ClinicImport.objects.without_contents().filter(pk=import_id).first()
        if stuck is None or not stuck.seems_stuck(now):
            raise Refused([ImportNotAsShown()])
    run_import.enqueue(import_id)


def delete_old_contents(*, now: datetime) -> int:
    """Delete the files and the details of imports that have been inactive for a day. Return the number of imports."""
    old = ClinicImport.objects.expired(now)
    discarded = old.exclude(state=ImportState.DONE).update(state=ImportState.DISCARDED, upload=None, details=None)
    return discarded + old.update(details=None)
