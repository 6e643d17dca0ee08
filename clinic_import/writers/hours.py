"""Import the weekly hours in which counselors hold individual sessions."""

from datetime import date, time

from accounts.audit import record
from accounts.models import Action
from clinic_import.import_run import FieldChange, ImportRun, differences
from clinic_import.rows.clinic_rows import CounselorHoursRow
from clinic_import.writers.meetings import find_clinician
from clinic_import.writers.staff import StaffDirectory
from scheduling.models import CounselorHours, Site
from scheduling.services.timetable.counselor_hours import (
    CounselorHoursValues,
    add_counselor_hours,
    change_counselor_hours,
)
from timekeeping.reasons import Refused

HoursKey = tuple[str, int, int, time, date | None]
"""Identifies counselor hours: site code, user id, weekday (Monday is 0), start time, and first day or None."""


def write_counselor_hours(run: ImportRun, sites: dict[str, Site], staff: StaffDirectory) -> None:
    """Save the file's counselor hours. Existing hours with the same `HoursKey` are changed."""
    known: dict[HoursKey, CounselorHours] = {}
    for hours in CounselorHours.objects.select_related("site", "user"):
        known[hours.site.code, hours.user_id, hours.weekday, hours.starts, hours.valid_from] = hours
    for row in run.rows(CounselorHoursRow.table):
        site = run.find(row, "site", "sites", {"code": row.site}, sites)
        if site is None or run.ask_about_times(row, site):
            continue
        person = find_clinician(run, row, "person", row.person, staff, site=row.site, for_individual=True)
        if person is None:
            continue
        existing = known.get((row.site, person.pk, row.weekday, row.starts, row.valid_from))
        values = CounselorHoursValues(
            weekday=row.weekday,
            starts=row.starts,
            ends=row.ends,
            valid_from=row.valid_from,
            valid_until=existing.valid_until if existing and "last_day" in row.absent else row.valid_until,
        )
        changes = _changes(row, existing, values)
        if existing is not None and not changes:
            continue
        try:
            if existing is None:
                written = add_counselor_hours(site=site, user=person, values=values, by=run.by, now=run.now)
            else:
                written = change_counselor_hours(hours=existing, values=values, by=run.by, now=run.now)
        except Refused as refused:
            run.refuse(row, "", refused)
            continue
        known[row.site, person.pk, row.weekday, row.starts, row.valid_from] = written
        detail = run.note(row, is_new=existing is None, fields=changes).detail
        record(written, by=run.by, action=Action.IMPORTED, at=run.now, detail=detail)


def _changes(
    row: CounselorHoursRow, existing: CounselorHours | None, values: CounselorHoursValues
) -> tuple[FieldChange, ...]:
    if existing is None:
        return ()
    return differences(
        {"ends": existing.ends, "last_day": existing.last_day},
        {"ends": values.ends, "last_day": row.last_day},
        row.absent,
    )
