"""The time that patients are not free."""

from typing import Any

from accounts.audit import record_all
from accounts.models import Action
from patients.models import Commitment, Patient
from patients.models.commitment import weekday_mask
from patients.services.availability.commitments import CommitmentValues, check_commitment
from scheduling.clinic_import.cells import DAYS
from scheduling.clinic_import.import_run import ImportRun, differences
from scheduling.clinic_import.person_rows import CommitmentRow
from scheduling.clinic_import.writers.patients import BATCH, batches
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
"""Columns of commitments.csv, and the fields of a Commitment. `travel_minutes` stands for both ways at once."""
UPDATE_FIELDS = [*FIELDS.values(), "cycle_days"]


def write_commitments(work: ImportRun) -> None:
    """The file's commitments, each known by the codes of its patient and its own."""
    given = work.tables.get(CommitmentRow.table)
    codes = sorted({row.patient for row in given.rows}) if given else []
    patients: dict[str, Patient] = {}
    known: dict[tuple[str, str], Commitment] = {}
    for some in batches(codes):
        patients.update((patient.code, patient) for patient in Patient.objects.filter(code__in=some))
        held = Commitment.objects.filter(patient__code__in=some).exclude(code="").select_related("patient")
        known.update(((commitment.patient.code, commitment.code), commitment) for commitment in held)
    new: list[Commitment] = []
    changed: list[Commitment] = []
    for row in work.rows(CommitmentRow.table):
        patient = work.find(row, "patient", "patients", {"code": row.patient}, patients)
        if patient is None:
            continue
        commitment = known.get((row.patient, row.code))
        values = _values(row, commitment)
        wrong = tuple(check_commitment(CommitmentValues(**values)))
        if wrong:
            work.refuse(row, "", Refused(wrong))
        elif commitment is None:
            new.append(Commitment(patient=patient, code=row.code, **values))
            work.note(row, is_new=True)
        else:
            changes = differences(_display_values(vars(commitment)), _display_values(values))
            if changes:
                for name, value in values.items():
                    setattr(commitment, name, value)
                changed.append(commitment)
                work.note(row, is_new=False, fields=changes)
    Commitment.objects.bulk_create(new, batch_size=BATCH)
    Commitment.objects.bulk_update(changed, UPDATE_FIELDS, batch_size=BATCH)
    for some_commitments in batches([*new, *changed], 2000):
        record_all(some_commitments, by=work.by, action=Action.IMPORTED, at=work.now)


def _values(row: CommitmentRow, held: Commitment | None) -> dict[str, Any]:
    """The row as fields. Of columns that the file does not have, what holds, as far as weekly and dated can be told apart."""
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
    if held is not None:
        kept = {"movable_minutes", "valid_from", "last_day"} & row.absent
        if "travel_minutes" in row.absent:
            kept |= {"travel_before", "travel_after"} & row.absent
        if {"weeks", "anchor"} <= row.absent and not held.cycle_days:
            kept.add("weeks")
        if "last_on" in row.absent and held.on is not None and held.on == row.on:
            kept |= {"last_on", "weekdays"}
        values.update((FIELDS[column], getattr(held, FIELDS[column])) for column in kept)
    if row.on is not None:
        values.update(anchor=None, valid_from=None, valid_until=None)
    return values


def _display_values(values: dict[str, Any]) -> dict[str, object]:
    """Fields by column, as one would write them."""
    shown: dict[str, object] = {column: values[name] for column, name in FIELDS.items()}
    shown["weekdays"] = tuple(day[:3] for bit, day in enumerate(DAYS) if values["weekdays"] >> bit & 1)
    round_of = values["cycle_days"]
    shown["rotation"] = (
        f"{format_runs(bits_to_runs(round_of, values['cycle_mask']))} from {values['anchor']}" if round_of else None
    )
    shown["weeks"] = f"every other, {values['anchor']}" if values["anchor"] and not round_of else "every"
    return shown
