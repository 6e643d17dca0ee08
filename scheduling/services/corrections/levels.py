"""Correct a level of care that was entered by mistake, or remove it. Bookings stay as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import LevelOfCareSpan
from patients.services.care.episodes import LevelValues, check_level, level_columns
from scheduling.services.corrections.preconditions import (
    CorrectedValue,
    lock_episode,
    record_correction,
    require_reason,
)
from scheduling.services.rulebook import RuleBook
from timekeeping.reasons import Reason, Refused, refuse_if_any

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FirstLevelFollowsAdmission(Reason):
    """The first level of care begins on the day of the admission, and it can be neither moved nor removed."""

    admitted: date


@dataclass(frozen=True, slots=True)
class LevelOutOfBounds(Reason):
    """The level of care must begin on a day from `first` to `last`, because other levels come before and after it.

    `last` is None if no level follows.
    """

    first: date
    last: date | None


@transaction.atomic
def correct_level(
    *, span: LevelOfCareSpan, values: LevelValues, reason: str, by: User, now: datetime
) -> LevelOfCareSpan:
    """Replace the values of a level of care, and return it. If its first day moves, the level before it ends there.

    Raises Refused if there is no reason, if nothing would change, if the first day is not between those of the levels
    before and after it, or if the prescription is impossible, or outside the site's rules without a reason for the
    exception. The first level keeps its first day, which is corrected with the admission.
    """
    reason = require_reason(reason)
    episode = lock_episode(span.episode)
    span, previous = _read(span)
    rules = RuleBook.of(episode.site).on(values.starts, values.level)
    reasons = list(_first_day_reasons(span, previous, values.starts))
    refuse_if_any([*reasons, *check_level(values, rules=rules, site_id=episode.site_id, by=by)])
    before = _values(span)
    if previous is not None:
        previous.ends = values.starts
        previous.save(update_fields=["ends"])
    for name, value in level_columns(values, rules).items():
        setattr(span, name, value)
    span.episode = episode
    span.save()
    record_correction(span, before=before, after=_values(span), reason=reason, by=by, now=now)
    return span


@transaction.atomic
def remove_level(*, span: LevelOfCareSpan, reason: str, by: User, now: datetime) -> None:
    """Remove a level of care that was entered by mistake. The level before it then lasts as long as this one did.

    Raises Refused if there is no reason, or if it is the first level of the episode.
    """
    reason = require_reason(reason)
    episode = lock_episode(span.episode)
    span, previous = _read(span)
    if previous is None:
        raise Refused([FirstLevelFollowsAdmission(span.starts)])
    span.episode = episode
    detail = "removed: " + ", ".join(f"{name} {value}" for name, value in _values(span).items() if value)
    record(span, by=by, action=Action.CORRECTED, at=now, detail=detail, reason=reason)
    previous.ends = span.ends
    span.delete()
    previous.save(update_fields=["ends"])


def _read(span: LevelOfCareSpan) -> tuple[LevelOfCareSpan, LevelOfCareSpan | None]:
    """Return the level as it is now in the database, and the level before it."""
    spans = LevelOfCareSpan.objects.filter(episode=span.episode_id)
    current = spans.get(pk=span.pk)
    return current, spans.filter(starts__lt=current.starts).order_by("-starts").first()


def _first_day_reasons(span: LevelOfCareSpan, previous: LevelOfCareSpan | None, starts: date) -> Iterator[Reason]:
    if starts == span.starts:
        return
    if previous is None:
        yield FirstLevelFollowsAdmission(span.starts)
    elif starts <= previous.starts or (span.ends is not None and starts >= span.ends):
        yield LevelOutOfBounds(previous.starts + DAY, span.ends and span.ends - DAY)


def _values(span: LevelOfCareSpan) -> dict[str, CorrectedValue]:
    """Return the level's values by the names under which the audit trail shows them."""
    return {
        "level": span.level,
        "minutes a week": span.prescribed_minutes,
        "days a week": span.prescribed_days,
        "first day": span.starts,
        "ordered by": span.stated_by,
        "reason for the exception": span.exception_reason,
    }
