"""Weekly meetings: create them, change them from a date on, and end them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from scheduling.models import FacilitatorPart, Meeting, MeetingFacilitator, Site, TrackStatus
from scheduling.services.bookings.meeting_changes import (
    detach_sessions,
    end_meeting_enrollments,
    move_enrollments,
    reassign_sessions,
    stop_meeting,
    withdraw_sessions,
)
from scheduling.services.locks import lock_site
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.timetable.meeting_checks import check_meeting_change, check_new_meeting
from scheduling.services.timetable.tracks import check_tracks_and_extend_horizon
from scheduling.services.timetable.values import MeetingValues
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Refused, refuse_if_any

DAY = timedelta(days=1)
MEETING_FIELDS = (
    "code", "name", "weekday", "starts", "ends", "service_type", "places", "runs_from", "runs_until", "anchor",
    "break_starts", "break_ends", "room", "modality",
)  # fmt: skip
"""The fields of MeetingValues that are columns in the table of meetings."""


def meeting_scope(site: Site, now: datetime) -> SnapshotScope:
    """Return the scope of the preview for creating, changing or ending a meeting: sessions and bookings from today on."""
    return SnapshotScope(site, site.today_at(now), extends_horizon=True)


@transaction.atomic
def create_meeting(
    *,
    site: Site,
    values: MeetingValues,
    by: User | None,
    now: datetime,
    continues: Meeting | None = None,
    defer_checks: bool = False,
) -> Meeting:
    """Create a meeting, and create its sessions if one of its tracks is published.

    `continues` is a meeting that ends by the new one's first day. Its patients attend the new meeting from then on.

    With `defer_checks`, the tracks are not checked and no sessions are created. Use it to save several meetings that
    are valid only together, and call `check_tracks_and_extend_horizon` after the last one. `change_meeting` and
    `end_meeting` also have this parameter.

    Raises Refused

    - if the values contradict each other
    - if another meeting of the site has the same code and first day
    - if the times are outside the site's opening hours
    - if there are more spots than the room holds, or the room is retired
    - if a published track of the meeting would break the hours rule
    """
    lock_site(site.pk)
    refuse_if_any(check_new_meeting(values, site))
    meeting = Meeting(site=site, continues=continues)
    _write_meeting(meeting, values)
    if continues is not None:
        move_enrollments(meeting=continues, following=meeting, begins=values.runs_from, by=by, now=now)
    if not defer_checks:
        check_tracks_and_extend_horizon(tracks=meeting.tracks.all(), site=site, now=now)
    record(meeting, by=by, action=Action.CREATED, at=now)
    return meeting


@transaction.atomic
def create_meetings(*, site: Site, values: Sequence[MeetingValues], by: User | None, now: datetime) -> list[Meeting]:
    """Create several meetings at once, or none of them. Raises Refused as `create_meeting` does."""
    created = [create_meeting(site=site, values=each, by=by, now=now, defer_checks=True) for each in values]
    tracks = [track for meeting in created for track in meeting.tracks.all()]
    check_tracks_and_extend_horizon(tracks=tracks, site=site, now=now)
    return created


@transaction.atomic
def change_meeting(
    *,
    meeting: Meeting,
    values: MeetingValues,
    by: User | None,
    now: datetime,
    defer_checks: bool = False,
    let_go: Collection[int] = (),
) -> Meeting:
    """Change the meeting from `values.runs_from` on, and return the meeting that has the new values.

    Usually, the meeting ends, a new meeting continues it, and the enrollments move to the new meeting. Sessions that
    have begun never change. So the change starts today at the earliest, or tomorrow if today's session has begun. In
    some cases, the meeting itself gets the new values, and there is no new meeting (see `change_start`).

    Sessions that were changed by hand stay as they are. Each of them takes the place of the new meeting's session in
    the same week. But sessions whose ids are in `let_go` lose their changes.

    Raises Refused

    - if the values contradict each other
    - if the meeting would end before the change starts
    - if another meeting of the site has the same code and first day
    - if there would be fewer spots than patients, or more spots than the room holds, or the room is retired
    - if new times are outside the site's opening hours
    - if a published track would break the hours rule
    """
    meeting = lock_meeting(meeting)
    tracks_before = list(meeting.tracks.all())
    begins = change_start(meeting=meeting, runs_from=values.runs_from, now=now)
    refuse_if_any(check_meeting_change(meeting, values, begins=begins or values.runs_from, since=begins, now=now))
    if begins is None:
        kept = withdraw_sessions(meeting=meeting, reason=StoredReason.GROUP_CHANGED, now=now, let_go=let_go)
        _write_meeting(meeting, values)
        changed = meeting
    else:
        kept = stop_meeting(meeting=meeting, until=begins, reason=StoredReason.GROUP_CHANGED, now=now, let_go=let_go)
        changed = Meeting(site=meeting.site, continues=meeting)
        _write_meeting(changed, replace(values, runs_from=begins))
        move_enrollments(meeting=meeting, following=changed, begins=begins, by=by, now=now)
    reassign_sessions(sessions=kept, meeting=changed, now=now)
    if not defer_checks:
        check_tracks_and_extend_horizon(tracks=[*tracks_before, *changed.tracks.all()], site=meeting.site, now=now)
    record(changed, by=by, action=Action.CHANGED, at=now, detail=f"from {changed.runs_from:%Y-%m-%d}")
    return changed


def change_start(*, meeting: Meeting, runs_from: date, now: datetime) -> date | None:
    """Return the first day of the new meeting that continues this meeting after a change from `runs_from` on.

    The first day can be later than `runs_from`, because sessions that have begun do not change.

    Return None if this meeting itself gets the new values. No session of the meeting may have begun, and one of these
    must be true:

    - `runs_from` is the meeting's first day or earlier.
    - The meeting has no enrollment and no published track.

    Reads the meeting's site.
    """
    if not meeting.sessions.filter(starts__lte=now).exists():
        is_in_use = meeting.tracks.filter(status=TrackStatus.PUBLISHED).exists() or meeting.enrollment_meetings.exists()
        if runs_from <= meeting.runs_from or not is_in_use:
            return None
    return max(runs_from, _first_changeable_day(meeting, now), meeting.runs_from + DAY)


@transaction.atomic
def end_meeting(
    *,
    meeting: Meeting,
    last_day: date,
    by: User | None,
    now: datetime,
    defer_checks: bool = False,
    let_go: Collection[int] = (),
) -> Meeting:
    """End the meeting after `last_day`, and take its patients out of the meeting from the next day on.

    Later sessions are removed. Sessions that were changed by hand become one-off sessions instead, unless their ids are
    in `let_go`.

    The last day can be yesterday at the earliest, or today if today's session has begun. Raises Refused if the last day
    is earlier, or before the meeting's first day. Also raises Refused if the meeting already ends before `last_day`, or
    if a published track would break the hours rule without the meeting.
    """
    meeting = lock_meeting(meeting)
    ends, ended = last_day + DAY, meeting.runs_until
    if last_day < meeting.runs_from or ends < _first_changeable_day(meeting, now):
        raise Refused([EndDateBeforeStart(max(meeting.runs_from, meeting.site.today_at(now)), last_day)])
    if ended is not None and ended < ends:
        raise Refused([AlreadyEnded(meeting.name, ended - DAY)])
    kept = stop_meeting(meeting=meeting, until=ends, reason=StoredReason.GROUP_ENDED, now=now, let_go=let_go)
    detach_sessions(kept)
    end_meeting_enrollments(meeting=meeting, ends=ends, by=by, now=now)
    if not defer_checks:
        check_tracks_and_extend_horizon(tracks=meeting.tracks.all(), site=meeting.site, now=now)
    record(meeting, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}")
    return meeting


def lock_meeting(meeting: Meeting) -> Meeting:
    """Lock the site and the meeting, and return the meeting's current state.

    No one can enroll in the meeting until the transaction ends.
    """
    lock_site(meeting.site_id)
    return Meeting.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=meeting.pk)


def _first_changeable_day(meeting: Meeting, now: datetime) -> date:
    """Return today, or tomorrow if today's session has begun."""
    today = meeting.site.today_at(now)
    return today + DAY * meeting.sessions.filter(on=today, starts__lte=now).count()


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
