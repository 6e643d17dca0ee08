"""The clinic's week as its coordinators change it: tracks and their meetings."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.hours.rules import Verdict, WeeklyMeeting, assess_track
from scheduling.models import (
    CohortStart,
    FacilitatorPart,
    Meeting,
    MeetingFacilitator,
    Site,
    Track,
    TrackStatus,
)
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.meeting_changes import (
    detach_sessions,
    end_meeting_enrollments,
    move_enrollments,
    reassign_sessions,
    stop_meeting,
    withdraw_sessions,
)
from scheduling.services.reasons import AlreadyEnded
from scheduling.services.rosters import lock_site
from scheduling.services.rulebook import RuleBook
from scheduling.services.timetable.hours_check import refuse_rule_violations
from scheduling.services.timetable.meeting_checks import check_meeting, check_meeting_change
from scheduling.services.timetable.values import MeetingValues as MeetingValues
from scheduling.services.timetable.values import TrackValues as TrackValues
from timekeeping.reasons import EndDateBeforeStart, Refused, refuse_if_any

MEETING_FIELDS = (
    "code", "name", "weekday", "starts", "ends", "service_type", "places", "runs_from", "runs_until", "anchor",
    "break_starts", "break_ends", "room", "modality",
)  # fmt: skip
"""The fields of MeetingValues that are the meeting's own columns."""

TRACK_FIELDS = ("code", "name", "population", "individual_minutes", "entry", "level", "from_age", "to_age")
"""The fields of TrackValues that are the track's own columns."""


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


@transaction.atomic
def create_track(*, site: Site, values: TrackValues, by: User | None, now: datetime) -> Track:
    """A draft; publishing it is another step."""
    track = Track(site=site)
    _write_track(track, values)
    record(track, by=by, action=Action.CREATED, at=now)
    return track


@transaction.atomic
def change_track(
    *, track: Track, values: TrackValues, by: User | None, now: datetime, today: date, settle: bool = True
) -> Track:
    """Raises Refused when a published track would break the hours rule."""
    lock_site(track.site_id)
    track = Track.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=track.pk)
    _write_track(track, values)
    if settle and track.status == TrackStatus.PUBLISHED:
        refuse_rule_violations([track], today)
    record(track, by=by, action=Action.CHANGED, at=now)
    return track


def _write_track(track: Track, values: TrackValues) -> None:
    for name in TRACK_FIELDS:
        setattr(track, name, getattr(values, name))
    track.save()
    wanted = set(values.cohort_starts)
    track.cohort_starts.exclude(on__in=wanted).delete()
    known = set(track.cohort_starts.values_list("on", flat=True))
    CohortStart.objects.bulk_create(CohortStart(track=track, on=on) for on in sorted(wanted - known))


@transaction.atomic
def publish_track(*, track: Track, by: User | None, now: datetime, today: date) -> Track:
    """Puts the track on offer and writes its sessions. Raises Refused with every reason of every period from today on."""
    lock_site(track.site_id)
    track = Track.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=track.pk)
    refuse_rule_violations([track], today)
    track.status, track.published_at = TrackStatus.PUBLISHED, track.published_at or now
    track.save(update_fields=["status", "published_at"])
    extend_horizon(site=track.site, today=today, now=now)
    record(track, by=by, action=Action.PUBLISHED, at=now)
    return track


def _lock_meeting(meeting: Meeting) -> Meeting:
    """The meeting as it stands; nobody is enrolled into it until the transaction ends."""
    lock_site(meeting.site_id)
    return Meeting.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=meeting.pk)


@transaction.atomic
def create_meeting(
    *, site: Site, values: MeetingValues, by: User | None, now: datetime, today: date, settle: bool = True
) -> Meeting:
    """Raises Refused outside the site's hours, with more places than its room holds, and when a published track that it
    serves would break a rule.

    Without `settle` nothing is asked of the tracks, here and in the other services: the caller writes several things, of
    which none can be judged alone, and calls `settle_tracks` in the end.
    """
    lock_site(site.pk)
    refuse_if_any(check_meeting(values, site))
    meeting = Meeting(site=site)
    _write_meeting(meeting, values)
    if settle:
        settle_tracks(tracks=meeting.tracks.all(), site=site, today=today, now=now)
    record(meeting, by=by, action=Action.CREATED, at=now)
    return meeting


def _write_meeting(meeting: Meeting, values: MeetingValues) -> None:
    for name in MEETING_FIELDS:
        setattr(meeting, name, getattr(values, name))
    meeting.save()
    meeting.tracks.set(values.tracks)
    meeting.meeting_facilitators.all().delete()
    people = [] if values.lead is None else [(values.lead, FacilitatorPart.LEADS)]
    people += [(assistant, FacilitatorPart.ASSISTS) for assistant in values.assistants]
    MeetingFacilitator.objects.bulk_create(
        MeetingFacilitator(meeting=meeting, user=user, part=part) for user, part in people
    )


