"""Even if requests are simultaneous, the last spot is given only once, and no patient or counselor is double-booked."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from patients.models import Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import Booking, Enrollment, Meeting, Session, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.reasons import InAnotherSession, SessionFull
from tests.factories import (
    MONDAY,
    admit,
    make_hours,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TRIES = 24


def at_once[T](tries: Sequence[Callable[[], T]]) -> list[T | Refused]:
    """Call all functions at the same moment, each on its own database connection. Return each result or refusal."""
    barrier = Barrier(len(tries))

    def run(attempt: Callable[[], T]) -> T | Refused:
        try:
            barrier.wait(timeout=30)
            return attempt()
        except Refused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(run, tries))


def enrolling(episode: Episode, track: Track, by: User) -> Callable[[], Enrollment]:
    meetings = list(track.meetings.all())
    return lambda: enroll_patient(episode=episode, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)


def three_days(hour: str = "09:00", until: str = "12:00", places: int = 10, days: Sequence[int] = (0, 2, 4)) -> Track:
    site = make_site()
    return make_track(site, [make_meeting(site, day, hour, until, places=places) for day in days])


def admitted(track: Track, number: int = 1) -> list[Episode]:
    return [admit(make_patient(track.site)) for _ in range(number)]


def counters_are_right() -> bool:
    """Whether `booked` of every session equals the number of its active bookings."""
    return all(session.booked == session.bookings.filter(released_at=None).count() for session in Session.objects.all())


def test_the_last_spot_is_given_once() -> None:
    track = three_days(places=1)
    extend_horizon(site=track.site, now=NOW)
    coordinator = make_staff(Role.COORDINATOR, track.site)
    results = at_once([enrolling(episode, track, coordinator) for episode in admitted(track, TRIES)])
    enrollments = [result for result in results if isinstance(result, Enrollment)]
    assert len(enrollments) == 1
    assert Enrollment.objects.count() == 1
    assert set(Booking.objects.values_list("enrollment", flat=True)) == {enrollments[0].pk}
    assert Session.objects.exclude(booked=F("places")).count() == 0
    assert Booking.objects.count() == Session.objects.count() == 36
    assert counters_are_right()


def test_no_more_patients_are_enrolled_than_there_are_spots() -> None:
    track = three_days(places=5)
    extend_horizon(site=track.site, now=NOW)
    coordinator = make_staff(Role.COORDINATOR, track.site)
    results = at_once([enrolling(episode, track, coordinator) for episode in admitted(track, 12)])
    assert sum(isinstance(result, Enrollment) for result in results) == 5
    assert all(
        {reason.code for reason in result.reasons} <= {"full"} for result in results if isinstance(result, Refused)
    )
    assert counters_are_right()


def test_a_patient_is_never_enrolled_in_two_tracks_at_the_same_time() -> None:
    track = three_days()
    others = [
        make_track(
            track.site, [make_meeting(track.site, day, "10:00", "13:00") for day in (0, 2, 4)], name=f"Track {n}"
        )
        for n in range(5)
    ]
    extend_horizon(site=track.site, now=NOW)
    coordinator = make_staff(Role.COORDINATOR, track.site)
    (episode,) = admitted(track)
    results = at_once([enrolling(episode, each, coordinator) for each in (track, *others)])
    assert sum(isinstance(result, Enrollment) for result in results) == 1
    assert Booking.objects.count() == 36
    assert counters_are_right()


def test_tracks_that_share_groups_in_another_order_do_not_deadlock() -> None:
    site = make_site()
    shared = [make_meeting(site, day, places=30) for day in range(5)]
    early, late = make_track(site, shared[:3], name="Early"), make_track(site, shared[2:], name="Late")
    extend_horizon(site=site, now=NOW)
    coordinator = make_staff(Role.COORDINATOR, site)
    ending_enrollments = [enrolling(each, late, coordinator)() for each in admitted(late, 4)]
    enrolling_episodes = admitted(early, 6)
    attempts: list[Callable[[], Enrollment]] = [
        enrolling(episode, (early, late)[number % 2], coordinator) for number, episode in enumerate(enrolling_episodes)
    ]
    last_day = MONDAY + timedelta(weeks=2)
    attempts += [
        partial(end_enrollment, enrollment=each, last_day=last_day, by=coordinator, now=NOW)
        for each in ending_enrollments
    ]
    results = at_once(attempts)
    assert all(isinstance(result, Enrollment) for result in results)
    assert counters_are_right()


def test_two_simultaneous_extensions_write_every_session_and_booking_once() -> None:
    track = three_days()
    coordinator = make_staff(Role.COORDINATOR, track.site)
    for episode in admitted(track, 3):
        enrolling(episode, track, coordinator)()
    written = at_once([lambda: extend_horizon(site=track.site, now=NOW)] * 4)
    assert sorted(each.sessions for each in written if not isinstance(each, Refused)) == [0, 0, 0, 36]
    assert Booking.objects.count() == 3 * 36
    assert counters_are_right()


def makeup_world() -> tuple[Track, Meeting, User, list[Booking]]:
    """Create a track with four patients, and an evening group with one spot.

    The result includes the first booking of each patient.
    """
    track = three_days()
    evening = make_meeting(track.site, 1, "17:00", "20:00", places=1)
    make_track(track.site, [evening], name="Evening")
    extend_horizon(site=track.site, now=NOW)
    coordinator = make_staff(Role.COORDINATOR, track.site)
    enrollments = [enrolling(episode, track, coordinator)() for episode in admitted(track, 4)]
    return track, evening, coordinator, [each.bookings.order_by("starts")[0] for each in enrollments]


def test_the_last_spot_for_a_make_up_session_is_given_once() -> None:
    _, evening, coordinator, missed = makeup_world()
    session = evening.sessions.order_by("on")[0]
    results = at_once(
        [partial(book_makeup, session=session, makes_up=each, by=coordinator, now=NOW) for each in missed]
    )
    refused = [result for result in results if isinstance(result, Refused)]
    assert [result.reasons for result in refused] == [(SessionFull(session.name, session.on),)] * 3
    assert counters_are_right()


def test_a_patient_never_gets_a_make_up_session_that_overlaps_a_new_enrollment() -> None:
    track, evening, coordinator, (missed, *_) = makeup_world()
    parallel = make_track(
        track.site, [make_meeting(track.site, day, "18:00", "21:00") for day in (1, 3, 5)], name="Late"
    )
    extend_horizon(site=track.site, now=NOW)
    session = evening.sessions.order_by("on")[0]
    results = at_once(
        [
            lambda: book_makeup(session=session, makes_up=missed, by=coordinator, now=NOW),
            enrolling(missed.episode, parallel, coordinator),
        ]
    )
    (refused,) = (result for result in results if isinstance(result, Refused))
    assert {type(reason) for reason in refused.reasons} == {InAnotherSession}
    assert counters_are_right()


def individually(site: Site, lead: User, number: int, hour: int = 15) -> list[Callable[[], Enrollment]]:
    """Return `number` functions that each enroll a different patient.

    All of these enrollments need the same hour of one counselor.
    """
    track = make_weekday_track(site, individual_minutes=60)
    extend_horizon(site=site, now=NOW)
    coordinator = make_staff(Role.COORDINATOR, site)
    chosen = WeeklyHour(counselor=lead.pk, weekday=2, starts=hour * 60, ends=hour * 60 + 60)
    meetings = list(track.meetings.all())
    return [
        partial(
            enroll_patient,
            episode=episode,
            track=track,
            meetings=meetings,
            starts=MONDAY,
            individual=[chosen],
            by=coordinator,
            now=NOW,
        )
        for episode in admitted(track, number)
    ]


def test_an_hour_of_a_counselor_is_booked_once() -> None:
    site = make_site()
    lead = make_staff(Role.CLINICIAN, site)
    make_hours(lead, site, 2, "15:00", "16:00")
    results = at_once(individually(site, lead, 8))
    assert sum(isinstance(result, Enrollment) for result in results) == 1
    assert all(
        {each.code for each in result.reasons} == {"hour_not_free"} for result in results if isinstance(result, Refused)
    )
    assert Meeting.objects.filter(kept_for__isnull=False).count() == 1
    assert Session.objects.filter(service_type__code="individual", booked=1).count() == 12
    assert counters_are_right()


def test_an_hour_of_a_counselor_at_two_sites_is_booked_once() -> None:
    east, west = make_site("East"), make_site("West", "America/Chicago")
    lead = make_staff(Role.CLINICIAN, east)
    RoleAssignment.objects.create(user=lead, role=Role.CLINICIAN, site=west)
    make_hours(lead, east, 2, "15:00", "16:00")
    make_hours(lead, west, 2, "14:00", "15:00")
    attempts = [*individually(east, lead, 4), *individually(west, lead, 4, hour=14)]
    results = at_once(attempts)
    assert sum(isinstance(result, Enrollment) for result in results) == 1
    assert Session.objects.filter(service_type__code="individual", booked=1).count() == 12
    assert counters_are_right()


def test_the_database_refuses_overlapping_bookings() -> None:
    track, _, _, (missed, *_) = makeup_world()
    other = make_meeting(track.site, 0, "11:00", "12:30")
    make_track(track.site, [other], name="Overlaps")
    extend_horizon(site=track.site, now=NOW)
    session = other.sessions.get(on=missed.session.on)
    booking = Booking(
        session=session,
        episode=missed.episode,
        makes_up=missed,
        starts=session.starts,
        ends=session.ends,
        countable_minutes=90,
        week=missed.week,
    )
    with pytest.raises(IntegrityError, match="one_place"), transaction.atomic():
        booking.save()


def test_the_database_refuses_more_bookings_than_spots() -> None:
    track = three_days(places=1)
    extend_horizon(site=track.site, now=NOW)
    with pytest.raises(IntegrityError, match="session_is_not_overbooked"), transaction.atomic():
        Session.objects.update(booked=F("booked") + 2)
