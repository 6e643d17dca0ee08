"""Give a weekly meeting to another facilitator from a date on. Its sessions, bookings and make-ups stay as they are."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime

from django.db import transaction
from django.db.models import F, Q

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.hours.reasons import FacilitatorDoubleBooked
from scheduling.models import (
    EnrollmentMeeting,
    FacilitatorPart,
    Meeting,
    MeetingFacilitator,
    Session,
    SessionFacilitator,
    SessionStatus,
)
from scheduling.services.bookings.meeting_changes import end_meeting_enrollments
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.locks import lock_sessions
from scheduling.services.session_facilitators import new_facilitator
from scheduling.services.sessions.slots import facilitator_taken
from scheduling.services.stale_feeds import mark_session_feeds_stale
from scheduling.services.timetable.hours_check import room_and_staff_conflicts
from scheduling.services.timetable.meeting_checks import check_code
from scheduling.services.timetable.meetings import change_start, lock_meeting
from timekeeping.reasons import Reason, refuse_if_any


@transaction.atomic
def hand_over_meeting(
    *, meeting: Meeting, giver: User, taker: User | None, from_day: date, by: User, now: datetime
) -> Meeting:
    """Put `taker` in the place of `giver` from a day on, and return the meeting that has the new facilitator.

    As in `change_meeting`, a new meeting usually continues the old one, and the change starts today at the earliest.
    The sessions move to the new meeting with their bookings. Sessions that were changed by hand keep their
    facilitators.

    If `taker` is None, nobody takes the place of `giver`. If `giver` leads and `taker` assists already, `taker` leads
    from then on. If the meeting ends before the change would start, nothing happens. Raises Refused if `taker` is in
    another group or session at the same time.
    """
    meeting = lock_meeting(meeting)
    begins = change_start(meeting=meeting, runs_from=from_day, now=now)
    if begins and meeting.runs_until and begins >= meeting.runs_until:
        return meeting
    to_come = Session.objects.filter(meeting=meeting).to_come(now)
    sessions = lock_sessions(to_come if begins is None else to_come.filter(pattern_date__gte=begins))
    following = [session for session in sessions if not session.is_changed]
    if begins is not None:
        refuse_if_any(check_code(meeting.site, meeting.code, begins, meeting))
    if taker is not None:
        refuse_if_any(_check_taker(taker, meeting, following, begins, now))
    changed = meeting if begins is None else _continue_meeting(meeting, begins, sessions, by, now)
    _replace_in_meeting(changed, giver, taker)
    _replace_in_sessions(following, giver, taker, now)
    detail = f"from {changed.runs_from:%Y-%m-%d}: {taker or 'nobody'} instead of {giver}"
    record(changed, by=by, action=Action.CHANGED, at=now, detail=detail)
    return changed


def _check_taker(
    taker: User, meeting: Meeting, sessions: Collection[Session], begins: date | None, now: datetime
) -> Iterable[Reason]:
    """Yield the reasons why `taker` can't be in the meeting or in one of these sessions of the meeting."""
    weekly = replace(
        meeting.as_weekly_meeting(), facilitators=frozenset({taker.pk}), runs_from=begins or meeting.runs_from
    )
    conflicts = room_and_staff_conflicts([weekly], site=meeting.site, today=meeting.site.today_at(now))
    doubled = [each for each in conflicts if isinstance(each, FacilitatorDoubleBooked)]
    yield from doubled or _dated_conflicts(taker, meeting, sessions)


def _dated_conflicts(taker: User, meeting: Meeting, sessions: Collection[Session]) -> Iterable[Reason]:
    """Yield FacilitatorTaken for each other session that the taker has at the time of one of these sessions."""
    held = [session for session in sessions if session.status != SessionStatus.CANCELLED]
    if not held:
        return
    until = max(session.ends for session in held)
    taken = SessionFacilitator.objects.filter(user=taker, ends__gt=min(session.starts for session in held))
    others = taken.filter(starts__lt=until).exclude(session__in=[session.pk for session in sessions])
    for each in others.select_related("session", "user").order_by("starts"):
        other = each.session
        if any(session.starts < other.ends and other.starts < session.ends for session in held):
            yield facilitator_taken(each, meeting.site)


def _continue_meeting(
    meeting: Meeting, begins: date, sessions: Collection[Session], by: User, now: datetime
) -> Meeting:
    """End the meeting, and return a copy that continues it with its tracks, facilitators, patients and sessions."""
    changed = Meeting.objects.select_related("site").get(pk=meeting.pk)
    changed.pk, changed._state.adding = None, True
    changed.continues, changed.runs_from = meeting, begins
    meeting.runs_until = begins
    meeting.save(update_fields=["runs_until"])
    changed.save(force_insert=True)
    meeting.continued_by.exclude(pk=changed.pk).update(continues=changed)
    changed.tracks.set(meeting.tracks.all())
    MeetingFacilitator.objects.bulk_create(
        MeetingFacilitator(meeting=changed, user_id=each.user_id, part=each.part)
        for each in meeting.meeting_facilitators.all()
    )
    EnrollmentMeeting.objects.bulk_create(
        EnrollmentMeeting(
            enrollment_id=each.enrollment_id, meeting=changed, starts=max(begins, each.starts), ends=each.ends
        )
        for each in meeting.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=begins))
    )
    end_meeting_enrollments(meeting=meeting, ends=begins, by=by, now=now)
    Session.objects.filter(pk__in=[session.pk for session in sessions]).update(meeting=changed)
    return changed


def _replace_in_meeting(meeting: Meeting, giver: User, taker: User | None) -> None:
    own = meeting.meeting_facilitators.filter(user=giver).first()
    if own is None:
        return
    own.delete()
    if taker is None or (
        own.part == FacilitatorPart.ASSISTS and meeting.meeting_facilitators.filter(user=taker).exists()
    ):
        return
    MeetingFacilitator.objects.update_or_create(meeting=meeting, user=taker, defaults={"part": own.part})


def _replace_in_sessions(sessions: Collection[Session], giver: User, taker: User | None, now: datetime) -> None:
    """Replace `giver` by `taker` in the sessions that `giver` leads or assists in."""
    rows = SessionFacilitator.objects.filter(session__in=[session.pk for session in sessions])
    parts = dict(rows.filter(user=giver).values_list("session", "part"))
    mark_session_feeds_stale(parts.keys(), now)
    with translate_integrity_errors():
        rows.filter(user=giver).delete()
        if taker is not None:
            present = set(rows.filter(user=taker, session__in=parts).values_list("session", flat=True))
            led = [key for key, part in parts.items() if part == FacilitatorPart.LEADS and key in present]
            rows.filter(user=taker, session__in=led).update(part=FacilitatorPart.LEADS)
            SessionFacilitator.objects.bulk_create(
                new_facilitator(session, user_id=taker.pk, part=parts[session.pk])
                for session in sessions
                if session.pk in parts.keys() - present
            )
        Session.objects.filter(pk__in=parts).update(version=F("version") + 1)
    mark_session_feeds_stale(parts.keys(), now)
