"""The clinic's week as its coordinators change it: tracks and their meetings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.hours import Period, Verdict, WeeklyMeeting, assess_timetable, assess_track
from scheduling.domain.reasons import FacilitatorInTwoPlaces, Reason, RoomInTwoPlaces
from scheduling.models import (
    Booking,
    CohortStart,
    EnrollmentMeeting,
    Meeting,
    MeetingFacilitator,
    Part,
    Room,
    ServiceType,
    Session,
    SessionStatus,
    Site,
    Track,
    TrackStatus,
)
from scheduling.services.enrolling import release_bookings
from scheduling.services.horizon import extend_horizon
from scheduling.services.refused import EndsBeforeItBegins, Refused, TooFewPlaces
from scheduling.services.rules import RuleBook


@dataclass(frozen=True, kw_only=True)
class TrackValues:
    code: str
    name: str
    population: str = ""
    individual_minutes: int = 0
    entry: str = "rolling"
    cohort_starts: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MeetingValues:
    """A meeting as it was stated; dates are half-open."""

    code: str
    name: str
    weekday: int
    starts: time
    ends: time
    service_type: ServiceType
    places: int
    runs_from: date
    runs_until: date | None = None
    anchor: date | None = None
    break_starts: time | None = None
    break_ends: time | None = None
    room: Room | None = None
    modality: str = "in_person"
    lead: User | None = None
    assistants: tuple[User, ...] = ()
    tracks: tuple[Track, ...] = ()


SLOT = (
    "code", "name", "weekday", "starts", "ends", "service_type", "places", "runs_from", "runs_until", "anchor",
    "break_starts", "break_ends", "room", "modality",
)  # fmt: skip
"""The fields of MeetingValues that are the meeting's own columns."""


def with_meetings(tracks: QuerySet[Track]) -> QuerySet[Track]:
    """Tracks with all that their hours are computed from."""
    return tracks.prefetch_related("meetings__service_type", "meetings__meeting_facilitators")


def track_verdict(*, track: Track, on: date, book: RuleBook, candidate: WeeklyMeeting | None = None) -> Verdict:
    """The hours of the track's meetings that run on the day or, before the first of them begins, of all to come.

    `candidate` is tried in place of the meeting with its key, or beside the others. Reads prefetched meetings.
    """
    meetings = [each.as_weekly_meeting() for each in track.meetings.all()]
    if candidate is not None:
        meetings = [each for each in meetings if each.key != candidate.key] + [candidate]
    to_come = [each for each in meetings if each.runs_on_or_after(on)]
    running = [each for each in to_come if each.runs_from is None or each.runs_from <= on]
    return assess_track(running or to_come, book.on(on), individual_minutes=track.individual_minutes)


def _periods(track: Track, today: date) -> tuple[Period, ...]:
    """What the track adds up to from today on, its site's other groups beside it."""
    site = track.site
    beside = (
        Meeting.objects.filter(site=site, tracks__status=TrackStatus.PUBLISHED)
        .not_over_on(today)
        .select_related("service_type")
        .prefetch_related("meeting_facilitators")
        .distinct()
    )
    own = Meeting.objects.filter(tracks=track).select_related("service_type").prefetch_related("meeting_facilitators")
    return assess_timetable(
        [meeting.as_weekly_meeting() for meeting in own],
        RuleBook.of(site).on(today),
        first=today,
        individual_minutes=track.individual_minutes,
        others=[meeting.as_weekly_meeting() for meeting in beside],
    )


def _refuse_what_breaks_the_rules(tracks: Iterable[Track], today: date) -> None:
    """Called after writing: a refusal takes back everything that was written in the transaction."""
    reasons = [reason for track in tracks for period in _periods(track, today) for reason in period.verdict.reasons]
    if reasons:
        raise Refused(dict.fromkeys(_named(reasons)))


def _named(reasons: Collection[Reason]) -> list[Reason]:
    """Rooms and facilitators by their names instead of their ids."""
    rooms = Room.objects.in_bulk([int(each.room) for each in reasons if isinstance(each, RoomInTwoPlaces)])
    people = User.objects.in_bulk(
        [int(each.facilitator) for each in reasons if isinstance(each, FacilitatorInTwoPlaces)]
    )
    named: list[Reason] = []
    for each in reasons:
        if isinstance(each, RoomInTwoPlaces):
            named.append(replace(each, room=rooms[int(each.room)].name))
        elif isinstance(each, FacilitatorInTwoPlaces):
            named.append(replace(each, facilitator=people[int(each.facilitator)].name))
        else:
            named.append(each)
    return named


@transaction.atomic
def create_track(*, site: Site, values: TrackValues, by: User | None, now: datetime) -> Track:
    """A draft; publishing it is another step."""
    track = Track(site=site)
    _write_track(track, values)
    record(track, by=by, action=Action.CREATED, at=now)
    return track


@transaction.atomic
def change_track(*, track: Track, values: TrackValues, by: User | None, now: datetime, today: date) -> Track:
    """Raises Refused when a published track would break the hours rule."""
    _write_track(track, values)
    if track.status == TrackStatus.PUBLISHED:
        _refuse_what_breaks_the_rules([track], today)
    record(track, by=by, action=Action.CHANGED, at=now)
    return track


def _write_track(track: Track, values: TrackValues) -> None:
    for name in ("code", "name", "population", "individual_minutes", "entry"):
        setattr(track, name, getattr(values, name))
    track.save()
    wanted = set(values.cohort_starts)
    track.cohort_starts.exclude(on__in=wanted).delete()
    known = set(track.cohort_starts.values_list("on", flat=True))
    CohortStart.objects.bulk_create(CohortStart(track=track, on=on) for on in sorted(wanted - known))


