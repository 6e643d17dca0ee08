"""Write patients, and an episode of care for each admitted patient."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from accounts.audit import record_all
from accounts.models import Action
from clinic_import.import_run import FieldChange, ImportRun, differences
from clinic_import.rows.person_rows import PatientRow
from clinic_import.writers.care import BATCH, PendingCare, batches, described_admissions, new_span, update_level
from clinic_import.writers.contacts import contact_changes, contacts_in, write_contacts
from clinic_import.writers.identity import KnownPeople, check_same_patient
from patients.domain.contacts import Contacts
from patients.models import Episode, Patient
from patients.services.record.codes import lock_codes
from patients.services.record.contacts import contacts_of
from scheduling.formats import full_date
from scheduling.models import Site

FIELDS = (
    "first_name", "last_name", "birth_date", "preferred_name", "email", "address", "language", "travel_minutes",
)  # fmt: skip


@dataclass(slots=True)
class PendingWrites:
    """Records to create or update in bulk once all rows of patients.csv have been read."""

    patients: list[Patient] = field(default_factory=list)
    changed: list[Patient] = field(default_factory=list)
    contacts: list[tuple[Patient, Contacts]] = field(default_factory=list)
    care: PendingCare = field(default_factory=PendingCare)


def write_patients(run: ImportRun, sites: dict[str, Site]) -> None:
    """Write the patients in the file, identified by code, with their episodes and levels of care."""
    lock_codes()
    given = run.tables.get(PatientRow.table)
    codes = [row.code for row in given.rows] if given else []
    patients: dict[str, Patient] = {}
    for batch in batches(codes):
        found = Patient.objects.filter(code__in=batch).select_related("site")
        found = found.prefetch_related("episodes__spans", "phones", "emergency_contacts")
        patients.update((patient.code, patient) for patient in found)
    pending = PendingWrites(care=PendingCare(described=described_admissions(run)))
    birth_dates = {row.birth_date for row in given.rows} if given else set()
    people = KnownPeople(birth_dates, run.by if run.checks_rights else None)
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
            if contacts := contacts_in(row, Contacts()):
                pending.contacts.append((patient, contacts))
            _admit(row, patient, pending.care)
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
    before = contacts_of(patient)
    after = contacts_in(row, before)
    if changes or before != after:
        patient.site = site
        for change in changes:
            if change.column != "site":
                setattr(patient, change.column, getattr(row, change.column))
        pending.changed.append(patient)
    if before != after:
        pending.contacts.append((patient, after))
        changes += contact_changes(before, after)
    changes += _update_care(run, row, patient, episodes, pending.care)
    if changes and len(run.faults) == faults:
        run.note(row, is_new=False, fields=changes)


def _admit(row: PatientRow, patient: Patient, pending: PendingCare) -> None:
    if row.admitted is None or pending.is_described(row):
        return
    episode = Episode(patient=patient, site=patient.site, starts=row.admitted, referral_source=row.referral_source)
    pending.episodes.append(episode)
    new_span(row, episode, row.level_from or row.admitted, pending)


def _update_care(
    run: ImportRun, row: PatientRow, patient: Patient, episodes: Sequence[Episode], pending: PendingCare
) -> tuple[FieldChange, ...]:
    """Create or update the episode of care that starts on the row's admission date, and return the changes."""
    if row.admitted is None or pending.is_described(row):
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
        pending.changed_episodes[episode.pk] = episode
    spans = sorted(episode.spans.all(), key=lambda span: span.starts)
    return changes + update_level(run, row, episode, spans, pending)


def _write(run: ImportRun, pending: PendingWrites) -> None:
    Patient.objects.bulk_create(pending.patients, batch_size=BATCH)
    Patient.objects.bulk_update(pending.changed, ["site", *FIELDS], batch_size=BATCH)
    write_contacts(pending.contacts)
    touched = [*pending.patients, *pending.changed, *pending.care.save(run)]
    for batch in batches(touched, 2000):
        record_all(batch, by=run.by, action=Action.IMPORTED, at=run.now)
