"""A booking on a day of a leave is excused at once. If its session moves out of the leave, the excuse is deleted."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent
from accounts.permissions import Role
from attendance.models import Attendance
from attendance.services.excuses import update_excuses
from attendance.services.leaves import add_leave
from patients.models import Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import Booking, Enrollment, LeaveOfAbsence, Meeting, Priority, Session, TrackStatus
from scheduling.services.bookings.after_booking import registered_after_booking
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.end_track import end_track
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.individual_change import arrange_individual_sessions
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.enrollment.waitlist import join_waitlist
from scheduling.services.enrollment.waitlist_offers import enroll_from_waitlist
from scheduling.services.sessions.cancel import cancel_session, restore_session
from scheduling.services.sessions.session_changes import move_session
from scheduling.services.sessions.slots import Slot
from scheduling.services.timetable.closures import change_closure, close_site, lift_closure
from scheduling.services.timetable.meetings import change_meeting
from scheduling.services.timetable.tracks import publish_track
from scheduling.services.timetable.values import MeetingValues
from tests.factories import (
    MONDAY,
    admit,
    enroll,
    make_hours,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NEXT_MONDAY = MONDAY + WEEK
WEDNESDAY = NEXT_MONDAY + 2 * DAY
LAST_DAY = NEXT_MONDAY + 4 * WEEK


class Clinic:
    """A clinic with a morning track on four days, an evening track, and a patient whose leave can start next week."""

    def __init__(self) -> None:
        self.site = make_site()
        self.coordinator = make_staff(Role.COORDINATOR, self.site)
        self.counselor = make_staff(Role.CLINICIAN, self.site)
        make_hours(self.counselor, self.site, 3, "09:00", "12:00")
        self.mornings = [make_meeting(self.site, day) for day in (0, 1, 2, 4)]
        self.track = make_track(self.site, self.mornings, individual_minutes=60)
        self.evenings = [make_meeting(self.site, day, "17:00", "20:00") for day in (0, 2, 4)]
        self.evening_track = make_track(self.site, self.evenings, name="Evening track")
        extend_horizon(site=self.site, now=NOW)
        self.episode: Episode = admit(make_patient(self.site))

    @property
    def said(self) -> dict[str, Any]:
        return {"by": self.coordinator, "now": NOW}

    def enroll(self) -> Enrollment:
        """Enroll the patient in the morning groups of Monday, Tuesday and Wednesday."""
        return enroll_patient(
            episode=self.episode, track=self.track, meetings=self.mornings[:3], starts=MONDAY, **self.said
        )

    def leave(self, first_day: date = NEXT_MONDAY, last_day: date | None = LAST_DAY) -> LeaveOfAbsence:
        return add_leave(episode=self.episode, first_day=first_day, last_day=last_day, reason="Surgery", **self.said)

    def enrolled_and_away(self) -> Enrollment:
        enrollment = self.enroll()
        self.leave()
        return enrollment

    def session(self, on: date) -> Session:
        return Session.objects.get(meeting__in=self.mornings, on=on)


def by_enrolling(clinic: Clinic) -> None:
    clinic.leave()
    clinic.enroll()


def by_changing_groups(clinic: Clinic) -> None:
    enrollment = clinic.enrolled_and_away()
    change_meetings(enrollment=enrollment, meetings=clinic.mornings[1:], from_day=MONDAY, **clinic.said)


def by_transferring(clinic: Clinic) -> None:
    enrollment = clinic.enrolled_and_away()
    transfer_enrollment(
        enrollment=enrollment, track=clinic.evening_track, meetings=clinic.evenings, starts=MONDAY + DAY, **clinic.said
    )


def by_ending_the_track(clinic: Clinic) -> None:
    enrollment = clinic.enrolled_and_away()
    end_track(
        track=clinic.track, last_day=MONDAY + 6 * DAY, to=clinic.evening_track, moving=[enrollment.pk], **clinic.said
    )


def from_the_waitlist(clinic: Clinic) -> None:
    entry = join_waitlist(
        episode=clinic.episode, track=clinic.track, priority=Priority.ROUTINE, from_day=MONDAY, **clinic.said
    )
    clinic.leave()
    enroll_from_waitlist(entry=entry, meetings=clinic.mornings[:3], starts=MONDAY, **clinic.said)


def by_arranging_individual_time(clinic: Clinic) -> None:
    enrollment = clinic.enrolled_and_away()
    hour = WeeklyHour(counselor=clinic.counselor.pk, weekday=3, starts=9 * 60, ends=10 * 60)
    arrange_individual_sessions(enrollment=enrollment, hours=[hour], from_day=MONDAY, **clinic.said)


def by_extending_the_horizon(clinic: Clinic) -> None:
    clinic.enroll()
    clinic.leave(last_day=None)
    extend_horizon(site=clinic.site, now=NOW + 3 * WEEK)


def by_publishing_a_track(clinic: Clinic) -> None:
    afternoons = [make_meeting(clinic.site, day, "13:00", "16:00") for day in (0, 2, 4)]
    draft = make_track(clinic.site, afternoons, name="Afternoon track", status=TrackStatus.DRAFT)
    enroll(clinic.episode, draft)
    clinic.leave()
    publish_track(track=draft, **clinic.said)


def by_changing_a_meeting(clinic: Clinic) -> None:
    clinic.enrolled_and_away()
    monday: Meeting = clinic.mornings[0]
    values = MeetingValues(
        code="later",
        name="Later group",
        weekday=0,
        starts=time(10),
        ends=time(13),
        service_type=monday.service_type,
        places=10,
        runs_from=NEXT_MONDAY,
        tracks=(clinic.track,),
    )
    change_meeting(meeting=monday, values=values, **clinic.said)


def by_restoring_a_session(clinic: Clinic) -> None:
    clinic.enroll()
    cancelled = cancel_session(session=clinic.session(WEDNESDAY), reason="Snow", **clinic.said)
    clinic.leave()
    restore_session(session=cancelled, **clinic.said)


def by_lifting_a_closure(clinic: Clinic) -> None:
    clinic.enroll()
    closure = close_site(site=clinic.site, first_day=WEDNESDAY, last_day=WEDNESDAY, reason="Snow", **clinic.said)
    clinic.leave()
    lift_closure(closure=closure, **clinic.said)


def by_shortening_a_closure(clinic: Clinic) -> None:
    clinic.enroll()
    closure = close_site(site=clinic.site, first_day=NEXT_MONDAY, last_day=WEDNESDAY, reason="Snow", **clinic.said)
    clinic.leave()
    change_closure(closure=closure, last_day=NEXT_MONDAY, reason="Snow", **clinic.said)


def by_moving_a_session_into_the_leave(clinic: Clinic) -> None:
    clinic.enrolled_and_away()
    move_session(session=clinic.session(MONDAY), slot=Slot(on=WEDNESDAY, starts=time(13), ends=time(16)), **clinic.said)


def by_moving_a_session_out_of_the_leave(clinic: Clinic) -> None:
    clinic.enrolled_and_away()
    friday = Slot(on=NEXT_MONDAY - 3 * DAY, starts=time(13), ends=time(16))
    move_session(session=clinic.session(WEDNESDAY), slot=friday, **clinic.said)


def by_booking_a_makeup(clinic: Clinic) -> None:
    """Delete all excuses, and book a make-up session before the leave. The booking must restore the excuses."""
    clinic.enrolled_and_away()
    Attendance.objects.all().delete()
    missed = Booking.objects.get(episode=clinic.episode, session=clinic.session(MONDAY))
    book_makeup(session=clinic.session(MONDAY + 4 * DAY), makes_up=missed, **clinic.said)


ACTS: list[Callable[[Clinic], None]] = [
    by_enrolling,
    by_changing_groups,
    by_transferring,
    by_ending_the_track,
    from_the_waitlist,
    by_arranging_individual_time,
    by_extending_the_horizon,
    by_publishing_a_track,
    by_changing_a_meeting,
    by_restoring_a_session,
    by_lifting_a_closure,
    by_shortening_a_closure,
    by_moving_a_session_into_the_leave,
    by_moving_a_session_out_of_the_leave,
    by_booking_a_makeup,
]


@pytest.mark.parametrize("act", ACTS)
def test_a_patient_is_excused_on_the_days_of_the_leave_and_on_no_others(act: Callable[[Clinic], None]) -> None:
    act(clinic := Clinic())
    leave = LeaveOfAbsence.objects.get(episode=clinic.episode)
    booked = list(Booking.objects.active().filter(episode=clinic.episode).select_related("session", "attendance"))
    on_leave = [booking for booking in booked if leave.as_interval().contains(booking.session.on)]
    excused = list(Attendance.objects.filter(booking__released_at=None).values_list("booking", "status", "leave"))
    assert on_leave
    assert len(booked) > len(on_leave)
    assert sorted(excused) == sorted((booking.pk, "excused", leave.pk) for booking in on_leave)


def test_an_excuse_is_audited_after_the_enrollment_that_causes_it() -> None:
    by_enrolling(Clinic())
    trail = [event.action for event in AuditEvent.objects.order_by("pk")]
    assert trail.index("enrolled") < trail.index("marked")


@pytest.mark.parametrize("weeks", [2, 8])
@pytest.mark.parametrize("patients", [1, 3])
def test_the_horizon_takes_as_many_statements_for_many_excuses_as_for_one(
    weeks: int, patients: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clinic = Clinic()
    for number in range(patients):
        clinic.episode = admit(make_patient(clinic.site, f"Patient {number}"))
        clinic.enrolled_and_away()
        LeaveOfAbsence.objects.update(ends=None)
    with django_assert_num_queries(27):
        extend_horizon(site=clinic.site, now=NOW + weeks * WEEK)
    assert Attendance.objects.count() > patients * weeks


def test_the_attendance_app_registers_one_handler_for_new_bookings() -> None:
    assert registered_after_booking() == (update_excuses,)
