"""The hours of one's own that a track promises: one-to-one sessions beside the groups."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from demo.courses import COHORT
from patients.models import Episode
from scheduling.domain.occurrences import Pattern, expand
from scheduling.models import (
    Booking,
    Meeting,
    Part,
    ServiceType,
    Session,
    SessionFacilitator,
    Track,
)
from scheduling.services.horizon import horizon_end
from scheduling.services.rosters import new_booking, new_facilitator
from scheduling.services.rules import RuleBook

HOURS = {
    "P046": ((0, time(15, 45)), (2, time(15, 45))),
    "P053": ((0, time(16, 45)), (2, time(16, 45))),
    "P055": ((4, time(15, 15)), (4, time(16, 15))),
}
"""For each patient of the cohort weekday and start of their two hours, after the groups of these days."""


def plan_individual_hours(episodes: Mapping[str, Episode], track: Track, now: datetime) -> None:
    """Sessions with one place, from the patient's first day to the horizon, with whoever leads the track's groups."""
    until = horizon_end(now.astimezone(track.site.zone).date())
    groups = Meeting.objects.filter(tracks=track).prefetch_related("meeting_facilitators__user")
    group = groups[0]
    service = ServiceType.objects.get(code="individual")
    book = RuleBook.of(track.site)
    for code in COHORT:
        episode = episodes[code]
        enrollment = episode.enrollments.get(track=track)
        sessions = [
            session
            for weekday, starts in HOURS[code]
            for session in _hours(group, service, weekday, starts, episode.starts, until)
        ]
        Session.objects.bulk_create(sessions)
        leader = group.leader
        if leader is not None:
            SessionFacilitator.objects.bulk_create(
                new_facilitator(session, user_id=leader.pk, part=Part.LEADS) for session in sessions
            )
        Booking.objects.bulk_create(
            new_booking(session, episode_id=episode.pk, enrollment_id=enrollment.pk, week=book.week_of(session.on))
            for session in sessions
        )


def _hours(group: Meeting, service: ServiceType, weekday: int, starts: time, first: date, until: date) -> list[Session]:
    """One hour a week in the group's room, unsaved, its one place taken; none while the site is closed."""
    site = group.site
    ends = (datetime.combine(first, starts) + timedelta(hours=1)).time()
    closed = [closure.as_interval() for closure in site.closures.touching(first, until)]
    return [
        Session(
            site=site,
            on=hour.on,
            starts=hour.starts,
            ends=hour.ends,
            countable_minutes=hour.countable_minutes,
            service_type=service,
            room=group.room,
            name="Individual hour",
            places=1,
            booked=1,
        )
        for hour in expand(
            Pattern(weekday=weekday, starts=starts, ends=ends), first, until, zone=site.zone, closed=closed
        )
    ]
