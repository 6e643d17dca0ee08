"""End a track after a last day. Its patients transfer to another track, or their enrollments end too."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from iopmanager.stored_reasons import StoredReason
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.models import Enrollment, EnrollmentMeeting, Meeting, Track, TrackStatus, WaitingEntry
from scheduling.models.meeting import MeetingQuerySet
from scheduling.services.bookings.meeting_changes import end_meeting_enrollments, stop_meeting, withdraw_sessions
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.locks import lock_site
from scheduling.services.reasons import TrackNotPublished
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import as_offer, full_dates
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason, Refused, refuse_if_any

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EndingEnrollment:
    """An enrollment in a track that is being ended, and how well another track would fit the patient afterward.

    `fit` is the fit of the other track from the day after the end or the enrollment's first day, whichever is later.
    `fit` is None if no other track was given, or if the patient's need can't be determined. `reasons` say why the
    patient can't transfer on that day.
    """

    enrollment: Enrollment
    fit: Fit | None
    reasons: tuple[Reason, ...] = ()

    @property
    def may_move(self) -> bool:
        """Whether the patient can transfer to the other track. If so, the default is to transfer the patient."""
        return self.fit is not None and self.fit.fits and not self.reasons


def ending_enrollments(*, track: Track, to: Track | None, last_day: date, now: datetime) -> list[EndingEnrollment]:
    """Return the track's enrollments that would go on after `last_day`, sorted by patient name.

    Each has the fit of the track `to` for the patient.
    """
    enrollments = (
        Enrollment.objects.filter(track=track)
        .open_on_or_after(last_day + DAY)
        .select_related("episode__patient", "episode__site", "track")
        .prefetch_related("episode__spans")
    )
    by_name = sorted(enrollments, key=_name_order)
    if to is None:
        return [EndingEnrollment(each, None) for each in by_name]
    full = full_dates(site=to.site, from_day=last_day + DAY, now=now)
    return [_ending_enrollment(each, to, max(last_day + DAY, each.starts), full) for each in by_name]


def visiting_enrollments(*, track: Track, last_day: date) -> list[Enrollment]:
    """Return the enrollments in other tracks that lose a meeting when this track ends, sorted by patient name.

    They keep their other meetings.
    """
    attended = EnrollmentMeeting.objects.filter(
        Q(ends=None) | Q(ends__gt=last_day + DAY), meeting__in=_ending_meetings(track)
    )
    enrollments = (
        Enrollment.objects.filter(pk__in=attended.values("enrollment"))
        .exclude(track=track)
        .open_on_or_after(last_day + DAY)
        .select_related("episode__patient", "track")
    )
    return sorted(enrollments, key=_name_order)


def _name_order(enrollment: Enrollment) -> tuple[tuple[str, str], int]:
    return enrollment.episode.patient.name_order, enrollment.pk


def _ending_enrollment(
    enrollment: Enrollment, to: Track, starts: date, full: dict[int, tuple[date, ...]]
) -> EndingEnrollment:
    try:
        need = need_of(episode=enrollment.episode, from_day=starts, apart_from=enrollment)
    except Refused as refused:
        return EndingEnrollment(enrollment, None, refused.reasons)
    fit = find_fits([as_offer(to, starts, full)], need)[0]
    return EndingEnrollment(enrollment, fit, () if fit.fits and fit.starts == starts else fit.obstacles)


@transaction.atomic
def end_track(
    *,
    track: Track,
    last_day: date,
    to: Track | None = None,
    moving: Collection[int] = (),
    by: User,
    now: datetime,
) -> Track:
    """End the track after `last_day`, and return it.

    From now on, nobody can be enrolled in the track, and its waitlist is closed. The track's meetings end after
    `last_day`, unless they serve another published track. Enrollments in the track that would go on end after
    `last_day`, or after their first day if that is later. `moving` has the ids of enrollments whose patients transfer
    to the track `to` instead, from the day after `last_day` or from the enrollment's first day. Patients of other tracks
    lose the meetings that end.

    Raises Refused if the day is in the past, if the track is not published, or if there are reasons against a
    transfer. Raises PermissionDenied unless `by` may manage both the timetable and the patients of the site.
    """
    for permission in (Permission.MANAGE_TIMETABLE, Permission.MANAGE_PATIENTS):
        if not by.may(permission, track.site_id):
            raise PermissionDenied
    lock_site(track.site_id)
    track = Track.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=track.pk)
    today = track.site.today_at(now)
    if track.status == TrackStatus.RETIRED:
        raise Refused([AlreadyEnded(track.name, last_day)])
    if track.status != TrackStatus.PUBLISHED:
        raise Refused([TrackNotPublished(track.name)])
    if last_day < today:
        raise Refused([EndDateBeforeStart(today, last_day)])
    if moving and to is None:
        raise Refused([TrackNotPublished(track.name)])
    _move_or_end(ending_enrollments(track=track, to=to, last_day=last_day, now=now), set(moving), to, last_day, by, now)
    _end_meetings(track, last_day, by, now)
    track.status = TrackStatus.RETIRED
    track.save(update_fields=["status"])
    close_entries(WaitingEntry.objects.filter(track=track), reason=StoredReason.TRACK_ENDED, by=by, now=now)
    record(track, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return track


def _move_or_end(
    ending: Iterable[EndingEnrollment],
    moving: Collection[int],
    to: Track | None,
    last_day: date,
    by: User,
    now: datetime,
) -> None:
    """Transfer the enrollments in `moving` to the track `to`, and end the others.

    Raises Refused with every reason against the transfers.
    """
    reasons: list[Reason] = []
    for each in ending:
        enrollment = each.enrollment
        if to is not None and enrollment.pk in moving:
            try:
                transfer_enrollment(
                    enrollment=enrollment,
                    track=to,
                    meetings=_chosen_meetings(each.fit),
                    starts=max(last_day + DAY, enrollment.starts),
                    by=by,
                    now=now,
                )
            except Refused as refused:
                reasons += refused.reasons
        else:
            last = max(last_day, enrollment.starts)
            end_enrollment(enrollment=enrollment, last_day=last, reason=StoredReason.TRACK_ENDED, by=by, now=now)
    refuse_if_any(reasons)


def _chosen_meetings(fit: Fit | None) -> Sequence[Meeting]:
    return list(Meeting.objects.filter(pk__in=[each.key for each in fit.choice])) if fit else []


def _ending_meetings(track: Track) -> MeetingQuerySet:
    """Return the track's meetings that serve no other published track."""
    needed = Meeting.objects.filter(tracks__in=Track.objects.published().exclude(pk=track.pk))
    return Meeting.objects.filter(tracks=track).exclude(pk__in=needed)


def _end_meetings(track: Track, last_day: date, by: User, now: datetime) -> None:
    """End the meetings that serve no other published track. Later sessions are removed, even those changed by hand."""
    ends = last_day + DAY
    for meeting in _ending_meetings(track).open_on_or_after(ends):
        later = set(meeting.sessions.filter(pattern_date__gte=ends).values_list("pk", flat=True))
        if meeting.runs_from >= ends:  # this meeting would have begun after the end of the track
            withdraw_sessions(meeting=meeting, reason=StoredReason.TRACK_ENDED, now=now, let_go=later)
            meeting.tracks.remove(track)
            continue
        stop_meeting(meeting=meeting, until=ends, reason=StoredReason.TRACK_ENDED, now=now, let_go=later)
        end_meeting_enrollments(meeting=meeting, ends=ends, by=by, now=now)
        record(meeting, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
