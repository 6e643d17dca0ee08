"""Excuse patients from sessions during their leaves of absence, and delete excuses on other days.

Bookings can change after a leave was entered. `update_excuses` then brings the excuses up to date. Every service that
adds or moves bookings calls `update_excuses` as the last step, through `scheduling.services.bookings.after_booking`.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.audit import record_all
from accounts.models import Action, User
from attendance.models import Attendance, AttendanceQuerySet, AttendanceStatus
from scheduling.models import Booking, LeaveOfAbsence, Session, SessionStatus, Site
from scheduling.services.locks import lock_sessions, lock_site
from timekeeping.intervals import Interval


@transaction.atomic
def update_excuses_at_site(*, site: Site, now: datetime) -> int:
    """Lock the site and update the excuses of all its patients. Return how many marks were added or deleted."""
    lock_site(site.pk)
    return update_excuses(site=site, episode_ids=None, now=now)


def update_excuses(*, site: Site, episode_ids: Collection[int] | None, now: datetime) -> int:
    """Mark bookings during leaves of absence as excused, and delete the leaves' excuses on other days.

    Return how many marks were added or deleted. Leaves that are over are ignored. `episode_ids` limits the update to
    the leaves of these episodes; None means all episodes at the site. A second call changes nothing. The caller must be
    in a transaction and hold the lock on the site.
    """
    leaves = LeaveOfAbsence.objects.filter(episode__site=site).open_on_or_after(now.astimezone(site.zone).date())
    if episode_ids is not None:
        leaves = leaves.filter(episode__in=episode_ids)
    found = list(leaves)
    if not found:
        return 0
    return withdraw_excuses(found, by=None, now=now) + excuse_bookings(found, by=None, now=now)


def excuse_bookings(leaves: Sequence[LeaveOfAbsence], *, by: User | None, now: datetime) -> int:
    """Excuse the patients from their sessions during the leaves of absence. Return the number of new marks.

    Bookings that already have a mark are left out, and so are bookings of canceled or finalized sessions. If `by` is
    None, each mark names the user who recorded the leave.
    """
    if not leaves:
        return 0
    candidates = Booking.objects.active().filter(
        episode__in=[leave.episode_id for leave in leaves],
        session__on__gte=min(leave.starts for leave in leaves),
        session__status=SessionStatus.SCHEDULED,
        session__finalized_at=None,
    )
    session_ids = candidates.filter(attendance=None).values_list("session", flat=True)
    lock_sessions(Session.objects.filter(pk__in=list(session_ids)))
    # Query again now that the rows are locked, because another user may have marked a booking in the meantime.
    unmarked = candidates.filter(attendance=None).select_related("session", "episode__patient")
    leaves_of: dict[int, list[tuple[LeaveOfAbsence, Interval[date]]]] = defaultdict(list)
    for leave in leaves:
        leaves_of[leave.episode_id].append((leave, leave.as_interval()))
    marks = [
        Attendance(
            booking=booking,
            status=AttendanceStatus.EXCUSED,
            credited_minutes=0,
            reason=_("Leave of absence: %(reason)s") % {"reason": leave.reason},
            leave=leave,
            recorded_by_id=by.pk if by else leave.recorded_by_id,
            recorded_at=now,
        )
        for booking in unmarked.order_by("starts", "pk")
        for leave, dates in leaves_of[booking.episode_id]
        if dates.contains(booking.session.on)
    ]
    Attendance.objects.bulk_create(marks)
    _increment_versions(marks)
    record_all(marks, by=by, action=Action.MARKED, at=now, detail="excused: leave of absence")
    return len(marks)


def withdraw_excuses(leaves: Sequence[LeaveOfAbsence], *, by: User | None, now: datetime) -> int:
    """For each leave, delete its excuses on days that are no longer in the leave. Return how many were deleted in total.

    Only excuses for future sessions are deleted.
    """
    excuses = Attendance.objects.filter(leave__in=leaves).select_related("booking__session", "leave")
    outside = [
        mark.pk for mark in excuses if mark.leave and not mark.leave.as_interval().contains(mark.booking.session.on)
    ]
    return delete_excuses(Attendance.objects.filter(pk__in=outside), by=by, now=now)


def delete_excuses(excuses: AttendanceQuerySet, *, by: User | None, now: datetime) -> int:
    """Delete the given excuses for future sessions that are not finalized. Return how many were deleted.

    The excuse for a session that has begun is kept, because the excuse records what happened.
    """
    future = excuses.filter(booking__session__starts__gt=now, booking__session__finalized_at=None)
    lock_sessions(Session.objects.filter(pk__in=list(future.values_list("booking__session", flat=True))))
    marks = list(future.select_related("booking__session", "booking__episode__patient"))
    record_all(marks, by=by, action=Action.DELETED, at=now, detail="excused no longer: leave of absence")
    _increment_versions(marks)
    Attendance.objects.filter(pk__in=[mark.pk for mark in marks]).delete()
    return len(marks)


def _increment_versions(marks: Sequence[Attendance]) -> None:
    session_ids = {mark.booking.session_id for mark in marks}
    Session.objects.filter(pk__in=session_ids).update(version=F("version") + 1)
