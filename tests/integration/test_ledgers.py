"""A patient's week drawn up from the rows: what is owed, credited, to come, and what saves it."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries
from time_machine import TimeMachineFixture

from attendance.domain.ledger import PartialReason, Standing
from attendance.ledgers import ledger_of, ledgers_at, openings_for, weeks_of
from attendance.reports import missed_before, week_in_full
from patients.models import Episode, LevelOfCareSpan
from scheduling.domain.interval import Interval
from scheduling.models import Booking, Closure, RuleSet, Session, SessionStatus, Track, TrackStatus
from scheduling.services.making_up import book_make_up
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_commitment,
    make_meeting,
    make_patient,
    make_session,
    make_track,
)
from tests.integration.attended import (
    AFTER,
    BEFORE,
    FRIDAY,
    NEXT_MONDAY,
    THURSDAY_NOON,
    WEDNESDAY,
    Clinic,
    booking_of,
    open_clinic,
)

pytestmark = pytest.mark.django_db
Against = Callable[[Clinic, Session], object]
WEEK = Interval(MONDAY, MONDAY + timedelta(weeks=1))


@pytest.fixture
def clinic() -> Clinic:
    return open_clinic()


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit("Rosa")


def make_opening(clinic: Clinic, day: date) -> Session:
    """A session of another published track with a place."""
    meeting = make_meeting(clinic.site, day.weekday(), "13:00", "16:00")
    make_track(clinic.site, [meeting], name="Afternoon track")
    return make_session(meeting, day)


def miss_monday_and_wednesday(clinic: Clinic, episode: Episode) -> None:
    clinic.mark(booking_of(episode), "no_show")
    clinic.mark(booking_of(episode, WEDNESDAY), "present")


def test_a_week_that_runs_counts_what_is_credited_and_what_is_to_come(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa), "present")

    ledger = ledger_of(episode=rosa, week=WEDNESDAY, now=AFTER)

    assert ledger is not None
    assert (ledger.prescribed_minutes, ledger.scheduled_minutes) == (540, 540)
    assert (ledger.credited_minutes, ledger.remaining_minutes, ledger.makeup_minutes) == (180, 360, 0)
    assert (ledger.credited_days, ledger.standing) == (1, Standing.ON_COURSE)


def test_a_session_that_is_over_and_not_marked_can_still_be_credited(clinic: Clinic, rosa: Episode) -> None:
    (row,) = ledgers_at(site=clinic.site, week=MONDAY, now=AFTER, episodes=[rosa])
    assert (row.ledger.remaining_minutes, row.unmarked) == (540, 1)


def test_an_opening_makes_a_week_at_risk_and_nothing_else_puts_it_out_of_reach(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    ledger = ledger_of(episode=rosa, week=MONDAY, now=THURSDAY_NOON)
    assert ledger is not None
    assert (ledger.standing, ledger.makeup_minutes) == (Standing.OUT_OF_REACH, 180)

    opening = make_opening(clinic, WEDNESDAY + timedelta(days=1))
    ledger = ledger_of(episode=rosa, week=MONDAY, now=THURSDAY_NOON)
    assert ledger is not None
    assert (ledger.standing, ledger.savers) == (Standing.AT_RISK, (opening.pk,))


THURSDAY = WEDNESDAY + timedelta(days=1)


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
    assert openings_for(episode=rosa, week=MONDAY, now=AFTER) == [opening]

    against(clinic, opening)

    rosa.refresh_from_db()
    assert openings_for(episode=rosa, week=MONDAY, now=AFTER) == []


def test_a_commitment_that_just_leaves_the_time_for_the_way_is_no_obstacle(clinic: Clinic, rosa: Episode) -> None:
    opening = make_opening(clinic, THURSDAY)
    make_commitment(rosa.patient, [3], "16:25", "18:00", travel_minutes=25)
    make_commitment(rosa.patient, [3], "09:00", "12:00", travel_minutes=60, label="School")

    assert openings_for(episode=rosa, week=MONDAY, now=AFTER) == [opening]


def test_a_session_that_has_begun_is_no_opening(clinic: Clinic, rosa: Episode) -> None:
    make_opening(clinic, MONDAY)
    assert len(openings_for(episode=rosa, week=MONDAY, now=BEFORE)) == 1
    assert openings_for(episode=rosa, week=MONDAY, now=AFTER + timedelta(hours=1)) == []


def test_a_make_up_counts_in_the_week_in_which_it_is_delivered(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    later = make_opening(clinic, MONDAY + timedelta(weeks=1))

    makeup = book_make_up(session=later, makes_up=booking_of(rosa), by=clinic.coordinator, now=THURSDAY_NOON)
    clinic.mark(makeup, "present")

    now = later.ends
    missed, delivered = (ledger_of(episode=rosa, week=week, now=now) for week in (MONDAY, MONDAY + timedelta(weeks=1)))
    assert missed is not None
    assert delivered is not None
    assert (missed.credited_minutes, delivered.credited_minutes) == (180, 180)
    assert makeup.makes_up == booking_of(rosa)


def test_a_week_that_is_over_and_not_met_is_short(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    make_opening(clinic, THURSDAY)
    ledger = ledger_of(episode=rosa, week=MONDAY, now=NEXT_MONDAY)
    assert ledger is not None
    assert (ledger.standing, ledger.remaining_minutes) == (Standing.SHORT, 0)


def test_a_week_without_care_has_no_ledger(clinic: Clinic, rosa: Episode) -> None:
    assert ledger_of(episode=rosa, week=MONDAY - timedelta(weeks=1), now=AFTER) is None
    Episode.objects.update(ends=MONDAY + timedelta(weeks=1))
    rosa.refresh_from_db()
    assert ledger_of(episode=rosa, week=MONDAY + timedelta(weeks=1), now=AFTER) is None


def test_a_week_without_a_stated_level_has_no_ledger(clinic: Clinic, rosa: Episode) -> None:
    LevelOfCareSpan.objects.update(starts=MONDAY + timedelta(weeks=1))
    assert ledger_of(episode=rosa, week=MONDAY, now=AFTER) is None


def admitted_on_wednesday(clinic: Clinic) -> Episode:
    return clinic.admit("Wen", starts=WEDNESDAY)


def discharged_on_thursday(clinic: Clinic) -> Episode:
    episode = clinic.admit("Wen")
    episode.ends = FRIDAY
    episode.save(update_fields=["ends"])
    return episode


def closed_on_friday(clinic: Clinic) -> Episode:
    Closure.objects.create(site=clinic.site, starts=FRIDAY, ends=FRIDAY + timedelta(days=1), reason="Holiday")
    return clinic.admit("Wen")


def closed_on_thursday(clinic: Clinic) -> Episode:
    Closure.objects.create(site=clinic.site, starts=THURSDAY, ends=FRIDAY, reason="Holiday")
    return clinic.admit("Wen")


def stepped_down_on_wednesday(clinic: Clinic) -> Episode:
    episode = clinic.admit("Wen", minutes=1200, days=5)
    episode.spans.update(ends=WEDNESDAY)
    LevelOfCareSpan.objects.create(
        episode=episode, level="2.1", prescribed_minutes=540, prescribed_days=3, starts=WEDNESDAY, stated_by="Dr. Cole"
    )
    return episode


@pytest.mark.parametrize(
    ("world", "reasons", "standing", "prescribed"),
    [
        pytest.param(admitted_on_wednesday, {PartialReason.ADMISSION}, "partial", 540, id="admitted in it"),
        pytest.param(discharged_on_thursday, {PartialReason.DISCHARGE}, "partial", 540, id="discharged in it"),
        pytest.param(closed_on_friday, {PartialReason.CLOSURE}, "partial", 540, id="closed on a usual day"),
        pytest.param(closed_on_thursday, set(), "short", 540, id="closed on a day that is not the patient's"),
        pytest.param(stepped_down_on_wednesday, {PartialReason.LEVEL_CHANGE}, "partial", 1200, id="stepped down in it"),
    ],
)
def test_a_cut_week_is_partial_and_never_a_failure(
    clinic: Clinic, world: Callable[[Clinic], Episode], reasons: set[PartialReason], standing: str, prescribed: int
) -> None:
    episode = world(clinic)
    for booking in episode.bookings.filter(session__on__lt=THURSDAY):
        clinic.mark(booking, "present")

    ledger = ledger_of(episode=episode, week=MONDAY, now=NEXT_MONDAY)

    assert ledger is not None
    assert (ledger.partial, ledger.standing, ledger.prescribed_minutes) == (reasons, standing, prescribed)


def test_a_cut_week_that_was_met_all_the_same_is_met(clinic: Clinic) -> None:
    episode = closed_on_friday(clinic)
    for booking in episode.bookings.all():
        clinic.mark(booking, "present")
    ledger = ledger_of(episode=episode, week=MONDAY, now=NEXT_MONDAY)
    assert ledger is not None
    assert ledger.standing == Standing.MET


def test_a_week_begins_on_the_day_that_the_rules_of_its_time_say(clinic: Clinic) -> None:
    sunday = MONDAY + timedelta(days=6)
    RuleSet.objects.create(site=clinic.site, starts=sunday, week_starts=6)
    episode = admit(make_patient(clinic.site, "Wen"), MONDAY - timedelta(weeks=1))

    rows = weeks_of(episode=episode, now=NEXT_MONDAY)

    assert [(row.week, row.until) for row in rows] == [
        (sunday, sunday + timedelta(weeks=1)),
        (MONDAY, sunday),
        (MONDAY - timedelta(weeks=1), MONDAY),
    ]


def test_the_weeks_of_an_episode_go_back_to_its_admission(clinic: Clinic) -> None:
    episode = admit(make_patient(clinic.site, "Wen"), MONDAY - timedelta(days=10))
    rows = weeks_of(episode=episode, now=AFTER)
    assert [(row.week, row.ledger.standing) for row in rows] == [
        (MONDAY, Standing.OUT_OF_REACH),
        (MONDAY - timedelta(weeks=1), Standing.SHORT),
        (MONDAY - timedelta(weeks=2), Standing.PARTIAL),
    ]
    assert [row.week for row in weeks_of(episode=episode, now=AFTER, weeks=1)] == [MONDAY]


@pytest.mark.parametrize("patients", [1, 3])
def test_the_ledgers_of_a_site_take_as_many_queries_as_one_patient_s(
    clinic: Clinic, patients: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Closure.objects.create(site=clinic.site, starts=FRIDAY, ends=FRIDAY + timedelta(days=1), reason="Holiday")
    make_opening(clinic, THURSDAY)
    for number in range(patients):
        make_commitment(clinic.admit(f"Patient {number}").patient, [1], "09:00", "17:00")
    episodes = Episode.objects.filter(site=clinic.site).select_related("patient").prefetch_related("spans")

    with django_assert_num_queries(8):
        assert len(ledgers_at(site=clinic.site, week=MONDAY, now=AFTER, episodes=episodes)) == patients


@pytest.mark.parametrize("weeks", [1, 3])
def test_many_weeks_take_as_many_queries_as_one(
    clinic: Clinic, weeks: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    admit(make_patient(clinic.site, "Wen"), MONDAY - timedelta(weeks=weeks - 1))
    episode = Episode.objects.select_related("site", "patient").prefetch_related("spans").get()
    with django_assert_num_queries(5):
        assert len(weeks_of(episode=episode, now=AFTER)) == weeks


def test_what_was_missed_can_be_made_up_once_and_this_week_s_comes_first(clinic: Clinic, rosa: Episode) -> None:
    old = make_session(clinic.track.meetings.get(weekday=0), MONDAY - timedelta(weeks=1))
    earlier = book(old, rosa.enrollments.get())
    for booking in (earlier, booking_of(rosa)):
        clinic.mark(booking, "no_show")
    clinic.mark(booking_of(rosa, WEDNESDAY), "present")
    assert missed_before(rosa.patient, WEEK) == [booking_of(rosa), earlier]

    opening = make_opening(clinic, THURSDAY)
    book_make_up(session=opening, makes_up=booking_of(rosa), by=clinic.coordinator, now=AFTER)

    assert missed_before(rosa.patient, WEEK) == [earlier]


def test_a_make_up_of_the_week_closes_its_gap(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    opening = make_opening(clinic, FRIDAY)
    found = week_in_full(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert (found.savers, found.others, found.missed) == ([], [opening], [booking_of(rosa)])

    saver = make_opening(clinic, FRIDAY + timedelta(days=1))
    found = week_in_full(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert (found.savers, found.others) == ([saver], [opening])
    book_make_up(session=saver, makes_up=found.missed[0], by=clinic.coordinator, now=THURSDAY_NOON)

    found = week_in_full(patient=rosa.patient, day=FRIDAY, now=THURSDAY_NOON)
    assert found.row is not None
    assert (found.row.ledger.standing, found.savers, found.others) == (Standing.ON_COURSE, [], [])


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("ledger", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_what_the_page_shows(
    clinic: Clinic, rosa: Episode, time_machine: TimeMachineFixture
) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    make_opening(clinic, THURSDAY + timedelta(days=2))
    time_machine.move_to(THURSDAY_NOON)

    said = printed(rosa.patient.code, "--week", "2026-11-25")

    assert "Mon 23 – Sun 29 Nov" in said
    assert "3 h of 9 h" in said
    assert "At risk" in said
    assert "Sat 28 Nov" in said


def test_the_command_prints_json_for_other_programs(
    clinic: Clinic, rosa: Episode, time_machine: TimeMachineFixture
) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    time_machine.move_to(THURSDAY_NOON)

    said = json.loads(printed(rosa.patient.code, "--json"))

    assert said["week"] == "2026-11-23"
    assert said["last_day"] == "2026-11-29"
    assert said["ledger"]["standing"] == "out_of_reach"
    assert said["ledger"]["makeup_minutes"] == 180
    assert [each["mark"] for each in said["sessions"]] == ["no_show", "present", None]
    assert said["sessions"][0]["starts"] == "2026-11-23T09:00:00-05:00"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["P-NOBODY"], "There is no patient with the code P-NOBODY.", id="nobody"),
        pytest.param(["{code}", "--week", "soon"], "“soon” is not a date; write it as 2026-11-23.", id="not a date"),
        pytest.param(
            ["{code}", "--week", "2020-01-06"], "No hours are owed in the week of 2020-01-06.", id="not in care"
        ),
    ],
)
def test_the_command_says_what_it_can_t_do(clinic: Clinic, rosa: Episode, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        printed(*(each.format(code=rosa.patient.code) for each in arguments))
    assert str(refused.value) == sentence


def test_bookings_of_another_episode_do_not_count(clinic: Clinic, rosa: Episode) -> None:
    other = clinic.admit("Tomasz")
    clinic.mark(booking_of(other), "present")
    ledger = ledger_of(episode=rosa, week=MONDAY, now=AFTER)
    assert ledger is not None
    assert ledger.credited_minutes == 0
    assert Booking.objects.count() == 6


def test_a_released_booking_counts_for_nothing(clinic: Clinic, rosa: Episode) -> None:
    Booking.objects.filter(session__on=FRIDAY).update(released_at=AFTER)
    ledger = ledger_of(episode=rosa, week=MONDAY, now=AFTER)
    assert ledger is not None
    assert (ledger.scheduled_minutes, ledger.makeup_minutes) == (360, 180)


def test_the_same_patient_may_begin_anew(clinic: Clinic, rosa: Episode) -> None:
    Episode.objects.update(ends=WEDNESDAY)
    again = admit(rosa.patient, FRIDAY)
    enroll(again, clinic.track, FRIDAY)
    found = week_in_full(patient=rosa.patient, day=MONDAY, now=AFTER)
    assert found.row is not None
    assert found.row.episode == again
