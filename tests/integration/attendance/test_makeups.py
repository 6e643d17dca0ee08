"""Which sessions can make up for a missed session, and in which week a make-up session counts."""

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
from tests.factories import MONDAY, admit, book, make_commitment, make_meeting, make_session
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


def test_a_week_with_missing_hours_is_at_risk_with_an_opening_and_cannot_be_met_without_one(
    clinic: Clinic, rosa: Episode
) -> None:
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
        pytest.param(lambda clinic, each: Session.objects.filter(pk=each.pk).update(places=1), id="individual session"),
        pytest.param(
            lambda clinic, each: Session.objects.filter(pk=each.pk).update(countable_minutes=0), id="does not count"
        ),
        pytest.param(not_published, id="of a retired track"),
        pytest.param(a_commitment, id="during a commitment"),
        pytest.param(a_drive, id="too little time to travel to the next shift"),
        pytest.param(a_night_shift_before, id="during the end of a night shift"),
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


def test_a_commitment_that_leaves_just_enough_time_to_travel_is_no_conflict(clinic: Clinic, rosa: Episode) -> None:
    opening = make_opening(clinic, THURSDAY)
    make_commitment(rosa.patient, [3], "16:25", "18:00", travel_minutes=25)
    make_commitment(rosa.patient, [3], "09:00", "12:00", travel_minutes=60, label="School")

    assert openings_in_week(rosa, MONDAY, now=AFTER) == [opening]


def test_a_session_that_has_begun_is_not_an_opening(clinic: Clinic, rosa: Episode) -> None:
    make_opening(clinic, MONDAY)
    assert len(openings_in_week(rosa, MONDAY, now=BEFORE)) == 1
    assert openings_in_week(rosa, MONDAY, now=AFTER + timedelta(hours=1)) == []


def test_a_makeup_session_counts_in_the_week_in_which_it_takes_place(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    later = make_opening(clinic, MONDAY + timedelta(weeks=1))

    makeup = book_makeup(session=later, makes_up=booking_of(rosa), by=clinic.coordinator, now=THURSDAY_NOON)
    clinic.mark(makeup, "present")

    now = later.ends
    missed, makeup_mark = (
        week_ledger(episode=rosa, week=week, now=now) for week in (MONDAY, MONDAY + timedelta(weeks=1))
    )
    assert missed is not None
    assert makeup_mark is not None
    assert (missed.credited_minutes, makeup_mark.credited_minutes) == (180, 180)
    assert makeup.makes_up == booking_of(rosa)


def test_a_missed_session_can_be_made_up_once_and_those_of_the_same_week_come_first(
    clinic: Clinic, rosa: Episode
) -> None:
    old = make_session(clinic.track.meetings.get(weekday=0), MONDAY - timedelta(weeks=1))
    earlier = book(old, rosa.enrollments.get())
    for booking in (earlier, booking_of(rosa)):
        clinic.mark(booking, "no_show")
    clinic.mark(booking_of(rosa, WEDNESDAY), "present")
    assert makeup_candidates(rosa.patient, WEEK) == [booking_of(rosa), earlier]

    opening = make_opening(clinic, THURSDAY)
    book_makeup(session=opening, makes_up=booking_of(rosa), by=clinic.coordinator, now=AFTER)

    assert makeup_candidates(rosa.patient, WEEK) == [earlier]


def test_sessions_missed_in_an_earlier_episode_of_care_are_not_made_up(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa), "no_show")
    assert makeup_candidates(rosa.patient, WEEK) == [booking_of(rosa)]
    Episode.objects.filter(pk=rosa.pk).update(ends=WEDNESDAY)
    admit(rosa.patient, THURSDAY)
    assert makeup_candidates(rosa.patient, WEEK) == []


def test_sessions_that_can_complete_the_week_are_listed_apart_from_other_openings(
    clinic: Clinic, rosa: Episode
) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    opening = make_opening(clinic, FRIDAY)
    report = week_report(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert (report.makeup_sessions, report.other_openings, report.missed) == ([], [opening], [booking_of(rosa)])

    saturday = make_opening(clinic, FRIDAY + timedelta(days=1))
    report = week_report(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert (report.makeup_sessions, report.other_openings) == ([saturday], [opening])
    book_makeup(session=saturday, makes_up=report.missed[0], by=clinic.coordinator, now=THURSDAY_NOON)

    report = week_report(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert report.row is not None
    assert (report.row.ledger.standing, report.makeup_sessions, report.other_openings) == (Standing.ON_PACE, [], [])
