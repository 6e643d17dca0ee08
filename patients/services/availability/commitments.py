"""Add, change, end and remove a patient's commitments, and validate their values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from patients.models import Commitment, CommitmentProposal, Patient, Place, ProposalState
from patients.models.commitment import MIDNIGHT, commitment_pattern
from patients.services.rows import save_values
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import EndDateBeforeStart, Reason, Refused, refuse_if_any
from timekeeping.rotations import MAX_CYCLE_DAYS, MIN_CYCLE_DAYS
from timekeeping.weeks import MINUTES_A_DAY, minute_of

MAX_DATE_RANGE = timedelta(days=366)
"""Longest range of dates for a commitment on consecutive dates (product rule). Longer commitments are entered as weekly."""


@dataclass(frozen=True, slots=True)
class NoDuration(Reason):
    """The commitment starts and ends at the same time of day. This is allowed only at midnight, for a whole day."""


@dataclass(frozen=True, slots=True)
class NeverHappens(Reason):
    """The commitment has neither weekdays nor a date, or none of its days is between its first and last date."""


@dataclass(frozen=True, slots=True)
class RotationAllOrNothing(Reason):
    """All days of the rotation are days on, or all are days off."""

    days: int


@dataclass(frozen=True, slots=True)
class RotationTooLong(Reason):
    """The rotation has more days than allowed."""

    days: int
    most: int = MAX_CYCLE_DAYS


@dataclass(frozen=True, slots=True)
class DateRangeTooLong(Reason):
    """The consecutive dates span more than `MAX_DATE_RANGE`."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class MovableExceedsDuration(Reason):
    """The commitment's movable minutes are as long as its duration, or longer."""

    minutes: int
    lasts: int


@dataclass(frozen=True, slots=True)
class PlaceNotFound(Reason):
    """The place belongs to another patient, or has been removed since the user loaded the page."""


@dataclass(frozen=True, kw_only=True)
class CommitmentValues:
    """What a user enters for a commitment. As in `Commitment`, the pattern is weekdays, a rotation, or dates.

    Travel and `movable_minutes` are in minutes. The travel times entered here apply unless the place `place_id` has
    travel times for the site.
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
        """Duration of the commitment in minutes. It is a whole day if the commitment starts and ends at the same time."""
        return (minute_of(self.ends) - minute_of(self.starts) - 1) % MINUTES_A_DAY + 1


def check_commitment(values: CommitmentValues) -> Iterable[Reason]:
    """Yield the reasons why the values would be invalid for any patient."""
    yield from check_commitment_times(values)
    yield from _check_rotation(values) if values.cycle_days is not None else _check_dates(values)


def check_commitment_times(times: CommitmentValues | BusyTime) -> Iterable[Reason]:
    """Yield the reasons why the times of day are invalid, regardless of the dates."""
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
    """Whether the commitment happens on at least one date.

    Checks one cycle of a rotation, or two weeks of any other pattern, because the pattern repeats after that.
    """
    try:
        pattern = commitment_pattern(values)
    except ValueError:  # the pattern contains no day
        return False
    if values.on is not None or values.valid_from is None or values.valid_until is None:
        return True
    period = timedelta(days=values.cycle_days or 14)
    return any(pattern.dates(values.valid_from, min(values.valid_until, values.valid_from + period)))


def check_new_commitment(patient: Patient, values: CommitmentValues) -> Iterable[Reason]:
    """Yield the reasons why the values are invalid for a new commitment of the patient."""
    yield from check_commitment(values)
    if values.place_id is not None and not Place.objects.filter(patient=patient, pk=values.place_id).exists():
        yield PlaceNotFound()


@transaction.atomic
def add_commitment(*, patient: Patient, values: CommitmentValues, by: User | None, now: datetime) -> Commitment:
    """Add a commitment and return it. Raises Refused if the values are invalid.

    Existing bookings stay, even if they conflict with the commitment.
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
    """Change the values of a commitment and return it. Raises Refused if the values are invalid.

    Existing bookings stay, even if they now conflict with the commitment.
    """
    refuse_if_any(check_new_commitment(commitment.patient, values))
    changed = save_values(commitment, values)
    record(commitment, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return commitment


@transaction.atomic
def end_commitment(*, commitment: Commitment, last_day: date, by: User | None, now: datetime) -> Commitment:
    """End a commitment after `last_day`, and return it.

    Raises Refused if `last_day` is before the commitment begins, or if the commitment is on specific dates (see
    `stop_commitment`).
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
    """Delete a commitment that will not take place, and decline the waiting proposals about the commitment.

    The name of the commitment stays in the audit trail.
    """
    waiting = CommitmentProposal.objects.waiting().filter(commitment=commitment)
    waiting.update(state=ProposalState.DECLINED, decided_at=now, decided_by=by, reason=StoredReason.COMMITMENT_REMOVED)
    record(commitment, by=by, action=Action.DELETED, at=now)
    commitment.delete()


@transaction.atomic
def stop_commitment(*, commitment: Commitment, last_day: date | None, by: User | None, now: datetime) -> None:
    """End a repeating commitment after `last_day`, or remove a commitment that is on specific dates.

    For a commitment on specific dates, `last_day` is ignored. For a repeating commitment, raises ValueError if
    `last_day` is None, and raises Refused if `last_day` is before the commitment begins.
    """
    if commitment.on is not None:
        remove_commitment(commitment=commitment, by=by, now=now)
    elif last_day is None:
        raise ValueError("a commitment that repeats ends after a day")
    else:
        end_commitment(commitment=commitment, last_day=last_day, by=by, now=now)


@transaction.atomic
def end_or_remove_commitment(*, commitment: Commitment, today: date, by: User | None, now: datetime) -> None:
    """Make yesterday the last day of a commitment.

    A commitment that is on specific dates, or that has not begun before today, is removed instead.
    """
    begins = commitment.on or commitment.valid_from
    if commitment.on is not None or (begins is not None and begins >= today):
        remove_commitment(commitment=commitment, by=by, now=now)
    else:
        end_commitment(commitment=commitment, last_day=today - timedelta(days=1), by=by, now=now)
