"""Refuse rows about merged records that could change the wrong data."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from clinic_import.reading.faults import Fault
from clinic_import.reading.tables import ParsedTable
from clinic_import.rows.person_rows import CommitmentRow, PatientRow
from patients.domain.codes import fold_code
from patients.models import PatientMerge


def find_faults_of_merged_records(tables: Mapping[str, ParsedTable[Any]]) -> Iterable[Fault]:
    """Yield a fault for each row that a merge of two records has made ambiguous.

    A row with the code of an absorbed record is a row of the kept record. It is ambiguous if the kept record has a row in
    the file, too, or if it is about a commitment whose code both records had used. `tables` must have the codes as they
    are written in the files. Runs at most one query.
    """
    patients, commitments = tables.get(PatientRow.table), tables.get(CommitmentRow.table)
    if patients is None and commitments is None:
        return
    merges = PatientMerge.objects.in_force().select_related("absorbed__merged_into")
    by_code = {fold_code(merge.absorbed.code): merge for merge in merges}
    given = {fold_code(row.code) for row in patients.rows} if patients else set()
    for row in patients.rows if patients else ():
        merge = by_code.get(fold_code(row.code))
        if merge is not None and merge.absorbed.merged_into is not None:
            into = merge.absorbed.merged_into.code
            if fold_code(into) in given:
                sentence = _("%(code)s was merged into %(into)s, which has a row, too. Remove one of the two rows.")
                yield Fault(row.file, row.number, "code", sentence % {"code": row.code, "into": into})
    for row in commitments.rows if commitments else ():
        merge = by_code.get(fold_code(row.patient))
        if merge is not None and fold_code(row.code) in _repeated_codes(merge):
            sentence = _(
                "The patient's record was merged into another one, and both had a commitment %(code)s. Change this"
                " commitment on the chart, and remove the row."
            )
            yield Fault(row.file, row.number, "code", sentence % {"code": row.code})


def _repeated_codes(merge: PatientMerge) -> set[str]:
    """Return the codes of commitments that both records had."""
    return {fold_code(code) for code, _now in merge.changed.get("commitment_codes", {}).values()}
