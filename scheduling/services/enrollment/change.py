"""Change which meetings an enrolled patient attends."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from scheduling.models import Enrollment, EnrollmentMeeting, Meeting
from scheduling.services.bookings.book import (
    book_sessions,
    missed_sessions,
    missed_text,
    sessions_to_book,
    split_overlapping,
)
from scheduling.services.bookings.placement import is_covered, placements_of
from scheduling.services.bookings.release import release_uncovered_bookings
from scheduling.services.enrollment.checks import check_enrollment, check_sessions, predecessors, successors
from scheduling.services.enrollment.enroll import planned_enrollment_meetings
from scheduling.services.enrollment.mixed_tracks import cross_track_options
from scheduling.services.enrollment.preconditions import lock_enrollment, refuse_invalid_day
from scheduling.services.reasons import NothingChanged
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import full_dates, own_sessions
from timekeeping.reasons import Reason, Refused, refuse_if_any


@transaction.atomic
def change_meetings(
    *, enrollment: Enrollment, meetings: Sequence[Meeting], from_day: date, by: User, now: datetime
) -> Enrollment:
    """Change which meetings the patient attends from `from_day` on, and return the updated enrollment.

    Each new meeting must belong to the enrollment's track, or to a track that mixes with the enrollment's track. A
    meeting that the patient already attends may be kept, even if it is full or the tracks no longer mix.

    Sessions of the new meetings are booked up to the horizon. Bookings in sessions of dropped meetings are released.
    Sessions that have begun do not change. If a session was moved, its original date counts.

    Raises Refused with all reasons at once, as `enroll_patient` does. Also raises Refused if the day has passed, if the
    enrollment is over by then, or if nothing would change.
    """
    enrollment, track = lock_enrollment(enrollment, meetings)
    episode = enrollment.episode
    today = episode.site.today_at(now)
    refuse_invalid_day(enrollment, from_day, today)
    need = need_of(episode=episode, from_day=from_day, changes=enrollment)
    full = full_dates(site=episode.site, from_day=from_day, now=now, apart_from=own_sessions(enrollment))
    others = cross_track_options(track, changes=enrollment)
    reasons: Sequence[Reason] = check_enrollment(
        episode=episode, track=track, meetings=meetings, need=need, full=full, changes=enrollment, beside=others
    )
    before = placements_of(enrollment)
    chosen = [meeting for meeting in (*track.meetings.all(), *others.meetings) if meeting in meetings]
    attended_meetings = [*predecessors(chosen, track, from_day), *chosen, *successors(chosen, track)]
    wanted = planned_enrollment_meetings(enrollment, from_day, attended_meetings)
    if not _replace_meetings(enrollment, wanted, from_day):
        raise Refused([NothingChanged()])
    release_uncovered_bookings(enrollment, placements_of(enrollment), now)
    gained = [session for session in sessions_to_book(enrollment, today, now) if not is_covered(before, session)]
    missed = missed_sessions(gained, attended_meetings, need, episode.site.zone)
    attended, overlapping = split_overlapping(session for session in gained if session not in missed)
    refuse_if_any([*reasons, *check_sessions(episode, attended, known=reasons)])
    names = ", ".join(meeting.name for meeting in chosen)
    detail = f"from {from_day:%Y-%m-%d}: {names}{missed_text([*missed, *overlapping], gained)}"
    record(enrollment, by=by, action=Action.CHANGED, at=now, detail=detail)
    book_sessions(enrollment, attended, now, missed=missed, overlapping=overlapping)
    return enrollment


def _replace_meetings(enrollment: Enrollment, wanted: Iterable[EnrollmentMeeting], from_day: date) -> bool:
    """Replace the enrollment's group meetings with `wanted`, starting on `from_day`. Return whether anything changed.

    Meetings for individual sessions do not change. A meeting that the patient still attends keeps its row, so that its
    bookings are not released.
    """
    missing = {each.meeting_id: each for each in wanted if enrollment.ends is None or each.starts < enrollment.ends}
    for each in missing.values():
        each.ends = min((day for day in (each.ends, enrollment.ends) if day is not None), default=None)
    deleted, changed = [], []
    present = enrollment.enrollment_meetings.filter(Q(ends=None) | Q(ends__gte=from_day), meeting__kept_for=None)
    for row in present.order_by("starts", "pk"):
        replacement = missing.pop(row.meeting_id, None)
        starts = row.starts if row.starts < from_day or replacement is None else replacement.starts
        ends = from_day if replacement is None else replacement.ends
        if replacement is None and row.starts >= from_day:
            deleted.append(row.pk)
        elif (row.starts, row.ends) != (starts, ends):
            row.starts, row.ends = starts, ends
            changed.append(row)
    EnrollmentMeeting.objects.filter(pk__in=deleted).delete()
    EnrollmentMeeting.objects.bulk_update(changed, ["starts", "ends"])
    EnrollmentMeeting.objects.bulk_create(missing.values())
    return bool(deleted or changed or missing)
