"""A patient's standing place in a track: given, ended, and ended with the whole course of care."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode
from scheduling.domain.fit import judge
from scheduling.domain.interval import Interval
from scheduling.domain.reasons import Reason
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    Meeting,
    Modality,
    Session,
    SessionStatus,
    Track,
    TrackStatus,
)
from scheduling.models.booking import BookingQuerySet
from scheduling.services.fitting import as_offer, full_dates, need_of
from scheduling.services.horizon import horizon_end, mark_stale_of_episodes, new_booking, recount_places
from scheduling.services.refused import (
    AlreadyEnrolled,
    BeforeAdmission,
    EndsBeforeItBegins,
    InAnotherSession,
    NoPlaceLeft,
    NotOnOffer,
    NotRunning,
    Refused,
)
from scheduling.services.rules import RuleBook


@transaction.atomic
def enroll_patient(
    *,
    episode: Episode,
    track: Track,
    meetings: Sequence[Meeting],
    starts: date,
    modality: Modality = Modality.IN_PERSON,
    by: User,
    now: datetime,
) -> Enrollment:
    """Enrolls from a date in these meetings of the track and books every session of them up to the horizon.

    Raises Refused with every reason at once: hours or days below what is prescribed or beyond the rules, two alternatives
    of one hour, a clash with the patient's life or other treatment, a session without a place.
    """
    episode = Episode.objects.select_for_update().select_related("site").prefetch_related("spans").get(pk=episode.pk)
    track = Track.objects.prefetch_related(
        "cohort_starts", "meetings__service_type", "meetings__meeting_facilitators"
    ).get(pk=track.pk)
    today = now.astimezone(episode.site.zone).date()
    reasons = reasons_against(episode, track, meetings, starts, today)
    if reasons:
        raise Refused(reasons)
    enrollment = Enrollment.objects.create(episode=episode, track=track, starts=starts, modality=modality)
    EnrollmentMeeting.objects.bulk_create(
        EnrollmentMeeting(enrollment=enrollment, meeting=meeting, starts=starts) for meeting in meetings
    )
    _book(enrollment, meetings, starts, today, now)
    record(enrollment, by=by, action=Action.ENROLLED, at=now, detail=f"{track} from {starts:%Y-%m-%d}")
    mark_stale_of_episodes([episode.pk], now)
    return enrollment


def reasons_against(
    episode: Episode, track: Track, meetings: Sequence[Meeting], starts: date, today: date
) -> Sequence[Reason]:
    """Everything against the enrollment. Reads the episode's prefetched spans and the track's prefetched meetings."""
    reasons: list[Reason] = []
    if starts < episode.starts:
        reasons.append(BeforeAdmission(starts, episode.starts))
    if track.status != TrackStatus.PUBLISHED or track.site_id != episode.site_id:
        reasons.append(NotOnOffer(track.name))
    standing = Enrollment.objects.filter(episode=episode, track=track).not_over_on(starts).first()
    if standing is not None:
        reasons.append(AlreadyEnrolled(track.name, standing.starts))
        return reasons
    need = need_of(episode=episode, from_day=starts)
    offer = as_offer(track, starts, full_dates(site=episode.site, from_day=max(starts, today)))
    chosen = {meeting.pk for meeting in meetings}
    offered = [each.meeting for each in offer.meetings if each.meeting.key in chosen]
    running = {each.key for each in offered}
    reasons += (NotRunning(meeting.name, starts) for meeting in meetings if meeting.pk not in running)
    return [*reasons, *judge(offer, need, offered)]


def _book(enrollment: Enrollment, meetings: Sequence[Meeting], starts: date, today: date, now: datetime) -> None:
    """Books every session to come of the meetings. The last place goes once: it is taken where there is one, in one update."""
    sessions = list(
        Session.objects.filter(meeting__in=meetings, status=SessionStatus.SCHEDULED, starts__gte=now).between(
            starts, horizon_end(today)
        )
    )
    _refuse_two_places_at_once(enrollment.episode, sessions)
    ids = [session.pk for session in sessions]
    taken = Session.objects.filter(pk__in=ids, booked__lt=F("places")).update(
        booked=F("booked") + 1, version=F("version") + 1
    )
    if taken < len(ids):
        full = Session.objects.filter(pk__in=[session.pk for session in sessions if session.places_left <= 0])
        missing = full or Session.objects.filter(pk__in=ids, booked__gte=F("places"))
        raise Refused(NoPlaceLeft(session.name, session.on) for session in missing)
    book = RuleBook.of(enrollment.episode.site)
    Booking.objects.bulk_create(
        new_booking(
            session, episode_id=enrollment.episode_id, enrollment_id=enrollment.pk, week=book.week_of(session.on)
        )
        for session in sessions
    )


def _refuse_two_places_at_once(episode: Episode, sessions: Sequence[Session]) -> None:
    """A make-up is booked in one session alone, and so in no enrollment that was asked about."""
    if not sessions:
        return
    booked = Booking.objects.standing().filter(episode=episode, ends__gt=sessions[0].starts).select_related("session")
    taken = [(booking.session, Interval(booking.starts, booking.ends)) for booking in booked]
    reasons = [
        InAnotherSession(other.name, other.on)
        for session in sessions
        for other, time in taken
        if time.overlaps(Interval(session.starts, session.ends))
    ]
    if reasons:
        raise Refused(dict.fromkeys(reasons))


@transaction.atomic
def end_enrollment(*, enrollment: Enrollment, last_day: date, reason: str = "", by: User, now: datetime) -> Enrollment:
    """Ends the standing place after `last_day` and releases later bookings. Raises Refused for a day before its first."""
    enrollment = Enrollment.objects.select_for_update(of=("self",)).select_related("episode").get(pk=enrollment.pk)
    if last_day < enrollment.starts:
        raise Refused([EndsBeforeItBegins(enrollment.starts, last_day)])
    ends = last_day + timedelta(days=1)
    enrollment.ends, enrollment.end_reason = ends, reason
    enrollment.save(update_fields=["ends", "end_reason"])
    still = enrollment.enrollment_meetings.filter(ends=None)
    still.filter(starts__lt=ends).update(ends=ends)
    still.filter(starts__gte=ends).delete()
    later = Booking.objects.filter(enrollment=enrollment, session__on__gte=ends)
    release_bookings(bookings=later, reason=reason or "The enrollment ended", now=now)
    record(enrollment, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}", reason=reason)
    return enrollment


def release_bookings(*, bookings: BookingQuerySet, reason: str, now: datetime) -> int:
    """Gives back the places of these bookings that stand and have no mark; how many."""
    released = list(bookings.standing().filter(attendance=None).values_list("pk", "session", "episode"))
    Booking.objects.filter(pk__in=[pk for pk, _, _ in released]).update(released_at=now, release_reason=reason[:120])
    recount_places({session for _, session, _ in released})
    mark_stale_of_episodes({episode for _, _, episode in released}, now)
    return len(released)


@transaction.atomic
def discharge_patient(*, episode: Episode, last_day: date, reason: str, by: User, now: datetime) -> Episode:
    """Ends the course of care after `last_day`, with its enrollments, bookings and level. Raises Refused for an earlier day."""
    episode = Episode.objects.select_for_update(of=("self",)).select_related("patient").get(pk=episode.pk)
    if last_day < episode.starts:
        raise Refused([EndsBeforeItBegins(episode.starts, last_day)])
    ends = last_day + timedelta(days=1)
    for enrollment in Enrollment.objects.filter(episode=episode).not_over_on(ends):
        if enrollment.starts <= last_day:
            end_enrollment(enrollment=enrollment, last_day=last_day, reason="Discharged", by=by, now=now)
        else:  # it was to begin later, and never will
            end_enrollment(enrollment=enrollment, last_day=enrollment.starts, reason="Discharged", by=by, now=now)
    release_bookings(
        bookings=Booking.objects.filter(episode=episode, session__on__gte=ends), reason="Discharged", now=now
    )
    episode.spans.filter(ends=None, starts__lt=ends).update(ends=ends)
    episode.spans.filter(starts__gte=ends).delete()
    episode.ends, episode.discharge_reason = ends, reason
    episode.save(update_fields=["ends", "discharge_reason"])
    record(episode, by=by, action=Action.ENDED, at=now, detail=f"discharged after {last_day:%Y-%m-%d}", reason=reason)
    return episode
