"""Enroll a patient in a track."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import Enrollment, EnrollmentMeeting, Meeting, Modality, Track, WaitingEntry
from scheduling.services.bookings.book import (
    book_sessions,
    missed_sessions,
    missed_text,
    sessions_to_book,
    split_overlapping,
)
from scheduling.services.enrollment.checks import check_enrollment, check_sessions, predecessors, successors
from scheduling.services.enrollment.individual import add_individual_sessions, check_individual_sessions
from scheduling.services.enrollment.mixed_tracks import cross_track_options
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.locks import lock_meetings, lock_site
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import full_dates, settled_sessions
from timekeeping.reasons import refuse_if_any


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
    """Enroll the patient in these meetings of the track from `starts` on, and book every session up to the horizon.

    Some of the meetings may belong to other tracks that mix with `track`. But no other track may have more of the
    meetings than `track`. The individual sessions of `track` take place at the hours in `individual`. If `individual`
    is empty, the sessions are arranged later. `continues` is the enrollment that the new one replaces. Sessions that
    the patient will miss because of a temporary commitment are recorded as released bookings. If the patient is on the
    track's waitlist, the entry is closed.

    Raises Refused with all reasons at once (the rules are in `scheduling.domain.search.fit`):

    - The hours or days are fewer than prescribed, or more than the rules allow.
    - A meeting overlaps another meeting, a commitment or other treatment.
    - A session is full.
    - An individual hour is not free.
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
    today = episode.site.today_at(now)
    need = need_of(episode=episode, from_day=starts)
    full = full_dates(site=episode.site, from_day=starts, now=now, apart_from=settled_sessions(episode))
    reasons = check_enrollment(episode=episode, track=track, meetings=meetings, need=need, full=full, beside=others)
    reasons += check_individual_sessions(
        episode=episode,
        minutes=track.individual_minutes,
        hours=individual,
        meetings=[meeting.pk for meeting in meetings],
        need=need,
        today=today,
    )
    refuse_if_any(reasons)
    enrollment = Enrollment.objects.create(
        episode=episode, track=track, starts=starts, modality=modality, continues=continues
    )
    chosen = [meeting for meeting in (*track.meetings.all(), *others.meetings) if meeting in meetings]
    attended_meetings = [*predecessors(chosen, track, starts), *chosen, *successors(chosen, track)]
    EnrollmentMeeting.objects.bulk_create(planned_enrollment_meetings(enrollment, starts, attended_meetings))
    add_individual_sessions(enrollment=enrollment, hours=individual, begins=starts, now=now)
    covered = sessions_to_book(enrollment, today, now)
    missed = missed_sessions(covered, attended_meetings, need, episode.site.zone)
    attended, overlapping = split_overlapping(session for session in covered if session not in missed)
    refuse_if_any(check_sessions(episode, attended))
    detail = f"{track} from {starts:%Y-%m-%d}{missed_text([*missed, *overlapping], covered)}"
    record(enrollment, by=by, action=Action.ENROLLED, at=now, detail=detail)
    entries = WaitingEntry.objects.filter(episode=episode, track=track)
    close_entries(entries, enrollment=enrollment, by=by, now=now)
    book_sessions(enrollment, attended, now, missed=missed, overlapping=overlapping)
    return enrollment


def planned_enrollment_meetings(
    enrollment: Enrollment, begins: date, meetings: Sequence[Meeting]
) -> list[EnrollmentMeeting]:
    """Return unsaved rows for the meetings of an enrollment: the chosen ones, their predecessors and their successors.

    If a meeting is continued by another one, its row ends when the meeting ends. All other rows have no end.
    """
    continued = {meeting.continues_id for meeting in meetings}
    return [
        EnrollmentMeeting(
            enrollment=enrollment,
            meeting=meeting,
            starts=max(begins, meeting.runs_from),
            ends=meeting.runs_until if meeting.pk in continued else None,
        )
        for meeting in meetings
    ]
