"""Changing a single session leaves its meeting unchanged. Bookings and calendar feeds follow the changed session."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from scheduling.models import (
    Booking,
    Closure,
    Feed,
    ReleaseCause,
    Room,
    ServiceType,
    Session,
    SessionStatus,
    Site,
    Track,
)
from scheduling.services.bookings.horizon import HorizonExtension, extend_horizon
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.documents.feeds import create_feed, serve_feed
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.reasons import HasBegun, ReasonRequired, SessionCancelled
from scheduling.services.sessions.cancel import GroupMovedAway, SessionNotCancelled, cancel_session, restore_session
from scheduling.services.sessions.session_changes import (
    FewerPlacesThanBooked,
    LeadsAndAssists,
    LinkNotHttps,
    OneOffSession,
    Staffing,
    add_session,
    assign_staff,
    change_session_details,
    move_session,
)
from scheduling.services.sessions.slots import (
    EndTimeBeforeStart,
    FacilitatorTaken,
    InThePast,
    OutsideHours,
    RoomTaken,
    RoomTooSmall,
    SiteClosed,
    SkippedTime,
    Slot,
)
from scheduling.services.timetable.meetings import change_meeting
from scheduling.services.timetable.values import MeetingValues
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


class Small:
    """A small clinic with one track on four days, a patient in three of its groups, a second room and a second facilitator."""

    def __init__(self) -> None:
        self.site: Site = make_site()
        self.by: User = make_staff(Role.COORDINATOR, self.site)
        self.lead, self.other = make_staff(Role.CLINICIAN, self.site), make_staff(Role.CLINICIAN, self.site)
        self.room, self.second = make_room(self.site, places=12), make_room(self.site, places=4)
        meetings = [
            make_meeting(
                self.site,
                day,
                "09:00",
                "12:15",
                lead=self.lead,
                room=self.room,
                break_starts=time(10, 30),
                break_ends=time(10, 45),
            )
            for day in (0, 1, 2, 4)
        ]
        self.track: Track = make_track(self.site, meetings)
        extend_horizon(site=self.site, now=NOW)
        self.episode = admit(make_patient(self.site), minutes=540)
        self.enrollment = enroll_patient(
            episode=self.episode,
            track=self.track,
            meetings=[meetings[0], *meetings[2:]],
            starts=MONDAY,
            by=self.by,
            now=NOW,
        )

    def on(self, day: date) -> Session:
        return Session.objects.get(on=day, meeting__tracks=self.track)

    def slot(self, on: date, starts: str, ends: str, room: Room | None = None) -> Slot:
        return Slot(on=on, starts=time.fromisoformat(starts), ends=time.fromisoformat(ends), room=room)

    def move(self, session: Session, *slot: Any) -> Session:
        return move_session(session=session, slot=self.slot(*slot), by=self.by, now=NOW)


@pytest.fixture
def small() -> Small:
    return Small()


@contextmanager
def refused_for(*reasons: object) -> Iterator[None]:
    with pytest.raises(Refused) as refused:
        yield
    assert refused.value.reasons == reasons


def test_a_moved_session_keeps_its_bookings_and_facilitators(small: Small) -> None:
    moved = small.move(small.on(MONDAY), TUESDAY, "13:00", "15:00", small.room)
    assert (moved.on, moved.pattern_date) == (TUESDAY, MONDAY)
    assert (moved.starts, moved.ends) == (
        datetime(2026, 11, 24, 18, tzinfo=UTC),
        datetime(2026, 11, 24, 20, tzinfo=UTC),
    )
    assert moved.break_starts == datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    assert moved.countable_minutes == 105
    booking = moved.bookings.get()
    assert (booking.starts, booking.ends, booking.countable_minutes) == (moved.starts, moved.ends, 105)
    led = moved.session_facilitators.get()
    assert (led.starts, led.ends) == (moved.starts, moved.ends)
    assert extend_horizon(site=small.site, now=NOW) == HorizonExtension(0, 0)
    assert AuditEvent.objects.filter(action="changed", patient_key=small.episode.patient_id).count() == 1


def test_a_session_moved_into_the_next_week_counts_there(small: Small) -> None:
    moved = small.move(small.on(MONDAY), MONDAY + timedelta(days=8), "13:00", "16:00", None)
    assert moved.bookings.get().week == MONDAY + timedelta(weeks=1)


def test_a_break_outside_the_new_time_is_dropped(small: Small) -> None:
    moved = small.move(small.on(MONDAY), MONDAY, "13:00", "14:00", None)
    assert (moved.break_starts, moved.countable_minutes) == (None, 60)


def test_a_patient_in_another_session_at_the_new_time_loses_the_booking(small: Small) -> None:
    moved = small.move(small.on(MONDAY), WEDNESDAY, "08:00", "09:00", None)
    assert moved.booked == 1
    Session.objects.filter(pk=moved.pk).update(room=None)
    moved.session_facilitators.all().delete()
    again = small.move(moved, WEDNESDAY, "11:00", "13:00", None)
    assert again.booked == 0
    assert Booking.objects.get(session=again).release_cause == ReleaseCause.CLASH
    moved_back = small.move(again, WEDNESDAY, "13:00", "15:00", None)
    assert extend_horizon(site=small.site, now=NOW).bookings == 1
    moved_back.refresh_from_db()
    assert moved_back.booked == 1


@pytest.mark.parametrize(
    ("on", "starts", "ends", "reasons"),
    [
        pytest.param(MONDAY, "12:00", "12:00", (EndTimeBeforeStart(time(12), time(12)),), id="no time at all"),
        pytest.param(MONDAY, "15:00", "13:00", (EndTimeBeforeStart(time(15), time(13)),), id="backwards"),
        pytest.param(date(2026, 11, 20), "9:00", "12:00", (InThePast(date(2026, 11, 20), time(9)),), id="past"),
        pytest.param(date(2026, 11, 26), "9:00", "12:00", (SiteClosed(date(2026, 11, 26), "Thanksgiving"),), id="closed"),
        pytest.param(MONDAY, "6:00", "9:00", (OutsideHours(time(7), time(21)),), id="before it opens"),
        pytest.param(MONDAY, "20:00", "21:01", (OutsideHours(time(7), time(21)),), id="after it closes"),
        pytest.param(MONDAY, "20:00", "21:00", (), id="until it closes"),
    ],
)  # fmt: skip
def test_an_impossible_time_is_refused(
    small: Small, on: date, starts: str, ends: str, reasons: tuple[object, ...]
) -> None:
    Closure.objects.create(site=small.site, starts=date(2026, 11, 26), ends=date(2026, 11, 27), reason="Thanksgiving")
    Site.objects.filter(pk=small.site.pk).update(opens=time(7), closes=time(21))
    slot = (on, starts.zfill(5), ends.zfill(5), None)
    if reasons:
        with refused_for(*reasons):
            small.move(small.on(MONDAY), *slot)
    else:
        assert small.move(small.on(MONDAY), *slot).departed_at == NOW


def test_a_time_that_clocks_skip_is_refused_and_a_repeated_one_means_the_first(small: Small) -> None:
    spring, autumn = date(2027, 3, 14), date(2027, 11, 7)
    with refused_for(SkippedTime(spring, time(2, 30))):
        small.move(small.on(MONDAY), spring, "02:30", "04:00", None)
    moved = small.move(small.on(MONDAY), autumn, "01:30", "03:00", None)
    assert moved.starts == datetime(2027, 11, 7, 5, 30, tzinfo=UTC)
    assert (moved.ends - moved.starts) == timedelta(hours=2, minutes=30)


def test_a_move_is_refused_if_the_room_or_a_facilitator_is_taken(small: Small) -> None:
    with refused_for(
        RoomTaken(small.room.name, small.on(TUESDAY).name, TUESDAY, time(9), time(12, 15)),
        FacilitatorTaken(small.lead.name, small.on(TUESDAY).name, TUESDAY, time(9), time(12, 15)),
    ):
        small.move(small.on(MONDAY), TUESDAY, "11:00", "13:00", small.room)
    with refused_for(RoomTooSmall(small.second.name, 4, 10)):
        small.move(small.on(MONDAY), TUESDAY, "13:00", "15:00", small.second)
    assert small.move(small.on(MONDAY), TUESDAY, "12:15", "14:00", small.room).on == TUESDAY


def test_a_facilitator_with_a_session_at_another_site_is_not_available(small: Small) -> None:
    elsewhere = make_site("Prairie Avenue", time_zone="America/Chicago")
    make_session(make_meeting(elsewhere, 1, "14:00", "16:00", lead=small.lead, name="Far away"), TUESDAY)
    with refused_for(FacilitatorTaken(small.lead.name, "Far away", TUESDAY, time(15), time(17))):
        small.move(small.on(MONDAY), TUESDAY, "14:00", "16:00", None)


def test_a_session_that_has_begun_or_is_canceled_is_not_moved(small: Small) -> None:
    session = small.on(MONDAY)
    during = session.starts + timedelta(minutes=1)
    slot = small.slot(TUESDAY, "13:00", "15:00")
    with refused_for(HasBegun(session.name, MONDAY)):
        move_session(session=session, slot=slot, by=small.by, now=during)
    with refused_for(HasBegun(session.name, MONDAY)):
        cancel_session(session=session, reason="Flood", by=small.by, now=during)
    with refused_for(HasBegun(session.name, MONDAY)):
        assign_staff(session=session, staffing=Staffing(), by=small.by, now=during)
    cancel_session(session=session, reason="Flood", by=small.by, now=NOW)
    with refused_for(SessionCancelled(session.name, MONDAY)):
        move_session(session=session, slot=slot, by=small.by, now=NOW)
    with refused_for(SessionCancelled(session.name, MONDAY)):
        cancel_session(session=session, reason="Flood", by=small.by, now=NOW)


def test_canceling_a_session_releases_its_bookings_room_and_facilitators(small: Small) -> None:
    session = cancel_session(session=small.on(MONDAY), reason="  Ill ", by=small.by, now=NOW)
    assert (session.status, session.cancel_reason, session.booked) == (SessionStatus.CANCELLED, "Ill", 0)
    booking = Booking.objects.get(session=session)
    assert (booking.release_cause, booking.release_reason) == (ReleaseCause.CANCELLED, "Ill")
    assert session.session_facilitators.get().starts is None
    small.move(small.on(TUESDAY), MONDAY, "09:00", "12:15", small.room)
    with refused_for(ReasonRequired()):
        cancel_session(session=small.on(WEDNESDAY), reason=" ", by=small.by, now=NOW)
    assert extend_horizon(site=small.site, now=NOW) == HorizonExtension(0, 0)


def test_a_restored_session_has_its_bookings_again(small: Small) -> None:
    session = cancel_session(session=small.on(MONDAY), reason="Ill", by=small.by, now=NOW)
    restored = restore_session(session=session, by=small.by, now=NOW)
    assert (restored.status, restored.cancel_reason, restored.booked) == (SessionStatus.SCHEDULED, "", 1)
    assert Booking.objects.active().get(session=restored).enrollment == small.enrollment
    assert restored.session_facilitators.get().starts == restored.starts
    with refused_for(SessionNotCancelled(restored.name, MONDAY)):
        restore_session(session=restored, by=small.by, now=NOW)


def test_a_patient_who_is_in_another_session_by_now_is_not_booked_again(small: Small) -> None:
    session = cancel_session(session=small.on(MONDAY), reason="Ill", by=small.by, now=NOW)
    lost_booking = Booking.objects.get(session=session)
    parallel = make_session(make_meeting(small.site, 0, "11:00", "14:00", name="Parallel"), MONDAY)
    book_makeup(session=parallel, makes_up=lost_booking, by=small.by, now=NOW)
    restored = restore_session(session=session, by=small.by, now=NOW)
    assert (restored.status, restored.booked) == (SessionStatus.SCHEDULED, 0)
    assert Booking.objects.active().get(starts=parallel.starts).makes_up == lost_booking


def test_a_session_is_not_restored_while_its_room_or_facilitator_is_taken(small: Small) -> None:
    tuesday = cancel_session(session=small.on(TUESDAY), reason="Ill", by=small.by, now=NOW)
    small.move(small.on(WEDNESDAY), TUESDAY, "09:00", "12:15", small.room)
    with refused_for(
        RoomTaken(small.room.name, "Moved here", TUESDAY, time(9), time(12, 15)),
        FacilitatorTaken(small.lead.name, "Moved here", TUESDAY, time(9), time(12, 15)),
    ):
        Session.objects.filter(on=TUESDAY, pattern_date=WEDNESDAY).update(name="Moved here")
        restore_session(session=tuesday, by=small.by, now=NOW)


def test_a_session_whose_group_moved_to_another_day_is_not_restored(small: Small) -> None:
    session = small.on(MONDAY)
    meeting = session.meeting
    assert meeting is not None
    values = MeetingValues(
        code=meeting.code,
        name=meeting.name,
        weekday=3,
        starts=meeting.starts,
        ends=meeting.ends,
        service_type=meeting.service_type,
        places=meeting.places,
        runs_from=MONDAY,
        tracks=tuple(meeting.tracks.all()),
    )
    change_meeting(meeting=meeting, values=values, by=small.by, now=NOW)
    session.refresh_from_db()
    assert session.status == SessionStatus.CANCELLED
    with refused_for(GroupMovedAway(session.name, MONDAY)):
        restore_session(session=session, by=small.by, now=NOW)


def test_a_missed_session_that_is_made_up_elsewhere_gets_no_second_make_up(small: Small) -> None:
    missed = Booking.objects.get(session=cancel_session(session=small.on(MONDAY), reason="Ill", by=small.by, now=NOW))
    first, second = (
        make_session(make_meeting(small.site, 3, starts, ends, name=f"From {starts}"), MONDAY + timedelta(days=3))
        for starts, ends in (("09:00", "12:00"), ("14:00", "17:00"))
    )
    book_makeup(session=first, makes_up=missed, by=small.by, now=NOW)
    cancel_session(session=first, reason="Ill", by=small.by, now=NOW)
    makeup = book_makeup(session=second, makes_up=missed, by=small.by, now=NOW)
    assert restore_session(session=first, by=small.by, now=NOW).booked == 0
    assert list(missed.made_up_by.active()) == [makeup]


def test_restoring_takes_as_many_queries_for_three_patients_as_for_one(small: Small) -> None:
    def queries(session: Session) -> int:
        cancel_session(session=session, reason="Ill", by=small.by, now=NOW)
        with CaptureQueriesContext(connection) as captured:
            restored = restore_session(session=session, by=small.by, now=NOW)
        assert restored.booked == Booking.objects.active().filter(session=session).count()
        return len(captured)

    one = queries(small.on(MONDAY))
    for name in ("Ana", "Ben"):
        book(small.on(TUESDAY), enroll(admit(make_patient(small.site, name)), small.enrollment.track, MONDAY))
    assert queries(small.on(TUESDAY)) == one


def test_a_patient_who_has_left_is_not_booked_again(small: Small) -> None:
    session = cancel_session(session=small.on(MONDAY + timedelta(weeks=2)), reason="Ill", by=small.by, now=NOW)
    end_enrollment(enrollment=small.enrollment, last_day=MONDAY, by=small.by, now=NOW)
    assert restore_session(session=session, by=small.by, now=NOW).booked == 0


def test_a_substitute_leads_only_this_session(small: Small) -> None:
    staffing = Staffing(lead=small.other, assistants=(small.lead,))
    session = assign_staff(session=small.on(MONDAY), staffing=staffing, by=small.by, now=NOW)
    parts = {(each.user, each.part) for each in session.session_facilitators.all()}
    assert parts == {(small.other, "leads"), (small.lead, "assists")}
    assert session.is_changed
    assert small.on(WEDNESDAY).session_facilitators.get().user == small.lead
    with refused_for(LeadsAndAssists(small.other.name)):
        assign_staff(
            session=session, staffing=Staffing(lead=small.other, assistants=(small.other,)), by=small.by, now=NOW
        )
    parallel = make_session(make_meeting(small.site, 2, "11:00", "13:00", lead=small.other, name="Parallel"), WEDNESDAY)
    with refused_for(FacilitatorTaken(small.other.name, parallel.name, WEDNESDAY, time(11), time(13))):
        assign_staff(session=small.on(WEDNESDAY), staffing=Staffing(lead=small.other), by=small.by, now=NOW)


def test_spots_and_telehealth_link_of_one_session_can_be_changed(small: Small) -> None:
    details: dict[str, Any] = {"modality": "telehealth", "topic": "Sleep", "by": small.by, "now": NOW}
    session = change_session_details(
        session=small.on(MONDAY), places=1, telehealth_link="https://meet.example/x", **details
    )
    assert (session.places, session.modality, session.topic) == (1, "telehealth", "Sleep")
    Session.objects.filter(pk=session.pk).update(places=3, booked=2)
    with refused_for(FewerPlacesThanBooked(session.name, 1, 2), LinkNotHttps()):
        change_session_details(session=session, places=1, telehealth_link="http://meet.example/x", **details)
    with refused_for(RoomTooSmall(small.room.name, 12, 13)):
        change_session_details(session=session, places=13, telehealth_link="", **details)


def test_a_one_off_session_is_added(small: Small) -> None:
    family = ServiceType.objects.get(code="family")
    values = OneOffSession(
        name="Family evening",
        slot=small.slot(TUESDAY, "18:00", "19:30", small.room),
        service_type=family,
        places=12,
        staffing=Staffing(lead=small.lead),
    )
    session = add_session(site=small.site, values=values, by=small.by, now=NOW)
    assert (session.meeting, session.pattern_date, session.on) == (None, None, TUESDAY)
    assert session.countable_minutes == 90
    assert session.session_facilitators.get().starts == session.starts
    with refused_for(
        RoomTaken(small.room.name, "Family evening", TUESDAY, time(18), time(19, 30)),
        FacilitatorTaken(small.lead.name, "Family evening", TUESDAY, time(18), time(19, 30)),
    ):
        add_session(site=small.site, values=values, by=small.by, now=NOW)


def test_calendar_feeds_of_affected_people_are_rendered_again(small: Small) -> None:
    feeds: list[Feed] = [
        create_feed(**subject, by=small.by, now=NOW)[0]
        for subject in ({"patient": small.episode.patient}, {"facilitator": small.lead}, {"room": small.room})
    ]

    def fresh() -> None:
        for feed in Feed.objects.filter(pk__in=[feed.pk for feed in feeds]):
            serve_feed(feed=feed, now=NOW)
        assert not Feed.objects.filter(stale_at__isnull=False).exists()

    fresh()
    small.move(small.on(MONDAY), TUESDAY, "13:00", "15:00", None)
    assert Feed.objects.filter(stale_at__isnull=False).count() == 3
    fresh()
    cancel_session(session=small.on(WEDNESDAY), reason="Ill", by=small.by, now=NOW)
    assert Feed.objects.filter(stale_at__isnull=False).count() == 3
    fresh()
    friday = small.on(MONDAY + timedelta(days=4))
    assign_staff(session=friday, staffing=Staffing(lead=small.other), by=small.by, now=NOW)
    assert Feed.objects.get(facilitator=small.lead).stale_at == NOW
