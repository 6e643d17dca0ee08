"""When a group changes or ends, its past sessions stay. Patients of a changed group continue in that group."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from scheduling.domain.hours.reasons import TooFewDays, TooFewMinutes
from scheduling.models import Booking, Meeting, Session, SessionStatus, Site, Track, TrackStatus
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.bookings.meeting_changes import changed_sessions_from
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.sessions.cancel import cancel_session
from scheduling.services.sessions.session_changes import change_session_details, move_session
from scheduling.services.sessions.slots import OutsideHours, RoomTooSmall, Slot
from scheduling.services.timetable.meeting_checks import MeetingCodeTaken, TooFewPlaces
from scheduling.services.timetable.meetings import change_meeting, change_start, create_meeting, end_meeting
from scheduling.services.timetable.tracks import publish_track
from scheduling.services.timetable.values import MeetingValues
from tests.factories import MONDAY, admit, make_meeting, make_patient, make_room, make_site, make_staff, make_track
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Refused

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)
NEXT_WEEK = TODAY + WEEK


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


def draft(site: Site, *slots: tuple[int, str, str], **fields: Any) -> Track:
    meetings = [make_meeting(site, day, starts, ends, name=f"Group {day}") for day, starts, ends in slots]
    return make_track(site, meetings, status=TrackStatus.DRAFT, **fields)


def published(site: Site, coordinator: User, days: tuple[int, ...] = (0, 2, 4)) -> Track:
    track = draft(site, *((day, "09:00", "12:00") for day in days))
    return publish_track(track=track, by=coordinator, now=NOW)


def values_of(meeting: Meeting, **changes: Any) -> MeetingValues:
    """Return the current values of the meeting, with the given changes applied."""
    names = ["code", "name", "weekday", "starts", "ends", "service_type", "places", "runs_from", "room"]
    values = {name: getattr(meeting, name) for name in names} | {"tracks": tuple(meeting.tracks.all())}
    return MeetingValues(**(values | changes))


@contextmanager
def refused_for(*reasons: object) -> Iterator[None]:
    """Expect the block to raise Refused with exactly these reasons."""
    with pytest.raises(Refused) as refused:
        yield
    assert refused.value.reasons == reasons


def enrolled(track: Track, coordinator: User, number: int = 1) -> list[Any]:
    meetings = list(track.meetings.all())
    return [
        enroll_patient(
            episode=admit(make_patient(track.site)),
            track=track,
            meetings=meetings,
            starts=MONDAY,
            by=coordinator,
            now=NOW,
        )
        for _ in range(number)
    ]


def test_a_group_changes_from_a_date_on_and_keeps_its_patients(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    (enrollment,) = enrolled(track, coordinator)
    monday = track.meetings.get(weekday=0)
    begins = MONDAY + 2 * WEEK
    values = values_of(monday, starts=time(17), ends=time(20), runs_from=begins)
    following = change_meeting(meeting=monday, values=values, by=coordinator, now=NOW)
    monday.refresh_from_db()
    assert (monday.runs_until, following.runs_from, following.continues) == (begins, begins, monday)
    assert list(monday.sessions.values_list("on", "status")[:3]) == [
        (MONDAY, "scheduled"),
        (MONDAY + WEEK, "scheduled"),
        (begins, "cancelled"),
    ]
    bookings = enrollment.bookings.filter(released_at=None, session__on__week_day=2).order_by("starts")
    assert [booking.session.meeting_id for booking in bookings] == [monday.pk] * 2 + [following.pk] * 10
    assert bookings[2].session.local_starts().time() == time(17)
    assert set(Session.objects.filter(status=SessionStatus.CANCELLED).values_list("booked", "cancel_reason")) == {
        (0, "The group changed")
    }
    assert AuditEvent.objects.filter(action="changed", patient_key=enrollment.episode.patient_id).count() == 1


def test_a_session_that_was_held_today_does_not_change(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    enrolled(track, coordinator)
    monday = track.meetings.get(weekday=0)
    at_ten = datetime(2026, 11, 23, 15, tzinfo=UTC)
    values = values_of(monday, starts=time(13), ends=time(16), runs_from=MONDAY - WEEK)
    following = change_meeting(meeting=monday, values=values, by=coordinator, now=at_ten)
    assert following.runs_from == MONDAY + timedelta(days=1)
    assert monday.sessions.get(on=MONDAY).status == SessionStatus.SCHEDULED
    assert monday.sessions.get(on=MONDAY).booked == 1
    assert following.sessions.order_by("on")[0].on == MONDAY + WEEK


def test_a_group_that_was_never_held_is_changed_in_place(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    (enrollment,) = enrolled(track, coordinator)
    monday = track.meetings.get(weekday=0)
    values = values_of(monday, starts=time(13), ends=time(16))
    changed = change_meeting(meeting=monday, values=values, by=coordinator, now=NOW)
    assert changed == monday
    assert track.meetings.count() == 3
    bookings = enrollment.bookings.filter(released_at=None, session__meeting=changed)
    assert bookings.count() == 12
    assert bookings.order_by("starts")[0].session.local_starts().time() == time(13)


def test_a_change_before_a_later_change_ends_when_the_later_one_starts(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    (enrollment,) = enrolled(track, coordinator)
    monday = track.meetings.get(weekday=0)
    last = change_meeting(
        meeting=monday,
        values=values_of(monday, starts=time(17), ends=time(20), runs_from=MONDAY + 4 * WEEK),
        by=coordinator,
        now=NOW,
    )
    open_ended = values_of(monday, starts=time(13), ends=time(16), runs_from=MONDAY + 2 * WEEK)
    with refused_for(AlreadyEnded(monday.name, MONDAY + 4 * WEEK - timedelta(days=1))):
        change_meeting(meeting=monday, values=open_ended, by=coordinator, now=NOW)
    middle_values = values_of(
        monday, starts=time(13), ends=time(16), runs_from=MONDAY + 2 * WEEK, runs_until=MONDAY + 4 * WEEK
    )
    middle = change_meeting(meeting=monday, values=middle_values, by=coordinator, now=NOW)
    last.refresh_from_db()
    assert (middle.continues, last.continues) == (monday, middle)
    booked = enrollment.bookings.filter(released_at=None, session__on__week_day=2).order_by("starts")
    assert [booking.session.meeting_id for booking in booked] == [monday.pk] * 2 + [middle.pk] * 2 + [last.pk] * 8


def test_a_change_with_too_few_spots_or_impossible_dates_is_refused(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    enrolled(track, coordinator, number=3)
    monday = track.meetings.get(weekday=0)
    values = values_of(monday, places=2, runs_from=MONDAY + WEEK, runs_until=MONDAY)
    with refused_for(
        TooFewPlaces(monday.name, 2, 3, tuple(MONDAY + number * WEEK for number in range(1, 12))),
        EndDateBeforeStart(MONDAY + WEEK, MONDAY - timedelta(days=1)),
    ):
        change_meeting(meeting=monday, values=values, by=coordinator, now=NOW)


def test_two_meetings_with_one_code_do_not_start_on_the_same_day(site: Site, coordinator: User) -> None:
    first, second, _ = published(site, coordinator).meetings.order_by("weekday")
    with refused_for(MeetingCodeTaken("Harbor Street", first.code)):
        create_meeting(site=site, values=values_of(first), by=coordinator, now=NOW)
    changed = change_meeting(meeting=first, values=values_of(first, runs_from=NEXT_WEEK), by=coordinator, now=NOW)
    assert changed.runs_from == NEXT_WEEK
    with refused_for(MeetingCodeTaken("Harbor Street", first.code)):
        values = values_of(second, code=first.code, runs_from=NEXT_WEEK)
        change_meeting(meeting=second, values=values, by=coordinator, now=NOW)
    in_place = change_meeting(meeting=changed, values=values_of(changed, name="Renamed"), by=coordinator, now=NOW)
    assert (in_place.pk, in_place.code) == (changed.pk, first.code)


def test_a_change_is_refused_if_a_track_that_had_the_meeting_would_break_the_rules(
    site: Site, coordinator: User
) -> None:
    track = published(site, coordinator)
    enrolled(track, coordinator)
    monday = track.meetings.get(weekday=0)
    before = list(Session.objects.order_by("pk").values_list("pk", "status", "booked", "version"))
    values = values_of(monday, runs_from=MONDAY + WEEK, tracks=())
    with refused_for(TooFewMinutes(360, 540), TooFewDays(2, 3)):
        change_meeting(meeting=monday, values=values, by=coordinator, now=NOW)
    assert list(Session.objects.order_by("pk").values_list("pk", "status", "booked", "version")) == before


def test_a_group_can_end_if_the_others_give_enough_hours(site: Site, coordinator: User) -> None:
    track = published(site, coordinator, days=(0, 1, 2, 4))
    (enrollment,) = enrolled(track, coordinator)
    tuesday = track.meetings.get(weekday=1)
    last_day = MONDAY + WEEK
    end_meeting(meeting=tuesday, last_day=last_day, by=coordinator, now=NOW)
    assert enrollment.bookings.filter(released_at=None, session__meeting=tuesday).count() == 1
    assert enrollment.enrollment_meetings.get(meeting=tuesday).ends == last_day + timedelta(days=1)
    with refused_for(AlreadyEnded(tuesday.name, last_day)):
        end_meeting(meeting=tuesday, last_day=last_day + WEEK, by=coordinator, now=NOW)
    friday = track.meetings.get(weekday=4)
    with refused_for(TooFewMinutes(360, 540), TooFewDays(2, 3)):
        end_meeting(meeting=friday, last_day=last_day, by=coordinator, now=NOW)
    with refused_for(EndDateBeforeStart(TODAY, TODAY - WEEK)):
        end_meeting(meeting=friday, last_day=TODAY - WEEK, by=coordinator, now=NOW)


def test_consecutive_enrollments_need_only_one_spot(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    first, _, _ = enrolled(track, coordinator, number=3)
    end_enrollment(enrollment=first, last_day=MONDAY + 3 * WEEK, by=coordinator, now=NOW)
    enroll_patient(
        episode=admit(make_patient(site)),
        track=track,
        meetings=list(track.meetings.all()),
        starts=MONDAY + 4 * WEEK,
        by=coordinator,
        now=NOW,
    )
    monday = track.meetings.get(weekday=0)
    values = values_of(monday, places=3, runs_from=MONDAY + WEEK)
    assert change_meeting(meeting=monday, values=values, by=coordinator, now=NOW).places == 3
    two_places = values_of(monday, places=2, runs_from=MONDAY + 4 * WEEK)
    following = track.meetings.get(continues=monday)
    with refused_for(TooFewPlaces(monday.name, 2, 3, tuple(MONDAY + number * WEEK for number in range(4, 12)))):
        change_meeting(meeting=following, values=two_places, by=coordinator, now=NOW)


def test_a_makeup_booking_takes_a_spot_on_its_date(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    enrolled(track, coordinator)
    other = enrolled(published(site, coordinator, days=(1, 3, 5)), coordinator)[0]
    monday, missed = track.meetings.get(weekday=0), other.bookings.order_by("starts")[0]
    session = monday.sessions.get(on=MONDAY + WEEK)
    book_makeup(session=session, makes_up=missed, by=coordinator, now=NOW)
    values = values_of(monday, places=1, runs_from=MONDAY)
    with refused_for(TooFewPlaces(monday.name, 1, 2, (MONDAY + WEEK,))):
        change_meeting(meeting=monday, values=values, by=coordinator, now=NOW)
    later = values_of(monday, places=1, runs_from=MONDAY + 2 * WEEK)
    assert change_meeting(meeting=monday, values=later, by=coordinator, now=NOW).places == 1


def test_a_session_whose_spots_were_changed_by_hand_is_not_checked(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    enrolled(track, coordinator, number=2)
    monday = track.meetings.get(weekday=0)
    for enrollment_meeting in monday.enrollment_meetings.order_by("pk")[:1]:
        end_enrollment(enrollment=enrollment_meeting.enrollment, last_day=MONDAY + WEEK, by=coordinator, now=NOW)
    kept = change_session_details(
        session=monday.sessions.get(on=MONDAY + WEEK), places=2, modality="in_person", topic="", telehealth_link="",
        by=coordinator, now=NOW,
    )  # fmt: skip
    values = values_of(monday, places=1, runs_from=MONDAY + WEEK)
    with refused_for(TooFewPlaces(monday.name, 1, 2)):
        change_meeting(meeting=monday, values=values, by=coordinator, now=NOW)
    assert kept.booked == 2
    later = values_of(monday, places=1, runs_from=MONDAY + 2 * WEEK)
    assert change_meeting(meeting=monday, values=later, by=coordinator, now=NOW).places == 1


@pytest.mark.parametrize(
    ("starts", "ends"), [pytest.param("06:00", "09:00", id="too early"), pytest.param("20:00", "23:00", id="too late")]
)
def test_a_group_is_not_moved_outside_opening_hours(site: Site, coordinator: User, starts: str, ends: str) -> None:
    track = published(site, coordinator)
    Site.objects.filter(pk=site.pk).update(opens=time(6, 30), closes=time(22))
    monday = track.meetings.get(weekday=0)
    values = values_of(monday, starts=time.fromisoformat(starts), ends=time.fromisoformat(ends))
    with refused_for(OutsideHours(time(6, 30), time(22))):
        change_meeting(meeting=monday, values=values, by=coordinator, now=NOW)


def test_an_existing_group_outside_new_limits_can_still_be_renamed(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    monday = track.meetings.get(weekday=0)
    monday.room = make_room(site, places=4, name="Den")
    monday.save()
    Site.objects.filter(pk=site.pk).update(opens=time(10))
    renamed = change_meeting(meeting=monday, values=values_of(monday, name="Skills"), by=coordinator, now=NOW)
    assert renamed.name == "Skills"
    with refused_for(OutsideHours(time(10), None), RoomTooSmall("Den", 4, 9)):
        change_meeting(
            meeting=renamed,
            values=values_of(renamed, starts=time(9, 30), places=9),
            by=coordinator,
            now=NOW,
        )


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        pytest.param(MONDAY - WEEK, MONDAY + timedelta(days=1), id="in the past, and today has begun"),
        pytest.param(MONDAY, MONDAY + timedelta(days=1), id="today, which has begun"),
        pytest.param(MONDAY + WEEK, MONDAY + WEEK, id="a day to come"),
    ],
)
def test_sessions_changed_by_hand_are_listed_from_the_start_of_the_change_on(
    site: Site, coordinator: User, asked: date, begins: date
) -> None:
    track = published(site, coordinator)
    monday = track.meetings.get(weekday=0)
    for week in (0, 1, 2):
        cancel_session(session=monday.sessions.get(on=MONDAY + week * WEEK), reason="Ill", by=coordinator, now=NOW)
    at_ten = datetime(2026, 11, 23, 15, tzinfo=UTC)
    given = {"meeting": monday, "runs_from": asked, "now": at_ten}
    assert change_start(**given) == begins
    found = changed_sessions_from(monday, begins, at_ten)
    assert list(found.values_list("on", flat=True)) == [MONDAY + WEEK, MONDAY + 2 * WEEK]


def test_a_change_in_place_affects_every_session_changed_by_hand(site: Site, coordinator: User) -> None:
    track = published(site, coordinator)
    monday = track.meetings.get(weekday=0)
    cancel_session(session=monday.sessions.get(on=MONDAY), reason="Ill", by=coordinator, now=NOW)
    given = {"meeting": monday, "runs_from": monday.runs_from, "now": NOW}
    assert change_start(**given) is None
    assert changed_sessions_from(monday, None, NOW).get().on == MONDAY


def test_a_date_that_was_held_earlier_in_the_week_is_not_held_again_after_a_change(
    site: Site, coordinator: User
) -> None:
    track = published(site, coordinator)
    enroll_patient(
        episode=admit(make_patient(site)),
        track=track,
        meetings=list(track.meetings.all()),
        starts=MONDAY,
        by=coordinator,
        now=NOW,
    )
    friday = MONDAY + timedelta(days=4)
    group = track.meetings.get(weekday=4)
    slot = Slot(on=MONDAY, starts=time(14), ends=time(17), room=None)
    move_session(session=group.sessions.get(on=friday), slot=slot, by=coordinator, now=NOW)

    monday_evening = datetime(2026, 11, 24, 1, tzinfo=UTC)
    later = values_of(group, starts=time(13), ends=time(16), runs_from=MONDAY + timedelta(days=1))
    following = change_meeting(meeting=group, values=later, by=coordinator, now=monday_evening)
    again = values_of(following, name="Evening group", runs_from=MONDAY + timedelta(days=2))
    following = change_meeting(meeting=following, values=again, by=coordinator, now=monday_evening)

    assert following.sessions.order_by("on")[0].on == friday + WEEK
    booked = Booking.objects.active().in_week(MONDAY)
    assert sum(booked.values_list("countable_minutes", flat=True)) == 540
