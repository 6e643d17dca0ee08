"""A patient's standing place in a track: given, ended, and ended with the whole course of care."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    Meeting,
    Modality,
    ReleaseCause,
    Track,
    WaitingEntry,
)
from scheduling.services.bookings.book import book_sessions, sessions_to_book
from scheduling.services.bookings.missed_dates import missed_sessions, missed_text
from scheduling.services.bookings.release import release_bookings
from scheduling.services.enrollment.checks import check_enrollment, check_sessions, lock_meetings, successors
from scheduling.services.enrollment.individual import (
    add_individual_sessions,
    check_individual_sessions,
    end_individual_sessions,
)
from scheduling.services.enrollment.mixed_tracks import cross_track_options
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.rosters import lock_site
from scheduling.services.search.queries import full_dates, need_of, settled_sessions
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason, Refused


@dataclass(frozen=True, slots=True)
class AttendanceRecorded(Reason):
    """What happened is recorded, so the place can't be given back."""

    code: ClassVar[str] = "attendance_recorded"
    session: str
    on: date


@transaction.atomic
def enroll_patient(
    *,
    episode: Episode,
    track: Track,
    meetings: Sequence[Meeting],
    starts: date,
    modality: Modality = Modality.IN_PERSON,
    continues: Enrollment | None = None,
    individual: Sequence[WeeklyHour] = (),
    by: User,
    now: datetime,
) -> Enrollment:
    """Enrolls from a date in these meetings of the track and books every session of them up to the horizon, but for those on
    the few dates on which the patient is not free: these count as given back. Where tracks mix, some meetings may be another
    track's, but no more of any than of this one. The track's individual time is at the hours in `individual`, or is arranged
    later.

    Raises Refused with every reason at once: hours or days below what is prescribed or beyond the rules, two alternatives
    of one hour, a clash with the patient's life or other treatment, a session without a place, an hour that is not free. Who
    waited for the track does so no more.
    """
    lock_site(episode.site_id)
    episode = (
        Episode.objects.select_for_update(of=("self",), no_key=True)
        .select_related("site", "patient")
        .prefetch_related("spans")
        .get(pk=episode.pk)
    )
    lock_meetings([meeting.pk for meeting in meetings])
    tracks = Track.objects.select_related("site").prefetch_related(
        "cohort_starts", "meetings__service_type", "meetings__meeting_facilitators"
    )
    track = tracks.get(pk=track.pk)
    others = cross_track_options(track)
    today = now.astimezone(episode.site.zone).date()
    need = need_of(episode=episode, from_day=starts)
    full = full_dates(site=episode.site, from_day=max(starts, today), apart_from=settled_sessions(episode))
    against = check_enrollment(episode=episode, track=track, meetings=meetings, need=need, full=full, beside=others)
    against += check_individual_sessions(
        episode=episode,
        minutes=track.individual_minutes,
        hours=individual,
        meetings=[meeting.pk for meeting in meetings],
        need=need,
        today=today,
    )
    if against:
        raise Refused(against)
    enrollment = Enrollment.objects.create(
        episode=episode, track=track, starts=starts, modality=modality, continues=continues
    )
    chosen = [meeting for meeting in (*track.meetings.all(), *others.meetings) if meeting in meetings]
    following = successors(chosen, track)
    EnrollmentMeeting.objects.bulk_create(planned_enrollment_meetings(enrollment, starts, chosen, following))
    add_individual_sessions(enrollment=enrollment, hours=individual, begins=starts, now=now)
    asked = sessions_to_book(enrollment, today, now)
    missed = missed_sessions(asked, [*chosen, *following], need, episode.site.zone)
    sessions = [session for session in asked if session not in missed]
    against = check_sessions(episode, sessions)
    if against:
        raise Refused(against)
    detail = f"{track} from {starts:%Y-%m-%d}{missed_text(missed, asked)}"
    record(enrollment, by=by, action=Action.ENROLLED, at=now, detail=detail)
    waited = WaitingEntry.objects.filter(episode=episode, track=track)
    close_entries(waited, enrollment=enrollment, by=by, now=now)
    book_sessions(enrollment, sessions, now, missed=missed)
    return enrollment


def planned_enrollment_meetings(
    enrollment: Enrollment, begins: date, chosen: Sequence[Meeting], following: Sequence[Meeting]
) -> list[EnrollmentMeeting]:
    """A place in each meeting from the day on, or from when it takes the place of another until one takes its own; unsaved."""
    followed = {meeting.continues_id for meeting in following}
    return [
        EnrollmentMeeting(
            enrollment=enrollment,
            meeting=meeting,
            starts=max(begins, meeting.runs_from),
            ends=meeting.runs_until if meeting.pk in followed else None,
        )
        for meeting in (*chosen, *following)
    ]


