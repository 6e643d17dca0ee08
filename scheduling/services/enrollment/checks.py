"""Find the reasons against an enrollment. A preview shows them. They are checked again before the enrollment is saved."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Min, Q

from patients.models import Episode
from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting, add_up
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import (
    MeetingFull,
    gives_the_hours,
    has_a_place,
    is_not_enrolled,
    judge,
    keeps_commitments,
)
from scheduling.domain.search.mixed_tracks import check_home_track
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.domain.search.remarks import Remark, commitment_remarks
from scheduling.models import Booking, Enrollment, Meeting, Session, SessionStatus, Track, TrackStatus
from scheduling.services.enrollment.mixed_tracks import NO_CROSS_TRACK_OPTIONS, CrossTrackOptions
from scheduling.services.reasons import (
    BeforeAdmission,
    InAnotherSession,
    SessionFull,
    TrackNotPublished,
)
from scheduling.services.search.offers import as_offer
from timekeeping.busy_times import treatment_key
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class NotRunning(Reason):
    """The meeting does not belong to the track, or is not held in the week in which the patient would start."""

    meeting: str
    asked: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicePreview:
    """A preview of chosen meetings: their weekly minutes and days, the prescription, and the reasons against the choice.

    `asks` are remarks about commitments that would have to move, and about sessions that the patient would miss.
    """

    minutes: int
    days: int
    prescribed_minutes: int
    prescribed_days: int
    rules: HoursRules
    reasons: tuple[Reason, ...]
    asks: tuple[Remark, ...] = ()


def preview_choice(
    *,
    episode: Episode,
    track: Track,
    meetings: Sequence[Meeting],
    need: Need,
    full: Mapping[int, tuple[date, ...]],
    changes: Enrollment | None = None,
    beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS,
) -> ChoicePreview:
    """Check a choice of meetings as `check_enrollment` does, and add up its hours. Nothing is saved.

    Reads the prefetched meetings of the track, and the meetings in `beside`.
    """
    wanted = {meeting.pk for meeting in meetings}
    chosen = [each.as_weekly_meeting() for each in (*track.meetings.all(), *beside.meetings) if each.pk in wanted]
    total = add_up(chosen, need.rules, track.individual_minutes)
    return ChoicePreview(
        minutes=total.minutes,
        days=total.days,
        prescribed_minutes=need.prescribed_minutes,
        prescribed_days=need.prescribed_days,
        rules=need.rules,
        reasons=check_enrollment(
            episode=episode,
            track=track,
            meetings=meetings,
            need=need,
            full=full,
            changes=changes,
            beside=beside,
        ),
        asks=commitment_remarks(chosen, need),
    )


def places_left(*, meetings: Collection[int], from_day: date, now: datetime) -> dict[int, int]:
    """Map meeting id to the lowest number of spots left on any date from `from_day` on.

    Sessions that began before `now` are ignored, and meetings without other sessions are left out.
    """
    sessions = Session.objects.filter(
        meeting__in=meetings, on__gte=from_day, starts__gte=now, status=SessionStatus.SCHEDULED
    )
    left = sessions.order_by().values_list("meeting").annotate(left=Min(F("places") - F("booked")))
    return {meeting: max(0, places) for meeting, places in left if meeting is not None}


def check_enrollment(
    *,
    episode: Episode,
    track: Track,
    meetings: Sequence[Meeting],
    need: Need,
    full: Mapping[int, tuple[date, ...]],
    changes: Enrollment | None = None,
    goes_on: bool = False,
    beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS,
    preceding: Sequence[Meeting] | None = None,
    following: Sequence[Meeting] | None = None,
) -> tuple[Reason, ...]:
    """Return every reason against attending these meetings from the need's first day on.

    Meetings that later continue the chosen ones are checked too, and so are those that the chosen ones will continue.
    By default, these are the `successors` and the `predecessors`; a caller who knows them passes `following` and
    `preceding`. `full` maps meeting id to full dates, as returned by `full_dates`. If the patient is already enrolled in
    the track, `changes` is that enrollment. The new meetings can then start on any day. The same holds with `goes_on`: the
    patient has been in the track since before the need's first day. `beside` has meetings of other tracks that can be
    chosen too. Reads the track's prefetched meetings and start dates.
    """
    starts = need.from_day
    reasons: list[Reason] = []
    if starts < episode.starts:
        reasons.append(BeforeAdmission(starts, episode.starts))
    if track.status != TrackStatus.PUBLISHED or track.site_id != episode.site_id:
        reasons.append(TrackNotPublished(track.name))
    offer = as_offer(track, starts, full, goes_on=goes_on or changes is not None, beside=beside.meetings)
    if enrolled := tuple(is_not_enrolled(offer, need, ())):
        return (*reasons, *enrolled)
    running = {each.meeting.key: each.meeting for each in offer.meetings}
    reasons += (NotRunning(meeting.name, starts) for meeting in meetings if meeting.pk not in running)
    chosen = [running[pk] for pk in dict.fromkeys(meeting.pk for meeting in meetings) if pk in running]
    reasons += judge(offer, need, chosen)
    if beside.tracks:
        reasons += check_home_track(
            as_offer(track, starts, full), [as_offer(each, starts, full) for each in beside.tracks], chosen
        )
    preceding = predecessors(meetings, track, starts) if preceding is None else preceding
    following = successors(meetings, track) if following is None else following
    if earlier := [each.as_weekly_meeting() for each in preceding]:
        reasons += _check_dates(_offer_of(offer, earlier, full), need, earlier)
    if later := [each.as_weekly_meeting() for each in following]:
        reasons += _check_successors(offer, need, chosen, later, full)
    return tuple(dict.fromkeys(reasons))


def _check_successors(
    offer: Offer,
    need: Need,
    chosen: Sequence[WeeklyMeeting],
    following: Sequence[WeeklyMeeting],
    full: Mapping[int, tuple[date, ...]],
) -> Iterable[Reason]:
    """Yield the reasons against the meetings in `following`, the successors of the meetings in `chosen`."""
    later = _offer_of(offer, following, full)
    yield from _check_dates(later, need, following)
    lasting = tuple(each for each in (*chosen, *following) if each.runs_until is None or each.runs_until >= need.until)
    if len(lasting) == len(chosen):  # no check if a chosen meeting ends without a successor
        yield from gives_the_hours(later, need, lasting)


def _offer_of(offer: Offer, meetings: Iterable[WeeklyMeeting], full: Mapping[int, tuple[date, ...]]) -> Offer:
    """Return the offer with other meetings."""
    return Offer(
        key=offer.key,
        name=offer.name,
        meetings=tuple(OfferedMeeting(meeting=each, full_on=full.get(int(each.key), ())) for each in meetings),
        individual_minutes=offer.individual_minutes,
    )


def _check_dates(offer: Offer, need: Need, meetings: Sequence[WeeklyMeeting]) -> Iterable[Reason]:
    """Yield the reasons against the dates of the meetings: commitments, and dates without a spot."""
    choice = tuple(meetings)
    yield from keeps_commitments(offer, need, choice)
    yield from has_a_place(offer, need, choice)


def predecessors(meetings: Sequence[Meeting], track: Track, day: date) -> list[Meeting]:
    """Return every meeting that one of `meetings` continues, directly or through others, and that has not ended by `day`.

    A group that changes in the middle of the patient's first week has sessions of both meetings in that week. The earlier
    meeting must serve `track`, or visit it as in `successors`.
    """
    visited = ~Q(continued_by__tracks=track) & Q(tracks=F("continued_by__tracks"))
    rows = Meeting.objects.filter(Q(tracks=track) | visited, runs_until__gt=day).distinct()
    rows = rows.select_related("service_type").prefetch_related("meeting_facilitators")
    found: list[Meeting] = []
    latest = list(meetings)
    while earlier := [each.continues_id for each in latest if each.continues_id is not None]:
        latest = list(rows.filter(pk__in=earlier))
        found += latest
    return found


def successors(meetings: Sequence[Meeting], track: Track) -> list[Meeting]:
    """Return every meeting that continues one of `meetings`, directly or through others, for a patient of `track`.

    Usually, the later meeting must serve `track`. If the earlier meeting does not serve `track` (tracks can mix), it is
    enough that the two meetings have a track in common.
    """
    visited = ~Q(continues__tracks=track) & Q(tracks=F("continues__tracks"))
    rows = Meeting.objects.filter(Q(tracks=track) | visited).distinct()
    rows = rows.select_related("service_type").prefetch_related("meeting_facilitators")
    found: list[Meeting] = []
    latest = list(meetings)
    while latest := list(rows.filter(continues__in=latest)):
        found += latest
    return found


def check_sessions(
    episode: Episode, sessions: Sequence[Session], *, known: Sequence[Reason] = ()
) -> tuple[Reason, ...]:
    """Return the reasons against booking the patient into these dated sessions.

    A session can be full, or overlap another session of the patient. The search compares weekly meetings, so it can miss
    these reasons, for example if a session was moved. A session is left out if `known` already has a reason about its
    weekly meeting: that the meeting is full, or that it conflicts with another meeting.
    """
    if not sessions:
        return ()
    first = min(session.starts for session in sessions)
    booked = Booking.objects.active().filter(episode=episode, ends__gt=first).select_related("session")
    return reasons_against_sessions(sessions, booked, known=known)


def reasons_against_sessions(
    sessions: Sequence[Session], booked: Iterable[Booking], *, known: Sequence[Reason] = ()
) -> tuple[Reason, ...]:
    """Return the same reasons as `check_sessions`. `booked` are the patient's active bookings, with their sessions."""
    full = {reason.meeting.key for reason in known if isinstance(reason, MeetingFull)}
    conflicting = {reason.busy.key for reason in known if isinstance(reason, CommitmentConflict)}
    taken = [(booking.session, Interval(booking.starts, booking.ends)) for booking in booked]
    reasons: list[Reason] = [
        SessionFull(each.name, each.on) for each in sessions if each.places_left <= 0 and each.meeting_id not in full
    ]
    reasons += (
        InAnotherSession(other.name, other.on)
        for session in sessions
        for other, time in taken
        if other.meeting_id is None or treatment_key(other.meeting_id) not in conflicting
        if time.overlaps(Interval(session.starts, session.ends))
    )
    return tuple(dict.fromkeys(reasons))
