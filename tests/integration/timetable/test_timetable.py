"""Only a track that meets the hours rule can be published. Changes to a published track must not break the rule."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from scheduling.domain.hours.reasons import (
    FacilitatorDoubleBooked,
    NoMeetings,
    RoomDoubleBooked,
    TooFewDays,
    TooFewMinutes,
    TooManyDays,
    TooManyMinutes,
)
from scheduling.models import Meeting, ServiceType, Session, Site, Track, TrackStatus
from scheduling.services.sessions.slots import OutsideHours, RoomTooSmall
from scheduling.services.timetable.meetings import create_meeting
from scheduling.services.timetable.tracks import change_track, create_track, publish_track
from scheduling.services.timetable.values import MeetingValues, TrackValues
from tests.factories import MONDAY, make_meeting, make_room, make_site, make_staff, make_track
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


def draft(site: Site, *slots: tuple[int, str, str], **fields: Any) -> Track:
    meetings = [make_meeting(site, day, starts, ends, name=f"Group {day}") for day, starts, ends in slots]
    return make_track(site, meetings, status=TrackStatus.DRAFT, **fields)


def nine_hours(site: Site) -> Track:
    return draft(site, (0, "09:00", "12:00"), (2, "09:00", "12:00"), (4, "09:00", "12:00"))


def published(site: Site, coordinator: User, days: tuple[int, ...] = (0, 2, 4)) -> Track:
    track = draft(site, *((day, "09:00", "12:00") for day in days))
    return publish_track(track=track, by=coordinator, now=NOW)


@contextmanager
def refused_for(*reasons: object) -> Iterator[None]:
    """Expect the block to raise Refused with exactly these reasons."""
    with pytest.raises(Refused) as refused:
        yield
    assert refused.value.reasons == reasons


@pytest.mark.parametrize(
    ("slots", "reasons"),
    [
        pytest.param([], [NoMeetings(), TooFewMinutes(0, 540), TooFewDays(0, 3)], id="nothing"),
        pytest.param([(0, "12:00"), (2, "12:00"), (4, "11:55")], [TooFewMinutes(535, 540)], id="8 h 55 min"),
        pytest.param([(0, "12:00"), (2, "12:00"), (4, "12:00")], [], id="9 h"),
        pytest.param([(0, "14:00"), (2, "14:00")], [TooFewDays(2, 3)], id="two days"),
        pytest.param([(day, "14:00") for day in range(5)], [], id="25 h"),
        pytest.param([*((d, "14:00") for d in range(4)), (4, "14:05")], [TooManyMinutes(1505, 1500)], id="25 h 5 min"),
        pytest.param([(day, "11:00") for day in range(6)], [TooManyDays(6, 5)], id="six days"),
    ],
)
def test_a_track_is_published_only_within_the_rules(
    site: Site, coordinator: User, slots: list[tuple[int, str]], reasons: list[object]
) -> None:
    track = draft(site, *((day, "09:00", ends) for day, ends in slots))
    with refused_for(*reasons) if reasons else nullcontext():
        publish_track(track=track, by=coordinator, now=NOW)
    track.refresh_from_db()
    assert track.status == (TrackStatus.DRAFT if reasons else TrackStatus.PUBLISHED)
    assert Session.objects.exists() is not bool(reasons)
    assert AuditEvent.objects.filter(action="published").exists() is not bool(reasons)


def test_every_period_from_today_on_is_checked(site: Site, coordinator: User) -> None:
    track = nine_hours(site)
    track.meetings.filter(weekday=4).update(runs_until=date(2027, 3, 1))
    with refused_for(TooFewMinutes(360, 540), TooFewDays(2, 3)):
        publish_track(track=track, by=coordinator, now=NOW)


def test_a_track_whose_meetings_all_start_later_and_end_together_can_be_published(
    site: Site, coordinator: User
) -> None:
    track = nine_hours(site)
    track.meetings.update(runs_from=MONDAY + WEEK, runs_until=MONDAY + 3 * WEEK)
    publish_track(track=track, by=coordinator, now=NOW)
    assert Session.objects.count() == 6


def test_a_track_with_a_double_booked_room_or_facilitator_is_not_published(site: Site, coordinator: User) -> None:
    room, lead = make_room(site, name="Harbor room"), make_staff(Role.CLINICIAN, site, name="Ada Park")
    other = make_meeting(site, 2, "11:00", "13:00", name="Other", room=room, lead=lead)
    make_track(site, [other])
    track = nine_hours(site)
    wednesday = track.meetings.get(weekday=2)
    wednesday.room = room
    wednesday.save()
    wednesday.meeting_facilitators.create(user=lead)
    with refused_for(
        RoomDoubleBooked("Harbor room", 2, "Group 2", "Other"),
        FacilitatorDoubleBooked("Ada Park", 2, "Group 2", "Other"),
    ):
        publish_track(track=track, by=coordinator, now=NOW)


def test_a_change_that_breaks_the_hours_rule_of_a_published_track_is_refused(site: Site, coordinator: User) -> None:
    track = draft(site, *((day, "09:00", "11:40") for day in (0, 2, 4)), individual_minutes=60)
    track = publish_track(track=track, by=coordinator, now=NOW)
    values = TrackValues(code=track.code, name="Renamed")
    with refused_for(TooFewMinutes(480, 540)):
        change_track(track=track, values=values, by=coordinator, now=NOW)
    track.refresh_from_db()
    assert (track.name, track.individual_minutes) == ("Morning track", 60)


def test_a_track_is_created_with_its_start_dates(site: Site, coordinator: User) -> None:
    values = TrackValues(code="C", name="Cohort", entry="cohort", cohort_starts=(MONDAY, MONDAY + WEEK))
    track = create_track(site=site, values=values, by=coordinator, now=NOW)
    assert track.status == TrackStatus.DRAFT
    later = TrackValues(code="C", name="Cohort", entry="cohort", cohort_starts=(MONDAY + WEEK, MONDAY + 2 * WEEK))
    change_track(track=track, values=later, by=coordinator, now=NOW)
    assert list(track.cohort_starts.values_list("on", flat=True)) == [MONDAY + WEEK, MONDAY + 2 * WEEK]


def test_a_meeting_of_a_published_track_is_added_with_its_sessions_or_not_at_all(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    lead, assistant = make_staff(Role.CLINICIAN, site), make_staff(Role.CLINICIAN, site)
    values = MeetingValues(
        code="NEW",
        name="New",
        weekday=1,
        starts=time(9),
        ends=time(12),
        service_type=ServiceType.objects.get(code="group"),
        places=8,
        runs_from=MONDAY,
        lead=lead,
        assistants=(assistant,),
        tracks=(track,),
    )
    meeting = create_meeting(site=site, values=values, by=coordinator, now=NOW)
    assert meeting.sessions.count() == 12
    assert meeting.leader == lead
    too_long = MeetingValues(**(vars(values) | {"code": "LONG", "weekday": 3, "starts": time(6), "ends": time(22)}))
    with refused_for(TooManyMinutes(720 + 960, 1500)):
        create_meeting(site=site, values=too_long, by=coordinator, now=NOW)
    assert not Meeting.objects.filter(code="LONG").exists()


def test_a_meeting_outside_opening_hours_or_too_big_for_its_room_is_refused(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    site.opens = time(8)
    site.save()
    values = MeetingValues(
        code="NEW", name="New", weekday=1, starts=time(7), ends=time(10), service_type=ServiceType.objects.get(code="group"),
        places=8, runs_from=MONDAY, room=make_room(site, places=6, name="Den"), tracks=(track,),
    )  # fmt: skip
    with refused_for(OutsideHours(time(8), None), RoomTooSmall("Den", 6, 8)):
        create_meeting(site=site, values=values, by=coordinator, now=NOW)
