"""Check saved tracks against the hours rule."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date

from django.db.models import Q

from accounts.models import User
from scheduling.domain.hours.reasons import FacilitatorDoubleBooked, RoomDoubleBooked
from scheduling.domain.hours.rules import WeeklyMeeting, find_double_bookings
from scheduling.domain.hours.timetable import Period, assess_timetable
from scheduling.models import Meeting, Room, Site, Track, TrackStatus
from scheduling.services.rulebook import RuleBook
from timekeeping.reasons import Reason, Refused


def refuse_rule_violations(tracks: Iterable[Track], today: date) -> None:
    """Raise Refused, with all reasons, if one of the tracks breaks the hours rule today or later.

    Call this after saving: the exception rolls the transaction back. Reads each track's site.
    """
    reasons = [reason for track in tracks for period in _periods(track, today) for reason in period.verdict.reasons]
    if reasons:
        raise Refused(dict.fromkeys(_with_names(reasons)))


def _periods(track: Track, today: date) -> tuple[Period, ...]:
    """Assess the track in each period from today on, with the site's other groups and individual sessions."""
    site = track.site
    own = Meeting.objects.filter(tracks=track).select_related("service_type").prefetch_related("meeting_facilitators")
    return assess_timetable(
        [meeting.as_weekly_meeting() for meeting in own],
        RuleBook.of(site).on(today),
        first=today,
        individual_minutes=track.individual_minutes,
        others=_running_at(site, today),
    )


def _running_at(site: Site, today: date) -> list[WeeklyMeeting]:
    """Return the weekly meetings that the site has from today on: groups of published tracks, and individual sessions."""
    meetings = (
        Meeting.objects.filter(site=site)
        .filter(Q(tracks__status=TrackStatus.PUBLISHED) | Q(kept_for__isnull=False))
        .open_on_or_after(today)
        .select_related("service_type")
        .prefetch_related("meeting_facilitators")
        .distinct()
    )
    return [meeting.as_weekly_meeting() for meeting in meetings]


def room_and_staff_conflicts(candidates: Sequence[WeeklyMeeting], *, site: Site, today: date) -> list[Reason]:
    """Return a reason for each room or facilitator at the site that a candidate would double-book."""
    return _with_names(list(dict.fromkeys(find_double_bookings(candidates, _running_at(site, today)))))


def _with_names(reasons: Collection[Reason]) -> list[Reason]:
    """Replace the ids of rooms and facilitators in the reasons with names."""
    rooms = Room.objects.in_bulk([int(each.room) for each in reasons if isinstance(each, RoomDoubleBooked)])
    people = User.objects.in_bulk(
        [int(each.facilitator) for each in reasons if isinstance(each, FacilitatorDoubleBooked)]
    )
    named: list[Reason] = []
    for each in reasons:
        if isinstance(each, RoomDoubleBooked):
            named.append(replace(each, room=rooms[int(each.room)].name))
        elif isinstance(each, FacilitatorDoubleBooked):
            named.append(replace(each, facilitator=people[int(each.facilitator)].name))
        else:
            named.append(each)
    return named
