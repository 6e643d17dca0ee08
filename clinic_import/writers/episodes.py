"""Write episodes of care, past and present, each with its levels of care."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.utils.translation import gettext as _

from accounts.audit import record_all
from accounts.models import Action
from clinic_import.import_run import FieldChange, ImportRun, differences
from clinic_import.rows.episode_rows import EpisodeRow
from clinic_import.rows.person_rows import PatientRow
from clinic_import.writers.care import CareRow, PendingCare, batches, new_span, update_level
from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.formats import full_date
from scheduling.models import Booking, Enrollment, Site, WaitingEntry

DAY = timedelta(days=1)


@dataclass(slots=True)
class EpisodeGroup:
    """The rows about one episode of a patient, in order of their levels."""

    patient: Patient
    site: Site
    rows: Sequence[EpisodeRow]
    row_of_patient: PatientRow | None
    """The patient's row in patients.csv, if it is about the same episode."""

    @property
    def first(self) -> EpisodeRow:
        return self.rows[0]

    @property
    def ends(self) -> date | None:
        return next((row.ends for row in self.rows if row.ends), None)

    def text(self, column: str) -> str:
        """Return the text that the rows have in the column, or an empty text. A referral source can be in patients.csv, too."""
        stated = self.row_of_patient.referral_source if self.row_of_patient and column == "referral_source" else ""
        return _text(self.rows, column) or stated

    def row_with(self, column: str) -> EpisodeRow:
        """Return the first row with a value in the column, or else the first row."""
        return next((row for row in self.rows if getattr(row, column)), self.first)


def write_episodes(run: ImportRun, sites: Mapping[str, Site]) -> None:
    """Write the episodes in the file, identified by patient and day of admission, with their levels of care.

    A new episode must not overlap another one of the patient. An existing episode gets new levels, and a last day if
    the patient has no enrollment, session or waitlist entry after it. A row that disagrees with the patient's row in
    patients.csv is a fault.
    """
    given = run.tables.get(EpisodeRow.table)
    codes = sorted({row.patient for row in given.rows}) if given else []
    patients: dict[str, Patient] = {}
    for batch in batches(codes):
        found = Patient.objects.filter(code__in=batch).select_related("site")
        patients.update((each.code, each) for each in found.prefetch_related("episodes__spans", "episodes__site"))
    pending, ending = PendingCare(), []
    known = {each.pk: [*each.episodes.all()] for each in patients.values()}
    for group in _groups(run, patients, sites):
        episodes = known[group.patient.pk]
        existing = next((each for each in episodes if each.starts == group.first.admitted), None)
        if existing is not None:
            ending += [(group, existing)] if _change(run, group, existing, pending) else []
        elif not _overlaps(run, group, episodes):
            episodes.append(_add(run, group, pending))
    _check_endings(run, ending)
    for batch in batches(pending.save(run), 2000):
        record_all(batch, by=run.by, action=Action.IMPORTED, at=run.now)


def _rows_of_patients(run: ImportRun) -> dict[tuple[str, date], PatientRow]:
    given = run.tables.get(PatientRow.table)
    return {(row.code, row.admitted): row for row in given.rows if row.admitted} if given else {}


def _groups(run: ImportRun, patients: Mapping[str, Patient], sites: Mapping[str, Site]) -> Iterable[EpisodeGroup]:
    """Yield the rows of each episode, sorted by patient and admission. Patients with a faulty row are left out."""
    rows_of: dict[tuple[str, date], list[EpisodeRow]] = {}
    for row in run.rows(EpisodeRow.table):
        if run.find(row, "patient", "patients", {"code": row.patient}, patients) is not None:
            rows_of.setdefault((row.patient, row.admitted), []).append(row)
    stated = _rows_of_patients(run)
    groups: list[EpisodeGroup] = []
    for key, rows in sorted(rows_of.items(), key=lambda item: item[0]):
        rows.sort(key=lambda row: row.level_starts)
        patient, code = patients[key[0]], _text(rows, "site")
        row = next((row for row in rows if row.site), rows[0])
        site = run.find(row, "site", "sites", {"code": code}, sites) if code else patient.site
        if site is not None:
            group = EpisodeGroup(patient, site, rows, stated.get(key))
            _check(run, group)
            _check_row_of_patient(run, group)
            groups.append(group)
    yield from (group for group in groups if not run.is_faulty(EpisodeRow.table, {"patient": group.first.patient}))


