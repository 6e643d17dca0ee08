"""Update the sessions and enrollments of a meeting that ends or is continued by another meeting."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from accounts.audit import record_all
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    Meeting,
    ReleaseCause,
    Session,
    SessionFacilitator,
    SessionStatus,
)
from scheduling.models.session import SessionQuerySet
from scheduling.services.bookings.release import release_bookings
from scheduling.services.locks import lock_sessions
from scheduling.services.stale_feeds import mark_session_feeds_stale
from timekeeping.weeks import week_start

WEEK = timedelta(weeks=1)


def changed_sessions_from(meeting: Meeting, day: date | None, now: datetime) -> SessionQuerySet:
    """Return the meeting's future sessions that were changed by hand or canceled.

    If `day` is given, leave out sessions whose original date is before that day.
    """
    return _sessions_from(meeting, day, now).filter(departed_at__isnull=False)


def stop_meeting(
    *, meeting: Meeting, until: date, reason: str, now: datetime, let_go: Collection[int] = ()
) -> list[Session]:
    """End the meeting on `until` (exclusive), and remove its later sessions unless they have begun.

    Sessions that were changed by hand are kept and returned, except those whose ids are in `let_go`. The caller must
    assign the returned sessions to another meeting or detach them.
    """
    meeting.runs_until = until
    meeting.save(update_fields=["runs_until"])
    return _remove_sessions(_sessions_from(meeting, until, now), reason, now, let_go)[1]


def withdraw_sessions(*, meeting: Meeting, reason: str, now: datetime, let_go: Collection[int] = ()) -> list[Session]:
    """Remove all future sessions of the meeting, so that they can be created again.

    Sessions that were changed by hand are kept and returned, except those whose ids are in `let_go`. Other sessions are
    deleted if they never had a booking. Otherwise, they become canceled one-off sessions.
    """
    cancelled, kept = _remove_sessions(_sessions_from(meeting, None, now), reason, now, let_go)
    Session.objects.filter(pk__in=cancelled).update(meeting=None, pattern_date=None)
    return kept


def _sessions_from(meeting: Meeting, day: date | None, now: datetime) -> SessionQuerySet:
    """Return the meeting's future sessions. If `day` is given, leave out sessions with an earlier original date."""
    to_come = Session.objects.filter(meeting=meeting).to_come(now)
    return to_come if day is None else to_come.filter(pattern_date__gte=day)


def _remove_sessions(
    sessions: SessionQuerySet, reason: str, now: datetime, let_go: Collection[int]
) -> tuple[list[int], list[Session]]:
    """Delete the sessions that never had a booking. Cancel the others and release their bookings.

    Sessions that were changed by hand are kept, except those whose ids are in `let_go`. Return the ids of the canceled
    sessions, and the sessions that were kept.
    """
    locked = lock_sessions(sessions)
    kept = [session for session in locked if session.is_changed and session.pk not in let_go]
    kept_ids = {session.pk for session in kept}
    ids = [session.pk for session in locked if session.pk not in kept_ids]
    mark_session_feeds_stale(ids, now)
    booked = set(Session.objects.filter(pk__in=ids, bookings__isnull=False).values_list("pk", flat=True))
    Session.objects.filter(pk__in=set(ids) - booked).delete()
    release_bookings(
        bookings=Booking.objects.filter(session__in=booked), cause=ReleaseCause.CHANGED, reason=reason, now=now
    )
    Session.objects.filter(pk__in=booked, status=SessionStatus.SCHEDULED).update(
        status=SessionStatus.CANCELLED, cancel_reason=reason, departed_at=now
    )
    # Detach canceled sessions from their closure, so that they stay canceled when the closure is lifted.
    Session.objects.filter(pk__in=booked, closure__isnull=False).update(closure=None)
    SessionFacilitator.objects.filter(session__in=booked).update(starts=None, ends=None)
    return sorted(booked), kept


