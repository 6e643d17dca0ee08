"""Create and change episodes of care and ordered levels of care. Used for patients.csv and episodes.csv."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from clinic_import.import_run import FieldChange, ImportRun, differences
from clinic_import.rows.episode_rows import EpisodeRow
from clinic_import.rows.person_rows import PatientRow
from patients.models import Episode, LevelOfCareSpan
from patients.services.care.episodes import LevelValues, check_level, level_columns
from scheduling.domain.hours.prescriptions import PrescriptionOutsideRules
from scheduling.formats import full_date
from scheduling.models import RuleSet
from scheduling.reason_text import reason_text
from scheduling.services.rulebook import RuleBook

BATCH = 500
CareRow = PatientRow | EpisodeRow
"""A row with an ordered level of care."""
LEVEL_FIELDS = {
    "level": "level",
    "prescribed_hours": "prescribed_minutes",
    "prescribed_days": "prescribed_days",
    "stated_by": "stated_by",
}
"""Maps columns of patients.csv and episodes.csv to fields of LevelOfCareSpan."""


def batches[T](items: Sequence[T], size: int = BATCH) -> Iterable[Sequence[T]]:
    """Split the items into slices of at most `size`, so that each fits into one database statement."""
    return (items[begin : begin + size] for begin in range(0, len(items), size))


@dataclass(slots=True)
class PendingCare:
    """Episodes and levels of care to create or update in bulk once all rows of a file have been read."""

    episodes: list[Episode] = field(default_factory=list)
    changed_episodes: dict[int, Episode] = field(default_factory=dict)
    spans: list[LevelOfCareSpan] = field(default_factory=list)
    changed_spans: dict[int, LevelOfCareSpan] = field(default_factory=dict)
    ordered: list[tuple[CareRow, LevelOfCareSpan]] = field(default_factory=list)
    """The levels of care that are created, or whose prescription changes, each with its row."""
    described: Set[tuple[str, date]] = frozenset()
    """The patients and days of admission that episodes.csv describes. patients.csv then doesn't write these episodes."""

    def is_described(self, row: PatientRow) -> bool:
        """Return whether episodes.csv describes the episode in a row of patients.csv."""
        return row.admitted is not None and (row.code, row.admitted) in self.described

    def change_span(self, span: LevelOfCareSpan) -> None:
        """Save the span with the others. A span that is not in the database yet is saved with its new values anyway."""
        if span.pk is not None:
            self.changed_spans[span.pk] = span

    def _check_prescriptions(self, run: ImportRun) -> None:
        """Add a fault for each impossible prescription, and for each one outside the rules without an exception_reason."""
        books: dict[int, RuleBook] = {}
        for row, span in self.ordered:
            site_id = span.episode.site_id
            if site_id not in books:
                books[site_id] = RuleBook.of_rows(RuleSet.objects.filter(site=site_id))
            rules = books[site_id].on(span.starts, span.level)
            values = LevelValues(**{name: getattr(span, name) for name in LevelValues.__dataclass_fields__})
            for reason in check_level(values, rules=rules, site_id=site_id, by=run.by):
                column = "exception_reason" if isinstance(reason, PrescriptionOutsideRules) else "prescribed_hours"
                run.add_fault(row, column, reason_text(reason))
            span.exception_reason = str(level_columns(values, rules)["exception_reason"])

    def save(self, run: ImportRun) -> list[models.Model]:
        """Check the prescriptions, write everything to the database, and return what was created or changed."""
        self._check_prescriptions(run)
        changed_episodes, changed_spans = [*self.changed_episodes.values()], [*self.changed_spans.values()]
        Episode.objects.bulk_update(
            changed_episodes, ["referral_source", "ends", "discharge_reason"], batch_size=BATCH
        )  # fmt: skip
        Episode.objects.bulk_create(self.episodes, batch_size=BATCH)
        # Update first: an update may end a span, and an episode can have only one open span at a time.
        LevelOfCareSpan.objects.bulk_update(
            changed_spans, ["ends", *LEVEL_FIELDS.values(), "exception_reason"], batch_size=BATCH
        )
        LevelOfCareSpan.objects.bulk_create(self.spans, batch_size=BATCH)
        return [*self.episodes, *changed_episodes, *self.spans, *changed_spans]


def described_admissions(run: ImportRun) -> set[tuple[str, date]]:
    """Return the patients and days of admission that episodes.csv describes.

    If patients.csv describes the same episode, only episodes.csv is used, because it has all levels of the episode.
    """
    given = run.tables.get(EpisodeRow.table)
    return {(row.patient, row.admitted) for row in given.rows} if given else set()


def new_span(row: CareRow, episode: Episode, starts: date, pending: PendingCare) -> LevelOfCareSpan:
    """Return the row's level of care as a new span of the episode, without an end. It is saved with the others."""
    span = LevelOfCareSpan(episode=episode, starts=starts, **_ordered_level(row))
    pending.spans.append(span)
    pending.ordered.append((row, span))
    return span


def _ordered_level(row: CareRow) -> dict[str, Any]:
    return {
        "level": row.level,
        "prescribed_minutes": row.weekly_minutes,
        "prescribed_days": row.prescribed_days,
        "stated_by": row.stated_by,
        "exception_reason": row.exception_reason,
    }


def level_changes(row: CareRow, span: LevelOfCareSpan) -> tuple[FieldChange, ...]:
    """Return how the row's level of care differs from the span."""
    ordered = _ordered_level(row)
    return differences(
        {column: getattr(span, name) for column, name in LEVEL_FIELDS.items()},
        {column: ordered[name] for column, name in LEVEL_FIELDS.items()},
    )


def update_level(
    run: ImportRun, row: CareRow, episode: Episode, spans: list[LevelOfCareSpan], pending: PendingCare
) -> tuple[FieldChange, ...]:
    """Create or update the level of care in the row, and return the changes.

    `spans` has the levels of the episode in order of their first days. A new level is added to it.

    With `level_from`, the row's day is compared with the first day of the latest level:
    - later: a new level is added, and the latest level, which must be open, ends on that day;
    - equal: the latest level is changed.

    Without `level_from`:
    - a row with the values of the first or of the latest level changes nothing;
    - a row that differs only in `stated_by` changes it, if the episode has only one level;
    - a row with another level, other hours or other days is a fault, because the first day of the new order is not known.

    Any other change adds a fault, for example a change of an earlier level.
    """
    if not spans:
        _add_span(row, episode, row.level_from or episode.starts, spans, pending)
        return (FieldChange("level", "nothing", f"{row.level}"),)
    last = spans[-1]
    if row.level_from is None:
        if any(not level_changes(row, span) for span in (spans[0], last)):
            return ()
        changes = level_changes(row, last)
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
            pending.change_span(last)
            _add_span(row, episode, row.level_from, spans, pending)
            return (FieldChange("level_from", f"{last.starts}", f"{row.level_from}"), *level_changes(row, last))
    if span is None or (span is not last and level_changes(row, span)):
        run.add_fault(
            row,
            "level_from",
            _("A level of care is ordered from %(starts)s. Enter a later day for this one.")
            % {"starts": full_date(last.starts)},
        )
        return ()
    changes = level_changes(row, span)
    if changes:
        for name, value in _ordered_level(row).items():
            setattr(span, name, value)
        span.episode = episode
        pending.ordered.append((row, span))
        pending.change_span(span)
    return changes


def _add_span(row: CareRow, episode: Episode, starts: date, spans: list[LevelOfCareSpan], pending: PendingCare) -> None:
    spans.append(new_span(row, episode, starts, pending))
