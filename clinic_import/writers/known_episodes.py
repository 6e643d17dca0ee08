"""Find the episode of care to which a row of a file belongs."""

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _

from clinic_import.import_run import ImportRun
from clinic_import.rows.waiting_rows import LeaveRow, WaitingRow
from clinic_import.writers.care import batches
from patients.models import Episode, Patient
from scheduling.formats import full_date


class KnownEpisodes:
    """Patients by code, with their episodes of care. Runs two queries for 500 patients."""

    def __init__(self, codes: Iterable[str]) -> None:
        self.patients: dict[str, Patient] = {}
        for batch in batches(sorted({*codes})):
            found = Patient.objects.filter(code__in=batch).select_related("site")
            self.patients.update((each.code, each) for each in found.prefetch_related("episodes__site"))

    def find(self, run: ImportRun, row: LeaveRow | WaitingRow, column: str, day: date) -> Episode | None:
        """Return the episode of the row's patient that includes the day in the column, or None if there is none.

        This is a fault of the row, unless a faulty row of another file could have created the episode.
        """
        patient = run.find(row, "patient", "patients", {"code": row.patient}, self.patients)
        if patient is None:
            return None
        for episode in patient.episodes.all():
            if episode.holds_on(day):
                episode.patient = patient
                return episode
        if run.is_faulty("episodes", {"patient": row.patient}) or run.is_faulty("patients", {"code": row.patient}):
            run.mark_faulty(row)
        else:
            sentence = _("The patient is not in care on %(day)s. Add the episode of care, or correct the day.")
            run.add_fault(row, column, sentence % {"day": full_date(day)})
        return None
