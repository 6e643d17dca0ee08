"""Undo what a discharge ended: levels of care, enrollments, bookings, individual sessions and waitlist entries.

What can't be undone is left out, with a reason. For example, a session is full by now, or a counselor has no time anymore.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from iopmanager.stored_reasons import StoredReason
from patients.models import Episode, LevelOfCareSpan
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    Meeting,
    ReleaseCause,
    Session,
    SessionStatus,
    TrackStatus,
    WaitingEntry,
)
from scheduling.services.bookings.book import book_sessions, restore_released
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.bookings.placement import PlacementsByMeeting, is_covered, placements_of
from scheduling.services.enrollment.checks import successors
from scheduling.services.enrollment.discharge_state import DischargeState, EndedEnrollment, recall_discharge
from scheduling.services.enrollment.individual import add_individual_sessions, check_individual_sessions
from scheduling.services.locks import lock_meetings, lock_sessions
from scheduling.services.reasons import InAnotherSession, SessionFull
from scheduling.services.search.need import need_of
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, Refused

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EnrollmentStaysEnded(Reason):
    """The track is no longer published, so the enrollment in it is not reopened."""

    track: str


@dataclass(frozen=True, slots=True)
class IndividualTimeTaken(Reason):
    """The individual sessions of the enrollment can't be arranged at the same weekly hours again."""

    track: str


@dataclass(frozen=True, slots=True)
class WaitStaysEnded(Reason):
    """The patient can't be put back on the waitlist of the track."""

    track: str


@dataclass(frozen=True, slots=True)
class HeldWithoutPatient(Reason):
    """Attendance of the session is finalized, so nobody can be booked into it anymore."""

    session: str
    on: date


def reopen_episode(episode: Episode, *, until: date | None = None, now: datetime) -> tuple[Reason, ...]:
    """Undo the discharge of a locked episode, and return why some of what it ended can't come back.

    Sessions are booked again from the first day after the discharge: those that the discharge released, and those that
    were created since. If `until` is given, the episode lasts until that date (exclusive), and sessions on that date or
    later are not booked. The caller must then end the enrollments and the level of care, too.
    """
    state, first = recall_discharge(episode), episode.ends
    assert first is not None
    episode.ends, episode.discharge_reason = until, ""
    episode.save(update_fields=["ends", "discharge_reason"])
    _reopen_levels(episode, state, first)
    left_out: list[Reason] = []
    reopened = []
    for ended in state.enrollments:
        enrollments = Enrollment.objects.select_for_update(of=("self",), no_key=True).select_related("track")
        enrollment = enrollments.filter(pk=ended.enrollment, end_reason=StoredReason.DISCHARGED).first()
        if enrollment is None:
            continue
        if enrollment.track.status != TrackStatus.PUBLISHED:
            left_out.append(EnrollmentStaysEnded(enrollment.track.name))
            continue
        enrollment.episode = episode
        _reopen_enrollment(enrollment, ended, first)
        reopened.append((enrollment, ended))
    if until is None or until > max(first, episode.site.today_at(now)):
        left_out += (reason for each, ended in reopened for reason in _arrange_hours(each, ended, first, now))
    left_out += _book_again(episode, [each for each, _ in reopened], state, first, until, now)
    left_out += _wait_again(state)
    _forget(episode)
    mark_episode_feeds_stale([episode.pk], now)
    return tuple(left_out)


def _forget(episode: Episode) -> None:
    record = getattr(episode, "discharge_record", None)
    if record is not None:
        record.delete()


def _reopen_levels(episode: Episode, state: DischargeState, first: date) -> None:
    last = episode.spans.order_by("-starts").first()
    if last is not None and last.ends == first:
        last.ends = state.level_ends
        last.save(update_fields=["ends"])
    LevelOfCareSpan.objects.bulk_create(LevelOfCareSpan(episode=episode, **each) for each in state.later_levels)


