"""What a patient's life asks of them: added, changed, ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Commitment, Patient
from patients.services.writing import refuse, write
from scheduling.domain.reasons import EndsBeforeItBegins, Reason, Refused
from scheduling.domain.week import Recurrence


@dataclass(frozen=True, slots=True)
class TakesNoTime(Reason):
    """Its end is its start: neither nothing nor a whole day is meant by that."""

    code: ClassVar[str] = "takes_no_time"


@dataclass(frozen=True, slots=True)
class NeverHappens(Reason):
    """It has neither weekdays nor a date, or none of its weekdays lies between the dates on which it holds."""

    code: ClassVar[str] = "never_happens"


@dataclass(frozen=True, kw_only=True)
class CommitmentValues:
    """As it was stated: on weekdays (a bit for each), every week or every other from an anchor's, or on one date."""

    kind: str
    label: str
    starts: time
    ends: time
    weekdays: int = 0
    anchor: date | None = None
    on: date | None = None
    travel_minutes: int = 0
    valid_from: date | None = None
    valid_until: date | None = None


def against_commitment(values: CommitmentValues) -> Iterable[Reason]:
    """What makes a commitment nonsense by itself."""
    if values.starts == values.ends:
        yield TakesNoTime()
    first, until = values.valid_from, values.valid_until
    if first is not None and until is not None and until <= first:
        yield EndsBeforeItBegins(first, until - timedelta(days=1))
    elif values.on is None and not _happens(values):
        yield NeverHappens()


def _happens(values: CommitmentValues) -> bool:
    """Whether there is a date on which it happens: within a week of its first day, or two if every other week."""
    weekdays = frozenset(day for day in range(7) if values.weekdays >> day & 1)
    if not weekdays:
        return False
    if values.valid_from is None or values.valid_until is None:
        return True
    recurrence = Recurrence(weekdays=weekdays, anchor=values.anchor)
    return any(recurrence.dates(values.valid_from, min(values.valid_until, values.valid_from + timedelta(weeks=2))))


@transaction.atomic
def add_commitment(*, patient: Patient, values: CommitmentValues, by: User | None, now: datetime) -> Commitment:
    """Raises Refused when it would take no time or never happen. What is booked already stays booked, clash or not."""
    refuse(against_commitment(values))
    commitment = Commitment(patient=patient)
    write(commitment, values)
    record(commitment, by=by, action=Action.CREATED, at=now)
    return commitment


@transaction.atomic
def change_commitment(
    *, commitment: Commitment, values: CommitmentValues, by: User | None, now: datetime
) -> Commitment:
    """Raises Refused as `add_commitment` does."""
    refuse(against_commitment(values))
    changed = write(commitment, values)
    record(commitment, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return commitment


@transaction.atomic
def end_commitment(*, commitment: Commitment, last_day: date, by: User | None, now: datetime) -> Commitment:
    """It holds until the end of `last_day`. Raises Refused when that is before it begins, or it is on one date anyway."""
    begins = commitment.on or commitment.valid_from
    if commitment.on is not None or (begins is not None and last_day < begins):
        raise Refused([EndsBeforeItBegins(begins or last_day, last_day)])
    commitment.valid_until = last_day + timedelta(days=1)
    commitment.save(update_fields=["valid_until"])
    record(commitment, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return commitment


@transaction.atomic
def remove_commitment(*, commitment: Commitment, by: User | None, now: datetime) -> None:
    """Takes out what will not take place after all; the trail keeps what it was called."""
    record(commitment, by=by, action=Action.DELETED, at=now)
    commitment.delete()
