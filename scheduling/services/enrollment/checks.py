"""Everything that stands against an enrollment: asked before it is made, and again under the locks that it is written under."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from patients.models import Episode
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import gives_the_hours, has_a_place, judge, keeps_commitments
from scheduling.domain.search.mixed_tracks import check_home_track
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.models import Booking, Enrollment, Meeting, Session, Track, TrackStatus
from scheduling.services.enrollment.mixed_tracks import NO_CROSS_TRACK_OPTIONS, CrossTrackOptions, filter_successors
from scheduling.services.reasons import (
    AlreadyEnrolled,
    BeforeAdmission,
    InAnotherSession,
    SessionFull,
    TrackNotPublished,
)
from scheduling.services.search.offers import as_offer
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class NotRunning(Reason):
    """The meeting is not of the track, or not held in the week in which one would begin."""

    meeting: str
    asked: date


def successors(meetings: Sequence[Meeting], track: Track) -> list[Meeting]:
    """The meetings that will take the place of these for a patient of the track, one after the other."""
    following = filter_successors(Meeting.objects.all(), track)
    rows = following.select_related("service_type").prefetch_related("meeting_facilitators")
    found: list[Meeting] = []
    latest = list(meetings)
    while latest := list(rows.filter(continues__in=latest)):
        found += latest
    return found


def check_enrollment(
    *,
    episode: Episode,
    track: Track,
    meetings: Sequence[Meeting],
    need: Need,
    full: Mapping[int, tuple[date, ...]],
    changes: Enrollment | None = None,
    beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS,
) -> tuple[Reason, ...]:
    """Everything against beginning on the need's day with these meetings, and going on with those that take their place.

    `full` is what `full_dates` says from that day. With `changes`, that enrollment goes on with these meetings, on any day.
    Meetings of other tracks can be those `beside` the track's own.
    Reads the track's prefetched meetings and start dates.
    """
    starts = need.from_day
    reasons: list[Reason] = []
    if starts < episode.starts:
        reasons.append(BeforeAdmission(starts, episode.starts))
    if track.status != TrackStatus.PUBLISHED or track.site_id != episode.site_id:
        reasons.append(TrackNotPublished(track.name))
    standing = Enrollment.objects.filter(episode=episode, track=track).open_on_or_after(starts)
    twice = standing.exclude(pk=changes.pk).first() if changes else standing.first()
    if twice is not None:
        return (*reasons, AlreadyEnrolled(track.name, twice.starts))
    offer = as_offer(track, starts, full, goes_on=changes is not None, beside=beside.meetings)
    running = {each.meeting.key: each.meeting for each in offer.meetings}
    reasons += (NotRunning(meeting.name, starts) for meeting in meetings if meeting.pk not in running)
    chosen = [running[pk] for pk in dict.fromkeys(meeting.pk for meeting in meetings) if pk in running]
    reasons += judge(offer, need, chosen)
    if beside.tracks:
        reasons += check_home_track(
            as_offer(track, starts, full), [as_offer(each, starts, full) for each in beside.tracks], chosen
        )
    following = successors(meetings, track)
    if following:
        reasons += _check_successors(offer, need, chosen, [each.as_weekly_meeting() for each in following], full)
    return tuple(dict.fromkeys(reasons))


def _check_successors(
    offer: Offer,
    need: Need,
    chosen: Sequence[WeeklyMeeting],
    following: Sequence[WeeklyMeeting],
    full: Mapping[int, tuple[date, ...]],
) -> Iterable[Reason]:
    """A group that changes from a date is asked about on both sides of it."""
    later = Offer(
        key=offer.key,
        name=offer.name,
        meetings=tuple(OfferedMeeting(meeting=each, full_on=full.get(int(each.key), ())) for each in following),
        individual_minutes=offer.individual_minutes,
    )
    choice = tuple(following)
    yield from keeps_commitments(later, need, choice)
    yield from has_a_place(later, need, choice)
    settled = tuple(each for each in (*chosen, *following) if each.runs_until is None or each.runs_until >= need.until)
    if len(settled) == len(chosen):  # else one of them ends for good, and so does what it gave
        yield from gives_the_hours(later, need, settled)


def check_sessions(episode: Episode, sessions: Sequence[Session]) -> tuple[Reason, ...]:
    """What stands against booking these dated sessions: one has no place, or the patient is in another at the time.

    A make-up is booked in one session alone, and so in no enrollment that was asked about.
    """
    reasons: list[Reason] = [SessionFull(each.name, each.on) for each in sessions if each.places_left <= 0]
    if sessions:
        first = min(session.starts for session in sessions)
        booked = Booking.objects.active().filter(episode=episode, ends__gt=first).select_related("session")
        taken = [(booking.session, Interval(booking.starts, booking.ends)) for booking in booked]
        reasons += (
            InAnotherSession(other.name, other.on)
            for session in sessions
            for other, time in taken
            if time.overlaps(Interval(session.starts, session.ends))
        )
    return tuple(dict.fromkeys(reasons))
