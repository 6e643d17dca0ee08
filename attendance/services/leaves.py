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
from scheduling.services.absences import LeaveOverlaps
from scheduling.services.reasons import AlreadyEnded, BeforeAdmission, HasBegun, NothingChanged, ReasonRequired
from scheduling.services.rosters import lock_sessions, lock_site, mark_episode_feeds_stale
from timekeeping.reasons import EndDateBeforeStart, Reason, Refused

DAY = timedelta(days=1)


@transaction.atomic
def add_leave(
    *, episode: Episode, first_day: date, last_day: date | None, reason: str, by: User, now: datetime
) -> LeaveOfAbsence:
    """The patient is away on the days, until further notice without a last one; what is booked on them and not marked yet
    is excused.

    Raises Refused for a last day before the first, without a reason, outside the course of care, and when another leave has
    some of the days.
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
        reasons.append(AlreadyEnded("The course of care", episode.ends - DAY))
    reasons += _check_other_leaves(episode, first_day, last_day)
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
    _excuse_bookings([leave], by, now)
    mark_episode_feeds_stale([episode.pk], now)
    return leave


@transaction.atomic
def change_leave_end(*, leave: LeaveOfAbsence, last_day: date | None, by: User, now: datetime) -> LeaveOfAbsence:
    """The patient comes back earlier or later than was said, after `last_day`, or nobody knows when.

    Excuses from sessions to come after it are withdrawn, and those until then given; what has begun stays as it is. Raises
    Refused for a day before the leave begins, when another leave has some of the days, and when nothing would be different.
    """
    _lock_episode(leave.episode)
    leave = LeaveOfAbsence.objects.select_related("episode__patient").get(pk=leave.pk)
    reasons: list[Reason] = []
    if last_day is not None and last_day < leave.starts:
        reasons.append(EndDateBeforeStart(leave.starts, last_day))
    if last_day == leave.last_day:
        reasons.append(NothingChanged())
    reasons += _check_other_leaves(leave.episode, leave.starts, last_day, apart_from=leave)
    if reasons:
        raise Refused(reasons)
    leave.ends = None if last_day is None else last_day + DAY
    leave.save(update_fields=["ends"])
    record(leave, by=by, action=Action.CHANGED, at=now, detail=_dates_text(leave))
    _withdraw_excuses([leave], by, now)
    _excuse_bookings([leave], by, now)
    mark_episode_feeds_stale([leave.episode_id], now)
    return leave


@transaction.atomic
def cancel_leave(*, leave: LeaveOfAbsence, by: User, now: datetime) -> None:
    """The patient does not go after all. Raises Refused once something was excused by it that has begun."""
    _lock_episode(leave.episode)
    leave = LeaveOfAbsence.objects.select_related("episode__patient").get(pk=leave.pk)
    _delete_excuses(Attendance.objects.filter(leave=leave), by, now)
    begun = leave.excused.order_by("booking__starts").select_related("booking__session").first()
    if begun is not None:
        raise Refused([HasBegun(begun.booking.session.name, begun.booking.session.on)])
    record(leave, by=by, action=Action.DELETED, at=now, detail=_dates_text(leave), reason=leave.reason)
    mark_episode_feeds_stale([leave.episode_id], now)
    leave.delete()


@transaction.atomic
def update_excuses_at(*, site: Site, now: datetime) -> int:
    """Excuses what was booked into a leave since it was taken, and no longer what was moved out of one; how many marks that
    were. Doing it twice changes nothing.
    """
    lock_site(site.pk)
    return _update_excuses(LeaveOfAbsence.objects.filter(episode__site=site).open_on_or_after(_today(site, now)), now)


@transaction.atomic
def update_excuses_for(*, episode: Episode, now: datetime) -> int:
    """As `excuse_leaves`, for one patient whose bookings were just changed."""
    lock_site(episode.site_id)
    return _update_excuses(episode.leaves.open_on_or_after(_today(episode.site, now)), now)


def _update_excuses(leaves: Iterable[LeaveOfAbsence], now: datetime) -> int:
    known = list(leaves)
    return _withdraw_excuses(known, None, now) + _excuse_bookings(known, None, now)


def _today(site: Site, now: datetime) -> date:
    return now.astimezone(site.zone).date()


def _lock_episode(episode: Episode) -> Episode:
    lock_site(episode.site_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True)
    return episodes.select_related("site", "patient").get(pk=episode.pk)


def _check_other_leaves(
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


def _excuse_bookings(leaves: Sequence[LeaveOfAbsence], by: User | None, now: datetime) -> int:
    """Excuses every standing booking on a day of the leaves that nobody has marked yet; how many."""
    if not leaves:
        return 0
    unmarked = Booking.objects.active().filter(
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
    _increment_versions(marks)
    record_all(marks, by=by, action=Action.MARKED, at=now, detail="excused: leave of absence")
    return len(marks)


def _withdraw_excuses(leaves: Sequence[LeaveOfAbsence], by: User | None, now: datetime) -> int:
    """Takes back excuses by the leaves from sessions to come that are on none of their days; how many."""
    given = Attendance.objects.filter(leave__in=leaves).select_related("booking__session", "leave")
    outside = [
        mark.pk for mark in given if mark.leave and not mark.leave.as_interval().contains(mark.booking.session.on)
    ]
    return _delete_excuses(Attendance.objects.filter(pk__in=outside), by, now)


def _delete_excuses(excuses: AttendanceQuerySet, by: User | None, now: datetime) -> int:
    """Deletes the excuses of sessions to come, which tell of nothing that happened; how many."""
    to_come = excuses.filter(booking__session__starts__gt=now, booking__session__finalized_at=None)
    lock_sessions(Session.objects.filter(pk__in=list(to_come.values_list("booking__session", flat=True))))
    marks = list(to_come.select_related("booking__session", "booking__episode__patient"))
    record_all(marks, by=by, action=Action.DELETED, at=now, detail="excused no longer: leave of absence")
    _increment_versions(marks)
    Attendance.objects.filter(pk__in=[mark.pk for mark in marks]).delete()
    return len(marks)


def _increment_versions(marks: Sequence[Attendance]) -> None:
    sessions = {mark.booking.session_id for mark in marks}
    Session.objects.filter(pk__in=sessions).update(version=F("version") + 1)
