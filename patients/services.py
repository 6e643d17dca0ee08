"""The patient's record: the person, what their life asks of them, their course of care."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Commitment, Episode, LevelOfCareSpan, Patient
from scheduling.domain.reasons import EndsBeforeItBegins, Reason, Refused
from scheduling.domain.week import Recurrence


@dataclass(frozen=True, slots=True)
class AlreadyAdmitted(Reason):
    code: ClassVar[str] = "already_admitted"
    since: date


@dataclass(frozen=True, slots=True)
class LevelOverlaps(Reason):
    code: ClassVar[str] = "level_overlaps"
    since: date


@dataclass(frozen=True, slots=True)
class CodeTaken(Reason):
    code: ClassVar[str] = "code_taken"
    taken: str


@dataclass(frozen=True, slots=True)
class NotBornYet(Reason):
    code: ClassVar[str] = "not_born_yet"
    birth_date: date


@dataclass(frozen=True, slots=True)
class TakesNoTime(Reason):
    """Its end is its start: neither nothing nor a whole day is meant by that."""

    code: ClassVar[str] = "takes_no_time"


@dataclass(frozen=True, slots=True)
class NeverHappens(Reason):
    """It has neither weekdays nor a date, or none of its weekdays lies between the dates on which it holds."""

    code: ClassVar[str] = "never_happens"


@dataclass(frozen=True, slots=True)
class IsOver(Reason):
    """The course of care ended before the day."""

    code: ClassVar[str] = "is_over"
    last_day: date


@dataclass(frozen=True, kw_only=True)
class PatientValues:
    code: str
    first_name: str
    last_name: str
    birth_date: date
    preferred_name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "English"
    travel_minutes: int = 0


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


@dataclass(frozen=True, kw_only=True)
class LevelValues:
    """What is prescribed: minutes and days a week at a level, and who stated it."""

    level: str
    prescribed_minutes: int
    prescribed_days: int
    starts: date
    stated_by: str


def _write(row: Patient | Commitment, values: PatientValues | CommitmentValues) -> list[str]:
    """Sets the fields; the names of those that were otherwise before."""
    changed = [name for name, value in vars(values).items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, getattr(values, name))
    row.save()
    return changed


def _refuse(reasons: Iterable[Reason]) -> None:
    found = tuple(reasons)
    if found:
        raise Refused(found)


def _against_patient(patient: Patient, values: PatientValues, now: datetime) -> Iterable[Reason]:
    if Patient.objects.filter(code=values.code).exclude(pk=patient.pk or 0).exists():
        yield CodeTaken(values.code)
    if values.birth_date > now.astimezone(patient.site.zone).date():
        yield NotBornYet(values.birth_date)


@transaction.atomic
def create_patient(*, site_id: int, values: PatientValues, by: User | None, now: datetime) -> Patient:
    """Raises Refused when the code is somebody else's or the birth is to come."""
    patient = Patient(site_id=site_id)
    _refuse(_against_patient(patient, values, now))
    _write(patient, values)
    record(patient, by=by, action=Action.CREATED, at=now)
    return patient


@transaction.atomic
def change_patient(*, patient: Patient, values: PatientValues, by: User | None, now: datetime) -> Patient:
    """Raises Refused as `create_patient` does. The trail says which fields changed, not what stood in them."""
    patient = Patient.objects.select_for_update(of=("self",)).select_related("site").get(pk=patient.pk)
    _refuse(_against_patient(patient, values, now))
    changed = _write(patient, values)
    record(patient, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return patient


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
    _refuse(against_commitment(values))
    commitment = Commitment(patient=patient)
    _write(commitment, values)
    record(commitment, by=by, action=Action.CREATED, at=now)
    return commitment


@transaction.atomic
def change_commitment(
    *, commitment: Commitment, values: CommitmentValues, by: User | None, now: datetime
) -> Commitment:
    """Raises Refused as `add_commitment` does."""
    _refuse(against_commitment(values))
    changed = _write(commitment, values)
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


@transaction.atomic
def admit_patient(
    *, patient: Patient, values: LevelValues, referral_source: str = "", by: User | None, now: datetime
) -> Episode:
    """Opens a course of care with its first level. Raises Refused while another lasts on or after that day."""
    Patient.objects.select_for_update().get(pk=patient.pk)
    standing = Episode.objects.filter(patient=patient).not_over_on(values.starts).first()
    if standing is not None:
        raise Refused([AlreadyAdmitted(standing.starts)])
    episode = Episode.objects.create(
        patient=patient, site_id=patient.site_id, starts=values.starts, referral_source=referral_source
    )
    LevelOfCareSpan.objects.create(episode=episode, **vars(values))
    record(episode, by=by, action=Action.CREATED, at=now, detail=f"level {values.level}")
    return episode


@transaction.atomic
def state_level(*, episode: Episode, values: LevelValues, by: User | None, now: datetime) -> LevelOfCareSpan:
    """Steps to the next level from a day on.

    Raises Refused unless it is after the present level began, and when the course of care is over by then.
    """
    episode = Episode.objects.select_for_update(of=("self",)).select_related("patient").get(pk=episode.pk)
    if episode.ends is not None and episode.ends <= values.starts:
        raise Refused([IsOver(episode.ends - timedelta(days=1))])
    latest = episode.spans.order_by("-starts").first()
    if latest is not None:
        if values.starts <= latest.starts:
            raise Refused([LevelOverlaps(latest.starts)])
        latest.ends = values.starts
        latest.save(update_fields=["ends"])
    span = LevelOfCareSpan.objects.create(episode=episode, ends=episode.ends, **vars(values))
    record(span, by=by, action=Action.CHANGED, at=now, detail=f"level {values.level}")
    return span