def _reopen_enrollment(enrollment: Enrollment, ended: EndedEnrollment, first: date) -> None:
    """Restore the end of the enrollment and its group meetings. Add the meetings that have replaced some of them since."""
    attended = {each.row: each for each in ended.meetings}
    lock_meetings({each.meeting for each in ended.meetings})
    rows = list(
        EnrollmentMeeting.objects.filter(enrollment=enrollment, meeting__kept_for=None).select_related("meeting")
    )
    for row in rows:
        if row.ends == enrollment.ends:
            row.ends = attended[row.pk].ends if row.pk in attended else ended.ends
    known = {row.pk for row in rows}
    meetings = Meeting.objects.in_bulk([each.meeting for each in ended.meetings])
    rows += (
        EnrollmentMeeting(enrollment=enrollment, meeting=meetings[each.meeting], starts=each.starts, ends=each.ends)
        for each in ended.meetings
        if each.row not in known and each.meeting in meetings
    )
    enrollment.ends, enrollment.end_reason = ended.ends, ""
    enrollment.save(update_fields=["ends", "end_reason"])
    for row in [*rows, *_following_rows(enrollment, rows, first)]:
        until = row.meeting.runs_until
        if until is not None and (row.ends is None or row.ends > until):
            row.ends = until
        if row.ends is None or row.starts < row.ends:
            row.save()
        elif row.pk:
            row.delete()


def _following_rows(
    enrollment: Enrollment, rows: Sequence[EnrollmentMeeting], first: date
) -> Iterator[EnrollmentMeeting]:
    """Yield rows for the meetings that have replaced meetings of the enrollment since the discharge."""
    lasting = [row.meeting for row in rows if row.ends == enrollment.ends and row.meeting.runs_until is not None]
    attended = {row.meeting_id for row in rows}
    for meeting in successors(lasting, enrollment.track) if lasting else ():
        if meeting.pk not in attended:
            starts = max(first, enrollment.starts, meeting.runs_from)
            yield EnrollmentMeeting(enrollment=enrollment, meeting=meeting, starts=starts, ends=enrollment.ends)


def _arrange_hours(enrollment: Enrollment, ended: EndedEnrollment, first: date, now: datetime) -> Iterable[Reason]:
    """Arrange the individual sessions at the same weekly hours, or return the reason why that isn't possible."""
    if not ended.hours:
        return []
    site, today = enrollment.episode.site, enrollment.episode.site.today_at(now)
    begins = max(first, today, enrollment.starts)
    groups = enrollment.enrollment_meetings.filter(meeting__kept_for=None).filter(Q(ends=None) | Q(ends__gt=begins))
    try:
        with transaction.atomic():
            reasons = check_individual_sessions(
                episode=enrollment.episode,
                minutes=enrollment.track.individual_minutes,
                hours=ended.hours,
                meetings=list(groups.values_list("meeting", flat=True)),
                need=need_of(episode=enrollment.episode, from_day=begins, apart_from=enrollment),
                today=site.today_at(now),
                apart_from=enrollment,
            )
            if reasons:
                raise Refused(reasons)
            add_individual_sessions(enrollment=enrollment, hours=ended.hours, begins=begins, now=now)
    except Refused:
        return [IndividualTimeTaken(enrollment.track.name)]
    return []