def _check(run: ImportRun, group: EpisodeGroup) -> None:
    """Add a fault for each row that says something else about the episode than an earlier row, or that can't be true."""
    for earlier, row in pairwise(group.rows):
        if earlier.level_starts == row.level_starts:
            values = {"earlier": earlier.number, "columns": " and ".join(EpisodeRow.key_columns)}
            run.add_fault(row, "level_from", _("Row %(earlier)s has the same %(columns)s.") % values)
    for column in ("last_day", "discharge_reason", "referral_source", "site"):
        stated = [row for row in group.rows if getattr(row, column)]
        for row in stated[1:]:
            if getattr(row, column) != getattr(stated[0], column):
                sentence = _("Row %(earlier)s is about the same episode and has another %(column)s.")
                run.add_fault(row, column, sentence % {"earlier": stated[0].number, "column": column})
    if group.text("discharge_reason") and group.ends is None:
        sentence = _("A discharge reason needs the last day of the episode. Fill in last_day, or leave this blank.")
        run.add_fault(group.row_with("discharge_reason"), "discharge_reason", sentence)
    _check_levels_are_within(run, group)
    if group.first.admitted <= group.patient.birth_date:
        values = {"admitted": full_date(group.first.admitted), "birth_date": full_date(group.patient.birth_date)}
        sentence = _("The admission, %(admitted)s, is not after the birth date, %(birth_date)s.")
        run.add_fault(group.first, "admitted", sentence % values)


def _check_levels_are_within(run: ImportRun, group: EpisodeGroup) -> None:
    """Add a fault for each level that starts after the last day of the episode, if another row has that day."""
    for row in group.rows:
        if group.ends and row.last_day is None and row.level_starts >= group.ends:
            sentence = _("The level of care starts after the last day of the episode, %(last_day)s.")
            run.add_fault(row, "level_from", sentence % {"last_day": full_date(group.ends - DAY)})


def _check_row_of_patient(run: ImportRun, group: EpisodeGroup) -> None:
    """Add a fault if the row in patients.csv has another level or another referral source for the same episode.

    If that row has `level_from`, it must match the level that starts on this day. Otherwise, it must match the first or the
    latest level.
    """
    row = group.row_of_patient
    if row is None:
        return
    if row.level_from:
        candidates = [each for each in group.rows if each.level_starts == row.level_from]
    else:
        candidates = [group.rows[0], group.rows[-1]]
    same = any(_order(each) == _order(row) for each in candidates)
    referral = _text(group.rows, "referral_source")
    if not same or (row.referral_source and referral and row.referral_source != referral):
        sentence = _("%(file)s, row %(row)s, says something else about this episode. Make the rows agree.")
        values = {"file": run.file_of(EpisodeRow.table), "row": group.rows[-1].number}
        run.add_fault(row, "referral_source" if same else "level", sentence % values)


def _order(row: CareRow) -> tuple[object, ...]:
    return row.level, row.weekly_minutes, row.prescribed_days, row.stated_by


def _text(rows: Sequence[EpisodeRow], column: str) -> str:
    return next((value for row in rows if (value := getattr(row, column))), "")


def _overlaps(run: ImportRun, group: EpisodeGroup, episodes: Sequence[Episode]) -> bool:
    """Return whether the new episode overlaps another one of the patient. If it does, add a fault.

    Also add a fault and return True if the episode goes on at a site other than the patient's.
    """
    starts, ends = group.first.admitted, group.ends
    for other in episodes:
        if (other.ends is None or starts < other.ends) and (ends is None or other.starts < ends):
            run.add_fault(group.first, "admitted", _overlap_sentence(other))
            return True
    if group.site != group.patient.site and (ends is None or ends > group.site.today_at(run.now)):
        sentence = _("The patient is at %(site)s. Transfer the patient on the chart, not by import.")
        run.add_fault(group.row_with("site"), "site", sentence % {"site": group.patient.site.code})
        return True
    return False


def _overlap_sentence(other: Episode) -> str:
    if other.ends is None:
        return _("The patient is in care since %(starts)s. Discharge the patient first.") % {
            "starts": full_date(other.starts)
        }
    return _("The patient was in care from %(starts)s to %(last_day)s. Two episodes can't share a day.") % {
        "starts": full_date(other.starts),
        "last_day": full_date(other.ends - DAY),
    }


