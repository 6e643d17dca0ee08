"""How the search reads the database: what a patient needs, and what a site offers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.models import Episode, LevelOfCare, LevelOfCareSpan
from scheduling.domain.hours.reasons import BelowPrescribedMinutes
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import MeetingFull, NotAStartDate
from scheduling.models import Closure, CohortStart, RuleSet, Site, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.search.need import NoEpisode, need_of
from scheduling.services.search.offers import offers_at, search_tracks
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
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

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


def test_a_need_has_the_prescription_commitments_and_other_treatment(episode: Episode) -> None:
    make_commitment(episode.patient, [1], "08:00", "16:00", "Day shift", travel_minutes=20)
    make_commitment(episode.patient, [2], "08:00", "16:00", "Old job", valid_until=MONDAY)
    enroll(episode, make_weekday_track(episode.site))
    need = need_of(episode=episode, from_day=MONDAY)
    assert (need.prescribed_minutes, need.prescribed_days, need.until) == (540, 3, MONDAY + 12 * WEEK)
    assert [busy.label for busy in need.busy if busy.kind == "work"] == ["Day shift"]
    assert sum(busy.kind == "treatment" for busy in need.busy) == 3


def test_a_past_enrollment_is_not_busy_time(episode: Episode) -> None:
    enrollment = enroll(episode, make_weekday_track(episode.site), starts=MONDAY - 4 * WEEK)
    enrollment.enrollment_meetings.update(ends=MONDAY)
    assert need_of(episode=episode, from_day=MONDAY).busy == ()
    assert len(need_of(episode=episode, from_day=MONDAY - WEEK).busy) == 3


def test_the_level_and_the_rules_are_those_in_force_on_the_day(episode: Episode) -> None:
    LevelOfCareSpan.objects.update(ends=MONDAY + 4 * WEEK)
    LevelOfCareSpan.objects.create(
        episode=episode, level=LevelOfCare.HIGHER, prescribed_minutes=1200, prescribed_days=5, starts=MONDAY + 4 * WEEK
    )
    RuleSet.objects.create(site=episode.site, level=LevelOfCare.HIGHER, starts=date(2026, 1, 5), minimum_minutes=1200)
    later = need_of(episode=episode, from_day=MONDAY + 4 * WEEK)
    assert (later.prescribed_minutes, later.rules.minimum_minutes) == (1200, 1200)
    now = need_of(episode=episode, from_day=MONDAY)
    assert (now.prescribed_minutes, now.rules.minimum_minutes) == (540, 540)


def test_a_past_episode_has_no_need(episode: Episode) -> None:
    Episode.objects.update(ends=MONDAY + WEEK)
    episode.refresh_from_db()
    with pytest.raises(Refused) as refused:
        need_of(episode=episode, from_day=MONDAY + WEEK)
    assert refused.value.reasons == (NoEpisode(MONDAY + WEEK),)


def test_a_group_on_a_closed_day_conflicts_with_nothing(episode: Episode) -> None:
    make_weekday_track(episode.site)
    three_weeks = {"valid_from": MONDAY, "valid_until": MONDAY + 3 * WEEK}
    make_commitment(episode.patient, [MONDAY.weekday()], "08:00", "16:00", "Family", **three_weeks)
    (fit,) = search_tracks(episode=episode, from_day=MONDAY, now=NOW)
    assert [type(reason) for reason in fit.obstacles][:1] == [CommitmentConflict]
    Closure.objects.create(site=episode.site, starts=MONDAY, ends=MONDAY + timedelta(days=1), reason="Holiday")
    Closure.objects.create(
        site=episode.site, starts=MONDAY + WEEK, ends=MONDAY + WEEK + timedelta(days=1), reason="Day off"
    )
    (fit,) = search_tracks(episode=episode, from_day=MONDAY, now=NOW)
    assert fit.whole is not None


def test_offers_are_the_sites_published_tracks_with_running_meetings(site: Site) -> None:
    track = make_weekday_track(site)
    track.meetings.filter(weekday=0).update(runs_until=MONDAY)
    track.meetings.add(make_meeting(site, 1, runs_from=MONDAY + 2 * WEEK))
    make_weekday_track(site, name="Draft", status=TrackStatus.DRAFT)
    make_weekday_track(make_site("Elsewhere"))
    (offer,) = offers_at(site=site, from_day=MONDAY, now=NOW)
    assert offer.key == track.pk
    assert [each.meeting.weekday for each in offer.meetings] == [2, 4]


def test_tracks_are_ranked_and_the_others_have_every_obstacle(episode: Episode) -> None:
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
    extend_horizon(site=site, now=NOW)
    fits = search_tracks(episode=episode, from_day=MONDAY, now=NOW)
    assert [(fit.offer.name, fit.fits) for fit in fits] == [
        ("Cohort", True),
        ("Evening track", True),
        ("Full", False),
        ("Morning track", False),
    ]
    first, second, third, last = fits
    assert (first.starts, second.starts) == (MONDAY + 2 * WEEK, MONDAY)
    assert {type(reason) for reason in third.obstacles} >= {MeetingFull, BelowPrescribedMinutes}
    conflicts = [reason for reason in last.obstacles if isinstance(reason, CommitmentConflict)]
    assert [(each.meeting.weekday, each.overlap_minutes) for each in conflicts] == [(0, 180), (2, 180), (4, 180)]
    assert not any(isinstance(reason, NotAStartDate) for reason in second.obstacles)


def queries_of_finding(tracks: int, commitments: int) -> int:
    site = make_site()
    episode = admit(make_patient(site))
    for number in range(tracks):
        enroll(admit(make_patient(site)), make_weekday_track(site, name=f"Track {number}"))
    for number in range(commitments):
        make_commitment(episode.patient, [number], "06:00", "07:00")
    extend_horizon(site=site, now=NOW)
    episode = Episode.objects.select_related("site", "patient").get(pk=episode.pk)
    with CaptureQueriesContext(connection) as queries:
        assert len(search_tracks(episode=episode, from_day=MONDAY, now=NOW)) == tracks
    return len(queries)


def test_one_track_takes_as_many_queries_as_three() -> None:
    assert [queries_of_finding(1, 1), queries_of_finding(3, 3)] == [12, 12]
