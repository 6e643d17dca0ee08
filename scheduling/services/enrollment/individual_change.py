"""Arrange individual sessions for an enrolled patient, or move them to other hours."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.individual.proposals import IndividualProposals, WeeklyHour
from scheduling.models import Enrollment
from scheduling.services.bookings.book import book_sessions, sessions_to_book, split_overlapping
from scheduling.services.bookings.placement import is_covered, placements_of
from scheduling.services.enrollment.checks import check_sessions
from scheduling.services.enrollment.individual import (
    add_individual_sessions,
    check_individual_sessions,
    end_individual_sessions,
    individual_sessions_of,
    propose_individual_sessions,
)
from scheduling.services.enrollment.preconditions import lock_enrollment, refuse_invalid_day
from scheduling.services.reasons import NothingChanged
from scheduling.services.search.need import need_of
from timekeeping.reasons import refuse_if_any


def individual_session_options(*, enrollment: Enrollment, from_day: date, today: date) -> IndividualProposals:
    """Propose weekly hours for the enrollment's individual sessions, as if its current hours ended on `from_day`.

    Raises Refused if the episode of care is over by `from_day`.
    """
    return propose_individual_sessions(
        episode=enrollment.episode,
        minutes=enrollment.track.individual_minutes,
        meetings=_group_ids(enrollment, from_day),
        need=need_of(episode=enrollment.episode, from_day=from_day, apart_from=enrollment),
        today=today,
        apart_from=enrollment,
    )


@transaction.atomic
def arrange_individual_sessions(
    *, enrollment: Enrollment, hours: Sequence[WeeklyHour], from_day: date, by: User, now: datetime
) -> Enrollment:
    """Replace the enrollment's weekly individual hours from `from_day` on, and return the enrollment.

    If `hours` is empty, the current hours end without a replacement. Sessions of the new hours are booked up to the
    horizon. Sessions that have begun do not change.

    Raises Refused with every reason: an hour is not free, or the hours do not add up to the track's individual minutes.
    Also raises Refused if the day has passed, if the enrollment is over by then, or if nothing would change.
    """
    enrollment, track = lock_enrollment(enrollment, [])
    episode = enrollment.episode
    today = episode.site.today_at(now)
    refuse_invalid_day(enrollment, from_day, today)
    if set(individual_sessions_of(enrollment, from_day)) == set(hours):
        refuse_if_any([NothingChanged()])
    refuse_if_any(
        check_individual_sessions(
            episode=episode,
            minutes=track.individual_minutes,
            hours=hours,
            meetings=_group_ids(enrollment, from_day),
            need=need_of(episode=episode, from_day=from_day, apart_from=enrollment),
            today=today,
            apart_from=enrollment,
        )
    )
    before = placements_of(enrollment)
    end_individual_sessions(enrollment=enrollment, ends=from_day, now=now)
    add_individual_sessions(enrollment=enrollment, hours=hours, begins=from_day, now=now)
    sessions = [each for each in sessions_to_book(enrollment, today, now) if not is_covered(before, each)]
    sessions, overlapping = split_overlapping(sessions)
    refuse_if_any(check_sessions(episode, sessions))
    record(enrollment, by=by, action=Action.CHANGED, at=now, detail=f"individual time from {from_day:%Y-%m-%d}")
    book_sessions(enrollment, sessions, now, overlapping=overlapping)
    return enrollment


def _group_ids(enrollment: Enrollment, day: date) -> list[int]:
    """Return the ids of the group meetings that the enrollment attends on `day` or later."""
    rows = enrollment.enrollment_meetings.filter(meeting__kept_for=None)
    return [row.meeting_id for row in rows if row.ends is None or row.ends > day]
