"""The hours in which counselors see people one to one."""

from datetime import date, time

from accounts.audit import record
from accounts.models import Action
from scheduling.clinic_import.clinic_rows import CounselorHoursRow
from scheduling.clinic_import.import_run import FieldChange, ImportRun, differences
from scheduling.clinic_import.writers.meetings import find_clinician
from scheduling.clinic_import.writers.staff import StaffDirectory
from scheduling.models import CounselorHours, Site
from scheduling.services.timetable.counselor_hours import (
    CounselorHoursValues,
    add_counselor_hours,
    change_counselor_hours,
)
from timekeeping.reasons import Refused

HoursKey = tuple[str, int, int, time, date | None]
"""Site, person, weekday, start and first day."""


def write_counselor_hours(work: ImportRun, sites: dict[str, Site], staff: StaffDirectory) -> None:
    """Hours are known by whose they are, where, when they start and from which day they hold."""
    known: dict[HoursKey, CounselorHours] = {}
    for hours in CounselorHours.objects.select_related("site", "user"):
        known[hours.site.code, hours.user_id, hours.weekday, hours.starts, hours.valid_from] = hours
    for row in work.rows(CounselorHoursRow.table):
        site = work.find(row, "site", "sites", {"code": row.site}, sites)
        if site is None:
            continue
        person = find_clinician(work, row, "person", row.person, staff, site=row.site, to="see people there one to one")
        if person is None:
            continue
        held = known.get((row.site, person.pk, row.weekday, row.starts, row.valid_from))
        values = CounselorHoursValues(
            weekday=row.weekday,
            starts=row.starts,
            ends=row.ends,
            valid_from=row.valid_from,
            valid_until=row.valid_until if held is None or "last_day" not in row.absent else held.valid_until,
        )
        changes = _changes(row, held, values)
        if held is not None and not changes:
            continue
        try:
            if held is None:
                written = add_counselor_hours(site=site, user=person, values=values, by=work.by, now=work.now)
            else:
                written = change_counselor_hours(hours=held, values=values, by=work.by, now=work.now)
        except Refused as refused:
            work.refuse(row, "", refused)
            continue
        known[row.site, person.pk, row.weekday, row.starts, row.valid_from] = written
        detail = work.note(row, is_new=held is None, fields=changes).detail
        record(written, by=work.by, action=Action.IMPORTED, at=work.now, detail=detail)


def _changes(
    row: CounselorHoursRow, held: CounselorHours | None, values: CounselorHoursValues
) -> tuple[FieldChange, ...]:
    if held is None:
        return ()
    return differences(
        {"ends": held.ends, "last_day": held.last_day}, {"ends": values.ends, "last_day": row.last_day}, row.absent
    )
