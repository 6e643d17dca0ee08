"""Find the patients and the episodes of care to which the rows about care refer."""

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from clinic_import.import_run import ImportRun
from clinic_import.reading.columns import ImportRow
from clinic_import.writers.care import batches
from patients.models import Episode, Patient
from scheduling.formats import full_date
from scheduling.models import Site


def patients_by_code(codes: Iterable[str]) -> dict[str, Patient]:
    """Return the patients with these codes, by code. Their sites, episodes and levels of care are loaded."""
    found: dict[str, Patient] = {}
    for batch in batches(sorted(set(codes))):
        rows = Patient.objects.filter(code__in=batch).select_related("site")
        found.update((each.code, each) for each in rows.prefetch_related("episodes__spans", "episodes__site"))
    return found


def find_episode(run: ImportRun, row: ImportRow, column: str, patient: Patient, day: date) -> Episode | None:
    """Return the patient's episode of care on the day. If there is none, add a fault to the row and return None.

    Reads prefetched episodes. The fault is left out if a faulty row of the patient could have opened the episode.
    """
    episode = next((each for each in patient.episodes.all() if each.holds_on(day)), None)
    if episode is not None:
        episode.patient = patient
        return episode
    if run.is_faulty("patients", {"code": patient.code}) or run.is_faulty("episodes", {"patient": patient.code}):
        run.mark_faulty(row)
    else:
        sentence = _("%(code)s is not in care on %(date)s. Enter the admission in %(file)s.")
        values = {"code": patient.code, "date": full_date(day), "file": run.file_of("episodes")}
        run.add_fault(row, column, sentence % values)
    return None


def may_change_at(run: ImportRun, row: ImportRow, column: str, patient: Patient, site: Site) -> bool:
    """Return whether the user may import a row about the patient's care at this site. If not, add a fault to the row.

    `leave_out_forbidden_rows` has judged the row by the site where the patient is now. The care may have been at another
    site before a transfer.
    """
    if not run.checks_rights or run.by is None or site.pk == patient.site_id:
        return True
    granted = run.by.sites_where(row.permission)
    if None in granted or site.pk in granted:
        return True
    sentence = _("You may not change patients of %(site)s. A coordinator of that site can import this row.")
    run.add_fault(row, column, sentence % {"site": site.code})
    return False
