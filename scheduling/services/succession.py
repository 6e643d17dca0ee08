"""What becomes of a meeting's sessions, and of those who stand in it, when it ends or another takes its place."""

from collections.abc import Collection
from datetime import date, datetime

from django.db.models import Q

from accounts.audit import record_all
from accounts.models import Action, User
from scheduling.models import Booking, Enrollment, EnrollmentMeeting, Meeting, Session, SessionStatus
from scheduling.models.session import SessionQuerySet
from scheduling.services.enrolling import release_bookings
from scheduling.services.horizon import lock_sessions, mark_stale_of_sessions


def stop_meeting(*, meeting: Meeting, until: date, reason: str, now: datetime) -> None:
    """No more sessions from the day on. What has begun stays as it is."""
    meeting.runs_until = until
    meeting.save(update_fields=["runs_until"])
    _take_out(_to_come(meeting, now).filter(on__gte=until), reason, now)


def withdraw_sessions(*, meeting: Meeting, reason: str, now: datetime) -> None:
    """Takes out every session to come, so that they can be written anew; those that had bookings stay as cancelled one-offs."""
    left = _take_out(_to_come(meeting, now), reason, now)
    Session.objects.filter(pk__in=left).update(meeting=None)


def _to_come(meeting: Meeting, now: datetime) -> SessionQuerySet:
    return Session.objects.filter(meeting=meeting, starts__gt=now, finalized_at=None)


def _take_out(sessions: SessionQuerySet, reason: str, now: datetime) -> list[int]:
    """Sessions nobody was ever booked into go; the others are cancelled and their places given back. Answers which stay."""
    ids = [session.pk for session in lock_sessions(sessions)]
    mark_stale_of_sessions(ids, now)
    kept = list(Session.objects.filter(pk__in=ids, bookings__isnull=False).distinct().values_list("pk", flat=True))
    Session.objects.filter(pk__in=set(ids) - set(kept)).delete()
    release_bookings(bookings=Booking.objects.filter(session__in=kept), reason=reason, now=now)
    Session.objects.filter(pk__in=kept, status=SessionStatus.SCHEDULED).update(
        status=SessionStatus.CANCELLED, cancel_reason=reason, departed_at=now
    )
    return kept


def enrolled_from(meeting: Meeting, day: date) -> int:
    """How many patients stand in the meeting on the day or will later."""
    return meeting.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=day)).count()


def end_places(*, meeting: Meeting, ends: date, by: User | None, now: datetime) -> None:
    """Nobody stands in the meeting from the day on."""
    later = meeting.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=ends))
    _record(later.values_list("enrollment", flat=True), f"{meeting} until {ends:%Y-%m-%d}", by, now)
    later.filter(starts__lt=ends).update(ends=ends)
    meeting.enrollment_meetings.filter(starts__gte=ends).delete()


def carry_over(*, meeting: Meeting, following: Meeting, begins: date, by: User | None, now: datetime) -> None:
    """Who stands in the meeting stands in the next one from the day on, if it still serves their track."""
    meeting.continued_by.exclude(pk=following.pk).update(continues=following)
    standing = meeting.enrollment_meetings.filter(
        Q(ends=None) | Q(ends__gt=begins), enrollment__track__in=following.tracks.all()
    )
    EnrollmentMeeting.objects.bulk_create(
        EnrollmentMeeting(
            enrollment_id=each.enrollment_id, meeting=following, starts=max(begins, each.starts), ends=each.ends
        )
        for each in standing
    )
    end_places(meeting=meeting, ends=begins, by=by, now=now)


def _record(enrollments: Collection[int], detail: str, by: User | None, now: datetime) -> None:
    """Each patient's trail says what became of their place."""
    touched = Enrollment.objects.filter(pk__in=list(enrollments)).select_related("episode__patient", "track")
    record_all(touched, by=by, action=Action.CHANGED, at=now, detail=detail)
