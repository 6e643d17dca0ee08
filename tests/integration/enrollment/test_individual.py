"""Weekly individual sessions are proposed, booked with an enrollment, moved, and ended with the enrollment."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from attendance.services.leaves import add_leave
from attendance.services.ledgers import recent_weeks
from patients.models import Episode
from scheduling.domain.hours.reasons import FacilitatorDoubleBooked
from scheduling.domain.individual.proposals import HourNotFree, IndividualProposals, WeeklyHour, WrongIndividualTime
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.models import Booking, Enrollment, FacilitatorPart, Meeting, Session, SessionStatus, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.individual import propose_individual_sessions
from scheduling.services.enrollment.individual_change import arrange_individual_sessions, individual_session_options
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.reasons import NothingChanged
from scheduling.services.search.need import need_of
from scheduling.services.timetable.meetings import create_meeting
from scheduling.services.timetable.values import MeetingValues
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_hours,
    make_meeting,
    make_patient,
    make_session,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from timekeeping.reasons import Reason, Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)
NEXT_MONDAY = MONDAY + timedelta(weeks=1)


class Clinic:
    """A clinic with a counselor. Its track has three morning groups and an hour of individual sessions a week."""

    def __init__(self) -> None:
        self.site = make_site()
        self.lead = make_staff(Role.CLINICIAN, self.site, "Ada Park")
        self.coordinator = make_staff(Role.COORDINATOR, self.site)
        self.track = make_weekday_track(self.site, lead=self.lead, individual_minutes=60)
        make_hours(self.lead, self.site, 2, "12:00", "16:00")
        make_hours(self.lead, self.site, 1, "10:00", "12:00")
        extend_horizon(site=self.site, now=NOW)
        self.episode = self.admitted()

    def admitted(self, starts: date = MONDAY) -> Episode:
        return admit(make_patient(self.site), starts, minutes=600)

    def proposed(self, episode: Episode | None = None, starts: date = MONDAY) -> IndividualProposals:
        episode = episode or self.episode
        meetings = [meeting.pk for meeting in self.track.meetings.all()]
        need = need_of(episode=episode, from_day=starts)
        return propose_individual_sessions(episode=episode, minutes=60, meetings=meetings, need=need, today=TODAY)

    def enrolled(
        self, *hours: WeeklyHour, episode: Episode | None = None, starts: date = MONDAY, track: Track | None = None
    ) -> Enrollment:
        track = track or self.track
        return enroll_patient(
            episode=episode or self.episode,
            track=track,
            meetings=list(track.meetings.all()),
            starts=starts,
            individual=hours,
            by=self.coordinator,
            now=NOW,
        )

    def hour(self, weekday: int, starts: int, minutes: int = 60, who: User | None = None) -> WeeklyHour:
        counselor = (who or self.lead).pk
        return WeeklyHour(counselor=counselor, weekday=weekday, starts=starts * 60, ends=starts * 60 + minutes)

    def arranged(self, enrollment: Enrollment, *hours: WeeklyHour, from_day: date = NEXT_MONDAY) -> Enrollment:
        return arrange_individual_sessions(
            enrollment=enrollment, hours=hours, from_day=from_day, by=self.coordinator, now=NOW
        )


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


def own(enrollment: Enrollment) -> list[Booking]:
    """Return the enrollment's active bookings in individual sessions."""
    found = Booking.objects.active().filter(enrollment=enrollment, session__service_type__code="individual")
    return list(found.select_related("session").order_by("starts"))


def reasons(refused: pytest.ExceptionInfo[Refused]) -> tuple[Reason, ...]:
    return refused.value.reasons


def held() -> list[Session]:
    """Return all individual sessions that are not canceled, with or without a booking."""
    return list(
        Session.objects.filter(service_type__code="individual", status=SessionStatus.SCHEDULED).order_by("starts")
    )


