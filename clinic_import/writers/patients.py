"""Write patients, and an episode of care for each admitted patient."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from accounts.audit import record_all
from accounts.models import Action
from clinic_import.import_run import FieldChange, ImportRun, differences
from clinic_import.rows.person_rows import PatientRow
from clinic_import.writers.identity import KnownPeople, check_same_patient
from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.formats import full_date
from scheduling.models import Site

BATCH = 500
FIELDS = (
    "first_name", "last_name", "birth_date", "preferred_name", "email", "phone", "language", "travel_minutes",
)  # fmt: skip
LEVEL_FIELDS = {
    "level": "level",
    "prescribed_hours": "prescribed_minutes",
    "prescribed_days": "prescribed_days",
    "stated_by": "stated_by",
}
"""Maps columns of patients.csv to fields of LevelOfCareSpan."""


@dataclass(slots=True)
class PendingWrites:
    """Records to create or update in bulk once all rows of patients.csv have been read."""

    patients: list[Patient] = field(default_factory=list)
    changed: list[Patient] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    changed_episodes: list[Episode] = field(default_factory=list)
    spans: list[LevelOfCareSpan] = field(default_factory=list)
    changed_spans: list[LevelOfCareSpan] = field(default_factory=list)


def batches[T](items: Sequence[T], size: int = BATCH) -> Iterable[Sequence[T]]:
    """Split the items into slices of at most `size`, so that each fits into one database statement."""
    return (items[begin : begin + size] for begin in range(0, len(items), size))


def write_patients(run: ImportRun, sites: dict[str, Site]) -> None:
    """Write the patients in the file, identified by code, with their episodes and levels of care."""
    given = run.tables.get(PatientRow.table)
    codes = [row.code for row in given.rows] if given else []
    patients: dict[str, Patient] = {}
    for batch in batches(codes):
        found = Patient.objects.filter(code__in=batch).select_related("site").prefetch_related("episodes__spans")
        patients.update((patient.code, patient) for patient in found)
    pending = PendingWrites()
    people = KnownPeople({row.birth_date for row in given.rows} if given else ())
    for row in run.rows(PatientRow.table):
        site = run.find(row, "site", "sites", {"code": row.site}, sites)
        if site is None:
            continue
        patient = patients.get(row.code)
        if row.birth_date > site.today_at(run.now):
            run.add_fault(
                row,
                "birth_date",
                _("The birth date, %(birth_date)s, is in the future.") % {"birth_date": full_date(row.birth_date)},
            )
        elif fault := people.add_new(row) if patient is None else check_same_patient(row, patient):
            run.add_fault(row, *fault)
        elif patient is None:
            patient = Patient(code=row.code, site=site, **{name: getattr(row, name) for name in FIELDS})
            pending.patients.append(patient)
            _admit(row, patient, pending)
            run.note(row, is_new=True)
        else:
            _change(run, row, patient, site, pending)
    _write(run, pending)


def _change(run: ImportRun, row: PatientRow, patient: Patient, site: Site, pending: PendingWrites) -> None:
    faults = len(run.faults)
    episodes = list(patient.episodes.all())
    if patient.site_id != site.pk and episodes:
        run.add_fault(
            row,
            "site",
            _("The patient is in care at %(site)s. Transfer the patient on the chart, not by import.")
            % {"site": patient.site.code},
        )
        return
    changes = differences(
        {"site": patient.site.code, **{name: getattr(patient, name) for name in FIELDS}},
        {"site": row.site, **{name: getattr(row, name) for name in FIELDS}},
        row.absent,
    )
    if changes:
        patient.site = site
        for change in changes:
            if change.column != "site":
                setattr(patient, change.column, getattr(row, change.column))
        pending.changed.append(patient)
    changes += _update_care(run, row, patient, episodes, pending)
    if changes and len(run.faults) == faults:
        run.note(row, is_new=False, fields=changes)


def _admit(row: PatientRow, patient: Patient, pending: PendingWrites) -> None:
    if row.admitted is None:
        return
    episode = Episode(patient=patient, site=patient.site, starts=row.admitted, referral_source=row.referral_source)
    pending.episodes.append(episode)
    pending.spans.append(_new_span(row, episode, row.level_from or row.admitted))


def _new_span(row: PatientRow, episode: Episode, starts: date) -> LevelOfCareSpan:
    return LevelOfCareSpan(episode=episode, starts=starts, **_ordered_level(row))


def _ordered_level(row: PatientRow) -> dict[str, Any]:
    return {
        "level": row.level,
        "prescribed_minutes": row.weekly_minutes,
        "prescribed_days": row.prescribed_days,
        "stated_by": row.stated_by,
    }


def _update_care(
    run: ImportRun, row: PatientRow, patient: Patient, episodes: Sequence[Episode], pending: PendingWrites
) -> tuple[FieldChange, ...]:
    """Create or update the episode of care that starts on the row's admission date, and return the changes."""
    if row.admitted is None:
        return ()
    episode = next((each for each in episodes if each.starts == row.admitted), None)
    if episode is None:
        overlapping = next((each for each in episodes if each.ends is None or each.ends > row.admitted), None)
        if overlapping is not None:
            run.add_fault(
                row,
                "admitted",
                _("The patient is in care since %(starts)s. Discharge the patient first.")
                % {"starts": full_date(overlapping.starts)},
            )
            return ()
        _admit(row, patient, pending)
        return (FieldChange("admitted", "nothing", f"{row.admitted}"),)
    changes = differences(
        {"referral_source": episode.referral_source}, {"referral_source": row.referral_source}, row.absent
    )
    if changes:
        episode.referral_source = row.referral_source
        pending.changed_episodes.append(episode)
    return changes + _update_level(run, row, episode, pending)


