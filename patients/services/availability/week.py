"""Save the weekly commitments that a user types as rows. Either all rows are saved, or none of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time

from django.db import transaction

from accounts.models import User
from patients.models import Commitment, Patient
from patients.services.availability.commitments import (
    CommitmentValues,
    add_commitment,
    change_commitment,
    check_commitment,
    end_or_remove_commitment,
)
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class NoLongerWeekly(Reason):
    """Since the user loaded the page, the row's commitment has ended or no longer repeats every week."""


class WeekRefused(Refused):
    """At least one row was refused, so nothing was saved. `rows` maps the index of each refused row to its reasons."""

    def __init__(self, rows: Mapping[int, tuple[Reason, ...]]) -> None:
        self.rows = rows
        super().__init__(reason for reasons in rows.values() for reason in reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekRow:
    """A row that the user filled in. It adds a commitment, changes an existing one, or ends it (`is_removed`)."""

    kind: str = ""
    label: str = ""
    weekdays: int = 0
    starts: time = time(0)
    ends: time = time(0)
    movable_minutes: int = 0
    commitment_id: int | None = None
    is_removed: bool = False

    def apply_to(self, values: CommitmentValues) -> CommitmentValues:
        """Return a copy of `values` that has the kind, label, days and times of this row."""
        return replace(
            values,
            kind=self.kind,
            label=self.label,
            weekdays=self.weekdays,
            starts=self.starts,
            ends=self.ends,
            movable_minutes=self.movable_minutes,
        )

    def values(self) -> CommitmentValues:
        """Return the values of the new commitment that the row adds."""
        return self.apply_to(CommitmentValues(kind=self.kind, label=self.label, starts=self.starts, ends=self.ends))


@dataclass(frozen=True, slots=True)
class WeekChange:
    """A commitment to add (`commitment` is None), to end (`values` is None), or to change (neither is None)."""

    commitment: Commitment | None
    values: CommitmentValues | None


@dataclass(frozen=True, slots=True)
class SavedWeek:
    """The commitments that were added, changed and ended when a week was saved."""

    added: tuple[Commitment, ...]
    changed: tuple[Commitment, ...]
    ended: tuple[Commitment, ...]


def commitment_values(commitment: Commitment) -> CommitmentValues:
    """Return the values of a commitment as a user would enter them."""
    return CommitmentValues(**{each.name: getattr(commitment, each.name) for each in fields(CommitmentValues)})


def weekly_commitments(patient: Patient, today: date) -> list[Commitment]:
    """Return the commitments that a page shows as rows of the week.

    Each shown commitment repeats every week, and is in force on the day `today` or later.
    """
    weekly = patient.commitments.filter(on=None, cycle_days=None, anchor=None)
    return list(weekly.in_force_from(today).with_travel())


def plan_week_changes(*, patient: Patient, rows: Sequence[WeekRow], today: date) -> tuple[WeekChange, ...]:
    """Return the changes that make the patient's weekly commitments match the rows.

    Unchanged rows cause no change. New rows that differ only in their weekdays become one commitment. The weekly
    commitments in force stay locked until the transaction ends. Raises WeekRefused with the reasons for each invalid row.
    """
    own = Commitment.objects.select_for_update(of=("self",), no_key=True).filter(patient=patient)
    known = {each.pk: each for each in own.filter(on=None, cycle_days=None, anchor=None).in_force_from(today)}
    refused: dict[int, tuple[Reason, ...]] = {}
    new: dict[CommitmentValues, int] = {}
    changes: list[WeekChange] = []
    for number, row in enumerate(rows):
        commitment = known.get(row.commitment_id) if row.commitment_id is not None else None
        if row.commitment_id is not None and commitment is None:
            refused[number] = (NoLongerWeekly(),)
            continue
        if row.is_removed:
            changes += [WeekChange(commitment, None)] if commitment is not None else []
            continue
        values = row.apply_to(commitment_values(commitment)) if commitment is not None else row.values()
        reasons = tuple(check_commitment(values))
        if reasons:
            refused[number] = reasons
        elif commitment is None:
            without_days = replace(values, weekdays=0)
            new[without_days] = new.get(without_days, 0) | values.weekdays
        elif values != commitment_values(commitment):
            changes.append(WeekChange(commitment, values))
    if refused:
        raise WeekRefused(refused)
    return (*changes, *(WeekChange(None, replace(values, weekdays=days)) for values, days in new.items()))


@transaction.atomic
def save_week(*, patient: Patient, rows: Sequence[WeekRow], today: date, by: User | None, now: datetime) -> SavedWeek:
    """Add, change and end commitments so that the patient's week matches the rows. Return these commitments.

    The last day of an ended commitment is yesterday. Raises WeekRefused if a row is invalid.
    """
    changes = plan_week_changes(patient=patient, rows=rows, today=today)
    done: dict[str, list[Commitment]] = {"added": [], "changed": [], "ended": []}
    for outcome, commitment in _apply_changes(changes, patient, today, by, now):
        done[outcome].append(commitment)
    return SavedWeek(**{outcome: tuple(commitments) for outcome, commitments in done.items()})


def _apply_changes(
    changes: Sequence[WeekChange], patient: Patient, today: date, by: User | None, now: datetime
) -> Iterator[tuple[str, Commitment]]:
    for change in changes:
        if change.commitment is None and change.values is not None:
            yield "added", add_commitment(patient=patient, values=change.values, by=by, now=now)
        elif change.commitment is not None and change.values is not None:
            yield "changed", change_commitment(commitment=change.commitment, values=change.values, by=by, now=now)
        elif change.commitment is not None:
            end_or_remove_commitment(commitment=change.commitment, today=today, by=by, now=now)
            yield "ended", change.commitment
