"""Individual time arranged for somebody who is enrolled already, or moved to other hours."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.individual.proposals import Found, WeeklyHour
from scheduling.models import Enrollment
from scheduling.services.bookings.placement import covers, places_of
from scheduling.services.enrollment.change import held_enrollment, refuse_the_day
from scheduling.services.enrollment.checks import reasons_against_sessions
from scheduling.services.enrollment.enroll import book_sessions, sessions_to_book
from scheduling.services.enrollment.individual import (
    end_one_to_ones,
    give_hours,
    hours_of,
    propose_one_to_ones,
    reasons_against_hours,
)
from scheduling.services.reasons import NothingChanged, refuse_for
from scheduling.services.search.queries import need_of


def hours_for(*, enrollment: Enrollment, from_day: date, today: date) -> Found:
    """Weekly times for the individual time of the enrollment's track, as if what it has were over by the day.

    Raises Refused when the course of care is over by then.
    """
    return propose_one_to_ones(
        episode=enrollment.episode,
        minutes=enrollment.track.individual_minutes,
        meetings=_groups(enrollment, from_day),
        need=need_of(episode=enrollment.episode, from_day=from_day, apart_from=enrollment),
        today=today,
        apart_from=enrollment,
    )


@transaction.atomic
def arrange_one_to_ones(
    *, enrollment: Enrollment, hours: Sequence[WeeklyHour], from_day: date, by: User, now: datetime
) -> Enrollment:
    """The enrollment's individual time is at these weekly hours from a day on, in place of those until then, or at none; what
    has begun stays. Their sessions are booked up to the horizon.

    Raises Refused with every reason: an hour that is not free or not of the length that the track promises; a day that has
    passed or on which the enrollment is over; and when nothing would be different.
    """
    enrollment, track = held_enrollment(enrollment, [])
    episode = enrollment.episode
    today = now.astimezone(episode.site.zone).date()
    refuse_the_day(enrollment, from_day, today)
    if set(hours_of(enrollment, from_day)) == set(hours):
        refuse_for([NothingChanged()])
    refuse_for(
        reasons_against_hours(
            episode=episode,
            minutes=track.individual_minutes,
            hours=hours,
            meetings=_groups(enrollment, from_day),
            need=need_of(episode=episode, from_day=from_day, apart_from=enrollment),
            today=today,
            apart_from=enrollment,
        )
    )
    before = places_of(enrollment)
    end_one_to_ones(enrollment=enrollment, ends=from_day, now=now)
    give_hours(enrollment=enrollment, hours=hours, begins=from_day, now=now)
    sessions = [each for each in sessions_to_book(enrollment, today, now) if not covers(before, each)]
    refuse_for(reasons_against_sessions(episode, sessions))
    book_sessions(enrollment, sessions, now)
    record(enrollment, by=by, action=Action.CHANGED, at=now, detail=f"individual time from {from_day:%Y-%m-%d}")
    return enrollment


def _groups(enrollment: Enrollment, day: date) -> list[int]:
    """The ids of the meetings of tracks that the enrollment attends on the day or later."""
    places = enrollment.enrollment_meetings.filter(meeting__kept_for=None)
    return [place.meeting_id for place in places if place.ends is None or place.ends > day]