@transaction.atomic
def publish_track(*, track: Track, by: User | None, now: datetime, today: date) -> Track:
    """Puts the track on offer and writes its sessions. Raises Refused with every reason of every period from today on."""
    track = Track.objects.select_for_update(of=("self",)).select_related("site").get(pk=track.pk)
    _refuse_what_breaks_the_rules([track], today)
    track.status, track.published_at = TrackStatus.PUBLISHED, track.published_at or now
    track.save(update_fields=["status", "published_at"])
    extend_horizon(site=track.site, today=today, now=now)
    record(track, by=by, action=Action.PUBLISHED, at=now)
    return track


@transaction.atomic
def create_meeting(*, site: Site, values: MeetingValues, by: User | None, now: datetime, today: date) -> Meeting:
    """Raises Refused when a published track that it serves would break a rule."""
    meeting = Meeting(site=site)
    _write_meeting(meeting, values)
    _keep_published(meeting, today, now)
    record(meeting, by=by, action=Action.CREATED, at=now)
    return meeting


def _write_meeting(meeting: Meeting, values: MeetingValues) -> None:
    for name in SLOT:
        setattr(meeting, name, getattr(values, name))
    meeting.save()
    meeting.tracks.set(values.tracks)
    meeting.meeting_facilitators.all().delete()
    people = [] if values.lead is None else [(values.lead, Part.LEADS)]
    people += [(assistant, Part.ASSISTS) for assistant in values.assistants]
    MeetingFacilitator.objects.bulk_create(
        MeetingFacilitator(meeting=meeting, user=user, part=part) for user, part in people
    )


def _keep_published(meeting: Meeting, today: date, now: datetime) -> None:
    published = list(meeting.tracks.filter(status=TrackStatus.PUBLISHED).select_related("site"))
    if published:
        _refuse_what_breaks_the_rules(published, today)
        extend_horizon(site=meeting.site, today=today, now=now)


@transaction.atomic
def change_meeting(*, meeting: Meeting, values: MeetingValues, by: User | None, now: datetime, today: date) -> Meeting:
    """Changes the meeting from `values.runs_from` on: it ends and the next begins, and who stands in it goes on in the next.

    A meeting of which nothing has been written yet is changed in place. Raises Refused when more patients stand in it than
    it would have places, or when a published track would break a rule.
    """
    meeting = Meeting.objects.select_for_update(of=("self",)).select_related("site").get(pk=meeting.pk)
    enrolled = meeting.enrollment_meetings.filter(ends=None).count()
    if values.places < enrolled:
        raise Refused([TooFewPlaces(meeting.name, values.places, enrolled)])
    if not meeting.sessions.exists() and not meeting.enrollment_meetings.exists():
        _write_meeting(meeting, values)
        _keep_published(meeting, today, now)
        record(meeting, by=by, action=Action.CHANGED, at=now)
        return meeting
    begins = max(values.runs_from, today, meeting.runs_from + timedelta(days=1))
    following = Meeting(site=meeting.site, continues=meeting)
    _stop(meeting, begins, reason="The group changed", now=now)
    _write_meeting(following, replace(values, runs_from=begins))
    _carry_over(meeting, following, begins)
    _keep_published(following, today, now)
    record(following, by=by, action=Action.CHANGED, at=now, detail=f"from {begins:%Y-%m-%d}")
    return following


def _carry_over(meeting: Meeting, following: Meeting, begins: date) -> None:
    """Who stands in the meeting stands in the next one."""
    standing = list(meeting.enrollment_meetings.filter(ends=None).select_related("enrollment"))
    EnrollmentMeeting.objects.bulk_create(
        EnrollmentMeeting(enrollment=each.enrollment, meeting=following, starts=max(begins, each.starts))
        for each in standing
    )
    meeting.enrollment_meetings.filter(ends=None, starts__lt=begins).update(ends=begins)
    meeting.enrollment_meetings.filter(ends=None).delete()


def _stop(meeting: Meeting, until: date, *, reason: str, now: datetime) -> None:
    """No more sessions from the day on: those nobody was booked into are taken out, the others cancelled and released."""
    meeting.runs_until = until
    meeting.save(update_fields=["runs_until"])
    later = Session.objects.filter(meeting=meeting, on__gte=until, finalized_at=None)
    later.filter(bookings=None).delete()
    for session in later.filter(status=SessionStatus.SCHEDULED):
        release_bookings(bookings=Booking.objects.filter(session=session), reason=reason, now=now)
    later.filter(status=SessionStatus.SCHEDULED).update(
        status=SessionStatus.CANCELLED, cancel_reason=reason, departed_at=now
    )


@transaction.atomic
def end_meeting(*, meeting: Meeting, last_day: date, by: User | None, now: datetime, today: date) -> Meeting:
    """Ends the meeting after `last_day`. Raises Refused when a published track would break a rule without it."""
    meeting = Meeting.objects.select_for_update(of=("self",)).select_related("site").get(pk=meeting.pk)
    if last_day < max(meeting.runs_from, today - timedelta(days=1)):
        raise Refused([EndsBeforeItBegins(max(meeting.runs_from, today), last_day)])
    ends = last_day + timedelta(days=1)
    _stop(meeting, ends, reason="The group ended", now=now)
    meeting.enrollment_meetings.filter(ends=None, starts__lt=ends).update(ends=ends)
    meeting.enrollment_meetings.filter(ends=None).delete()
    _keep_published(meeting, today, now)
    record(meeting, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return meeting