@transaction.atomic
def settle_tracks(*, tracks: Iterable[Track], site: Site, today: date, now: datetime) -> None:
    """Called after writing: raises Refused when a published one of the tracks breaks a rule, else writes the sessions.

    The tracks are those that a changed meeting serves, and those that it served.
    """
    published = Track.objects.filter(pk__in={track.pk for track in tracks}, status=TrackStatus.PUBLISHED)
    if published:
        refuse_rule_violations(published.select_related("site"), today)
        extend_horizon(site=site, today=today, now=now)


@transaction.atomic
def change_meeting(
    *,
    meeting: Meeting,
    values: MeetingValues,
    by: User | None,
    now: datetime,
    today: date,
    settle: bool = True,
    let_go: Collection[int] = (),
) -> Meeting:
    """Changes the meeting from `values.runs_from` on: it ends and the next begins, and who stands in it goes on in the next.

    What has been held is never changed: the change begins today at the earliest, tomorrow once today's session has begun.
    A meeting that was never held is changed in place if it is changed from its first day on. Sessions that were changed by
    hand stay as they are and stand for the new meeting's dates of their weeks, but for those whose ids are in `let_go`.

    Raises Refused when more patients stand in it than it would have places, when it is over by then, for new hours outside
    the site's, for more places than its room holds, or when a published track would break a rule.
    """
    meeting = _lock_meeting(meeting)
    served = list(meeting.tracks.all())
    begins = change_start(meeting=meeting, runs_from=values.runs_from, now=now, today=today)
    refuse_if_any(check_meeting_change(meeting, values, begins=begins or values.runs_from, since=begins, now=now))
    if begins is None:
        kept = withdraw_sessions(meeting=meeting, reason="The group changed", now=now, let_go=let_go)
        _write_meeting(meeting, values)
        changed = meeting
    else:
        kept = stop_meeting(meeting=meeting, until=begins, reason="The group changed", now=now, let_go=let_go)
        changed = Meeting(site=meeting.site, continues=meeting)
        _write_meeting(changed, replace(values, runs_from=begins))
        move_enrollments(meeting=meeting, following=changed, begins=begins, by=by, now=now)
    reassign_sessions(sessions=kept, meeting=changed, now=now)
    if settle:
        settle_tracks(tracks=[*served, *changed.tracks.all()], site=meeting.site, today=today, now=now)
    record(changed, by=by, action=Action.CHANGED, at=now, detail=f"from {changed.runs_from:%Y-%m-%d}")
    return changed


def change_start(*, meeting: Meeting, runs_from: date, now: datetime, today: date) -> date | None:
    """The day from which a change asked for `runs_from` holds; None for a meeting that is changed in place: nothing of it
    has been held, and it changes from its first day on or is only being planned."""
    if not meeting.sessions.filter(starts__lte=now).exists():
        relied_on = meeting.tracks.filter(status=TrackStatus.PUBLISHED).exists() or meeting.enrollment_meetings.exists()
        if runs_from <= meeting.runs_from or not relied_on:
            return None
    return max(runs_from, _first_changeable_day(meeting, now, today), meeting.runs_from + timedelta(days=1))


def _first_changeable_day(meeting: Meeting, now: datetime, today: date) -> date:
    """The first day of which nothing has been held."""
    return today + timedelta(days=meeting.sessions.filter(on=today, starts__lte=now).count())


@transaction.atomic
def end_meeting(
    *,
    meeting: Meeting,
    last_day: date,
    by: User | None,
    now: datetime,
    today: date,
    settle: bool = True,
    let_go: Collection[int] = (),
) -> Meeting:
    """Ends the meeting after `last_day`. Raises Refused when a published track would break a rule without it.

    Later sessions that were changed by hand go on as one-offs, but for those whose ids are in `let_go`.
    """
    meeting = _lock_meeting(meeting)
    ends, over = last_day + timedelta(days=1), meeting.runs_until
    if last_day < meeting.runs_from or ends < _first_changeable_day(meeting, now, today):
        raise Refused([EndDateBeforeStart(max(meeting.runs_from, today), last_day)])
    if over is not None and over < ends:
        raise Refused([AlreadyEnded(meeting.name, over - timedelta(days=1))])
    kept = stop_meeting(meeting=meeting, until=ends, reason="The group ended", now=now, let_go=let_go)
    detach_sessions(kept)
    end_meeting_enrollments(meeting=meeting, ends=ends, by=by, now=now)
    if settle:
        settle_tracks(tracks=meeting.tracks.all(), site=meeting.site, today=today, now=now)
    record(meeting, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return meeting
