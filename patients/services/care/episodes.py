"""Admit patients to episodes of care, and set the ordered level of care."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.domain.hours.prescriptions import check_prescription, is_outside_rules
from scheduling.domain.hours.rules import HoursRules
from timekeeping.reasons import EpisodeEnded, Reason, Refused, refuse_if_any


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
    """An ordered level of care: who ordered it, and the minutes and days per week from the date `starts`.

    `exception_reason` says why the prescription is outside the site's rules.
    """

    level: str
    prescribed_minutes: int
    prescribed_days: int
    starts: date
    stated_by: str
    exception_reason: str = ""


def check_level(values: LevelValues, *, rules: HoursRules, site_id: int, by: User | None) -> Iterator[Reason]:
    """Yield the reason against the prescription under the site's rules, if there is one.

    If `by` is None, the system sets the level, and may go outside the rules.
    """
    yield from check_prescription(
        minutes=values.prescribed_minutes,
        days=values.prescribed_days,
        rules=rules,
        exception_reason=values.exception_reason,
        may_except=by is None or by.may(Permission.PRESCRIBE_OUTSIDE_RULES, site_id),
    )


def level_columns(values: LevelValues, rules: HoursRules) -> dict[str, object]:
    """Return the values of a level's columns. Within the rules, no reason for an exception is saved."""
    if not is_outside_rules(values.prescribed_minutes, values.prescribed_days, rules):
        values = replace(values, exception_reason="")
    return vars(values)


@transaction.atomic
def admit_patient(
    *,
    patient: Patient,
    values: LevelValues,
    rules: HoursRules,
    referral_source: str = "",
    by: User | None,
    now: datetime,
) -> Episode:
    """Open an episode of care at the patient's site, with a first level of care. Return the episode.

    `rules` are the site's rules for the level on its first day. Raises Refused if the patient has an episode on or after
    the first day, or if the prescription is impossible, or outside the rules without a reason for the exception.
    """
    Patient.objects.select_for_update().get(pk=patient.pk)
    other = Episode.objects.filter(patient=patient).open_on_or_after(values.starts).first()
    reasons = [AlreadyAdmitted(other.starts)] if other is not None else []
    refuse_if_any([*reasons, *check_level(values, rules=rules, site_id=patient.site_id, by=by)])
    episode = Episode.objects.create(
        patient=patient, site_id=patient.site_id, starts=values.starts, referral_source=referral_source
    )
    span = LevelOfCareSpan.objects.create(episode=episode, **level_columns(values, rules))
    detail = f"level {values.level}"
    record(episode, by=by, action=Action.CREATED, at=now, detail=detail, reason=span.exception_reason)
    return episode


@transaction.atomic
def set_level_of_care(
    *, episode: Episode, values: LevelValues, rules: HoursRules, by: User | None, now: datetime
) -> LevelOfCareSpan:
    """End the present level of care, begin the next level on `values.starts`, and return the span of the next level.

    `rules` are the site's rules for the level on its first day. Raises Refused if the present level began on that day or
    later, if the episode of care has ended by that day, or if the prescription is impossible, or outside the rules
    without a reason for the exception.
    """
    episode = Episode.objects.select_for_update(of=("self",)).select_related("patient").get(pk=episode.pk)
    if episode.ends is not None and episode.ends <= values.starts:
        raise Refused([EpisodeEnded(episode.ends - timedelta(days=1))])
    refuse_if_any(check_level(values, rules=rules, site_id=episode.site_id, by=by))
    latest = episode.spans.order_by("-starts").first()
    if latest is not None:
        if values.starts <= latest.starts:
            raise Refused([LevelOverlaps(latest.starts)])
        latest.ends = values.starts
        latest.save(update_fields=["ends"])
    span = LevelOfCareSpan.objects.create(episode=episode, ends=episode.ends, **level_columns(values, rules))
    detail = f"level {values.level}"
    record(span, by=by, action=Action.CHANGED, at=now, detail=detail, reason=span.exception_reason)
    return span