def _add(run: ImportRun, group: EpisodeGroup, pending: PendingCare) -> Episode:
    """Add the episode with its levels. Each level ends where the next one starts, and the last one with the episode."""
    episode = Episode(
        patient=group.patient,
        site=group.site,
        starts=group.first.admitted,
        ends=group.ends,
        referral_source=group.text("referral_source"),
        discharge_reason=group.text("discharge_reason"),
    )
    pending.episodes.append(episode)
    spans = [new_span(row, episode, row.level_starts, pending) for row in group.rows]
    for span, following in pairwise(spans):
        span.ends = following.starts
    spans[-1].ends = group.ends
    for row in group.rows:
        run.note(row, is_new=True)
    return episode


def _change(run: ImportRun, group: EpisodeGroup, episode: Episode, pending: PendingCare) -> bool:
    """Change an existing episode, and return whether it gets a last day, which must still be checked."""
    if group.text("site") and group.site != episode.site:
        sentence = _("The patient is in care at %(site)s. Transfer the patient on the chart, not by import.")
        run.add_fault(group.row_with("site"), "site", sentence % {"site": episode.site.code})
        return False
    if episode.ends and group.ends and episode.ends != group.ends:
        sentence = _(
            "The patient was discharged after %(last_day)s. Correct the discharge on the chart, not by import."
        )
        run.add_fault(group.row_with("last_day"), "last_day", sentence % {"last_day": full_date(episode.ends - DAY)})
        return False
    spans = sorted(episode.spans.all(), key=lambda span: span.starts)
    changes = {row.number: update_level(run, row, episode, spans, pending) for row in group.rows}
    texts = {name: text for name in ("referral_source", "discharge_reason") if (text := group.text(name))}
    changed_texts = differences({name: getattr(episode, name) for name in texts}, texts)
    for change in changed_texts:
        setattr(episode, change.column, texts[change.column])
    ends = group.ends if episode.ends is None else None
    if ends is not None:
        changed_texts += (FieldChange("last_day", "nothing", f"{ends - DAY}"),)
        _end(run, group, episode, spans[-1], pending)
    if changed_texts:
        pending.changed_episodes[episode.pk] = episode
        changes[group.first.number] += changed_texts
    for row in group.rows:
        if changes[row.number]:
            run.note(row, is_new=False, fields=changes[row.number])
    return ends is not None


def _end(run: ImportRun, group: EpisodeGroup, episode: Episode, last: LevelOfCareSpan, pending: PendingCare) -> None:
    """End the episode and its latest level of care."""
    episode.ends = group.ends
    if episode.ends is not None and last.starts >= episode.ends:
        sentence = _(
            "A level of care is ordered from %(starts)s, which is after this day. Discharge the patient on the chart."
        )
        run.add_fault(group.row_with("last_day"), "last_day", sentence % {"starts": full_date(last.starts)})
    else:
        last.ends = episode.ends
        pending.change_span(last)


def _check_endings(run: ImportRun, ending: Sequence[tuple[EpisodeGroup, Episode]]) -> None:
    """Add a fault for each episode that ends although the patient has an enrollment, session or waitlist entry after it."""
    for batch in batches(ending):
        keys = [episode.pk for _group, episode in batch]
        last_days: dict[int, date] = {}
        enrolled = Enrollment.objects.filter(episode__in=keys).values_list("episode", "ends")
        booked = Booking.objects.active().filter(episode__in=keys).values_list("episode", "session__on")
        waiting = WaitingEntry.objects.open().filter(episode__in=keys).values_list("episode", flat=True)
        until = [(key, ends or date.max) for key, ends in enrolled]
        until += [(key, on + DAY) for key, on in booked]
        until += [(key, date.max) for key in waiting]
        for key, day in until:
            last_days[key] = max(day, last_days.get(key, day))
        for group, episode in batch:
            if episode.ends and last_days.get(episode.pk, episode.ends) > episode.ends:
                sentence = _(
                    "The patient is enrolled, booked or on a waitlist after this day. Discharge the patient on the chart."
                )
                run.add_fault(group.row_with("last_day"), "last_day", sentence)
