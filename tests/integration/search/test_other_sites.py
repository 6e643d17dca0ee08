"""Searching other sites that the patient can reach, each with its own time zone, hours rules and travel times."""

from datetime import UTC, date, datetime, time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from patients.models import Episode
from scheduling.domain.search.fit import find_fits
from scheduling.models import Closure, Site
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import offers_for_patient
from scheduling.services.search.other_sites import SiteOffers, offers_at_other_sites, reachable_sites
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_patient,
    make_place,
    make_site,
    make_staff,
    make_weekday_track,
)
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import Recurrence

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)


@pytest.fixture
def here() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def there() -> Site:
    return make_site("Prairie Avenue", "America/Chicago")


@pytest.fixture
def by(here: Site, there: Site) -> User:
    """A user who is a coordinator at both sites."""
    user = make_staff(Role.COORDINATOR, here)
    RoleAssignment.objects.create(user=user, role=Role.COORDINATOR, site=there)
    return user


@pytest.fixture
def episode(here: Site) -> Episode:
    return admit(make_patient(here))


def read(episode: Episode) -> Episode:
    return Episode.objects.select_related("site", "patient").prefetch_related("spans").get(pk=episode.pk)


def offers_at_sites(episode: Episode, by: User, from_day: date = MONDAY) -> list[SiteOffers]:
    """Return the offers at the patient's own site, followed by those at other sites that the patient can reach."""
    episode = read(episode)
    own = SiteOffers(
        site=episode.site,
        need=need_of(episode=episode, from_day=from_day),
        offers=offers_for_patient(episode=episode, from_day=from_day, now=NOW),
    )
    return [own, *offers_at_other_sites(episode=episode, from_day=from_day, by=by, now=NOW)]


def test_a_site_is_in_reach_once_travel_to_it_is_set(episode: Episode, here: Site, there: Site, by: User) -> None:
    assert reachable_sites(episode=episode, by=by) == (here,)
    make_place(episode.patient, {here: (5, 5), there: (40, 50)})
    make_place(episode.patient, {there: (10, 10)}, name="Warehouse")
    assert reachable_sites(episode=episode, by=by) == (here, there)


def test_a_site_is_in_reach_only_for_users_who_manage_its_patients(episode: Episode, here: Site, there: Site) -> None:
    make_place(episode.patient, {there: (40, 50)})
    coordinator_here = make_staff(Role.COORDINATOR, here)
    RoleAssignment.objects.create(user=coordinator_here, role=Role.REVIEWER, site=there)
    assert reachable_sites(episode=episode, by=coordinator_here) == (here,)
    coordinator_there = make_staff(Role.COORDINATOR, there)
    assert reachable_sites(episode=episode, by=coordinator_there) == (here, there)
    User.objects.filter(pk=coordinator_there.pk).update(is_active=False)
    assert reachable_sites(episode=episode, by=User.objects.get(pk=coordinator_there.pk)) == (here,)


def test_each_site_has_its_own_offers_rules_closures_and_travel(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    warehouse = make_place(episode.patient, {here: (5, 10), there: (40, 50)}, name="Warehouse")
    make_commitment(episode.patient, [0], "13:00", "17:00", place=warehouse)
    make_weekday_track(here, name="Here")
    make_weekday_track(there, (1, 3, 5), name="There")
    there.rule_sets.update(minimum_minutes=600)
    Closure.objects.create(site=there, starts=MONDAY, ends=date(2026, 11, 25), reason="Snow")
    at_own_site, at_other_site = offers_at_sites(episode, by)
    assert (at_own_site.site, [offer.name for offer in at_own_site.offers]) == (here, ["Here"])
    assert (at_other_site.site, [offer.name for offer in at_other_site.offers]) == (there, ["There"])
    assert (at_own_site.need.rules.minimum_minutes, at_other_site.need.rules.minimum_minutes) == (540, 600)
    assert (len(at_own_site.need.closed), len(at_other_site.need.closed)) == (0, 1)
    assert [(busy.travel_before, busy.travel_after) for busy in (*at_own_site.need.busy, *at_other_site.need.busy)] == [
        (5, 10),
        (40, 50),
    ]


def test_commitments_are_converted_to_the_time_zone_of_each_site(episode: Episode, there: Site, by: User) -> None:
    """A commitment at noon in New York is at 11:00 in Chicago, so it conflicts with a Chicago group that ends at noon."""
    make_place(episode.patient, {there: (0, 0)})
    make_commitment(episode.patient, [0, 2, 4], "12:00", "16:00")
    make_weekday_track(there)
    at_other_site = offers_at_sites(episode, by)[1]
    (busy,) = at_other_site.need.busy
    assert (busy.starts, busy.ends) == (time(11), time(15))
    (fit,) = find_fits(at_other_site.offers, at_other_site.need)
    assert {reason.code for reason in fit.obstacles} >= {"clash"}


def test_if_the_time_difference_changes_the_patient_is_busy_under_both_differences(episode: Episode, by: User) -> None:
    phoenix = make_site("Camelback", "America/Phoenix")
    RoleAssignment.objects.create(user=by, role=Role.COORDINATOR, site=phoenix)
    make_place(episode.patient, {phoenix: (0, 0)})
    make_commitment(episode.patient, [0], "12:00", "16:00")
    at_other_site = offers_at_sites(episode, by, from_day=date(2027, 2, 1))[1]
    assert sorted(busy.starts for busy in at_other_site.need.busy) == [time(9), time(10)]


def test_other_treatment_is_converted_to_the_time_zone_of_the_site_too(
    episode: Episode, here: Site, there: Site, by: User
) -> None:
    make_place(episode.patient, {there: (0, 0)})
    track = make_weekday_track(here, name="Here")
    make_weekday_track(there, name="There")
    extend_horizon(site=here, now=NOW)
    meetings = list(track.meetings.all())
    enrollment = enroll_patient(episode=episode, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)
    at_own_site, at_other_site = offers_at_sites(episode, by)
    assert {busy.starts for busy in at_own_site.need.busy} == {time(9)}
    assert {busy.starts for busy in at_other_site.need.busy} == {time(8)}
    assert need_of(episode=read(episode), from_day=MONDAY, apart_from=enrollment).busy == ()


def test_each_site_takes_the_same_number_of_queries(episode: Episode, here: Site, there: Site, by: User) -> None:
    def queries() -> int:
        again = read(episode)
        user = User.objects.get(pk=by.pk)
        with CaptureQueriesContext(connection) as captured:
            offers_at_other_sites(episode=again, from_day=MONDAY, by=user, now=NOW)
        return len(captured)

    far = make_site("Camelback", "America/Phoenix")
    RoleAssignment.objects.create(user=by, role=Role.COORDINATOR, site=far)
    for site in (there, far):
        make_weekday_track(site)
    make_place(episode.patient, {here: (0, 0), there: (0, 0)})
    make_commitment(episode.patient, [0], "12:00", "16:00", place=episode.patient.places.get())
    one_site = queries()
    make_place(episode.patient, {far: (0, 0)}, name="Warehouse")
    for_each_site = one_site - 2  # two queries run only once: for the user's roles and for the reachable sites
    assert queries() - one_site == for_each_site
    assert isinstance(offers_at_sites(episode, by)[1].need.busy[0], BusyTime)
    assert isinstance(offers_at_sites(episode, by)[1].need.busy[0].recurrence, Recurrence)
