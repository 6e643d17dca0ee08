"""Add, change, end and remove a patient's commitments, and check that their values make sense."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

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
"""How long dates in a row may be (product rule). What takes longer is entered as weekly, with a first and a last day."""


@dataclass(frozen=True, slots=True)
class NoDuration(Reason):
    """It starts and ends at the same time, other than midnight to midnight, which is a whole day."""


@dataclass(frozen=True, slots=True)
class NeverHappens(Reason):
    """It has neither weekdays nor a date, or none of its days lies between its first and last date."""


@dataclass(frozen=True, slots=True)
class RotationAllOrNothing(Reason):
    """Every day of the rotation is on, or none is."""

    days: int


@dataclass(frozen=True, slots=True)
class RotationTooLong(Reason):
    """The rotation has more days than the longest that is allowed."""

    days: int
    most: int = MAX_CYCLE_DAYS


@dataclass(frozen=True, slots=True)
class DateRangeTooLong(Reason):
    """The dates in a row span more than `MAX_DATE_RANGE`."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class MovableExceedsDuration(Reason):
    """Moved by as much as it could be, the commitment would have no time left. Both fields are minutes."""

    minutes: int
    lasts: int


@dataclass(frozen=True, slots=True)
class PlaceNotFound(Reason):
    """The place belongs to another patient or was removed in the meantime."""


@dataclass(frozen=True, kw_only=True)
class CommitmentValues:
    """What a person enters for a commitment, with one pattern as in `Commitment`: weekdays, a rotation, or dates.

    Travel and `movable_minutes` are in minutes. If `place_id` is set, the known travel times of the place replace these.
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
        """How many minutes it takes; from midnight to midnight is a whole day."""
        return (minute_of(self.ends) - minute_of(self.starts) - 1) % MINUTES_A_DAY + 1


def check_commitment(values: CommitmentValues) -> Iterable[Reason]:
    """Yield the reasons why the values make no sense, whoever's commitment it is."""
    yield from check_commitment_times(values)
    yield from _check_rotation(values) if values.cycle_days is not None else _check_dates(values)


def check_commitment_times(times: CommitmentValues | BusyTime) -> Iterable[Reason]:
    """Yield the reasons why the times of day make no sense, on whatever days."""
    if times.starts == times.ends and times.starts != MIDNIGHT:
        yield NoDuration()
    elif times.movable_minutes >= times.minutes:
        yield MovableExceedsDuration(times.movable_minutes, times.minutes)


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
    """Whether there is a date on which it happens.

    Looking at one rotation, or at two weeks for alternate weeks, is enough: the pattern repeats after that.
    """
    try:
        pattern = commitment_pattern(values)
    except ValueError:  # no day at all
        return False
    if values.on is not None or values.valid_from is None or values.valid_until is None:
        return True
    period = timedelta(days=values.cycle_days or 14)
    return any(pattern.dates(values.valid_from, min(values.valid_until, values.valid_from + period)))


def check_new_commitment(patient: Patient, values: CommitmentValues) -> Iterable[Reason]:
    """Yield the reasons why the values make no sense, by themselves or for this patient."""
    yield from check_commitment(values)
    if values.place_id is not None and not Place.objects.filter(patient=patient, pk=values.place_id).exists():
        yield PlaceNotFound()


@transaction.atomic
def add_commitment(*, patient: Patient, values: CommitmentValues, by: User | None, now: datetime) -> Commitment:
    """Add a commitment and return it. Raises Refused if the values make no sense.

    Sessions that are booked stay booked, also where they conflict with it.
    """
    refuse_if_any(check_new_commitment(patient, values))
    commitment = Commitment(patient=patient)
    save_values(commitment, values)
    record(commitment, by=by, action=Action.CREATED, at=now)
    return commitment


@transaction.atomic
def change_commitment(
    *, commitment: Commitment, values: CommitmentValues, by: User | None, now: datetime
) -> Commitment:
    """Give the commitment new values and return it. Raises Refused as `add_commitment` does; bookings stay, too."""
    refuse_if_any(check_new_commitment(commitment.patient, values))
    changed = save_values(commitment, values)
    record(commitment, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return commitment


@transaction.atomic
def end_commitment(*, commitment: Commitment, last_day: date, by: User | None, now: datetime) -> Commitment:
    """Let the commitment hold through `last_day`, and return it.

    Raises Refused if that is before it begins, and for a commitment on dates (see `stop_commitment`).
    """
    begins = commitment.on or commitment.valid_from
    if commitment.on is not None or (begins is not None and last_day < begins):
        raise Refused([EndDateBeforeStart(begins or last_day, last_day)])
    commitment.valid_until = last_day + timedelta(days=1)
    commitment.save(update_fields=["valid_until"])
    record(commitment, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return commitment


@transaction.atomic
def remove_commitment(*, commitment: Commitment, by: User | None, now: datetime) -> None:
    """Delete a commitment that will not take place; the audit trail keeps its name. Proposals about it are declined."""
    waiting = CommitmentProposal.objects.waiting().filter(commitment=commitment)
    waiting.update(state=ProposalState.DECLINED, decided_at=now, decided_by=by, reason="It was taken out.")
    record(commitment, by=by, action=Action.DELETED, at=now)
    commitment.delete()


@transaction.atomic
def stop_commitment(*, commitment: Commitment, last_day: date | None, by: User | None, now: datetime) -> None:
    """End a commitment that repeats after `last_day`; remove one on dates, for which no last day is asked.

    Raises Refused if `last_day` is before it begins, and ValueError without one for a commitment that repeats.
    """
    if commitment.on is not None:
        remove_commitment(commitment=commitment, by=by, now=now)
    elif last_day is None:
        raise ValueError("a commitment that repeats ends after a day")
    else:
        end_commitment(commitment=commitment, last_day=last_day, by=by, now=now)


@transaction.atomic
def end_or_remove_commitment(*, commitment: Commitment, today: date, by: User | None, now: datetime) -> None:
    """Let the commitment hold no longer from `today` on; remove it if it is on dates or has not begun by then."""
    begins = commitment.on or commitment.valid_from
    if commitment.on is not None or (begins is not None and begins >= today):
        remove_commitment(commitment=commitment, by=by, now=now)
    else:
        end_commitment(commitment=commitment, last_day=today - timedelta(days=1), by=by, now=now)
