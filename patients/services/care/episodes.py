"""Admit patients to episodes of care, and set the ordered level of care."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode, LevelOfCareSpan, Patient
from timekeeping.reasons import EpisodeEnded, Reason, Refused


@dataclass(frozen=True, slots=True)
class AlreadyAdmitted(Reason):
    """The patient already has an episode of care on or after the requested day. That episode begins on `since`."""

    since: date


@dataclass(frozen=True, slots=True)
class LevelOverlaps(Reason):
    """The latest level of care begins on `since`. The new level must begin after that day."""

    since: date


@dataclass(frozen=True, kw_only=True)
class LevelValues:
    """An ordered level of care: who ordered it, and the minutes and days per week from the date `starts`."""

    level: str
    prescribed_minutes: int
    prescribed_days: int
    starts: date
    stated_by: str


@transaction.atomic
def admit_patient(
    *, patient: Patient, values: LevelValues, referral_source: str = "", by: User | None, now: datetime
) -> Episode:
    """Open an episode of care at the patient's site, with a first level of care. Return the episode.

    Raises Refused if the patient has an episode on or after the first day.
    """
    Patient.objects.select_for_update().get(pk=patient.pk)
    other = Episode.objects.filter(patient=patient).open_on_or_after(values.starts).first()
    if other is not None:
        raise Refused([AlreadyAdmitted(other.starts)])
    episode = Episode.objects.create(
        patient=patient, site_id=patient.site_id, starts=values.starts, referral_source=referral_source
    )
    LevelOfCareSpan.objects.create(episode=episode, **vars(values))
    record(episode, by=by, action=Action.CREATED, at=now, detail=f"level {values.level}")
    return episode


@transaction.atomic
def set_level_of_care(*, episode: Episode, values: LevelValues, by: User | None, now: datetime) -> LevelOfCareSpan:
    """End the present level of care, begin the next level on `values.starts`, and return the span of the next level.

    Raises Refused if the present level began on that day or later, or if the episode of care has ended by that day.
    """
    episode = Episode.objects.select_for_update(of=("self",)).select_related("patient").get(pk=episode.pk)
    if episode.ends is not None and episode.ends <= values.starts:
        raise Refused([EpisodeEnded(episode.ends - timedelta(days=1))])
    latest = episode.spans.order_by("-starts").first()
    if latest is not None:
        if values.starts <= latest.starts:
            raise Refused([LevelOverlaps(latest.starts)])
        latest.ends = values.starts
        latest.save(update_fields=["ends"])
    span = LevelOfCareSpan.objects.create(episode=episode, ends=episode.ends, **vars(values))
    record(span, by=by, action=Action.CHANGED, at=now, detail=f"level {values.level}")
    return span
