"""What becomes of a standing place while it lasts: other meetings of its track from a day on, or another track."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import MeetingFull
from scheduling.models import Booking, Enrollment, EnrollmentMeeting, Meeting, Modality, ReleaseCause, Session, Track
from scheduling.models.session import SessionQuerySet
from scheduling.services.bookings.book import book_sessions, sessions_to_book
from scheduling.services.bookings.missed_dates import missed_sessions, missed_text
from scheduling.services.bookings.placement import PlacementsByMeeting, is_covered, placements_of
from scheduling.services.bookings.release import release_bookings
from scheduling.services.enrollment.checks import check_enrollment, check_sessions, successors
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient, planned_enrollment_meetings
from scheduling.services.enrollment.individual import end_individual_sessions
from scheduling.services.enrollment.mixed_tracks import cross_track_options
from scheduling.services.reasons import AlreadyEnrolled, InAnotherSession, NothingChanged, SessionFull
from scheduling.services.rosters import in_batches, lock_meetings, lock_site
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import full_dates, settled_sessions
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason, Refused

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayHasPassed(Reason):
    """What was attended was attended: a change begins today at the earliest."""

    asked: date


@dataclass(frozen=True, slots=True)
class BeganToday(Reason):
    """A place that was taken today can be given up for another from tomorrow."""

    track: str


@transaction.atomic
def change_meetings(
    *, enrollment: Enrollment, meetings: Sequence[Meeting], from_day: date, by: User, now: datetime
) -> Enrollment:
    """Attends these meetings of its track, and of those that mix with it, from a day on, in place of those until then; what
    has begun stays, and what is attended already may be kept.

    Sessions of meetings that are no longer attended are given back, those of the new ones booked up to the horizon, and an
    exception goes the way of the date that it stands for. Raises Refused with every reason at once, as `enroll_patient` does;
    for a day that has passed or on which the enrollment is over; and when nothing would be different.
    """
    enrollment, track = lock_enrollment(enrollment, meetings)
    episode = enrollment.episode
    today = now.astimezone(episode.site.zone).date()
    refuse_invalid_day(enrollment, from_day, today)
    need = need_of(episode=episode, from_day=from_day, changes=enrollment)
    full = full_dates(site=episode.site, from_day=from_day, apart_from=own_sessions(enrollment))
    others = cross_track_options(track, changes=enrollment)
    against = [
        *check_enrollment(
            episode=episode, track=track, meetings=meetings, need=need, full=full, changes=enrollment, beside=others
        )
    ]
    before = placements_of(enrollment)
    chosen = [meeting for meeting in (*track.meetings.all(), *others.meetings) if meeting in meetings]
    following = successors(chosen, track)
    if not _replace_meetings(
        enrollment, planned_enrollment_meetings(enrollment, from_day, chosen, following), from_day
    ):
        raise Refused([NothingChanged()])
    _release_uncovered_bookings(enrollment, placements_of(enrollment), now)
    asked = [session for session in sessions_to_book(enrollment, today, now) if not is_covered(before, session)]
    missed = missed_sessions(asked, [*chosen, *following], need, episode.site.zone)
    gained = [session for session in asked if session not in missed]
    against += _without_known_reasons(check_sessions(episode, gained), against)
    if against:
        raise Refused(against)
    names = ", ".join(meeting.name for meeting in chosen)
    detail = f"from {from_day:%Y-%m-%d}: {names}{missed_text(missed, asked)}"
    record(enrollment, by=by, action=Action.CHANGED, at=now, detail=detail)
    book_sessions(enrollment, gained, now, missed=missed)
    return enrollment


def own_sessions(enrollment: Enrollment) -> SessionQuerySet:
    """Sessions in which its patient needs no new place: it has one there, or stands in the group on the date."""
    stands = EnrollmentMeeting.objects.filter(
        Q(ends=None) | Q(ends__gt=OuterRef("pattern_date")),
        enrollment=enrollment,
        meeting=OuterRef("meeting"),
        starts__lte=OuterRef("pattern_date"),
    )
    settled = settled_sessions(enrollment.episode, of=enrollment)
    return Session.objects.filter(Q(pk__in=settled.order_by().values("pk")) | Exists(stands))


@transaction.atomic
def transfer_enrollment(
    *,
    enrollment: Enrollment,
    track: Track,
    meetings: Sequence[Meeting],
    starts: date,
    modality: Modality | None = None,
    by: User,
    now: datetime,
) -> Enrollment:
    """Leaves one track for another: its last day is the one before `starts`, on which the new place begins, or neither.

    A place that was to begin on that day never does. Answers the new enrollment; raises Refused as `enroll_patient` does, and
    for a day that has passed or on which the old place is over.
    """
    enrollment, _ = lock_enrollment(enrollment, meetings)
    today = now.astimezone(enrollment.episode.site.zone).date()
    refuse_invalid_day(enrollment, starts, today)
    if track.pk == enrollment.track_id:
        raise Refused([AlreadyEnrolled(enrollment.track.name, enrollment.starts)])
    reason = f"Moved to {track.name}"
    if starts > enrollment.starts:
        end_enrollment(enrollment=enrollment, last_day=starts - DAY, reason=reason, keep_begun=True, by=by, now=now)
    elif enrollment.starts <= today:
        raise Refused([BeganToday(enrollment.track.name)])
    else:
        _cancel_before_start(enrollment, reason, by, now)
    return enroll_patient(
        episode=enrollment.episode,
        track=track,
        meetings=meetings,
        starts=starts,
        modality=modality or Modality(enrollment.modality),
        continues=enrollment,
        by=by,
        now=now,
    )


def lock_enrollment(enrollment: Enrollment, meetings: Sequence[Meeting]) -> tuple[Enrollment, Track]:
    """The enrollment as it stands and its whole track, held with all that the change could touch."""
    lock_site(enrollment.audit_site_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True)
    episode = episodes.select_related("site", "patient").prefetch_related("spans").get(pk=enrollment.episode_id)
    attended = enrollment.enrollment_meetings.values_list("meeting", flat=True)
    lock_meetings({*attended, *(meeting.pk for meeting in meetings)})
    held = Enrollment.objects.select_for_update(of=("self",), no_key=True).get(pk=enrollment.pk)
    held.episode = episode
    tracks = Track.objects.select_related("site")
    tracks = tracks.prefetch_related("meetings__service_type", "meetings__meeting_facilitators")
    held.track = tracks.get(pk=held.track_id)
    return held, held.track


def refuse_invalid_day(enrollment: Enrollment, day: date, today: date) -> None:
    """Raises Refused for a day on which no change can begin: it has passed, or the enrollment does not hold then."""
    reasons: list[Reason] = []
    if day < enrollment.starts:
        reasons.append(EndDateBeforeStart(enrollment.starts, day))
    elif day < today:
        reasons.append(DayHasPassed(day))
    if enrollment.ends is not None and enrollment.ends < day:
        reasons.append(AlreadyEnded(enrollment.track.name, enrollment.ends - DAY))
    if reasons:
        raise Refused(reasons)


def _replace_meetings(enrollment: Enrollment, wanted: Iterable[EnrollmentMeeting], from_day: date) -> bool:
    """Lets these be the enrollment's places from the day on, beside its one-to-one times; whether anything is different then.

    Where a place goes on, its row does: what was booked by it stays booked.
    """
    missing = {each.meeting_id: each for each in wanted if enrollment.ends is None or each.starts < enrollment.ends}
    for each in missing.values():
        each.ends = min((day for day in (each.ends, enrollment.ends) if day is not None), default=None)
    over, moved = [], []
    standing = enrollment.enrollment_meetings.filter(Q(ends=None) | Q(ends__gte=from_day), meeting__kept_for=None)
    for place in standing.order_by("starts", "pk"):
        want = missing.pop(place.meeting_id, None)
        starts = place.starts if place.starts < from_day or want is None else want.starts
        ends = from_day if want is None else want.ends
        if want is None and place.starts >= from_day:
            over.append(place.pk)
        elif (place.starts, place.ends) != (starts, ends):
            place.starts, place.ends = starts, ends
            moved.append(place)
    EnrollmentMeeting.objects.filter(pk__in=over).delete()
    EnrollmentMeeting.objects.bulk_update(moved, ["starts", "ends"])
    EnrollmentMeeting.objects.bulk_create(missing.values())
    return bool(over or moved or missing)


def _release_uncovered_bookings(enrollment: Enrollment, places: PlacementsByMeeting, now: datetime) -> None:
    """Gives back the enrollment's places in sessions of meetings to come that none of its standing places is for.

    One that was lost to a cancelling is not returned either, should the session be held after all.
    """
    bookings = Booking.objects.filter(enrollment=enrollment, session__meeting__isnull=False, starts__gt=now)
    lost = bookings.filter(Q(released_at=None) | ~Q(release_cause__in=[ReleaseCause.GIVEN_BACK, ReleaseCause.ENDED]))
    ids = [booking.pk for booking in lost.select_related("session") if not is_covered(places, booking.session)]
    for batch in in_batches(ids):
        found = Booking.objects.filter(pk__in=batch)
        found.filter(released_at__isnull=False).update(release_cause=ReleaseCause.ENDED)
        release_bookings(bookings=found, cause=ReleaseCause.ENDED, reason="Attends other groups", now=now)


def _without_known_reasons(found: Iterable[Reason], known: Sequence[Reason]) -> list[Reason]:
    """What stands against single dates, but for the places that are missing in a meeting that is known to be full, and for
    other treatment that is known to be in the way every week.
    """
    full = {reason.meeting.name for reason in known if isinstance(reason, MeetingFull)}
    clashing = {reason.busy.label for reason in known if isinstance(reason, CommitmentConflict)}
    return [
        reason
        for reason in found
        if not (isinstance(reason, SessionFull) and reason.session in full)
        and not (isinstance(reason, InAnotherSession) and reason.session in clashing)
    ]


def _cancel_before_start(enrollment: Enrollment, reason: str, by: User, now: datetime) -> None:
    """Takes back a place that has not begun: the row stays, of one day on which nothing is attended."""
    enrollment.enrollment_meetings.all().delete()
    enrollment.ends, enrollment.end_reason = enrollment.starts + DAY, reason
    enrollment.save(update_fields=["ends", "end_reason"])
    _release_uncovered_bookings(enrollment, {}, now)
    own = Booking.objects.filter(enrollment=enrollment)
    release_bookings(bookings=own, cause=ReleaseCause.ENDED, reason=reason, now=now)
    end_individual_sessions(enrollment=enrollment, ends=enrollment.starts, now=now)
    record(enrollment, by=by, action=Action.ENDED, at=now, detail="before it began", reason=reason)