def test_the_hour_after_the_group_is_booked_with_the_enrollment(clinic: Clinic) -> None:
    first, second = clinic.proposed().proposals
    assert (first.hours, first.waiting_minutes) == ((clinic.hour(2, 12),), 0)
    assert (second.hours, second.trips) == ((clinic.hour(1, 10),), 1)
    enrollment = clinic.enrolled(*first.hours)
    (meeting,) = Meeting.objects.filter(kept_for=enrollment)
    assert (meeting.name, meeting.places, meeting.leader) == ("Individual session", 1, clinic.lead)
    assert str(clinic.episode.patient) not in f"{meeting.code} {meeting.name}"
    bookings = own(enrollment)
    assert [booking.session.on for booking in bookings] == [MONDAY + timedelta(days=2, weeks=n) for n in range(12)]
    assert {facilitator.user for booking in bookings for facilitator in booking.session.session_facilitators.all()} == {
        clinic.lead
    }
    (week, *_) = recent_weeks(episode=clinic.episode, now=NOW + timedelta(days=1))
    assert week.ledger.scheduled_minutes == 600


def test_the_horizon_extends_individual_sessions(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    later = NOW + timedelta(weeks=3)
    extend_horizon(site=clinic.site, now=later)
    assert len(own(enrollment)) == 15
    assert extend_horizon(site=clinic.site, now=later).sessions == 0


def test_an_hour_that_was_taken_meanwhile_is_refused_and_nothing_is_written(clinic: Clinic) -> None:
    clinic.enrolled(clinic.hour(2, 12))
    other = clinic.admitted()
    assert clinic.proposed(other).proposals[0].hours == (clinic.hour(2, 13),)
    with pytest.raises(Refused) as refused:
        clinic.enrolled(clinic.hour(2, 12), episode=other)
    (reason,) = reasons(refused)
    assert isinstance(reason, HourNotFree)
    assert [each.label for each in reason.conflicts] == ["Individual session"]
    assert not other.enrollments.exists()
    assert Meeting.objects.filter(kept_for__isnull=False).count() == 1


def test_reasons_against_hours_and_groups_are_given_at_once(clinic: Clinic) -> None:
    make_commitment(clinic.episode.patient, [2], "11:30", "13:00")
    with pytest.raises(Refused) as refused:
        clinic.enrolled(clinic.hour(2, 12))
    assert {reason.code for reason in reasons(refused)} == {"clash", "hour_not_free"}


def test_individual_minutes_that_differ_from_those_of_the_track_are_refused(clinic: Clinic) -> None:
    for wrong_hour in (clinic.hour(2, 12, 45), clinic.hour(2, 12, 120)):
        with pytest.raises(Refused) as refused:
            clinic.enrolled(wrong_hour)
        assert reasons(refused) == (WrongIndividualTime(60),)


def test_a_session_of_the_counselor_on_a_single_date_is_a_conflict(clinic: Clinic) -> None:
    family = make_meeting(clinic.site, 2, "12:00", "13:00", lead=clinic.lead, name="Family evening")
    make_session(family, MONDAY + timedelta(days=9))
    assert clinic.proposed().proposals[0].hours == (clinic.hour(2, 13),)


def test_a_counselor_who_is_no_longer_active_is_not_proposed(clinic: Clinic) -> None:
    clinic.lead.is_active = False
    clinic.lead.save()
    assert clinic.proposed().refusal is not None


def test_a_patient_who_is_booked_elsewhere_on_one_date_is_not_double_booked(clinic: Clinic) -> None:
    enrollment = clinic.enrolled()
    moved = enrollment.bookings.filter(session__on=MONDAY + timedelta(days=4)).get().session
    wednesday = moved.starts - timedelta(days=2) + timedelta(hours=3)
    Booking.objects.filter(session=moved).update(starts=wednesday, ends=wednesday + timedelta(hours=2))
    found = individual_session_options(enrollment=enrollment, from_day=MONDAY, today=TODAY)
    assert found.proposals[0].hours == (clinic.hour(2, 14),)


def test_individual_sessions_end_with_the_enrollment_and_free_the_hour(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    end_enrollment(enrollment=enrollment, last_day=NEXT_MONDAY, by=clinic.coordinator, now=NOW)
    assert [booking.session.on for booking in own(enrollment)] == [MONDAY + timedelta(days=2)]
    assert [session.on for session in held()] == [MONDAY + timedelta(days=2)]
    (meeting,) = Meeting.objects.filter(kept_for=enrollment)
    assert meeting.runs_until == NEXT_MONDAY + timedelta(days=1)
    other = clinic.admitted(NEXT_MONDAY + timedelta(weeks=1))
    assert clinic.proposed(other, other.starts).proposals[0].hours == (clinic.hour(2, 12),)
    clinic.enrolled(clinic.hour(2, 12), episode=other, starts=other.starts)


def test_a_moved_individual_session_is_removed_with_the_enrollment(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    moved = own(enrollment)[0].session
    later = moved.starts + timedelta(days=8)
    Session.objects.filter(pk=moved.pk).update(
        on=moved.on + timedelta(days=8), starts=later, ends=later + timedelta(hours=1), departed_at=NOW
    )
    end_enrollment(enrollment=enrollment, last_day=MONDAY + timedelta(days=3), by=clinic.coordinator, now=NOW)
    assert held() == []


def test_a_discharge_ends_individual_sessions_of_an_enrollment_that_has_not_begun(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    starts = MONDAY + timedelta(weeks=2, days=2)
    evening = make_weekday_track(clinic.site, (1, 3, 5), name="Other", individual_minutes=60)
    extend_horizon(site=clinic.site, now=NOW)
    end_enrollment(enrollment=enrollment, last_day=starts - timedelta(days=1), by=clinic.coordinator, now=NOW)
    later = clinic.enrolled(clinic.hour(2, 14), starts=starts, track=evening)
    assert len(own(later)) == 10
    discharge_patient(episode=clinic.episode, last_day=NEXT_MONDAY, reason="Done", by=clinic.coordinator, now=NOW)
    assert own(later) == []
    assert [session.on for session in held()] == [MONDAY + timedelta(days=2)]
    assert not Meeting.objects.filter(kept_for=later).exists()


def test_individual_sessions_end_with_a_transfer(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    other = make_weekday_track(clinic.site, (1, 3, 5), name="Other", individual_minutes=60)
    extend_horizon(site=clinic.site, now=NOW)
    moved = transfer_enrollment(
        enrollment=enrollment,
        track=other,
        meetings=list(other.meetings.all()),
        starts=NEXT_MONDAY,
        by=clinic.coordinator,
        now=NOW,
    )
    assert own(moved) == []
    assert len(own(enrollment)) == 1
    assert len(held()) == 1


def test_an_enrollment_that_never_begins_leaves_no_individual_hour(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    other = make_weekday_track(clinic.site, (1, 3, 5), name="Other", individual_minutes=60)
    extend_horizon(site=clinic.site, now=NOW)
    transfer_enrollment(
        enrollment=enrollment,
        track=other,
        meetings=list(other.meetings.all()),
        starts=MONDAY,
        by=clinic.coordinator,
        now=NOW,
    )
    assert held() == []
    assert not Meeting.objects.filter(kept_for=enrollment).exists()


def test_changed_meetings_must_not_conflict_with_individual_sessions(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    conflicting = make_meeting(clinic.site, 2, "12:30", "14:30", name="Relapse prevention")
    other_meeting = make_meeting(clinic.site, 3, "09:00", "12:00")
    clinic.track.meetings.add(conflicting, other_meeting)
    extend_horizon(site=clinic.site, now=NOW)
    groups = [meeting for meeting in clinic.track.meetings.all() if meeting.pk != conflicting.pk]

    def change(meetings: Sequence[Meeting]) -> Enrollment:
        return change_meetings(
            enrollment=enrollment, meetings=meetings, from_day=NEXT_MONDAY, by=clinic.coordinator, now=NOW
        )

    with pytest.raises(Refused) as refused:
        change([*groups, conflicting])
    (reason,) = reasons(refused)
    assert isinstance(reason, CommitmentConflict)
    assert reason.busy.label == "Individual session"
    change(groups)
    assert len(own(enrollment)) == 12
    assert enrollment.enrollment_meetings.filter(meeting__kept_for=enrollment, ends=None).count() == 1
    with pytest.raises(Refused, match="nothing_changed"):
        change(groups)


def test_individual_sessions_can_be_arranged_later_moved_and_ended(clinic: Clinic) -> None:
    enrollment = clinic.enrolled()
    assert individual_session_options(enrollment=enrollment, from_day=NEXT_MONDAY, today=TODAY).proposals[0].hours == (
        clinic.hour(2, 12),
    )
    clinic.arranged(enrollment, clinic.hour(2, 12))
    assert [booking.session.on for booking in own(enrollment)][:1] == [NEXT_MONDAY + timedelta(days=2)]
    with pytest.raises(Refused) as refused:
        clinic.arranged(enrollment, clinic.hour(2, 12))
    assert reasons(refused) == (NothingChanged(),)
    change = NEXT_MONDAY + timedelta(weeks=2)
    assert clinic.hour(2, 12) in [
        proposal.hours[0]
        for proposal in individual_session_options(enrollment=enrollment, from_day=change, today=TODAY).proposals
    ]
    clinic.arranged(enrollment, clinic.hour(2, 12, 30), clinic.hour(1, 10, 30), from_day=change)
    minutes = [(booking.session.on, booking.countable_minutes) for booking in own(enrollment)]
    assert minutes[:5] == [
        (NEXT_MONDAY + timedelta(days=2), 60),
        (NEXT_MONDAY + timedelta(days=9), 60),
        (change + timedelta(days=1), 30),
        (change + timedelta(days=2), 30),
        (change + timedelta(days=8), 30),
    ]
    clinic.arranged(enrollment, from_day=change + timedelta(weeks=1))
    assert len(own(enrollment)) == 4
    assert [session.on for session in held()] == [booking.session.on for booking in own(enrollment)]


def test_moving_on_the_first_day_leaves_only_the_new_hour(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    clinic.arranged(enrollment, clinic.hour(1, 11), from_day=MONDAY)
    assert {booking.session.on.weekday() for booking in own(enrollment)} == {1}
    assert len(held()) == len(own(enrollment)) == 12
    assert Meeting.objects.filter(kept_for=enrollment).count() == 1


def test_individual_sessions_in_a_leave_are_excused_and_kept(clinic: Clinic) -> None:
    enrollment = clinic.enrolled(clinic.hour(2, 12))
    add_leave(
        episode=clinic.episode,
        first_day=MONDAY,
        last_day=MONDAY + timedelta(days=6),
        reason="Surgery",
        by=clinic.coordinator,
        now=NOW,
    )
    bookings = own(enrollment)
    assert len(bookings) == 12
    assert [booking.attendance.status for booking in bookings if hasattr(booking, "attendance")] == ["excused"]


def test_a_group_of_the_counselor_must_not_conflict_with_individual_sessions(clinic: Clinic) -> None:
    clinic.enrolled(clinic.hour(2, 12))
    service = clinic.track.meetings.all()[0].service_type
    values = MeetingValues(
        code="X",
        name="Lunch group",
        weekday=2,
        starts=clinic.lead.counselor_hours.get(weekday=2).starts,
        ends=clinic.lead.counselor_hours.get(weekday=2).ends,
        service_type=service,
        places=8,
        runs_from=MONDAY,
        lead=clinic.lead,
        tracks=(clinic.track,),
    )
    with pytest.raises(Refused) as refused:
        create_meeting(site=clinic.site, values=values, by=clinic.coordinator, now=NOW)
    double_bookings = [reason for reason in reasons(refused) if isinstance(reason, FacilitatorDoubleBooked)]
    assert [(each.facilitator, each.second) for each in double_bookings] == [("Ada Park", "Individual session")]


def test_a_counselor_at_two_sites_is_booked_once(clinic: Clinic) -> None:
    other = make_site("South", "America/Chicago")
    RoleAssignment.objects.create(user=clinic.lead, role=Role.CLINICIAN, site=other)
    group = make_meeting(other, 2, "11:00", "12:00", lead=clinic.lead)
    make_track(other, [group])
    extend_horizon(site=other, now=NOW)
    assert clinic.proposed().proposals[0].hours == (clinic.hour(2, 13),)


def test_half_hours_are_proposed_if_no_hour_is_free(clinic: Clinic) -> None:
    clinic.lead.counselor_hours.all().delete()
    for weekday in (0, 2):
        make_hours(clinic.lead, clinic.site, weekday, "12:00", "12:45")
    (proposal,) = clinic.proposed().proposals
    enrollment = clinic.enrolled(*proposal.hours)
    assert len(own(enrollment)) == 24
    assert Meeting.objects.filter(kept_for=enrollment, meeting_facilitators__part=FacilitatorPart.LEADS).count() == 2
