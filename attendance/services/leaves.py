"""Leaves of absence: the places are kept, and every session in them is excused."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.audit import record, record_all
from accounts.models import Action, User
from attendance.models import Attendance, AttendanceQuerySet, AttendanceStatus
from patients.models import Episode
from scheduling.models import Booking, LeaveOfAbsence, Session, SessionStatus, Site
from scheduling.services.absences import AwayAlready
from scheduling.services.reasons import (
    AlreadyEnded,
    BeforeAdmission,
    EndsBeforeItBegins,
    HasBegun,
    NeedsReason,
    NothingChanged,
    Refused,
)
from scheduling.services.rosters import hold_site, lock_sessions, mark_stale_of_episodes
from timekeeping.reasons import Reason

DAY = timedelta(days=1)


@transaction.atomic
def take_leave(
    *, episode: Episode, first_day: date, last_day: date | None, reason: str, by: User, now: datetime
) -> LeaveOfAbsence:
    """The patient is away on the days, until further notice without a last one; what is booked on them and not marked yet
    is excused.

    Raises Refused for a last day before the first, without a reason, outside the course of care, and when another leave has
    some of the days.
    """
    episode = _held(episode)
    reasons: list[Reason] = []
    if last_day is not None and last_day < first_day:
        reasons.append(EndsBeforeItBegins(first_day, last_day))
    if not reason.strip():
        reasons.append(NeedsReason())
    if first_day < episode.starts:
        reasons.append(BeforeAdmission(first_day, episode.starts))
    if episode.ends is not None and episode.ends <= first_day:
        reasons.append(AlreadyEnded("The course of care", episode.ends - DAY))
    reasons += _other_leaves(episode, first_day, last_day)
    if reasons:
        raise Refused(reasons)
    leave = LeaveOfAbsence.objects.create(
        episode=episode,
        starts=first_day,
        ends=None if last_day is None else last_day + DAY,
        reason=reason.strip(),
        recorded_by=by,
    )
    record(leave, by=by, action=Action.CREATED, at=now, detail=_until(leave), reason=leave.reason)
    _excuse([leave], by, now)
    mark_stale_of_episodes([episode.pk], now)
    return leave


@transaction.atomic
def end_leave(*, leave: LeaveOfAbsence, last_day: date | None, by: User, now: datetime) -> LeaveOfAbsence:
    """The patient comes back earlier or later than was said, after `last_day`, or nobody knows when.

    Excuses from sessions to come after it are withdrawn, and those until then given; what has begun stays as it is. Raises
    Refused for a day before the leave begins, when another leave has some of the days, and when nothing would be different.
    """
    _held(leave.episode)
    leave = LeaveOfAbsence.objects.select_related("episode__patient").get(pk=leave.pk)
    reasons: list[Reason] = []
    if last_day is not None and last_day < leave.starts:
        reasons.append(EndsBeforeItBegins(leave.starts, last_day))
    if last_day == leave.last_day:
        reasons.append(NothingChanged())
    reasons += _other_leaves(leave.episode, leave.starts, last_day, apart_from=leave)
    if reasons:
        raise Refused(reasons)
    leave.ends = None if last_day is None else last_day + DAY
    leave.save(update_fields=["ends"])
    record(leave, by=by, action=Action.CHANGED, at=now, detail=_until(leave))
    _withdraw([leave], by, now)
    _excuse([leave], by, now)
    mark_stale_of_episodes([leave.episode_id], now)
    return leave


@transaction.atomic
def call_off_leave(*, leave: LeaveOfAbsence, by: User, now: datetime) -> None:
    """The patient does not go after all. Raises Refused once something was excused by it that has begun."""
    _held(leave.episode)
    leave = LeaveOfAbsence.objects.select_related("episode__patient").get(pk=leave.pk)
    _take_back(Attendance.objects.filter(leave=leave), by, now)
    begun = leave.excused.order_by("booking__starts").select_related("booking__session").first()
    if begun is not None:
        raise Refused([HasBegun(begun.booking.session.name, begun.booking.session.on)])
    record(leave, by=by, action=Action.DELETED, at=now, detail=_until(leave), reason=leave.reason)
    mark_stale_of_episodes([leave.episode_id], now)
    leave.delete()


@transaction.atomic
def excuse_leaves(*, site: Site, now: datetime) -> int:
    """Excuses what was booked into a leave since it was taken, and no longer what was moved out of one; how many marks that
    were. Doing it twice changes nothing.
    """
    hold_site(site.pk)
    return _settle(LeaveOfAbsence.objects.filter(episode__site=site).not_over_on(_today(site, now)), now)


@transaction.atomic
def excuse_leaves_of(*, episode: Episode, now: datetime) -> int:
    """As `excuse_leaves`, for one patient whose bookings were just changed."""
    hold_site(episode.site_id)
    return _settle(episode.leaves.not_over_on(_today(episode.site, now)), now)


def _settle(leaves: Iterable[LeaveOfAbsence], now: datetime) -> int:
    known = list(leaves)
    return _withdraw(known, None, now) + _excuse(known, None, now)


def _today(site: Site, now: datetime) -> date:
    return now.astimezone(site.zone).date()


def _held(episode: Episode) -> Episode:
    hold_site(episode.site_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True)
    return episodes.select_related("site", "patient").get(pk=episode.pk)


def _other_leaves(
    episode: Episode, first_day: date, last_day: date | None, apart_from: LeaveOfAbsence | None = None
) -> Iterable[Reason]:
    others = LeaveOfAbsence.objects.filter(episode=episode).touching(
        first_day, date.max if last_day is None else last_day + DAY
    )
    if apart_from is not None:
        others = others.exclude(pk=apart_from.pk)
    return [AwayAlready(other.starts, other.last_day) for other in others]


def _until(leave: LeaveOfAbsence) -> str:
    until = f" to {leave.last_day:%Y-%m-%d}" if leave.last_day else ""
    return f"away from {leave.starts:%Y-%m-%d}{until}"


def _excuse(leaves: Sequence[LeaveOfAbsence], by: User | None, now: datetime) -> int:
    """Excuses every standing booking on a day of the leaves that nobody has marked yet; how many."""
    if not leaves:
        return 0
    unmarked = Booking.objects.standing().filter(
        episode__in=[leave.episode_id for leave in leaves],
        session__on__gte=min(leave.starts for leave in leaves),
        session__status=SessionStatus.SCHEDULED,
        session__finalized_at=None,
    )
    lock_sessions(
        Session.objects.filter(pk__in=list(unmarked.filter(attendance=None).values_list("session", flat=True)))
    )
    found = unmarked.filter(attendance=None).select_related("session", "episode__patient").order_by("starts", "pk")
    days = {leave.pk: leave.as_interval() for leave in leaves}
    marks = [
        Attendance(
            booking=booking,
            status=AttendanceStatus.EXCUSED,
            credited_minutes=0,
            reason=f"Leave of absence: {leave.reason}",
            leave=leave,
            recorded_by_id=by.pk if by else leave.recorded_by_id,
            recorded_at=now,
        )
        for booking in found
        for leave in leaves
        if leave.episode_id == booking.episode_id and days[leave.pk].contains(booking.session.on)
    ]
    Attendance.objects.bulk_create(marks)
    _raise_versions(marks)
    record_all(marks, by=by, action=Action.MARKED, at=now, detail="excused: leave of absence")
    return len(marks)


def _withdraw(leaves: Sequence[LeaveOfAbsence], by: User | None, now: datetime) -> int:
    """Takes back excuses by the leaves from sessions to come that are on none of their days; how many."""
    given = Attendance.objects.filter(leave__in=leaves).select_related("booking__session", "leave")
    outside = [
        mark.pk for mark in given if mark.leave and not mark.leave.as_interval().contains(mark.booking.session.on)
    ]
    return _take_back(Attendance.objects.filter(pk__in=outside), by, now)


def _take_back(excuses: AttendanceQuerySet, by: User | None, now: datetime) -> int:
    """Deletes the excuses of sessions to come, which tell of nothing that happened; how many."""
    to_come = excuses.filter(booking__session__starts__gt=now, booking__session__finalized_at=None)
    lock_sessions(Session.objects.filter(pk__in=list(to_come.values_list("booking__session", flat=True))))
    marks = list(to_come.select_related("booking__session", "booking__episode__patient"))
    record_all(marks, by=by, action=Action.DELETED, at=now, detail="excused no longer: leave of absence")
    _raise_versions(marks)
    Attendance.objects.filter(pk__in=[mark.pk for mark in marks]).delete()
    return len(marks)


def _raise_versions(marks: Sequence[Attendance]) -> None:
    sessions = {mark.booking.session_id for mark in marks}
    Session.objects.filter(pk__in=sessions).update(version=F("version") + 1)
