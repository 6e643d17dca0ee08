"""What becomes of a meeting's sessions, and of those who stand in it, when it ends or another takes its place."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from accounts.audit import record_all
from accounts.models import Action, User
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
from scheduling.services.rosters import lock_sessions, mark_session_feeds_stale
from timekeeping.weeks import week_start

WEEK = timedelta(weeks=1)


def changed_sessions_from(meeting: Meeting, day: date | None, now: datetime) -> SessionQuerySet:
    """Sessions to come of the day or later that were changed by hand, or cancelled: somebody decided something about each.
    All to come without a day."""
    return _sessions_from(meeting, day, now).filter(departed_at__isnull=False)


def stop_meeting(
    *, meeting: Meeting, until: date, reason: str, now: datetime, let_go: Collection[int] = ()
) -> list[Session]:
    """No more sessions from the day on. What has begun stays as it is, and so do exceptions but for those to `let_go`, which
    are answered: they still have to be given to another meeting, or to none.
    """
    meeting.runs_until = until
    meeting.save(update_fields=["runs_until"])
    return _remove_sessions(_sessions_from(meeting, until, now), reason, now, let_go)[1]


def withdraw_sessions(*, meeting: Meeting, reason: str, now: datetime, let_go: Collection[int] = ()) -> list[Session]:
    """Takes out every session to come, so that they can be written anew; those that had bookings stay as cancelled one-offs.

    Answers the exceptions that are kept, as `stop_meeting` does.
    """
    cancelled, kept = _remove_sessions(_sessions_from(meeting, None, now), reason, now, let_go)
    Session.objects.filter(pk__in=cancelled).update(meeting=None, pattern_date=None)
    return kept


def _sessions_from(meeting: Meeting, day: date | None, now: datetime) -> SessionQuerySet:
    """Sessions to come that stand for the day or a later one."""
    to_come = Session.objects.filter(meeting=meeting).to_come(now)
    return to_come if day is None else to_come.filter(pattern_date__gte=day)


def _remove_sessions(
    sessions: SessionQuerySet, reason: str, now: datetime, let_go: Collection[int]
) -> tuple[list[int], list[Session]]:
    """Sessions nobody was ever booked into go; the others are cancelled and their places given back.

    Answers the ids of the cancelled ones, and the exceptions that were left as they are.
    """
    locked = lock_sessions(sessions)
    kept = [session for session in locked if session.is_changed and session.pk not in let_go]
    spared = {session.pk for session in kept}
    ids = [session.pk for session in locked if session.pk not in spared]
    mark_session_feeds_stale(ids, now)
    booked = set(Session.objects.filter(pk__in=ids, bookings__isnull=False).values_list("pk", flat=True))
    Session.objects.filter(pk__in=set(ids) - booked).delete()
    release_bookings(
        bookings=Booking.objects.filter(session__in=booked), cause=ReleaseCause.CHANGED, reason=reason, now=now
    )
    Session.objects.filter(pk__in=booked, status=SessionStatus.SCHEDULED).update(
        status=SessionStatus.CANCELLED, cancel_reason=reason, departed_at=now
    )
    Session.objects.filter(pk__in=booked, closure__isnull=False).update(
        closure=None
    )  # lifting it gives none of them back
    SessionFacilitator.objects.filter(session__in=booked).update(starts=None, ends=None)
    return sorted(booked), kept


def remove_individual_meeting(*, meeting: Meeting, ends: date, reason: str, now: datetime) -> None:
    """Nothing more of a meeting that was for one patient alone, exceptions among it; what has begun stays. Of one that was to
    begin on the day or later no more is left than what was cancelled of it.

    A session of an earlier date that was moved to the day or later goes with it, once nobody is booked into it.
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
    """Each exception stands for the meeting's date of its week, so that no second session is written beside it.

    Where the meeting has no date in that week it becomes a one-off. Who does not stand in the meeting gives the place back.
    """
    own = meeting.as_pattern().recurrence
    for session in sessions:
        assert session.pattern_date is not None
        monday = week_start(session.pattern_date)
        dates = own.dates(max(monday, meeting.runs_from), monday + WEEK)
        session.pattern_date = next(dates, None)
        session.meeting = None if session.pattern_date is None else meeting
        session.save(update_fields=["pattern_date", "meeting"])
    standing = EnrollmentMeeting.objects.filter(meeting=meeting, enrollment=OuterRef("enrollment"))
    left_behind = Booking.objects.filter(session__in=[session.pk for session in sessions], enrollment__isnull=False)
    release_bookings(
        bookings=left_behind.filter(~Exists(standing)), cause=ReleaseCause.CHANGED, reason="The group changed", now=now
    )


def detach_sessions(sessions: Iterable[Session]) -> None:
    """Exceptions of a meeting that has ended go on as one-offs."""
    ids = [session.pk for session in sessions]
    Session.objects.filter(pk__in=ids).update(meeting=None, pattern_date=None)


def end_meeting_enrollments(*, meeting: Meeting, ends: date, by: User | None, now: datetime) -> None:
    """Nobody stands in the meeting from the day on."""
    later = meeting.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=ends))
    _record(later.values_list("enrollment", flat=True), f"{meeting} until {ends:%Y-%m-%d}", by, now)
    later.filter(starts__lt=ends).update(ends=ends)
    meeting.enrollment_meetings.filter(starts__gte=ends).delete()


def move_enrollments(*, meeting: Meeting, following: Meeting, begins: date, by: User | None, now: datetime) -> None:
    """Who stands in the meeting stands in the next one from the day on, if it still serves their track; who visits it from
    another track, if it still serves one that they visited.
    """
    meeting.continued_by.exclude(pk=following.pk).update(continues=following)
    goes_on = Q(enrollment__track__in=following.tracks.all())
    if following.tracks.filter(pk__in=meeting.tracks.all()).exists():
        goes_on |= ~Q(enrollment__track__in=meeting.tracks.all())
    standing = meeting.enrollment_meetings.filter(goes_on, Q(ends=None) | Q(ends__gt=begins))
    EnrollmentMeeting.objects.bulk_create(
        EnrollmentMeeting(
            enrollment_id=each.enrollment_id, meeting=following, starts=max(begins, each.starts), ends=each.ends
        )
        for each in standing
    )
    end_meeting_enrollments(meeting=meeting, ends=begins, by=by, now=now)


def _record(enrollments: Collection[int], detail: str, by: User | None, now: datetime) -> None:
    """Each patient's trail says what became of their place."""
    touched = Enrollment.objects.filter(pk__in=list(enrollments)).select_related("episode__patient", "track")
    record_all(touched, by=by, action=Action.CHANGED, at=now, detail=detail)
