"""Which sessions can save a week, and what a session taken instead counts for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from attendance.domain.ledger import Standing
from attendance.services.ledgers import week_ledger
from attendance.services.missed_sessions import makeup_candidates
from attendance.services.weeks import week_report
from patients.models import Episode
from scheduling.models import Session, SessionStatus, Track, TrackStatus
from scheduling.services.bookings.makeups import book_makeup
from tests.clinic import (
    AFTER,
    BEFORE,
    FRIDAY,
    THURSDAY,
    THURSDAY_NOON,
    WEDNESDAY,
    Clinic,
    booking_of,
    make_clinic,
    make_opening,
    miss_monday_and_wednesday,
    openings_in_week,
)
from tests.factories import MONDAY, book, make_commitment, make_meeting, make_session
from timekeeping.intervals import Interval

pytestmark = pytest.mark.django_db
Against = Callable[[Clinic, Session], object]
WEEK = Interval(MONDAY, MONDAY + timedelta(weeks=1))


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit("Rosa")


def not_published(clinic: Clinic, opening: Session) -> None:
    Track.objects.filter(name="Afternoon track").update(status=TrackStatus.RETIRED)


def a_commitment(clinic: Clinic, opening: Session) -> None:
    make_commitment(Episode.objects.get().patient, [3], "15:30", "17:00")


def a_drive(clinic: Clinic, opening: Session) -> None:
    make_commitment(Episode.objects.get().patient, [3], "16:20", "17:00", travel_minutes=25)


def a_night_shift_before(clinic: Clinic, opening: Session) -> None:
    make_commitment(Episode.objects.get().patient, [2], "22:00", "13:30")


def another_booking(clinic: Clinic, opening: Session) -> None:
    episode = Episode.objects.get()
    other = make_session(make_meeting(clinic.site, 3, "15:00", "17:00"), THURSDAY)
    Session.objects.filter(pk=other.pk).update(status=SessionStatus.CANCELLED)
    book(other, episode.enrollments.get())


def test_an_opening_makes_a_week_at_risk_and_nothing_else_puts_it_out_of_reach(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    ledger = week_ledger(episode=rosa, week=MONDAY, now=THURSDAY_NOON)
    assert ledger is not None
    assert (ledger.standing, ledger.makeup_minutes) == (Standing.CANNOT_BE_MET, 180)

    opening = make_opening(clinic, WEDNESDAY + timedelta(days=1))
    ledger = week_ledger(episode=rosa, week=MONDAY, now=THURSDAY_NOON)
    assert ledger is not None
    assert (ledger.standing, ledger.makeup_openings) == (Standing.AT_RISK, (opening.pk,))


@pytest.mark.parametrize(
    "against",
    [
        pytest.param(lambda clinic, each: Session.objects.filter(pk=each.pk).update(booked=10), id="full"),
        pytest.param(
            lambda clinic, each: Session.objects.filter(pk=each.pk).update(status="cancelled"), id="cancelled"
        ),
        pytest.param(lambda clinic, each: Session.objects.filter(pk=each.pk).update(places=1), id="one to one"),
        pytest.param(
            lambda clinic, each: Session.objects.filter(pk=each.pk).update(countable_minutes=0), id="counts for nothing"
        ),
        pytest.param(not_published, id="of a track that is no longer offered"),
        pytest.param(a_commitment, id="in working hours"),
        pytest.param(a_drive, id="too far from the next shift"),
        pytest.param(a_night_shift_before, id="while a night shift still lasts"),
        pytest.param(another_booking, id="while booked elsewhere"),
        pytest.param(lambda clinic, each: Episode.objects.update(ends=THURSDAY), id="after discharge"),
    ],
)
def test_an_opening_is_a_session_that_the_patient_could_attend(clinic: Clinic, rosa: Episode, against: Against) -> None:
    opening = make_opening(clinic, THURSDAY)
    assert openings_in_week(rosa, MONDAY, now=AFTER) == [opening]

    against(clinic, opening)

    rosa.refresh_from_db()
    assert openings_in_week(rosa, MONDAY, now=AFTER) == []


def test_a_commitment_that_just_leaves_the_time_for_the_way_is_no_obstacle(clinic: Clinic, rosa: Episode) -> None:
    opening = make_opening(clinic, THURSDAY)
    make_commitment(rosa.patient, [3], "16:25", "18:00", travel_minutes=25)
    make_commitment(rosa.patient, [3], "09:00", "12:00", travel_minutes=60, label="School")

    assert openings_in_week(rosa, MONDAY, now=AFTER) == [opening]


def test_a_session_that_has_begun_is_no_opening(clinic: Clinic, rosa: Episode) -> None:
    make_opening(clinic, MONDAY)
    assert len(openings_in_week(rosa, MONDAY, now=BEFORE)) == 1
    assert openings_in_week(rosa, MONDAY, now=AFTER + timedelta(hours=1)) == []


def test_a_make_up_counts_in_the_week_in_which_it_is_delivered(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    later = make_opening(clinic, MONDAY + timedelta(weeks=1))

    makeup = book_makeup(session=later, makes_up=booking_of(rosa), by=clinic.coordinator, now=THURSDAY_NOON)
    clinic.mark(makeup, "present")

    now = later.ends
    missed, delivered = (
        week_ledger(episode=rosa, week=week, now=now) for week in (MONDAY, MONDAY + timedelta(weeks=1))
    )
    assert missed is not None
    assert delivered is not None
    assert (missed.credited_minutes, delivered.credited_minutes) == (180, 180)
    assert makeup.makes_up == booking_of(rosa)


def test_what_was_missed_can_be_made_up_once_and_this_week_s_comes_first(clinic: Clinic, rosa: Episode) -> None:
    old = make_session(clinic.track.meetings.get(weekday=0), MONDAY - timedelta(weeks=1))
    earlier = book(old, rosa.enrollments.get())
    for booking in (earlier, booking_of(rosa)):
        clinic.mark(booking, "no_show")
    clinic.mark(booking_of(rosa, WEDNESDAY), "present")
    assert makeup_candidates(rosa.patient, WEEK) == [booking_of(rosa), earlier]

    opening = make_opening(clinic, THURSDAY)
    book_makeup(session=opening, makes_up=booking_of(rosa), by=clinic.coordinator, now=AFTER)

    assert makeup_candidates(rosa.patient, WEEK) == [earlier]


def test_a_make_up_of_the_week_closes_its_gap(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    opening = make_opening(clinic, FRIDAY)
    found = week_report(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert (found.makeup_sessions, found.other_openings, found.missed) == ([], [opening], [booking_of(rosa)])

    saver = make_opening(clinic, FRIDAY + timedelta(days=1))
    found = week_report(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert (found.makeup_sessions, found.other_openings) == ([saver], [opening])
    book_makeup(session=saver, makes_up=found.missed[0], by=clinic.coordinator, now=THURSDAY_NOON)

    found = week_report(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert found.row is not None
    assert (found.row.ledger.standing, found.makeup_sessions, found.other_openings) == (Standing.ON_PACE, [], [])
