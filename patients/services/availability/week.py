"""A life that is typed as a week: what its rows ask for, and doing all of it or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import transaction

from accounts.models import User
from patients.models import Commitment, Patient
from patients.services.availability.commitments import (
    CommitmentValues,
    add_commitment,
    change_commitment,
    check_commitment,
    end_commitment,
    remove_commitment,
)
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class NoLongerWeekly(Reason):
    """The row is about a commitment that was ended or given another pattern in the meantime."""

    code: ClassVar[str] = "no_longer_weekly"


class WeekRefused(Refused):
    """Nothing was written. `rows` are the reasons against each row, by its number among those given."""

    def __init__(self, rows: Mapping[int, tuple[Reason, ...]]) -> None:
        self.rows = rows
        super().__init__(reason for reasons in rows.values() for reason in reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekRow:
    """A line of the week: a new commitment, or what one is to become; `is_removed` says that it holds no longer."""

    kind: str = ""
    label: str = ""
    weekdays: int = 0
    starts: time = time(0)
    ends: time = time(0)
    movable_minutes: int = 0
    commitment_id: int | None = None
    is_removed: bool = False

    def apply_to(self, values: CommitmentValues) -> CommitmentValues:
        """The values with what stands in the row."""
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
        """Those of a new commitment."""
        return self.apply_to(CommitmentValues(kind=self.kind, label=self.label, starts=self.starts, ends=self.ends))


@dataclass(frozen=True, slots=True)
class WeekChange:
    """One thing to do: add a commitment, change one, or with no values end one."""

    commitment: Commitment | None
    values: CommitmentValues | None


@dataclass(frozen=True, slots=True)
class SavedWeek:
    """What a week that was typed has changed."""

    added: tuple[Commitment, ...]
    changed: tuple[Commitment, ...]
    ended: tuple[Commitment, ...]


def commitment_values(commitment: Commitment) -> CommitmentValues:
    """A commitment as it would be stated."""
    return CommitmentValues(**{each.name: getattr(commitment, each.name) for each in fields(CommitmentValues)})


def weekly_commitments(patient: Patient, today: date) -> list[Commitment]:
    """The commitments that a week can show: those of every week that hold on the day or later."""
    weekly = patient.commitments.filter(on=None, cycle_days=None, anchor=None)
    return list(weekly.in_force_from(today).with_travel())


def plan_week_changes(*, patient: Patient, rows: Sequence[WeekRow], today: date) -> tuple[WeekChange, ...]:
    """What the rows ask for; nothing for those that say what holds already. New ones that are equal but for their days are one.

    Holds the commitments until the transaction ends. Raises WeekRefused with every row that makes no sense.
    """
    standing = Commitment.objects.select_for_update(of=("self",), no_key=True).filter(patient=patient)
    known = {each.pk: each for each in standing.filter(on=None, cycle_days=None, anchor=None).in_force_from(today)}
    against: dict[int, tuple[Reason, ...]] = {}
    new: dict[CommitmentValues, int] = {}
    acts: list[WeekChange] = []
    for number, row in enumerate(rows):
        commitment = known.get(row.commitment_id) if row.commitment_id is not None else None
        if row.commitment_id is not None and commitment is None:
            against[number] = (NoLongerWeekly(),)
            continue
        if row.is_removed:
            acts += [WeekChange(commitment, None)] if commitment is not None else []
            continue
        values = row.apply_to(commitment_values(commitment)) if commitment is not None else row.values()
        reasons = tuple(check_commitment(values))
        if reasons:
            against[number] = reasons
        elif commitment is None:
            alike = replace(values, weekdays=0)
            new[alike] = new.get(alike, 0) | values.weekdays
        elif values != commitment_values(commitment):
            acts.append(WeekChange(commitment, values))
    if against:
        raise WeekRefused(against)
    return (*acts, *(WeekChange(None, replace(values, weekdays=days)) for values, days in new.items()))


@transaction.atomic
def save_week(*, patient: Patient, rows: Sequence[WeekRow], today: date, by: User | None, now: datetime) -> SavedWeek:
    """Adds, changes and ends what the rows ask for; what is ended held until yesterday. Raises as `acts_of` does."""
    done: dict[str, list[Commitment]] = {"added": [], "changed": [], "ended": []}
    for word, commitment in _apply_changes(
        plan_week_changes(patient=patient, rows=rows, today=today), patient, today, by, now
    ):
        done[word].append(commitment)
    return SavedWeek(**{word: tuple(commitments) for word, commitments in done.items()})


def _apply_changes(
    acts: Sequence[WeekChange], patient: Patient, today: date, by: User | None, now: datetime
) -> Iterator[tuple[str, Commitment]]:
    for act in acts:
        if act.commitment is None and act.values is not None:
            yield "added", add_commitment(patient=patient, values=act.values, by=by, now=now)
        elif act.commitment is not None and act.values is not None:
            yield "changed", change_commitment(commitment=act.commitment, values=act.values, by=by, now=now)
        elif act.commitment is not None:
            end_or_remove_commitment(commitment=act.commitment, today=today, by=by, now=now)
            yield "ended", act.commitment


@transaction.atomic
def end_or_remove_commitment(*, commitment: Commitment, today: date, by: User | None, now: datetime) -> None:
    """From the day on it holds no longer; what has not held on any day yet is taken out whole."""
    begins = commitment.on or commitment.valid_from
    if commitment.on is not None or (begins is not None and begins >= today):
        remove_commitment(commitment=commitment, by=by, now=now)
    else:
        end_commitment(commitment=commitment, last_day=today - timedelta(days=1), by=by, now=now)
