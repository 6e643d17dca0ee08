"""The patient's record: the person, what their life asks of them, their course of care."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Commitment, Episode, LevelOfCareSpan, Patient
from scheduling.domain.reasons import Reason


class RecordRefused(Exception):
    """Nothing was written; `reasons` are values for which templates find the words."""

    def __init__(self, *reasons: Reason) -> None:
        self.reasons = reasons
        super().__init__(", ".join(reason.code for reason in reasons))


@dataclass(frozen=True, slots=True)
class AlreadyAdmitted(Reason):
    code: ClassVar[str] = "already_admitted"
    since: date


@dataclass(frozen=True, slots=True)
class LevelOverlaps(Reason):
    code: ClassVar[str] = "level_overlaps"
    since: date


@dataclass(frozen=True, slots=True)
class EndsTooEarly(Reason):
    code: ClassVar[str] = "ends_before_it_begins"
    begins: date
    asked: date


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


@transaction.atomic
def create_patient(*, site_id: int, values: PatientValues, by: User, now: datetime) -> Patient:
    patient = Patient(site_id=site_id)
    _write(patient, values)
    record(patient, by=by, action=Action.CREATED, at=now)
    return patient


@transaction.atomic
def change_patient(*, patient: Patient, values: PatientValues, by: User, now: datetime) -> Patient:
    changed = _write(patient, values)
    record(patient, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return patient


@transaction.atomic
def add_commitment(*, patient: Patient, values: CommitmentValues, by: User, now: datetime) -> Commitment:
    commitment = Commitment(patient=patient)
    _write(commitment, values)
    record(commitment, by=by, action=Action.CREATED, at=now)
    return commitment


@transaction.atomic
def change_commitment(*, commitment: Commitment, values: CommitmentValues, by: User, now: datetime) -> Commitment:
    changed = _write(commitment, values)
    record(commitment, by=by, action=Action.CHANGED, at=now, detail=", ".join(changed))
    return commitment


@transaction.atomic
def end_commitment(*, commitment: Commitment, last_day: date, by: User, now: datetime) -> Commitment:
    """It holds until the end of `last_day`. Raises RecordRefused when it would end before it begins, or is on one date."""
    begins = commitment.on or commitment.valid_from
    if commitment.on is not None or (begins is not None and last_day < begins):
        raise RecordRefused(EndsTooEarly(begins or last_day, last_day))
    commitment.valid_until = last_day + timedelta(days=1)
    commitment.save(update_fields=["valid_until"])
    record(commitment, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return commitment


@transaction.atomic
def admit_patient(
    *, patient: Patient, values: LevelValues, referral_source: str = "", by: User | None, now: datetime
) -> Episode:
    """Opens a course of care with its first level. Raises RecordRefused while another is open."""
    standing = Episode.objects.select_for_update().filter(patient=patient, ends=None).first()
    if standing is not None:
        raise RecordRefused(AlreadyAdmitted(standing.starts))
    episode = Episode.objects.create(
        patient=patient, site_id=patient.site_id, starts=values.starts, referral_source=referral_source
    )
    LevelOfCareSpan.objects.create(episode=episode, **vars(values))
    record(episode, by=by, action=Action.CREATED, at=now, detail=f"level {values.level}")
    return episode


@transaction.atomic
def state_level(*, episode: Episode, values: LevelValues, by: User | None, now: datetime) -> LevelOfCareSpan:
    """Steps to the next level from a day on. Raises RecordRefused unless it is after the present level began."""
    present = LevelOfCareSpan.objects.select_for_update().filter(episode=episode, ends=None).first()
    if present is not None:
        if values.starts <= present.starts:
            raise RecordRefused(LevelOverlaps(present.starts))
        present.ends = values.starts
        present.save(update_fields=["ends"])
    span = LevelOfCareSpan.objects.create(episode=episode, **vars(values))
    record(span, by=by, action=Action.CHANGED, at=now, detail=f"level {values.level}")
    return span