def _book_again(
    episode: Episode,
    enrollments: Sequence[Enrollment],
    state: DischargeState,
    first: date,
    until: date | None,
    now: datetime,
) -> list[Reason]:
    """Book the sessions from the date `first` on, the earliest first. Return a reason for each that can't be booked."""
    end = horizon_end(episode.site.today_at(now))
    dates = (first, end if until is None else min(until, end))
    released = list(_released_by_discharge(episode, state, dates))
    placements = {each.pk: placements_of(each) for each in enrollments}
    sessions = _sessions_to_book(episode, placements.values(), released, dates)
    rows = {booking.session_id: booking for booking in released}
    taken = [
        (booking.session, Interval(booking.starts, booking.ends))
        for booking in Booking.objects.active().of_patient(episode.patient_id).select_related("session")
        if booking.session.on >= first - DAY
    ]
    left_out: list[Reason] = []
    restored: list[Booking] = []
    added: dict[int, list[Session]] = {each.pk: [] for each in enrollments}
    for session in sessions:
        time = Interval(session.starts, session.ends)
        row = rows.get(session.pk)
        owner = next((pk for pk, of_enrollment in placements.items() if is_covered(of_enrollment, session)), None)
        if row is None and owner is None:
            continue
        if row is not None and row.enrollment_id is not None and row.enrollment_id != owner:
            row = None
        if row is None and owner is None:
            continue
        reason = _reason_against(session, time, taken)
        if reason is not None:
            left_out.append(reason)
            continue
        taken.append((session, time))
        if row is not None:
            row.session = session
            restored.append(row)
        elif owner is not None:
            added[owner].append(session)
    if restored:
        restore_released(restored, site=episode.site, now=now)
    for enrollment in enrollments:
        book_sessions(enrollment, added[enrollment.pk], now)
    return left_out


def _released_by_discharge(episode: Episode, state: DischargeState, dates: tuple[date, date]) -> Iterable[Booking]:
    """Return the bookings that the discharge released, in sessions that are on dates in [dates[0], dates[1])."""
    released = Booking.objects.filter(
        episode=episode,
        release_cause=ReleaseCause.ENDED,
        release_reason=StoredReason.DISCHARGED,
        session__on__gte=dates[0],
        session__on__lt=dates[1],
    )
    return released if state.at is None else released.filter(released_at=state.at)


def _sessions_to_book(
    episode: Episode,
    placements: Iterable[PlacementsByMeeting],
    released: Iterable[Booking],
    dates: tuple[date, date],
) -> list[Session]:
    """Lock and return the sessions that may be booked, in order of time.

    Canceled sessions are left out, and so are sessions in which the patient is booked or has given up the spot.
    """
    meetings = {meeting for each in placements for meeting in each}
    settled = Booking.objects.filter(episode=episode).filter(
        Q(released_at=None) | Q(release_cause=ReleaseCause.GIVEN_BACK)
    )
    wanted = Session.objects.filter(Q(meeting__in=meetings) | Q(pk__in=[each.session_id for each in released]))
    wanted = wanted.between(*dates).exclude(status=SessionStatus.CANCELLED).exclude(pk__in=settled.values("session"))
    return sorted(lock_sessions(wanted), key=lambda session: (session.starts, session.pk))


def _reason_against(
    session: Session, time: Interval[datetime], taken: Iterable[tuple[Session, Interval[datetime]]]
) -> Reason | None:
    if session.status == SessionStatus.HELD:
        return HeldWithoutPatient(session.name, session.on)
    if session.places_left <= 0:
        return SessionFull(session.name, session.on)
    other = next((other for other, its_time in taken if its_time.overlaps(time)), None)
    return None if other is None else InAnotherSession(other.name, other.on)


def _wait_again(state: DischargeState) -> list[Reason]:
    """Put the patient back on the waitlists from the discharge. Return a reason for each one where this isn't possible."""
    entries = WaitingEntry.objects.filter(pk__in=state.waiting, close_reason=StoredReason.DISCHARGED)
    left_out: list[Reason] = []
    for entry in entries.select_related("track").order_by("pk"):
        others = WaitingEntry.objects.open().filter(episode=entry.episode_id, track=entry.track_id)
        if entry.track.status != TrackStatus.PUBLISHED or others.exists():
            left_out.append(WaitStaysEnded(entry.track.name))
            continue
        entry.closed_at, entry.close_reason = None, ""
        entry.save(update_fields=["closed_at", "close_reason"])
    return left_out
