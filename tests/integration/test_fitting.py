"""The search on real rows: what a patient brings, what a site offers, and the same from the command line."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from patients.models import Episode, LevelOfCare, LevelOfCareSpan
from scheduling.domain.obstacles import Clash, Full, NotAStartDate
from scheduling.domain.reasons import BelowPrescribedMinutes
from scheduling.models import Closure, CohortStart, RuleSet, Session, Site, TrackStatus
from scheduling.services.fitting import find_schedules, need_of, offers_at
from scheduling.services.horizon import extend_horizon
from scheduling.services.refused import NoEpisode, Refused
from tests.factories import (
    MONDAY,
    admit,
    enroll,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_track,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def episode(site: Site) -> Episode:
    return admit(make_patient(site, code="P007"))


def evening_track(site: Site, **fields: Any) -> Any:
    meetings = [make_meeting(site, day, "18:00", "21:00", name=f"Evening {day}") for day in (0, 1, 3)]
    return make_track(site, meetings, name="Evening track", **fields)


def test_a_need_is_the_prescription_the_commitments_and_other_treatment(episode: Episode) -> None:
    make_commitment(episode.patient, [1], "08:00", "16:00", "Day shift", travel_minutes=20)
    make_commitment(episode.patient, [2], "08:00", "16:00", "Old job", valid_until=MONDAY)
    enroll(episode, make_weekday_track(episode.site))
    need = need_of(episode=episode, from_day=MONDAY)
    assert (need.prescribed_minutes, need.prescribed_days, need.until) == (540, 3, MONDAY + 12 * WEEK)
    assert [busy.label for busy in need.busy if busy.kind == "work"] == ["Day shift"]
    assert sum(busy.kind == "treatment" for busy in need.busy) == 3


def test_an_enrollment_that_is_over_takes_no_time(episode: Episode) -> None:
    enrollment = enroll(episode, make_weekday_track(episode.site), starts=MONDAY - 4 * WEEK)
    enrollment.enrollment_meetings.update(ends=MONDAY)
    assert need_of(episode=episode, from_day=MONDAY).busy == ()
    assert len(need_of(episode=episode, from_day=MONDAY - WEEK).busy) == 3


def test_the_level_and_its_rules_are_those_of_the_day(episode: Episode) -> None:
    LevelOfCareSpan.objects.update(ends=MONDAY + 4 * WEEK)
    LevelOfCareSpan.objects.create(
        episode=episode, level=LevelOfCare.HIGHER, prescribed_minutes=1200, prescribed_days=5, starts=MONDAY + 4 * WEEK
    )
    RuleSet.objects.create(site=episode.site, level=LevelOfCare.HIGHER, starts=date(2026, 1, 5), minimum_minutes=1200)
    later = need_of(episode=episode, from_day=MONDAY + 4 * WEEK)
    assert (later.prescribed_minutes, later.rules.minimum_minutes) == (1200, 1200)
    now = need_of(episode=episode, from_day=MONDAY)
    assert (now.prescribed_minutes, now.rules.minimum_minutes) == (540, 540)


def test_a_course_of_care_that_is_over_needs_nothing(episode: Episode) -> None:
    Episode.objects.update(ends=MONDAY + WEEK)
    episode.refresh_from_db()
    with pytest.raises(Refused) as refused:
        need_of(episode=episode, from_day=MONDAY + WEEK)
    assert refused.value.reasons == (NoEpisode(MONDAY + WEEK),)


def test_a_day_on_which_the_site_is_closed_is_in_nobodys_way(episode: Episode) -> None:
    make_weekday_track(episode.site)
    three_weeks = {"valid_from": MONDAY, "valid_until": MONDAY + 3 * WEEK}
    make_commitment(episode.patient, [MONDAY.weekday()], "08:00", "16:00", "Family", **three_weeks)
    (fit,) = find_schedules(episode=episode, from_day=MONDAY)
    assert [type(reason) for reason in fit.obstacles][:1] == [Clash]
    Closure.objects.create(site=episode.site, starts=MONDAY, ends=MONDAY + timedelta(days=1), reason="Holiday")
    Closure.objects.create(
        site=episode.site, starts=MONDAY + WEEK, ends=MONDAY + WEEK + timedelta(days=1), reason="Day off"
    )
    (fit,) = find_schedules(episode=episode, from_day=MONDAY)
    assert fit.whole is not None


def test_offers_are_published_tracks_of_the_site_and_the_meetings_that_run(site: Site) -> None:
    track = make_weekday_track(site)
    track.meetings.filter(weekday=0).update(runs_until=MONDAY)
    track.meetings.add(make_meeting(site, 1, runs_from=MONDAY + 2 * WEEK))
    make_weekday_track(site, name="Draft", status=TrackStatus.DRAFT)
    make_weekday_track(make_site("Elsewhere"))
    (offer,) = offers_at(site=site, from_day=MONDAY)
    assert offer.key == track.pk
    assert [each.meeting.weekday for each in offer.meetings] == [2, 4]


def test_schedules_are_ranked_with_everything_against_the_others(episode: Episode) -> None:
    site = episode.site
    make_commitment(episode.patient, range(5), "08:00", "16:00", "Day shift", travel_minutes=30)
    make_weekday_track(site, name="Morning track")
    evening_track(site)
    cohort = make_track(
        site, [make_meeting(site, day, "17:00", "20:00") for day in (0, 2, 4)], name="Cohort", entry="cohort"
    )
    CohortStart.objects.create(track=cohort, on=MONDAY + 2 * WEEK)
    full = make_track(site, [make_meeting(site, day, "16:30", "19:30", places=1) for day in (0, 2, 4)], name="Full")
    enroll(admit(make_patient(site)), full)
    extend_horizon(site=site, today=TODAY, now=NOW)
    fits = find_schedules(episode=episode, from_day=MONDAY)
    assert [(fit.offer.name, fit.fits) for fit in fits] == [
        ("Cohort", True),
        ("Evening track", True),
        ("Full", False),
        ("Morning track", False),
    ]
    first, second, third, last = fits
    assert (first.starts, second.starts) == (MONDAY + 2 * WEEK, MONDAY)
    assert {type(reason) for reason in third.obstacles} >= {Full, BelowPrescribedMinutes}
    clashes = [reason for reason in last.obstacles if isinstance(reason, Clash)]
    assert [(each.meeting.weekday, each.overlap_minutes) for each in clashes] == [(0, 180), (2, 180), (4, 180)]
    assert not any(isinstance(reason, NotAStartDate) for reason in second.obstacles)


def queries_of_finding(tracks: int, commitments: int) -> int:
    site = make_site()
    episode = admit(make_patient(site))
    for number in range(tracks):
        enroll(admit(make_patient(site)), make_weekday_track(site, name=f"Track {number}"))
    for number in range(commitments):
        make_commitment(episode.patient, [number], "06:00", "07:00")
    extend_horizon(site=site, today=TODAY, now=NOW)
    episode = Episode.objects.select_related("site", "patient").get(pk=episode.pk)
    with CaptureQueriesContext(connection) as queries:
        assert len(find_schedules(episode=episode, from_day=MONDAY)) == tracks
    return len(queries)


def test_one_track_takes_as_many_queries_as_three() -> None:
    assert [queries_of_finding(1, 1), queries_of_finding(3, 3)] == [11, 11]


def printed(*arguments: str) -> str:
    out = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("fit", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def clinic(episode: Episode) -> Episode:
    """A patient who works days, with a shift that ends late on Thursdays; two tracks."""
    make_commitment(episode.patient, range(3), "08:00", "16:00", "Day shift")
    make_commitment(episode.patient, [3], "12:00", "17:45", "Late shift", travel_minutes=25)
    make_weekday_track(episode.site, days=(0, 1, 2), name="Morning track", code="AM")
    evening_track(episode.site, code="PM")
    extend_horizon(site=episode.site, today=TODAY, now=NOW)
    return episode


def test_the_command_prints_ranked_schedules_and_every_obstacle_in_words(clinic: Episode) -> None:
    lines = printed("P007").splitlines()
    assert lines[0] == "P007: 9 h a week over 3 days are prescribed, to begin on Mon 23 Nov 2026."
    assert lines[2] == "1. Evening track: does not fit; 6 h over 2 days are left, 3 h too few"
    assert lines[3] == (
        "   - Thursday’s “Evening 3” (18:00–21:00) begins 15 min after Late shift ends at 17:45, and the way takes 25 min:"
        " 10 min short."
    )
    assert lines[4] == "   - 6 h a week is 3 h less than the 9 h that are prescribed."
    assert lines[5] == "   - 2 days a week: 3 are prescribed."
    assert lines[7] == "2. Morning track: does not fit"
    assert "overlap by 3 h" in lines[8]
    event = AuditEvent.objects.get(action="viewed")
    assert (event.patient_key, event.actor_key) == (clinic.patient_id, None)


def test_the_command_prints_what_fits_with_its_hours(clinic: Episode) -> None:
    clinic.patient.commitments.filter(label="Late shift").delete()
    lines = printed("P007", "--from", "2026-12-07").splitlines()
    assert lines[2:6] == [
        "1. Evening track: fits, 9 h over 3 days, from Mon 7 Dec",
        "   Mon 18:00–21:00 Evening 0",
        "   Tue 18:00–21:00 Evening 1",
        "   Thu 18:00–21:00 Evening 3",
    ]


def test_the_command_answers_other_programs(clinic: Episode) -> None:
    answer = json.loads(printed("P007", "--json"))
    assert (answer["patient"], answer["from"], answer["prescribed_minutes"]) == ("P007", "2026-11-23", 540)
    evening, morning = answer["schedules"]
    assert (evening["track"], evening["fits"], evening["minutes"], evening["missing_minutes"]) == ("PM", "no", 360, 180)
    assert [each["code"] for each in evening["obstacles"]] == [
        "clash",
        "below_prescribed_minutes",
        "below_prescribed_days",
    ]
    assert morning["track"] == "AM"
    assert all(each["sentence"] for each in morning["obstacles"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["P999"], "There is no patient with the code P999.", id="unknown patient"),
        pytest.param(["P008"], "P008 has no open course of care. Admit the patient first.", id="not admitted"),
        pytest.param(["P007", "--from", "soon"], "soon is not a date. Write it as 2027-01-04.", id="no date"),
        pytest.param(
            ["P009"],
            "There is no open episode with a level of care on Mon 23 Nov. Admit the patient first.",
            id="no level",
        ),
    ],
)
def test_the_command_says_what_is_wrong(episode: Episode, arguments: list[str], sentence: str) -> None:
    make_patient(episode.site, code="P008")
    admit(make_patient(episode.site, code="P009")).spans.all().delete()
    with pytest.raises(CommandError, match="^" + sentence.replace(".", r"\.") + "$"):
        printed(*arguments)


def test_a_full_track_says_from_when(clinic: Episode) -> None:
    Session.objects.filter(name="Evening 0").update(places=10, booked=10)
    (evening,) = [each for each in json.loads(printed("P007", "--json"))["schedules"] if each["track"] == "PM"]
    assert "“Evening 0” on Monday is full on 12 dates, first on Mon 23 Nov." in [
        each["sentence"] for each in evening["obstacles"]
    ]