def _update_level(run: ImportRun, row: PatientRow, episode: Episode, pending: PendingWrites) -> tuple[FieldChange, ...]:
    """Create or update the level of care in the row, and return the changes.

    With `level_from`, the row's day is compared with the first day of the latest level:
    - later: a new level is added, and the latest level, which must be open, ends on that day;
    - equal: the latest level is changed.

    Without `level_from`:
    - a row with the values of the first or of the latest level changes nothing;
    - a row that differs only in `stated_by` changes it, if the episode has only one level;
    - a row with another level, other hours or other days is a fault, because the first day of the new order is not known.

    Any other change adds a fault, for example a change of an earlier level.
    """
    spans = sorted(episode.spans.all(), key=lambda span: span.starts)
    if not spans:
        pending.spans.append(_new_span(row, episode, row.level_from or episode.starts))
        return (FieldChange("level", "nothing", f"{row.level}"),)
    last = spans[-1]
    if row.level_from is None:
        if any(not _level_changes(row, span) for span in (spans[0], last)):
            return ()
        changes = _level_changes(row, last)
        if any(change.column != "stated_by" for change in changes):
            run.add_fault(
                row,
                "level_from",
                _("This order differs from the current one (%(changes)s). Enter the first day of the new order.")
                % {"changes": "; ".join(f"{each.column}: {each.before} → {each.after}" for each in changes)},
            )
            return ()
        span = last if len(spans) == 1 else None
    else:
        span = next((each for each in spans if each.starts == row.level_from), None)
        if span is None and row.level_from > last.starts and last.ends is None and episode.ends is None:
            last.ends = row.level_from
            pending.changed_spans.append(last)
            pending.spans.append(_new_span(row, episode, row.level_from))
            return (FieldChange("level_from", f"{last.starts}", f"{row.level_from}"), *_level_changes(row, last))
    if span is None or (span is not last and _level_changes(row, span)):
        run.add_fault(
            row,
            "level_from",
            _("A level of care is ordered from %(starts)s. Enter a later day for this one.")
            % {"starts": full_date(last.starts)},
        )
        return ()
    changes = _level_changes(row, span)
    if changes:
        for name, value in _ordered_level(row).items():
            setattr(span, name, value)
        pending.changed_spans.append(span)
    return changes


def _level_changes(row: PatientRow, span: LevelOfCareSpan) -> tuple[FieldChange, ...]:
    ordered = _ordered_level(row)
    return differences(
        {column: getattr(span, name) for column, name in LEVEL_FIELDS.items()},
        {column: ordered[name] for column, name in LEVEL_FIELDS.items()},
    )


def _write(run: ImportRun, pending: PendingWrites) -> None:
    Patient.objects.bulk_create(pending.patients, batch_size=BATCH)
    Patient.objects.bulk_update(pending.changed, ["site", *FIELDS], batch_size=BATCH)
    Episode.objects.bulk_create(pending.episodes, batch_size=BATCH)
    Episode.objects.bulk_update(pending.changed_episodes, ["referral_source"], batch_size=BATCH)
    # Update first: an update may end a span, and an episode can have only one open span at a time.
    LevelOfCareSpan.objects.bulk_update(pending.changed_spans, ["ends", *LEVEL_FIELDS.values()], batch_size=BATCH)
    LevelOfCareSpan.objects.bulk_create(pending.spans, batch_size=BATCH)
    touched = [*pending.patients, *pending.changed, *pending.episodes, *pending.changed_episodes]
    touched_spans = [*pending.spans, *pending.changed_spans]
    for batch in batches([*touched, *touched_spans], 2000):
        record_all(batch, by=run.by, action=Action.IMPORTED, at=run.now)
