"""A track ends after a day: who stands in it moves to another, or ends with it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.models import Enrollment, EnrollmentMeeting, Meeting, Track, TrackStatus, WaitingEntry
from scheduling.models.meeting import MeetingQuerySet
from scheduling.services.bookings.meeting_changes import end_meeting_enrollments, stop_meeting, withdraw_sessions
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.reasons import TrackNotPublished
from scheduling.services.rosters import lock_site
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import as_offer, full_dates
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason, Refused

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EndingEnrollment:
    """Somebody who stands in a track that ends, and how another track would fit from the day after."""

    enrollment: Enrollment
    fit: Fit | None
    reasons: tuple[Reason, ...] = ()

    @property
    def may_move(self) -> bool:
        return self.fit is not None and self.fit.fits and not self.reasons


def ending_enrollments(*, track: Track, to: Track | None, last_day: date) -> list[EndingEnrollment]:
    """Everybody who stands in the track after its last day, by name, with how `to` fits them, if one is given."""
    standing = (
        Enrollment.objects.filter(track=track)
        .open_on_or_after(last_day + DAY)
        .select_related("episode__patient", "episode__site", "track")
        .prefetch_related("episode__spans")
        .order_by("episode__patient__last_name", "episode__patient__first_name", "pk")
    )
    if to is None:
        return [EndingEnrollment(each, None) for each in standing]
    full = full_dates(site=to.site, from_day=last_day + DAY)
    return [_ending_enrollment(each, to, max(last_day + DAY, each.starts), full) for each in standing]


def visiting_enrollments(*, track: Track, last_day: date) -> list[Enrollment]:
    """Who stands in another track and in a group that ends with this one, by name: they lose the group, and keep the rest."""
    standing = EnrollmentMeeting.objects.filter(
        Q(ends=None) | Q(ends__gt=last_day + DAY), meeting__in=_ending_meetings(track)
    )
    return list(
        Enrollment.objects.filter(pk__in=standing.values("enrollment"))
        .exclude(track=track)
        .open_on_or_after(last_day + DAY)
        .select_related("episode__patient", "track")
        .order_by("episode__patient__last_name", "episode__patient__first_name", "pk")
    )


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
    """Ends the track after `last_day`: nobody is enrolled into it any more, its groups that serve no other published track are
    held until then, and who stands in it ends with it, but for the enrollments in `moving`, which go on in the track `to`.

    Raises Refused for a day before today or a track that is not published, and with every reason against those who move.
    """
    lock_site(track.site_id)
    track = Track.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=track.pk)
    today = now.astimezone(track.site.zone).date()
    if track.status == TrackStatus.RETIRED:
        raise Refused([AlreadyEnded(track.name, last_day)])
    if track.status != TrackStatus.PUBLISHED:
        raise Refused([TrackNotPublished(track.name)])
    if last_day < today:
        raise Refused([EndDateBeforeStart(today, last_day)])
    if moving and to is None:
        raise Refused([TrackNotPublished(track.name)])
    _move_or_end(ending_enrollments(track=track, to=to, last_day=last_day), set(moving), to, last_day, by, now)
    _end_meetings(track, last_day, by, now)
    track.status = TrackStatus.RETIRED
    track.save(update_fields=["status"])
    close_entries(WaitingEntry.objects.filter(track=track), reason=f"{track.name} ends", by=by, now=now)
    record(track, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return track


def _move_or_end(
    everybody: Iterable[EndingEnrollment],
    moving: Collection[int],
    to: Track | None,
    last_day: date,
    by: User,
    now: datetime,
) -> None:
    against: list[Reason] = []
    for mover in everybody:
        enrollment = mover.enrollment
        if to is not None and enrollment.pk in moving:
            try:
                transfer_enrollment(
                    enrollment=enrollment,
                    track=to,
                    meetings=_chosen_meetings(mover.fit),
                    starts=max(last_day + DAY, enrollment.starts),
                    by=by,
                    now=now,
                )
            except Refused as refused:
                against += refused.reasons
        else:
            ends = max(last_day, enrollment.starts)
            end_enrollment(enrollment=enrollment, last_day=ends, reason="The track ended", by=by, now=now)
    if against:
        raise Refused(dict.fromkeys(against))


def _chosen_meetings(fit: Fit | None) -> Sequence[Meeting]:
    return list(Meeting.objects.filter(pk__in=[each.key for each in fit.choice])) if fit else []


def _ending_meetings(track: Track) -> MeetingQuerySet:
    """The groups that no other track on offer needs."""
    needed = Meeting.objects.filter(tracks__in=Track.objects.published().exclude(pk=track.pk))
    return Meeting.objects.filter(tracks=track).exclude(pk__in=needed)


def _end_meetings(track: Track, last_day: date, by: User, now: datetime) -> None:
    """Groups that no other published track needs end with it; what was changed by hand after that goes with them."""
    ends = last_day + DAY
    for meeting in _ending_meetings(track).open_on_or_after(ends):
        later = set(meeting.sessions.filter(pattern_date__gte=ends).values_list("pk", flat=True))
        if meeting.runs_from >= ends:  # it was to begin later, and never will
            withdraw_sessions(meeting=meeting, reason="The track ended", now=now, let_go=later)
            meeting.tracks.remove(track)
            continue
        stop_meeting(meeting=meeting, until=ends, reason="The track ended", now=now, let_go=later)
        end_meeting_enrollments(meeting=meeting, ends=ends, by=by, now=now)
        record(meeting, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
