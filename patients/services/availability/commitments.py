"""What a patient's life asks of them: added, changed, ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Commitment, CommitmentProposal, Patient, Place, ProposalState
from patients.models.commitment import MIDNIGHT, commitment_pattern
from patients.services.rows import save_values
from timekeeping.reasons import EndDateBeforeStart, Reason, Refused, refuse_if_any
from timekeeping.rotations import MAX_CYCLE_DAYS, MIN_CYCLE_DAYS
from timekeeping.weeks import MINUTES_A_DAY, BusyTime, minute_of

MAX_DATE_RANGE = timedelta(days=366)
"""What takes longer is a pattern of the week, not an exception in it. (The product's own choice.)"""


@dataclass(frozen=True, slots=True)
class NoDuration(Reason):
    """Its end is its start, and that is not midnight, from which a whole day would be meant."""

    code: ClassVar[str] = "takes_no_time"


@dataclass(frozen=True, slots=True)
class NeverHappens(Reason):
    """It has neither weekdays nor a date, or none of its days lies between the dates on which it holds."""

    code: ClassVar[str] = "never_happens"


@dataclass(frozen=True, slots=True)
class RotationAllOrNothing(Reason):
    """A rotation in which every day is on, or none."""

    code: ClassVar[str] = "round_of_all_or_none"
    days: int


@dataclass(frozen=True, slots=True)
class RotationTooLong(Reason):
    code: ClassVar[str] = "round_too_long"
    days: int
    most: int = MAX_CYCLE_DAYS


@dataclass(frozen=True, slots=True)
class DateRangeTooLong(Reason):
    """Dates in a row that are no exception any more."""

    code: ClassVar[str] = "too_long_on_dates"
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class MovableExceedsDuration(Reason):
    """Nothing would be left of it if it gave way by as much as it could."""

    code: ClassVar[str] = "moves_more_than_it_lasts"
    minutes: int
    lasts: int


@dataclass(frozen=True, slots=True)
class PlaceNotFound(Reason):
    """The place is another patient's, or was taken out in the meantime."""

    code: ClassVar[str] = "not_their_place"


@dataclass(frozen=True, kw_only=True)
class CommitmentValues:
    """As it was stated, with one pattern as in `Commitment`: on weekdays, going round by days, or on dates alone.

    Travel and `movable_minutes` are minutes; of a `place`, which is the id of one, the way is known by itself.
    """

    kind: str
    label: str
    starts: time
    ends: time
    weekdays: int = 0
    anchor: date | None = None
    cycle_days: int | None = None
    cycle_mask: int | None = None
    on: date | None = None
    until: date | None = None
    movable_minutes: int = 0
    place_id: int | None = None
    travel_before_minutes: int = 0
    travel_after_minutes: int = 0
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def minutes(self) -> int:
        """How long it takes; from midnight to midnight is a whole day."""
        return (minute_of(self.ends) - minute_of(self.starts) - 1) % MINUTES_A_DAY + 1


def check_commitment(values: CommitmentValues) -> Iterable[Reason]:
    """What makes a commitment nonsense by itself."""
    yield from check_commitment_times(values)
    yield from _check_rotation(values) if values.cycle_days is not None else _check_dates(values)


def check_commitment_times(given: CommitmentValues | BusyTime) -> Iterable[Reason]:
    """What makes the times of a commitment nonsense, whenever it is."""
    if given.starts == given.ends and given.starts != MIDNIGHT:
        yield NoDuration()
    elif given.movable_minutes >= given.minutes:
        yield MovableExceedsDuration(given.movable_minutes, given.minutes)


def _check_rotation(values: CommitmentValues) -> Iterable[Reason]:
    days, mask = values.cycle_days or 0, values.cycle_mask or 0
    if days > MAX_CYCLE_DAYS:
        yield RotationTooLong(days)
    elif days < MIN_CYCLE_DAYS or mask in (0, (1 << days) - 1):
        yield RotationAllOrNothing(days)
    else:
        yield from _check_dates(values)


def _check_dates(values: CommitmentValues) -> Iterable[Reason]:
    first, until = values.on or values.valid_from, values.until or values.valid_until
    if first is not None and until is not None and until <= first:
        yield EndDateBeforeStart(first, until - timedelta(days=1))
    elif values.on is not None and values.until is not None and values.until - values.on > MAX_DATE_RANGE:
        yield DateRangeTooLong(values.on, values.until - timedelta(days=1))
    elif not _occurs(values):
        yield NeverHappens()


def _occurs(values: CommitmentValues) -> bool:
    """Whether there is a date on which it happens: within a round of its first day, or two weeks, or a year of dates."""
    try:
        pattern = commitment_pattern(values)
    except ValueError:  # no day at all
        return False
    if values.on is not None or values.valid_from is None or values.valid_until is None:
        return True
    reach = timedelta(days=values.cycle_days or 14)
    return any(pattern.dates(values.valid_from, min(values.valid_until, values.valid_from + reach)))


def check_new_commitment(patient: Patient, values: CommitmentValues) -> Iterable[Reason]:
    """What makes it nonsense by itself, or for this patient."""
    yield from check_commitment(values)
    if values.place_id is not None and not Place.objects.filter(patient=patient, pk=values.place_id).exists():
        yield PlaceNotFound()


@transaction.atomic
def add_commitment(*, patient: Patient, values: CommitmentValues, by: User | None, now: datetime) -> Commitment:
    """Raises Refused when it makes no sense by itself. What is booked already stays booked, clash or not."""
    refuse_if_any(check_new_commitment(patient, values))
    commitment = Commitment(patient=patient)
    save_values(commitment, values)
    record(commitment, by=by, action=Action.CREATED, at=now)
    return commitment


@transaction.atomic
def change_commitment(
    *, commitment: Commitment, values: CommitmentValues, by: User | None, now: datetime
) -> Commitment:
    """Raises Refused as `add_commitment` does."""
    refuse_if_any(check_new_commitment(commitment.patient, values))
    changed = save_values(commitment, values)
    record(commitment, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return commitment


@transaction.atomic
def end_commitment(*, commitment: Commitment, last_day: date, by: User | None, now: datetime) -> Commitment:
    """It holds until the end of `last_day`. Raises Refused when that is before it begins, or it is on dates alone anyway."""
    begins = commitment.on or commitment.valid_from
    if commitment.on is not None or (begins is not None and last_day < begins):
        raise Refused([EndDateBeforeStart(begins or last_day, last_day)])
    commitment.valid_until = last_day + timedelta(days=1)
    commitment.save(update_fields=["valid_until"])
    record(commitment, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return commitment


@transaction.atomic
def stop_commitment(*, commitment: Commitment, last_day: date | None, by: User | None, now: datetime) -> None:
    """End a commitment after `last_day`, or remove one that is on dates alone, which needs no last day.

    Raises Refused if the last day is before the commitment begins.
    """
    if commitment.on is not None:
        remove_commitment(commitment=commitment, by=by, now=now)
    elif last_day is None:
        raise ValueError("a commitment that repeats needs a last day")
    else:
        end_commitment(commitment=commitment, last_day=last_day, by=by, now=now)


@transaction.atomic
def remove_commitment(*, commitment: Commitment, by: User | None, now: datetime) -> None:
    """Takes out what will not take place after all; the trail keeps what it was called. What was asked of it is moot."""
    waiting = CommitmentProposal.objects.waiting().filter(commitment=commitment)
    waiting.update(state=ProposalState.DECLINED, decided_at=now, decided_by=by, reason="It was taken out.")
    record(commitment, by=by, action=Action.DELETED, at=now)
    commitment.delete()
