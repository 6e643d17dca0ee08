"""Write leaves of absence, and excuse the patients from their sessions on these days."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

from django.utils.translation import gettext as _

from accounts.audit import record_all
from accounts.models import Action, User
from attendance.services.excuses import excuse_bookings, withdraw_excuses
from attendance.services.leaves import LeaveOverlaps
from clinic_import.import_run import ImportRun, differences
from clinic_import.reading.faults import Fault
from clinic_import.rows.waiting_rows import LeaveRow
from clinic_import.writers.care import BATCH, batches
from clinic_import.writers.care_references import find_episode, patients_by_code
from patients.models import Episode
from scheduling.models import LeaveOfAbsence
from scheduling.services.locks import lock_site
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.reasons import Refused

LEAVES_AT_ONCE = 100
"""Number of leaves whose sessions are excused in one statement. A leave can include dozens of sessions."""


def write_leaves(run: ImportRun) -> None:
    """Write the leaves in the file, identified by patient and first day. Call this after bookings are written.

    Sessions without a mark on the days of a leave are excused. A new leave names the person who runs the import. So the
    command needs `--by` to import new leaves.
    """
    given = run.tables.get(LeaveRow.table)
    if given is None:
        return
    patients = patients_by_code(row.patient for row in given.rows)
    leaves: dict[tuple[int, date], LeaveOfAbsence] = {}
    for batch in batches(sorted(patients)):
        found = LeaveOfAbsence.objects.filter(episode__patient__code__in=batch).select_related("episode__patient")
        leaves.update(((each.episode_id, each.starts), each) for each in found)
    rows: dict[tuple[int, date], LeaveRow] = {}
    new: list[LeaveOfAbsence] = []
    changed: list[LeaveOfAbsence] = []
    for row in run.rows(LeaveRow.table):
        patient = run.find(row, "patient", "patients", {"code": row.patient}, patients)
        episode = find_episode(run, row, "first_day", patient, row.first_day) if patient else None
        if episode is None:
            continue
        key = episode.pk, row.first_day
        rows[key] = row
        leave = leaves.get(key)
        if leave is None:
            leaves[key] = _new_leave(row, episode, run.by)
            new.append(leaves[key])
            run.note(row, is_new=True)
        elif _change(run, row, leave):
            changed.append(leave)
    _check_overlaps(run, leaves, rows)
    if new and run.by is None:
        sentence = _(
            "A leave of absence is recorded in somebody's name. Import the file in a staff member's name (--by)."
        )
        run.faults.append(Fault(run.file_of(LeaveRow.table), 0, "", sentence))
    elif not run.faults:
        _save(run, new, changed)


def _new_leave(row: LeaveRow, episode: Episode, by: User | None) -> LeaveOfAbsence:
    leave = LeaveOfAbsence(episode=episode, starts=row.first_day, ends=row.ends, reason=row.reason)
    if by is not None:
        leave.recorded_by = by
    return leave


def _change(run: ImportRun, row: LeaveRow, leave: LeaveOfAbsence) -> bool:
    """Change the last day, if the row has one, and the reason of a leave. Return whether anything changed."""
    after = {"last_day": row.last_day or leave.last_day, "reason": row.reason}
    changes = differences({"last_day": leave.last_day, "reason": leave.reason}, after)
    if changes:
        leave.ends, leave.reason = row.ends or leave.ends, row.reason
        run.note(row, is_new=False, fields=changes)
    return bool(changes)


def _check_overlaps(
    run: ImportRun, leaves: Mapping[tuple[int, date], LeaveOfAbsence], rows: Mapping[tuple[int, date], LeaveRow]
) -> None:
    """Add a fault for each row whose leave shares a day with another leave of the patient."""
    for earlier, later in pairwise(sorted(leaves)):
        if earlier[0] != later[0] or (leaves[earlier].ends or date.max) <= later[1]:
            continue
        row, other = (rows[later], earlier) if later in rows else (rows.get(earlier), later)
        if row is not None:
            leave = leaves[other]
            last_day = leave.ends - timedelta(days=1) if leave.ends else None
            run.refuse(row, "first_day", Refused([LeaveOverlaps(leave.starts, last_day)]))


def _save(run: ImportRun, new: list[LeaveOfAbsence], changed: list[LeaveOfAbsence]) -> None:
    for site_id in sorted({leave.episode.site_id for leave in [*new, *changed]}):
        lock_site(site_id)
    LeaveOfAbsence.objects.bulk_create(new, batch_size=BATCH)
    LeaveOfAbsence.objects.bulk_update(changed, ["ends", "reason"], batch_size=BATCH)
    for batch in batches(changed, LEAVES_AT_ONCE):
        withdraw_excuses(batch, by=run.by, now=run.now)
    for batch in batches([*new, *changed], LEAVES_AT_ONCE):
        excuse_bookings(batch, by=run.by, now=run.now)
        mark_episode_feeds_stale({leave.episode_id for leave in batch}, run.now)
        record_all(batch, by=run.by, action=Action.IMPORTED, at=run.now)
