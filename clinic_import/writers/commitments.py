"""Write the patients' commitments to the database."""

from typing import Any

from accounts.audit import record_all
from accounts.models import Action
from clinic_import.import_run import ImportRun, differences
from clinic_import.reading.dates_and_times import DAYS
from clinic_import.rows.person_rows import CommitmentRow
from clinic_import.writers.care import BATCH, batches
from patients.models import Commitment, Patient
from patients.models.commitment import weekday_mask
from patients.services.availability.commitments import CommitmentValues, check_commitment
from timekeeping.reasons import Refused
from timekeeping.rotations import bits_to_runs, format_runs, runs_to_bits

FIELDS = {
    "kind": "kind",
    "label": "label",
    "starts": "starts",
    "ends": "ends",
    "weekdays": "weekdays",
    "weeks": "anchor",
    "rotation": "cycle_mask",
    "on": "on",
    "last_on": "until",
    "movable_minutes": "movable_minutes",
    "travel_before": "travel_before_minutes",
    "travel_after": "travel_after_minutes",
    "valid_from": "valid_from",
    "last_day": "valid_until",
}
"""Map columns of commitments.csv to fields of Commitment. The column `travel_minutes` sets both travel fields."""
UPDATE_FIELDS = [*FIELDS.values(), "cycle_days"]


def write_commitments(run: ImportRun) -> None:
    """Write the commitments in the file. Each commitment is identified by the patient's code and its own code."""
    given = run.tables.get(CommitmentRow.table)
    codes = sorted({row.patient for row in given.rows}) if given else []
    patients: dict[str, Patient] = {}
    known: dict[tuple[str, str], Commitment] = {}
    for batch in batches(codes):
        found = Patient.objects.filter(code__in=batch).select_related("site")
        patients.update((patient.code, patient) for patient in found)
        rows = Commitment.objects.filter(patient__code__in=batch).exclude(code="").select_related("patient")
        known.update(((commitment.patient.code, commitment.code), commitment) for commitment in rows)
    new: list[Commitment] = []
    changed: list[Commitment] = []
    for row in run.rows(CommitmentRow.table):
        patient = run.find(row, "patient", "patients", {"code": row.patient}, patients)
        if patient is None or run.ask_about_times(row, patient.site):
            continue
        commitment = known.get((row.patient, row.code))
        values = _commitment_values(row, commitment)
        reasons = tuple(check_commitment(CommitmentValues(**values)))
        if reasons:
            run.refuse(row, "", Refused(reasons))
        elif commitment is None:
            new.append(Commitment(patient=patient, code=row.code, **values))
            run.note(row, is_new=True)
        else:
            changes = differences(_display_values(vars(commitment)), _display_values(values))
            if changes:
                for name, value in values.items():
                    setattr(commitment, name, value)
                changed.append(commitment)
                run.note(row, is_new=False, fields=changes)
    Commitment.objects.bulk_create(new, batch_size=BATCH)
    Commitment.objects.bulk_update(changed, UPDATE_FIELDS, batch_size=BATCH)
    for written in batches([*new, *changed], 2000):
        record_all(written, by=run.by, action=Action.IMPORTED, at=run.now)


def _commitment_values(row: CommitmentRow, existing: Commitment | None) -> dict[str, Any]:
    """Return the row's values for the fields of a Commitment. For the `_kept_columns`, return the existing values."""
    values: dict[str, Any] = {
        "kind": row.kind,
        "label": row.label,
        "starts": row.starts,
        "ends": row.ends,
        "weekdays": weekday_mask(row.date_weekdays),
        "anchor": row.anchor,
        "cycle_days": sum(row.rotation) or None,
        "cycle_mask": runs_to_bits(row.rotation) or None,
        "on": row.on,
        "until": row.until,
        "movable_minutes": row.movable_minutes,
        "travel_before_minutes": row.travel_minutes if row.travel_before is None else row.travel_before,
        "travel_after_minutes": row.travel_minutes if row.travel_after is None else row.travel_after,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
    }
    if existing is not None:
        kept = [FIELDS[column] for column in _kept_columns(row, existing)]
        values.update((field, getattr(existing, field)) for field in kept)
    if row.on is not None:
        values.update(anchor=None, valid_from=None, valid_until=None)
    return values


def _kept_columns(row: CommitmentRow, existing: Commitment) -> set[str]:
    """Return the columns whose existing values are kept because the file lacks these columns.

    A column about the recurrence is kept only if the existing commitment and the row have the same kind of recurrence.
    """
    kept = {"movable_minutes", "valid_from", "last_day"} & row.absent
    if "travel_minutes" in row.absent:
        kept |= {"travel_before", "travel_after"} & row.absent
    if {"weeks", "anchor"} <= row.absent and not existing.cycle_days:
        kept.add("weeks")
    if "last_on" in row.absent and existing.on is not None and existing.on == row.on:
        kept |= {"last_on", "weekdays"}
    return kept


def _display_values(values: dict[str, Any]) -> dict[str, object]:
    """Return a commitment's field values by column, formatted as in an import file."""
    shown: dict[str, object] = {column: values[name] for column, name in FIELDS.items()}
    shown["weekdays"] = tuple(day[:3] for bit, day in enumerate(DAYS) if values["weekdays"] >> bit & 1)
    cycle_days = values["cycle_days"]
    shown["rotation"] = (
        f"{format_runs(bits_to_runs(cycle_days, values['cycle_mask']))} from {values['anchor']}" if cycle_days else None
    )
    shown["weeks"] = f"every_other, {values['anchor']}" if values["anchor"] and not cycle_days else "every"
    return shown
