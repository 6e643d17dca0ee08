"""Leaves of absence. During a leave, the patient stays enrolled, and the patient's sessions are excused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from attendance.models import Attendance
from attendance.services.excuses import delete_excuses, excuse_bookings, withdraw_excuses
from patients.models import Episode
from scheduling.models import LeaveOfAbsence
from scheduling.services.locks import lock_site
from scheduling.services.reasons import BeforeAdmission, HasBegun, NothingChanged, ReasonRequired
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.reasons import EndDateBeforeStart, EpisodeEnded, Reason, Refused

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LeaveOverlaps(Reason):
    """Another leave of absence of the patient covers some of the requested days.

    The other leave ends on `last_day`. It is open-ended if `last_day` is None.
    """

    first_day: date
    last_day: date | None


@transaction.atomic
def add_leave(
    *, episode: Episode, first_day: date, last_day: date | None, reason: str, by: User, now: datetime
) -> LeaveOfAbsence:
    """Enter a leave of absence, excuse the patient's unmarked sessions on its days, and return the leave.

    The leave lasts from `first_day` through `last_day`, or is open-ended if `last_day` is None. Raises Refused if the
    last day is before the first, if there is no reason, if the leave begins outside the episode of care, or if the
    leave overlaps another leave.
    """
    episode = _lock_episode(episode)
    reasons: list[Reason] = []
    if last_day is not None and last_day < first_day:
        reasons.append(EndDateBeforeStart(first_day, last_day))
    if not reason.strip():
        reasons.append(ReasonRequired())
    if first_day < episode.starts:
        reasons.append(BeforeAdmission(first_day, episode.starts))
    if episode.ends is not None and episode.ends <= first_day:
        reasons.append(EpisodeEnded(episode.ends - DAY))
    reasons += _overlapping_leaves(episode, first_day, last_day)
    if reasons:
        raise Refused(reasons)
    leave = LeaveOfAbsence.objects.create(
        episode=episode,
        starts=first_day,
        ends=None if last_day is None else last_day + DAY,
        reason=reason.strip(),
        recorded_by=by,
    )
    record(leave, by=by, action=Action.CREATED, at=now, detail=_dates_text(leave), reason=leave.reason)
    excuse_bookings([leave], by=by, now=now)
    mark_episode_feeds_stale([episode.pk], now)
    return leave


@transaction.atomic
def change_leave_end(*, leave: LeaveOfAbsence, last_day: date | None, by: User, now: datetime) -> LeaveOfAbsence:
    """Change the last day of a leave, update the excuses, and return the leave. None makes the leave open-ended.

    Excuses for future sessions after the new last day are deleted. Unmarked sessions up to the new last day are
    excused. Excuses for sessions that have begun are kept. Raises Refused if the last day is before the leave begins,
    if the leave would overlap another, or if nothing would change.
    """
    _lock_episode(leave.episode)
    leave = LeaveOfAbsence.objects.select_related("episode__patient").get(pk=leave.pk)
    reasons: list[Reason] = []
    if last_day is not None and last_day < leave.starts:
        reasons.append(EndDateBeforeStart(leave.starts, last_day))
    if last_day == leave.last_day:
        reasons.append(NothingChanged())
    reasons += _overlapping_leaves(leave.episode, leave.starts, last_day, apart_from=leave)
    if reasons:
        raise Refused(reasons)
    leave.ends = None if last_day is None else last_day + DAY
    leave.save(update_fields=["ends"])
    record(leave, by=by, action=Action.CHANGED, at=now, detail=_dates_text(leave))
    withdraw_excuses([leave], by=by, now=now)
    excuse_bookings([leave], by=by, now=now)
    mark_episode_feeds_stale([leave.episode_id], now)
    return leave


@transaction.atomic
def cancel_leave(*, leave: LeaveOfAbsence, by: User, now: datetime) -> None:
    """Delete a leave of absence that will not take place, together with its excuses.

    Raises Refused if a session that the leave excused has already begun.
    """
    _lock_episode(leave.episode)
    leave = LeaveOfAbsence.objects.select_related("episode__patient").get(pk=leave.pk)
    delete_excuses(Attendance.objects.filter(leave=leave), by=by, now=now)
    begun = leave.excused.order_by("booking__starts").select_related("booking__session").first()
    if begun is not None:
        raise Refused([HasBegun(begun.booking.session.name, begun.booking.session.on)])
    record(leave, by=by, action=Action.DELETED, at=now, detail=_dates_text(leave), reason=leave.reason)
    mark_episode_feeds_stale([leave.episode_id], now)
    leave.delete()


def _lock_episode(episode: Episode) -> Episode:
    lock_site(episode.site_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True)
    return episodes.select_related("site", "patient").get(pk=episode.pk)


def _overlapping_leaves(
    episode: Episode, first_day: date, last_day: date | None, apart_from: LeaveOfAbsence | None = None
) -> Iterable[Reason]:
    others = LeaveOfAbsence.objects.filter(episode=episode).overlapping(
        first_day, date.max if last_day is None else last_day + DAY
    )
    if apart_from is not None:
        others = others.exclude(pk=apart_from.pk)
    return [LeaveOverlaps(other.starts, other.last_day) for other in others]


def _dates_text(leave: LeaveOfAbsence) -> str:
    until = f" to {leave.last_day:%Y-%m-%d}" if leave.last_day else ""
    return f"away from {leave.starts:%Y-%m-%d}{until}"
