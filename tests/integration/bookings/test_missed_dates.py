"""Enrolling a patient who is busy on one date.

The booking on that date is recorded as released. All other sessions are booked.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from attendance.services.ledgers import week_ledger
from attendance.services.missed_sessions import makeup_candidates
from patients.models import Commitment, CommitmentKind, Episode
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.models import Booking, Enrollment, Meeting, ReleaseCause, Session, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.sessions.session_changes import move_session
from scheduling.services.sessions.slots import Slot
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
)
from timekeeping.intervals import Interval
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
HEARING = MONDAY + 2 * WEEK


@pytest.fixture(autouse=True)
def sunday_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def by(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def track(site: Site) -> Track:
    return make_track(site, [make_meeting(site, day, name=f"Group {day}") for day in range(5)], name="Mornings")


@pytest.fixture
def episode(site: Site, track: Track) -> Episode:
    """Episode of a patient who has a court hearing on the third Monday."""
    extend_horizon(site=site, now=NOW)
    episode = admit(make_patient(site))
    in_court(episode, HEARING)
    return episode


def in_court(episode: Episode, on: date, starts: str = "09:00", ends: str = "10:00") -> Commitment:
    return Commitment.objects.create(
        patient=episode.patient,
        kind=CommitmentKind.COURT,
        label="Court",
        on=on,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
    )


def on_days(track: Track, *days: int) -> list[Meeting]:
    return list(track.meetings.filter(weekday__in=days))


def enroll(episode: Episode, track: Track, by: User, days: tuple[int, ...] = (0, 2, 4)) -> Enrollment:
    return enroll_patient(episode=episode, track=track, meetings=on_days(track, *days), starts=MONDAY, by=by, now=NOW)


def standing(enrollment: Enrollment) -> int:
    return Booking.objects.active().filter(enrollment=enrollment).count()


def given_back() -> list[date]:
    given_back_bookings = Booking.objects.filter(release_cause=ReleaseCause.GIVEN_BACK, release_reason="Not free then")
    return list(given_back_bookings.order_by("starts").values_list("session__on", flat=True))


def test_all_other_dates_are_booked_and_the_nightly_job_does_not_book_the_missed_one(
    episode: Episode, track: Track, by: User
) -> None:
    enrollment = enroll(episode, track, by)
    assert standing(enrollment) == 35
    assert given_back() == [HEARING]
    assert Session.objects.get(on=HEARING, meeting__weekday=0).booked == 0
    assert AuditEvent.objects.get(action="enrolled").detail == "Mornings from 2026-11-23, misses 1 of 36 sessions"
    assert extend_horizon(site=episode.site, now=NOW).bookings == 0
    assert given_back() == [HEARING]


def test_no_free_spot_is_needed_on_a_missed_date(episode: Episode, track: Track, by: User) -> None:
    Session.objects.filter(on=HEARING).update(places=1, booked=1)
    assert standing(enroll(episode, track, by)) == 35


def test_more_than_one_date_in_six_is_a_conflict(episode: Episode, track: Track, by: User) -> None:
    for weeks in (3, 4):
        in_court(episode, MONDAY + weeks * WEEK)
    with pytest.raises(Refused) as refused:
        enroll(episode, track, by)
    assert {type(reason) for reason in refused.value.reasons} == {CommitmentConflict}
    assert not Booking.objects.exists()


def test_a_session_that_was_moved_away_from_the_conflict_is_not_missed(
    episode: Episode, track: Track, by: User
) -> None:
    session = Session.objects.get(on=HEARING, meeting__weekday=0)
    slot = Slot(on=HEARING, starts=time(13), ends=time(16), room=None)
    move_session(session=session, slot=slot, by=by, now=NOW)
    assert standing(enroll(episode, track, by)) == 36
    assert given_back() == []


def test_a_session_that_was_moved_within_the_conflict_is_still_missed(episode: Episode, track: Track, by: User) -> None:
    in_court(episode, HEARING, "13:00", "14:00")
    session = Session.objects.get(on=HEARING, meeting__weekday=0)
    move_session(session=session, slot=Slot(on=HEARING, starts=time(13), ends=time(16), room=None), by=by, now=NOW)
    assert standing(enroll(episode, track, by)) == 35
    assert given_back() == [HEARING]


def test_a_change_of_meetings_can_miss_a_date_too(episode: Episode, track: Track, by: User) -> None:
    in_court(episode, HEARING + DAY)
    enrollment = enroll(episode, track, by, days=(2, 3, 4))
    assert given_back() == []
    change_meetings(enrollment=enrollment, meetings=on_days(track, 0, 1, 2), from_day=MONDAY + WEEK, by=by, now=NOW)
    assert given_back() == [HEARING, HEARING + DAY]
    assert AuditEvent.objects.filter(action="changed").last().detail.endswith(", misses 2 of 22 sessions")
    assert standing(enrollment) == 3 + 11 * 3 - 2


def test_a_transfer_can_miss_a_date_too(episode: Episode, track: Track, site: Site, by: User) -> None:
    noon = make_track(site, [make_meeting(site, day, "08:30", "11:30") for day in (0, 1, 3)], name="Early")
    extend_horizon(site=site, now=NOW)
    enrollment = enroll(episode, track, by, days=(2, 3, 4))
    arguments: dict[str, Any] = {"by": by, "now": NOW}
    transfer_enrollment(
        enrollment=enrollment, track=noon, meetings=list(noon.meetings.all()), starts=HEARING, **arguments
    )
    assert given_back() == [HEARING]


def test_the_missed_hours_are_missing_from_the_week_and_can_be_made_up(
    episode: Episode, track: Track, by: User
) -> None:
    enroll(episode, track, by)
    at_the_time = datetime.combine(HEARING, time(7), tzinfo=UTC)
    episode = Episode.objects.select_related("site", "patient").prefetch_related("spans").get()
    ledger = week_ledger(episode=episode, week=HEARING, now=at_the_time)
    assert ledger is not None
    assert (ledger.standing, ledger.makeup_minutes, ledger.makeup_days) == ("at_risk", 180, 1)
    (missed,) = makeup_candidates(episode.patient, Interval(HEARING, HEARING + WEEK))
    assert missed.session.on == HEARING
    thursday = Session.objects.get(on=HEARING + 3 * DAY)
    book_makeup(session=thursday, makes_up=missed, by=by, now=at_the_time)
    ledger = week_ledger(episode=episode, week=HEARING, now=at_the_time)
    assert ledger is not None
    assert ledger.standing == "on_course"
    assert makeup_candidates(episode.patient, Interval(HEARING, HEARING + WEEK)) == []


# The pages that show a missed date


@pytest.fixture
def desk(by: User, client: Client) -> Client:
    client.force_login(by)
    return client


def test_the_pages_show_which_date_is_missed(desk: Client, episode: Episode, track: Track) -> None:
    address = reverse("enroll", args=[episode.patient_id, track.pk])
    page = desk.get(f"{address}?from=2026-11-23&choice=enough").text
    assert "Misses 1 of 36 sessions: Mon, Dec 7" in page
    typed = {"starts": "2026-11-23", "modality": "in_person", "meetings": [each.pk for each in on_days(track, 0, 1, 2)]}
    assert desk.post(address, typed).status_code == 302
    chart = desk.get(reverse("patient", args=[episode.patient_id])).text
    assert "All upcoming sessions are booked, except 1 that conflicts." in chart
    assert "Will miss Group 0 on Mon, Dec 7." in chart
    assert "with a commitment" not in chart


def test_the_chart_shows_commitments_that_have_to_move_and_sessions_that_conflict(
    desk: Client, episode: Episode, track: Track, by: User
) -> None:
    make_commitment(episode.patient, [1, 2], "05:00", "09:20", "Night shift", movable_minutes=30)
    enrollment = enroll(episode, track, by, days=(0, 1, 3))
    address = reverse("patient", args=[episode.patient_id])
    chart = desk.get(address).text
    assert "Night shift would have to end 20 min earlier, at" in chart
    assert "with a commitment" not in chart
    change_meetings(enrollment=enrollment, meetings=on_days(track, 1, 3, 4), from_day=MONDAY, by=by, now=NOW)
    assert "Will miss" not in desk.get(address).text
    session = Session.objects.get(on=MONDAY + DAY)
    move_session(session=session, slot=Slot(on=MONDAY + DAY, starts=time(8), ends=time(11), room=None), by=by, now=NOW)
    chart = desk.get(address).text
    assert "1 booked session conflicts with a commitment" in chart


def move_wednesday_to_monday(track: Track, by: User) -> Session:
    """Move the first Wednesday's session to the Monday before, at 10:00, during Monday's session."""
    moved = Session.objects.get(meeting__weekday=2, on=MONDAY + 2 * DAY)
    slot = Slot(on=MONDAY, starts=time(10), ends=time(13), room=None)
    return move_session(session=moved, slot=slot, by=by, now=NOW)


def test_of_two_sessions_that_overlap_because_one_was_moved_the_patient_misses_the_moved_one(
    site: Site, track: Track, by: User
) -> None:
    extend_horizon(site=site, now=NOW)
    moved = move_wednesday_to_monday(track, by)
    enrollment = enroll(admit(make_patient(site)), track, by)
    assert standing(enrollment) == 35
    lost = Booking.objects.get(session=moved)
    assert (lost.release_cause, lost.release_reason) == (ReleaseCause.CLASH, "In another session at the time")
    moved.refresh_from_db()
    assert moved.booked == 0
    assert AuditEvent.objects.get(action="enrolled").detail == "Mornings from 2026-11-23, misses 1 of 36 sessions"

    back = Slot(on=MONDAY + 2 * DAY, starts=time(9), ends=time(12), room=None)
    move_session(session=moved, slot=back, by=by, now=NOW)
    extend_horizon(site=site, now=NOW)
    assert standing(enrollment) == 36


def test_new_groups_of_an_enrollment_can_overlap_on_a_date_too(site: Site, track: Track, by: User) -> None:
    extend_horizon(site=site, now=NOW)
    move_wednesday_to_monday(track, by)
    enrollment = enroll(admit(make_patient(site)), track, by, days=(1, 3, 4))
    change_meetings(enrollment=enrollment, meetings=on_days(track, 0, 2, 4), from_day=MONDAY, by=by, now=NOW)
    assert standing(enrollment) == 35
