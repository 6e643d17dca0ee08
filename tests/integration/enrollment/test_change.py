"""An enrollment can change its meetings or move to another track, starting on a chosen day.

A refused change has no effect.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from attendance.models import Attendance
from patients.models import Episode
from scheduling.domain.hours.reasons import BelowPrescribedDays, BelowPrescribedMinutes
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import AlreadyEnrolled, MeetingFull, NotAStartDate
from scheduling.models import Booking, CohortStart, Enrollment, Meeting, Priority, ReleaseCause, Session, Site, Track
from scheduling.models.booking import BookingQuerySet
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.bookings.release import release_booking
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.checks import NotRunning, check_sessions
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.preconditions import DayHasPassed
from scheduling.services.enrollment.transfer import BeganToday, transfer_enrollment
from scheduling.services.enrollment.waitlist import join_waitlist
from scheduling.services.reasons import InAnotherSession, NothingChanged, SessionFull
from scheduling.services.sessions.cancel import cancel_session, restore_session
from scheduling.services.sessions.session_changes import move_session
from scheduling.services.sessions.slots import Slot
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_session,
    make_site,
    make_staff,
    make_track,
)
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY_AT_TEN = datetime(2026, 11, 23, 15, tzinfo=UTC)
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
LATER = MONDAY + 2 * WEEK


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def by(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def track(site: Site) -> Track:
    """A track with a group on each weekday. Each group is three hours long."""
    return make_track(site, [make_meeting(site, day, name=f"Group {day}") for day in range(5)])


@pytest.fixture
def evenings(site: Site) -> Track:
    meetings = [make_meeting(site, day, "18:00", "21:00", name=f"Evening {day}") for day in (0, 1, 3)]
    return make_track(site, meetings, name="Evening track")


@pytest.fixture
def enrollment(site: Site, track: Track, evenings: Track, by: User) -> Enrollment:
    """Enrollment of a patient in the groups of Monday, Wednesday and Friday."""
    return enrolled(admit(make_patient(site)), track, by, days=(0, 2, 4))


def on_days(track: Track, *days: int) -> list[Meeting]:
    return list(track.meetings.filter(weekday__in=days))


def enrolled(episode: Episode, track: Track, by: User, days: tuple[int, ...], starts: date = MONDAY) -> Enrollment:
    extend_horizon(site=track.site, now=NOW)
    meetings = on_days(track, *days)
    return enroll_patient(episode=episode, track=track, meetings=meetings, starts=starts, by=by, now=NOW)


def change(enrollment: Enrollment, *days: int, by: User, from_day: date = LATER, now: datetime = NOW) -> Enrollment:
    meetings = on_days(enrollment.track, *days)
    return change_meetings(enrollment=enrollment, meetings=meetings, from_day=from_day, by=by, now=now)


def transfer(enrollment: Enrollment, track: Track, by: User, starts: date = LATER, now: datetime = NOW) -> Enrollment:
    meetings = list(track.meetings.all())
    return transfer_enrollment(enrollment=enrollment, track=track, meetings=meetings, starts=starts, by=by, now=now)


def refusal(act: Any, *args: Any, **said: Any) -> tuple[Any, ...]:
    """Call `act`, expect a refusal, check that nothing changed, and return the reasons."""
    before = everything()
    with pytest.raises(Refused) as refused:
        act(*args, **said)
    assert everything() == before
    return refused.value.reasons


def everything() -> list[Any]:
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (Booking, Session, Enrollment, Enrollment.meetings.through, AuditEvent)
    ]


def standing(enrollment: Enrollment) -> BookingQuerySet:
    return Booking.objects.active().filter(enrollment=enrollment)


def weekdays(enrollment: Enrollment, first: date, until: date = date.max) -> set[int]:
    """Return the weekdays on which the enrollment has active bookings in [first, until)."""
    found = standing(enrollment).filter(session__on__gte=first, session__on__lt=until)
    return {on.weekday() for on in found.values_list("session__on", flat=True)}


# Changing the meetings


def test_new_meetings_are_booked_and_old_ones_released_from_the_day_on(enrollment: Enrollment, by: User) -> None:
    change(enrollment, 0, 1, 4, by=by)
    assert weekdays(enrollment, MONDAY, LATER) == {0, 2, 4}
    assert weekdays(enrollment, LATER) == {0, 1, 4}
    assert standing(enrollment).count() == 2 * 3 + 10 * 3
    released = enrollment.bookings.exclude(released_at=None)
    assert set(released.values_list("release_cause", "session__on__week_day")) == {(ReleaseCause.ENDED, 4)}
    assert all(session.booked == session.bookings.filter(released_at=None).count() for session in Session.objects.all())
    places = enrollment.enrollment_meetings.order_by("meeting__weekday", "starts")
    assert list(places.values_list("meeting__weekday", "starts", "ends")) == [
        (0, MONDAY, None),
        (1, LATER, None),
        (2, MONDAY, LATER),
        (4, MONDAY, None),
    ]
    event = AuditEvent.objects.get(action="changed")
    assert (event.patient_key, event.detail) == (
        enrollment.episode.patient_id,
        "from 2026-12-07: Group 0, Group 1, Group 4",
    )


def test_a_change_can_be_changed_again_before_it_begins(enrollment: Enrollment, by: User) -> None:
    change(enrollment, 1, 2, 3, by=by)
    change(enrollment, 0, 2, 4, by=by, from_day=MONDAY)
    assert weekdays(enrollment, MONDAY) == {0, 2, 4}
    assert set(enrollment.enrollment_meetings.values_list("meeting__weekday", "starts", "ends")) == {
        (day, MONDAY, None) for day in (0, 2, 4)
    }


def test_a_meeting_that_is_left_and_joined_again_without_a_gap_keeps_one_row(enrollment: Enrollment, by: User) -> None:
    change(enrollment, 0, 1, 3, by=by)
    change(enrollment, 0, 2, 4, by=by)
    change(enrollment, 0, 2, 3, by=by, from_day=LATER - DAY)
    assert set(enrollment.enrollment_meetings.values_list("meeting__weekday", "starts", "ends")) == {
        (0, MONDAY, None),
        (2, MONDAY, None),
        (3, LATER - DAY, None),
        (4, MONDAY, LATER - DAY),
    }


def test_a_session_of_today_that_has_begun_stays_booked(enrollment: Enrollment, by: User) -> None:
    change(enrollment, 1, 2, 3, by=by, from_day=MONDAY, now=MONDAY_AT_TEN)
    assert list(standing(enrollment).filter(session__on=MONDAY).values_list("session__name", flat=True)) == ["Group 0"]
    assert weekdays(enrollment, MONDAY + DAY) == {1, 2, 3}


def test_a_kept_meeting_keeps_its_bookings_and_their_marks(enrollment: Enrollment, by: User) -> None:
    kept = enrollment.bookings.filter(session__meeting__weekday=0)
    excused = kept.get(session__on=LATER)
    mark = Attendance.objects.create(
        booking=excused, status="excused", reason="Court", credited_minutes=0, recorded_by=by, recorded_at=NOW
    )
    before = set(kept.values_list("pk", flat=True))
    change(enrollment, 0, 1, 3, by=by)
    assert set(kept.filter(released_at=None).values_list("pk", flat=True)) == before
    assert Attendance.objects.get() == mark


def test_a_moved_session_belongs_to_the_enrollment_by_its_original_date(enrollment: Enrollment, by: User) -> None:
    wednesday, thursday = LATER + 2 * DAY, LATER + 3 * DAY
    postponed = Session.objects.get(on=wednesday - WEEK, meeting__weekday=2)
    moved_ahead = Session.objects.get(on=wednesday, meeting__weekday=2)
    new_group = Session.objects.get(on=thursday, name="Group 3")
    moved(postponed, LATER, time(13), by)
    moved(moved_ahead, LATER - 4 * DAY, time(13), by)
    moved(new_group, LATER - 3 * DAY, time(13), by)
    change(enrollment, 0, 3, 4, by=by)
    booked = set(standing(enrollment).values_list("session", flat=True))
    assert postponed.pk in booked
    assert moved_ahead.pk not in booked
    assert new_group.pk in booked


def moved(session: Session, on: date, starts: time, by: User) -> None:
    slot = Slot(on=on, starts=starts, ends=starts.replace(hour=starts.hour + 3), room=None)
    move_session(session=session, slot=slot, by=by, now=NOW)


def test_a_booking_that_was_given_back_stays_released(enrollment: Enrollment, by: User) -> None:
    given = enrollment.bookings.get(session__on=LATER)
    release_booking(booking=given, reason="Dentist", by=by, now=NOW)
    Session.objects.filter(pk=given.session_id).update(places=1, booked=1)
    change(enrollment, 0, 1, 3, by=by)
    assert not Booking.objects.active().filter(session=given.session_id).exists()


def test_meetings_that_the_patient_attends_are_neither_full_nor_a_conflict(enrollment: Enrollment, by: User) -> None:
    Session.objects.filter(meeting__weekday__in=(0, 2, 4)).update(places=1)
    change(enrollment, 0, 1, 4, by=by)
    assert weekdays(enrollment, LATER) == {0, 1, 4}


def test_a_full_session_of_a_kept_group_does_not_prevent_a_change(enrollment: Enrollment, by: User) -> None:
    booking = enrollment.bookings.get(session__on=LATER)
    Booking.objects.filter(pk=booking.pk).update(released_at=NOW, release_cause=ReleaseCause.CLASH)
    Session.objects.filter(pk=booking.session_id).update(places=1, booked=1)
    change(enrollment, 0, 1, 4, by=by)
    assert weekdays(enrollment, LATER + DAY) == {0, 1, 4}


def test_a_restored_session_of_a_group_that_was_left_does_not_book_the_patient(
    enrollment: Enrollment, by: User
) -> None:
    session = Session.objects.get(on=LATER + 2 * DAY, meeting__weekday=2)
    cancel_session(session=session, reason="Snow", by=by, now=NOW)
    change(enrollment, 0, 1, 4, by=by)
    restore_session(session=session, by=by, now=NOW)
    assert not session.bookings.filter(released_at=None).exists()


def test_a_refused_change_has_every_reason_at_once(enrollment: Enrollment, by: User, evenings: Track) -> None:
    make_commitment(enrollment.episode.patient, [1], "11:30", "15:00", "Shift")
    Session.objects.filter(meeting__weekday=3, meeting__starts="09:00", on=LATER + 3 * DAY).update(booked=10)
    missed = enrollment.bookings.order_by("starts")[0]
    opening = make_meeting(enrollment.track.site, 3, "10:00", "13:00", name="Opening")
    make_track(enrollment.track.site, [opening], name="Other")
    extend_horizon(site=enrollment.track.site, now=NOW)
    later = Session.objects.get(meeting=opening, on=LATER + 3 * DAY + WEEK)
    book_makeup(session=later, makes_up=missed, by=by, now=NOW)

    reasons = refusal(change, enrollment, 1, 3, by=by)

    kinds = [type(reason) for reason in reasons]
    assert kinds == [BelowPrescribedMinutes, BelowPrescribedDays, CommitmentConflict, MeetingFull, InAnotherSession]
    conflict = next(reason for reason in reasons if isinstance(reason, CommitmentConflict))
    full = next(reason for reason in reasons if isinstance(reason, MeetingFull))
    assert (conflict.busy.label, full.first_date, full.dates) == ("Shift", LATER + 3 * DAY, 1)
    assert reasons[-1] == InAnotherSession("Opening", later.on)


@pytest.mark.parametrize(
    ("days", "from_day", "reason"),
    [
        pytest.param((0, 1, 2), MONDAY - DAY, EndDateBeforeStart(MONDAY, MONDAY - DAY), id="before it begins"),
        pytest.param((0, 2, 4), LATER, NothingChanged(), id="as it is"),
    ],
)
def test_a_change_without_a_difference_is_refused(
    enrollment: Enrollment, by: User, days: tuple[int, ...], from_day: date, reason: object
) -> None:
    assert refusal(change, enrollment, *days, by=by, from_day=from_day) == (reason,)


def test_a_change_starts_today_at_the_earliest_and_within_the_enrollment(enrollment: Enrollment, by: User) -> None:
    now = NOW + WEEK
    assert refusal(change, enrollment, 0, 1, 2, by=by, from_day=MONDAY, now=now) == (DayHasPassed(MONDAY),)
    end_enrollment(enrollment=enrollment, last_day=LATER - DAY, by=by, now=NOW)
    reasons = refusal(change, enrollment, 0, 1, 2, by=by, from_day=LATER + DAY)
    assert reasons == (AlreadyEnded(enrollment.track.name, LATER - DAY),)


def test_a_change_keeps_the_end_date_of_the_enrollment(enrollment: Enrollment, by: User) -> None:
    ends = LATER + 2 * WEEK
    end_enrollment(enrollment=enrollment, last_day=ends - DAY, by=by, now=NOW)
    change(enrollment, 0, 1, 3, by=by)
    assert weekdays(enrollment, LATER) == {0, 1, 3}
    assert not standing(enrollment).filter(session__on__gte=ends).exists()
    assert set(enrollment.enrollment_meetings.values_list("ends", flat=True)) == {LATER, ends}


def test_a_change_to_a_meeting_of_another_track_is_refused(enrollment: Enrollment, by: User, evenings: Track) -> None:
    meetings = [*on_days(enrollment.track, 0, 2), *on_days(evenings, 1)]
    reasons = refusal(change_meetings, enrollment=enrollment, meetings=meetings, from_day=LATER, by=by, now=NOW)
    assert NotRunning("Evening 1", LATER) in reasons


def test_a_patient_in_a_cohort_can_change_meetings_on_any_day(enrollment: Enrollment, by: User) -> None:
    Track.objects.filter(pk=enrollment.track_id).update(entry="cohort")
    CohortStart.objects.create(track=enrollment.track, on=LATER + WEEK)
    change(enrollment, 0, 1, 4, by=by, from_day=LATER + DAY)
    assert weekdays(enrollment, LATER + DAY) == {0, 1, 4}


# Transferring to another track


def test_a_transfer_ends_one_enrollment_the_day_before_the_other_starts(
    enrollment: Enrollment, by: User, evenings: Track
) -> None:
    new = transfer(enrollment, evenings, by)
    enrollment.refresh_from_db()
    assert (enrollment.ends, enrollment.end_reason) == (LATER, "Moved to another track")
    assert (new.starts, new.ends, new.continues) == (LATER, None, enrollment)
    assert weekdays(enrollment, LATER) == set()
    assert weekdays(new, MONDAY) == {0, 1, 3}
    assert standing(new).earliest("starts").session.on == LATER
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == ["enrolled", "ended", "enrolled"]


def test_a_transfer_to_a_track_that_does_not_fit_changes_nothing(
    enrollment: Enrollment, by: User, evenings: Track
) -> None:
    make_commitment(enrollment.episode.patient, [0], "19:00", "23:00", "Late shift")
    reasons = refusal(transfer, enrollment, evenings, by)
    assert [type(reason) for reason in reasons] == [CommitmentConflict]


def test_the_old_enrollment_does_not_conflict_with_the_new_one(enrollment: Enrollment, by: User, site: Site) -> None:
    shared = on_days(enrollment.track, 0, 2)
    overlapping = make_track(site, [*shared, make_meeting(site, 4, "10:00", "13:00", name="Late Friday")], name="Other")
    extend_horizon(site=site, now=NOW)
    Session.objects.filter(meeting__in=shared).update(places=1)
    new = transfer(enrollment, overlapping, by)
    assert weekdays(new, LATER) == {0, 2, 4}
    assert all(session.booked == session.bookings.filter(released_at=None).count() for session in Session.objects.all())


def test_a_date_given_back_in_a_group_of_both_tracks_stays_released(
    enrollment: Enrollment, by: User, site: Site
) -> None:
    given = enrollment.bookings.get(session__on=LATER)
    release_booking(booking=given, reason="Dentist", by=by, now=NOW)
    other = make_track(site, on_days(enrollment.track, 0, 1, 3), name="Other")
    new = transfer(enrollment, other, by)
    assert not new.bookings.filter(session=given.session_id).exists()
    assert weekdays(new, LATER) == {0, 1, 3}
    assert extend_horizon(site=site, now=NOW).bookings == 0


def test_a_patient_in_a_running_session_of_the_old_track_stays_booked(
    enrollment: Enrollment, by: User, evenings: Track
) -> None:
    enrollment_before = Enrollment.objects.filter(pk=enrollment.pk)
    enrollment_before.update(starts=MONDAY - WEEK)
    enrollment.enrollment_meetings.update(starts=MONDAY - WEEK)
    enrollment.episode.spans.update(starts=MONDAY - WEEK)
    new = transfer(enrollment_before.get(), evenings, by, starts=MONDAY, now=MONDAY_AT_TEN)
    assert list(standing(enrollment).values_list("session__on", flat=True)) == [MONDAY]
    assert standing(new).earliest("starts").session.name == "Evening 0"


def test_an_enrollment_that_has_not_begun_can_be_replaced_from_its_first_day(
    enrollment: Enrollment, by: User, evenings: Track, site: Site
) -> None:
    new = transfer(enrollment, evenings, by, starts=MONDAY)
    assert not standing(enrollment).exists()
    assert not enrollment.enrollment_meetings.exists()
    assert weekdays(new, MONDAY) == {0, 1, 3}
    assert extend_horizon(site=site, now=NOW).bookings == 0


def test_an_enrollment_that_began_today_can_be_left_from_tomorrow(
    enrollment: Enrollment, by: User, evenings: Track
) -> None:
    reasons = refusal(transfer, enrollment, evenings, by, starts=MONDAY, now=MONDAY_AT_TEN)
    assert reasons == (BeganToday(enrollment.track.name),)
    assert transfer(enrollment, evenings, by, starts=MONDAY + DAY, now=MONDAY_AT_TEN).starts == MONDAY + DAY


def test_a_transfer_to_the_same_track_is_refused(enrollment: Enrollment, by: User) -> None:
    reasons = refusal(transfer, enrollment, enrollment.track, by)
    assert reasons == (AlreadyEnrolled(enrollment.track.name, MONDAY),)


def test_a_transfer_into_a_cohort_starts_on_a_start_date(enrollment: Enrollment, by: User, evenings: Track) -> None:
    Track.objects.filter(pk=evenings.pk).update(entry="cohort")
    CohortStart.objects.create(track=evenings, on=LATER)
    assert refusal(transfer, enrollment, evenings, by, starts=LATER - WEEK) == (NotAStartDate(LATER - WEEK, LATER),)
    assert transfer(enrollment, evenings, by).starts == LATER


def test_a_transfer_closes_the_waitlist_entry(enrollment: Enrollment, by: User, evenings: Track) -> None:
    entry = join_waitlist(
        episode=enrollment.episode, track=evenings, priority=Priority.SOON, from_day=LATER, by=by, now=NOW
    )
    new = transfer(enrollment, evenings, by)
    entry.refresh_from_db()
    assert (entry.closed_at, entry.enrollment) == (NOW, new)


def test_a_session_moved_ahead_from_after_the_last_day_is_released_with_the_enrollment(
    enrollment: Enrollment, by: User, site: Site
) -> None:
    monday = Session.objects.get(on=LATER, meeting__weekday=0, meeting__starts="09:00")
    moved(monday, LATER - 3 * DAY, time(13), by)
    end_enrollment(enrollment=enrollment, last_day=LATER - DAY, by=by, now=NOW)
    assert not monday.bookings.filter(released_at=None).exists()
    assert extend_horizon(site=site, now=NOW).bookings == 0


def test_a_full_group_covers_its_own_sessions_and_not_those_of_a_group_of_the_same_name(site: Site) -> None:
    known, other = (make_meeting(site, day, name="Skills", places=1) for day in (0, 2))
    sessions = [make_session(each, MONDAY + each.weekday * DAY, booked=1) for each in (known, other)]
    episode, on_wednesday = admit(make_patient(site)), SessionFull("Skills", MONDAY + 2 * DAY)
    assert check_sessions(episode, sessions) == (SessionFull("Skills", MONDAY), on_wednesday)
    full = MeetingFull(known.as_weekly_meeting(), MONDAY, 1)
    assert check_sessions(episode, sessions, known=[full]) == (on_wednesday,)
