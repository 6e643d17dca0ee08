"""Correct the last day or the reason of a discharge, or take the discharge back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import User
from patients.models import Episode
from scheduling.services.corrections.preconditions import (
    CorrectedValue,
    lock_episode,
    record_correction,
    require_reason,
)
from scheduling.services.corrections.reopening import reopen_episode
from scheduling.services.enrollment.attended_dates import attended_after
from scheduling.services.enrollment.discharge import end_care
from timekeeping.reasons import EndDateBeforeStart, Reason, Refused, refuse_if_any

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NotDischarged(Reason):
    """The episode of care is open, so there is no discharge to correct."""


@dataclass(frozen=True, slots=True)
class AdmittedSince(Reason):
    """Another episode of care begins on `since`, so this one can't last that long."""

    since: date


@transaction.atomic
def correct_discharge(
    *, episode: Episode, last_day: date, discharge_reason: str, reason: str, by: User, now: datetime
) -> tuple[Reason, ...]:
    """Change the last day and the reason of a discharge, as if the patient had been discharged on that day.

    If care lasts longer, sessions up to the new last day are booked again. If it ends earlier, later bookings are
    released. `reason` is the reason for the correction. Return why some sessions can't be booked again.

    Raises Refused if there is no discharge or no reason, if nothing would change, if the last day is before the
    admission or not before the next one, or if attendance is recorded after the last day.
    """
    reason = require_reason(reason)
    episode = _lock_discharged(episode)
    before = _values(episode)
    refuse_if_any(_last_day_reasons(episode, last_day, now))
    left_out: tuple[Reason, ...] = ()
    if last_day == episode.last_day:
        episode.discharge_reason = discharge_reason
        episode.save(update_fields=["discharge_reason"])
    else:
        left_out = reopen_episode(episode, until=last_day + DAY, now=now)
        episode = end_care(episode=episode, last_day=last_day, reason=discharge_reason, by=by, now=now)
    record_correction(episode, before=before, after=_values(episode), reason=reason, by=by, now=now)
    return left_out


@transaction.atomic
def take_back_discharge(*, episode: Episode, reason: str, by: User, now: datetime) -> tuple[Reason, ...]:
    """Take a discharge back, as if it had not happened. Return why some of what it ended can't come back.

    Levels of care, enrollments, individual sessions and waitlist entries that the discharge ended go on, and sessions
    are booked again where spots remain. Raises Refused if there is no discharge or no reason, or if another episode of
    care has begun since.
    """
    reason = require_reason(reason)
    episode = _lock_discharged(episode)
    before = _values(episode)
    refuse_if_any(AdmittedSince(since) for since in _later_admissions(episode, None))
    left_out = reopen_episode(episode, now=now)
    record_correction(episode, before=before, after=_values(episode), reason=reason, by=by, now=now)
    return left_out


def _lock_discharged(episode: Episode) -> Episode:
    episode = lock_episode(episode)
    if episode.ends is None:
        raise Refused([NotDischarged()])
    return episode


def _last_day_reasons(episode: Episode, last_day: date, now: datetime) -> Iterator[Reason]:
    if last_day < episode.starts:
        yield EndDateBeforeStart(episode.starts, last_day)
        return
    yield from (AdmittedSince(since) for since in _later_admissions(episode, last_day))
    yield from attended_after(episode, last_day, now)


def _later_admissions(episode: Episode, last_day: date | None) -> list[date]:
    """Return the first day of the patient's next episode, if it is not after `last_day`. None means that care goes on."""
    later = Episode.objects.filter(patient=episode.patient_id, starts__gte=episode.starts).exclude(pk=episode.pk)
    if last_day is not None:
        later = later.filter(starts__lte=last_day)
    return list(later.order_by("starts").values_list("starts", flat=True)[:1])


def _values(episode: Episode) -> dict[str, CorrectedValue]:
    """Return the discharge's values by the names under which the audit trail shows them."""
    return {"last day": episode.last_day, "discharge reason": episode.discharge_reason}
