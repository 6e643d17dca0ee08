"""Weekly hours from the database: the prescribed, credited and remaining minutes of each treatment week."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries
from time_machine import TimeMachineFixture

from attendance.domain.ledger import PartialReason, Standing
from attendance.services.ledgers import recent_weeks, site_ledgers, week_ledger
from attendance.services.weeks import week_report
from patients.models import Episode, LevelOfCareSpan
from scheduling.models import Booking, Closure, RuleSet
from tests.clinic import (
    AFTER,
    FRIDAY,
    NEXT_MONDAY,
    THURSDAY,
    THURSDAY_NOON,
    WEDNESDAY,
    Clinic,
    booking_of,
    make_clinic,
    make_opening,
    miss_monday_and_wednesday,
)
from tests.factories import MONDAY, admit, enroll, make_commitment, make_patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit("Rosa")


def test_the_current_week_counts_credited_and_future_sessions(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa), "present")

    ledger = week_ledger(episode=rosa, week=WEDNESDAY, now=AFTER)

    assert ledger is not None
    assert (ledger.prescribed_minutes, ledger.scheduled_minutes) == (540, 540)
    assert (ledger.credited_minutes, ledger.remaining_minutes, ledger.makeup_minutes) == (180, 360, 0)
    assert (ledger.credited_days, ledger.standing) == (1, Standing.ON_PACE)


def test_a_past_session_without_a_mark_can_still_be_credited(clinic: Clinic, rosa: Episode) -> None:
    (row,) = site_ledgers(site=clinic.site, week=MONDAY, now=AFTER, episodes=[rosa])
    assert (row.ledger.remaining_minutes, row.unmarked) == (540, 1)


def test_a_past_week_that_was_not_met_is_short(clinic: Clinic, rosa: Episode) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    make_opening(clinic, THURSDAY)
    ledger = week_ledger(episode=rosa, week=MONDAY, now=NEXT_MONDAY)
    assert ledger is not None
    assert (ledger.standing, ledger.remaining_minutes) == (Standing.SHORT, 0)


def test_a_week_without_care_has_no_ledger(clinic: Clinic, rosa: Episode) -> None:
    assert week_ledger(episode=rosa, week=MONDAY - timedelta(weeks=1), now=AFTER) is None
    Episode.objects.update(ends=MONDAY + timedelta(weeks=1))
    rosa.refresh_from_db()
    assert week_ledger(episode=rosa, week=MONDAY + timedelta(weeks=1), now=AFTER) is None


def test_a_week_without_an_ordered_level_has_no_ledger(clinic: Clinic, rosa: Episode) -> None:
    LevelOfCareSpan.objects.update(starts=MONDAY + timedelta(weeks=1))
    assert week_ledger(episode=rosa, week=MONDAY, now=AFTER) is None


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
        pytest.param(admitted_on_wednesday, {PartialReason.ADMISSION}, "partial", 540, id="admitted in the week"),
        pytest.param(discharged_on_thursday, {PartialReason.DISCHARGE}, "partial", 540, id="discharged in the week"),
        pytest.param(closed_on_friday, {PartialReason.CLOSURE}, "partial", 540, id="closed on a day with a session"),
        pytest.param(closed_on_thursday, set(), "short", 540, id="closed on a day without a session"),
        pytest.param(
            stepped_down_on_wednesday, {PartialReason.LEVEL_CHANGE}, "partial", 1200, id="stepped down in the week"
        ),
    ],
)
def test_a_shortened_week_is_partial_and_not_short(
    clinic: Clinic, world: Callable[[Clinic], Episode], reasons: set[PartialReason], standing: str, prescribed: int
) -> None:
    episode = world(clinic)
    for booking in episode.bookings.filter(session__on__lt=THURSDAY):
        clinic.mark(booking, "present")

    ledger = week_ledger(episode=episode, week=MONDAY, now=NEXT_MONDAY)

    assert ledger is not None
    assert (set(ledger.partial), ledger.standing, ledger.prescribed_minutes) == (reasons, standing, prescribed)


def test_a_shortened_week_whose_hours_were_met_is_met(clinic: Clinic) -> None:
    episode = closed_on_friday(clinic)
    for booking in episode.bookings.all():
        clinic.mark(booking, "present")
    ledger = week_ledger(episode=episode, week=MONDAY, now=NEXT_MONDAY)
    assert ledger is not None
    assert ledger.standing == Standing.MET


def test_a_week_begins_on_the_weekday_of_the_rules_then_in_force(clinic: Clinic) -> None:
    sunday = MONDAY + timedelta(days=6)
    RuleSet.objects.create(site=clinic.site, starts=sunday, week_starts=6)
    episode = admit(make_patient(clinic.site, "Wen"), MONDAY - timedelta(weeks=1))

    rows = recent_weeks(episode=episode, now=NEXT_MONDAY)

    assert [(row.week, row.until) for row in rows] == [
        (sunday, sunday + timedelta(weeks=1)),
        (MONDAY, sunday),
        (MONDAY - timedelta(weeks=1), MONDAY),
    ]


def test_the_weeks_of_an_episode_go_back_to_its_admission(clinic: Clinic) -> None:
    episode = admit(make_patient(clinic.site, "Wen"), MONDAY - timedelta(days=10))
    rows = recent_weeks(episode=episode, now=AFTER)
    assert [(row.week, row.ledger.standing) for row in rows] == [
        (MONDAY, Standing.CANNOT_BE_MET),
        (MONDAY - timedelta(weeks=1), Standing.SHORT),
        (MONDAY - timedelta(weeks=2), Standing.PARTIAL),
    ]
    assert [row.week for row in recent_weeks(episode=episode, now=AFTER, weeks=1)] == [MONDAY]


@pytest.mark.parametrize("patients", [1, 3])
def test_the_ledgers_of_a_site_take_as_many_queries_for_three_patients_as_for_one(
    clinic: Clinic, patients: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Closure.objects.create(site=clinic.site, starts=FRIDAY, ends=FRIDAY + timedelta(days=1), reason="Holiday")
    make_opening(clinic, THURSDAY)
    for number in range(patients):
        make_commitment(clinic.admit(f"Patient {number}").patient, [1], "09:00", "17:00")
    episodes = Episode.objects.filter(site=clinic.site).select_related("patient").prefetch_related("spans")

    with django_assert_num_queries(10):
        assert len(site_ledgers(site=clinic.site, week=MONDAY, now=AFTER, episodes=episodes)) == patients


@pytest.mark.parametrize("weeks", [1, 3])
def test_many_weeks_take_as_many_queries_as_one(
    clinic: Clinic, weeks: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    admit(make_patient(clinic.site, "Wen"), MONDAY - timedelta(weeks=weeks - 1))
    episode = Episode.objects.select_related("site", "patient").prefetch_related("spans").get()
    with django_assert_num_queries(7):
        assert len(recent_weeks(episode=episode, now=AFTER)) == weeks


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

    output = printed(rosa.patient.code, "--week", "2026-11-25")

    assert "Mon, Nov 23 – Sun, Nov 29" in output
    assert "Credited: 3 h of 9 h" in output
    assert "At risk" in output
    assert "Sat, Nov 28" in output


def test_the_command_prints_json_for_other_programs(
    clinic: Clinic, rosa: Episode, time_machine: TimeMachineFixture
) -> None:
    miss_monday_and_wednesday(clinic, rosa)
    time_machine.move_to(THURSDAY_NOON)

    output = json.loads(printed(rosa.patient.code, "--json"))

    assert output["week"] == "2026-11-23"
    assert output["last_day"] == "2026-11-29"
    assert output["ledger"]["standing"] == "out_of_reach"
    assert output["ledger"]["makeup_minutes"] == 180
    assert [each["mark"] for each in output["sessions"]] == ["no_show", "present", None]
    assert output["sessions"][0]["starts"] == "2026-11-23T09:00:00-05:00"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["P-NOBODY"], "There is no patient with the code P-NOBODY.", id="unknown patient"),
        pytest.param(["{code}", "--week", "soon"], "“soon” is not a date. Write it as 2026-11-23.", id="not a date"),
        pytest.param(
            ["{code}", "--week", "2020-01-06"], "No hours are prescribed for the week of 2020-01-06.", id="not in care"
        ),
    ],
)
def test_the_command_explains_why_it_prints_nothing(
    clinic: Clinic, rosa: Episode, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError) as refused:
        printed(*(each.format(code=rosa.patient.code) for each in arguments))
    assert str(refused.value) == sentence


def test_bookings_of_another_episode_do_not_count(clinic: Clinic, rosa: Episode) -> None:
    other = clinic.admit("Tomasz")
    clinic.mark(booking_of(other), "present")
    ledger = week_ledger(episode=rosa, week=MONDAY, now=AFTER)
    assert ledger is not None
    assert ledger.credited_minutes == 0
    assert Booking.objects.count() == 6


def test_a_released_booking_does_not_count(clinic: Clinic, rosa: Episode) -> None:
    Booking.objects.filter(session__on=FRIDAY).update(released_at=AFTER, release_cause="given_back")
    ledger = week_ledger(episode=rosa, week=MONDAY, now=AFTER)
    assert ledger is not None
    assert (ledger.scheduled_minutes, ledger.makeup_minutes) == (360, 180)


def test_the_week_report_is_of_the_latest_episode_in_the_week(clinic: Clinic, rosa: Episode) -> None:
    Episode.objects.update(ends=WEDNESDAY)
    again = admit(rosa.patient, FRIDAY)
    enroll(again, clinic.track, FRIDAY)
    report = week_report(patient=rosa.patient, day=MONDAY, now=AFTER)
    assert report.row is not None
    assert report.row.episode == again