def remove_individual_meeting(*, meeting: Meeting, ends: date, reason: str, now: datetime) -> None:
    """End a meeting for individual sessions on `ends` (exclusive). Remove its later sessions unless they have begun.

    Sessions that were changed by hand are removed too. Sessions that were moved from an earlier date to `ends` or later
    are removed if nobody is booked into them. A meeting that would begin on `ends` or later is deleted, unless it still
    has sessions.
    """
    later = Q(pattern_date__gte=ends) | Q(on__gte=ends, booked=0)
    sessions = Session.objects.filter(later, meeting=meeting).to_come(now)
    cancelled, _ = _remove_sessions(sessions, reason, now, list(sessions.values_list("pk", flat=True)))
    if meeting.runs_from < ends:
        meeting.runs_until = ends
        meeting.save(update_fields=["runs_until"])
        meeting.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=ends)).update(ends=ends)
        return
    Session.objects.filter(pk__in=cancelled).update(meeting=None, pattern_date=None)
    meeting.enrollment_meetings.all().delete()
    if not meeting.sessions.exists():
        meeting.delete()


def reassign_sessions(*, sessions: Iterable[Session], meeting: Meeting, now: datetime) -> None:
    """Assign manually changed sessions to a meeting.

    Each session counts as the meeting's session in the same week, so no other session is created for that week. If the
    meeting has no date in that week, the session becomes a one-off session. Bookings of enrollments that are not in the
    meeting are released.
    """
    recurrence = meeting.as_pattern().recurrence
    for session in sessions:
        assert session.pattern_date is not None
        monday = week_start(session.pattern_date)
        dates = recurrence.dates(max(monday, meeting.runs_from), monday + WEEK)
        session.pattern_date = next(dates, None)
        session.meeting = None if session.pattern_date is None else meeting
        session.save(update_fields=["pattern_date", "meeting"])
    enrolled = EnrollmentMeeting.objects.filter(meeting=meeting, enrollment=OuterRef("enrollment"))
    bookings = Booking.objects.filter(session__in=[session.pk for session in sessions], enrollment__isnull=False)
    release_bookings(
        bookings=bookings.filter(~Exists(enrolled)),
        cause=ReleaseCause.CHANGED,
        reason=StoredReason.GROUP_CHANGED,
        now=now,
    )


def detach_sessions(sessions: Iterable[Session]) -> None:
    """Turn the remaining sessions of a meeting that has ended into one-off sessions."""
    ids = [session.pk for session in sessions]
    Session.objects.filter(pk__in=ids).update(meeting=None, pattern_date=None)


def end_meeting_enrollments(*, meeting: Meeting, ends: date, by: User | None, now: datetime) -> None:
    """Take every enrollment out of the meeting. `ends` is the first day without enrollments."""
    later = meeting.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=ends))
    _record(later.values_list("enrollment", flat=True), f"{meeting} until {ends:%Y-%m-%d}", by, now)
    later.filter(starts__lt=ends).update(ends=ends)
    meeting.enrollment_meetings.filter(starts__gte=ends).delete()


def move_enrollments(*, meeting: Meeting, following: Meeting, begins: date, by: User | None, now: datetime) -> None:
    """Move enrollments from `meeting` to `following`, the meeting that continues it from the day `begins` on.

    All enrollments leave `meeting` on that day. An enrollment moves to `following` in two cases:

    - `following` serves the enrollment's track.
    - `meeting` does not serve the enrollment's track (tracks can mix), and the two meetings have a track in common.
    """
    meeting.continued_by.exclude(pk=following.pk).update(continues=following)
    continuing = Q(enrollment__track__in=following.tracks.all())
    if following.tracks.filter(pk__in=meeting.tracks.all()).exists():
        continuing |= ~Q(enrollment__track__in=meeting.tracks.all())
    moving = meeting.enrollment_meetings.filter(continuing, Q(ends=None) | Q(ends__gt=begins))
    EnrollmentMeeting.objects.bulk_create(
        EnrollmentMeeting(
            enrollment_id=each.enrollment_id, meeting=following, starts=max(begins, each.starts), ends=each.ends
        )
        for each in moving
    )
    end_meeting_enrollments(meeting=meeting, ends=begins, by=by, now=now)


def _record(enrollments: Collection[int], detail: str, by: User | None, now: datetime) -> None:
    """Record in the audit trail that these enrollments changed."""
    changed = Enrollment.objects.filter(pk__in=list(enrollments)).select_related("episode__patient", "track")
    record_all(changed, by=by, action=Action.CHANGED, at=now, detail=detail)