@transaction.atomic
def end_enrollment(
    *, enrollment: Enrollment, last_day: date, reason: str = "", keep_begun: bool = False, by: User, now: datetime
) -> Enrollment:
    """Ends the standing place after `last_day` and releases later bookings; with `keep_begun`, only of sessions to come.

    Raises Refused for a day before its first, or after it has ended already.
    """
    lock_site(enrollment.episode.site_id)
    lock_meetings(list(enrollment.enrollment_meetings.values_list("meeting", flat=True)))
    enrollment = (
        Enrollment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("episode__patient", "track")
        .get(pk=enrollment.pk)
    )
    ends = last_day + timedelta(days=1)
    if last_day < enrollment.starts:
        raise Refused([EndDateBeforeStart(enrollment.starts, last_day)])
    if enrollment.ends is not None and enrollment.ends < ends:
        raise Refused([AlreadyEnded(enrollment.track.name, enrollment.ends - timedelta(days=1))])
    enrollment.ends, enrollment.end_reason = ends, reason
    enrollment.save(update_fields=["ends", "end_reason"])
    enrollment.enrollment_meetings.filter(starts__gte=ends).delete()
    enrollment.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=ends)).update(ends=ends)
    stands_for_later = Q(session__pattern_date__gte=ends, starts__gt=now)
    later = Booking.objects.filter(Q(session__on__gte=ends) | stands_for_later, enrollment=enrollment)
    if keep_begun:
        later = later.from_instant(now)
    reason_given = reason or "The enrollment ended"
    release_bookings(bookings=later, cause=ReleaseCause.ENDED, reason=reason_given, now=now)
    end_individual_sessions(enrollment=enrollment, ends=ends, now=now)
    record(enrollment, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}", reason=reason)
    return enrollment


@transaction.atomic
def release_booking(*, booking: Booking, reason: str, by: User, now: datetime) -> Booking:
    """Gives back one place. Raises Refused when attendance is recorded, which is never taken back."""
    lock_site(booking.session.site_id)
    asked = Booking.objects.filter(pk=booking.pk)
    given_back = release_bookings(bookings=asked, cause=ReleaseCause.GIVEN_BACK, reason=reason, now=now)
    booking.refresh_from_db()
    if booking.released_at is None:
        raise Refused([AttendanceRecorded(booking.session.name, booking.session.on)])
    if given_back:
        record(booking, by=by, action=Action.RELEASED, at=now, reason=reason)
    return booking


@transaction.atomic
def discharge_patient(*, episode: Episode, last_day: date, reason: str, by: User, now: datetime) -> Episode:
    """Ends the course of care after `last_day`, with its enrollments, bookings and level. Raises Refused for an earlier day."""
    lock_site(episode.site_id)
    episode = Episode.objects.select_for_update(of=("self",), no_key=True).select_related("patient").get(pk=episode.pk)
    if episode.ends is not None:
        raise Refused([AlreadyEnded("The course of care", episode.ends - timedelta(days=1))])
    if last_day < episode.starts:
        raise Refused([EndDateBeforeStart(episode.starts, last_day)])
    ends = last_day + timedelta(days=1)
    for enrollment in Enrollment.objects.filter(episode=episode).open_on_or_after(ends):
        if enrollment.starts <= last_day:
            end_enrollment(enrollment=enrollment, last_day=last_day, reason="Discharged", by=by, now=now)
        else:  # it was to begin later, and never will
            end_enrollment(enrollment=enrollment, last_day=enrollment.starts, reason="Discharged", by=by, now=now)
    later = Booking.objects.filter(episode=episode, session__on__gte=ends)
    release_bookings(bookings=later, cause=ReleaseCause.ENDED, reason="Discharged", now=now)
    for enrollment in Enrollment.objects.filter(episode=episode, starts__gte=ends):
        end_individual_sessions(enrollment=enrollment, ends=enrollment.starts, now=now)
    close_entries(WaitingEntry.objects.filter(episode=episode), reason="Discharged", by=by, now=now)
    episode.spans.filter(ends=None, starts__lt=ends).update(ends=ends)
    episode.spans.filter(starts__gte=ends).delete()
    episode.ends, episode.discharge_reason = ends, reason
    episode.save(update_fields=["ends", "discharge_reason"])
    record(episode, by=by, action=Action.ENDED, at=now, detail=f"discharged after {last_day:%Y-%m-%d}", reason=reason)
    return episode
