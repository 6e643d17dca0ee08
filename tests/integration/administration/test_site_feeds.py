"""Administrators see a site's calendar links without secrets, and turn them off."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from scheduling.models import Feed, Site
from scheduling.services.documents.feeds import create_feed, find_feed, serve_feed
from tests.clinic import client_for
from tests.factories import make_patient, make_site, make_staff, make_track

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    return make_staff(Role.ADMINISTRATOR, site, name="Edda Holm")


@pytest.fixture
def office(administrator: User) -> Client:
    return client_for(administrator)


def page_of(client: Client, site: Site) -> str:
    return client.get(reverse("site-feeds", args=[site.pk])).text


def test_the_list_says_whose_links_are_in_use_and_when_they_were_opened(
    office: Client, site: Site, administrator: User
) -> None:
    elsewhere = make_site("Elm Square")
    lead = make_staff(Role.CLINICIAN, site, name="Ada Park")
    feed, token = create_feed(facilitator=lead, label="My phone", by=lead, now=NOW)
    create_feed(track=make_track(site, name="Morning track"), by=administrator, now=NOW)
    create_feed(track=make_track(elsewhere, name="Elm track"), by=administrator, now=NOW)
    assert "Never" in page_of(office, site)
    serve_feed(feed=feed, now=NOW)
    page = page_of(office, site)
    assert "Ada Park" in page
    assert "Morning track" in page
    assert "Wed, Nov 25, 10:00 AM" in page
    for secret in ("Elm track", token, feed.token_hash, feed.uid_key):
        assert secret not in page


def test_patients_are_named_only_for_those_who_may_see_them(office: Client, site: Site, administrator: User) -> None:
    rosa = make_patient(site, "Rosa", "Lindqvist")
    create_feed(patient=rosa, label="Rosa’s phone", by=administrator, now=NOW)
    page = page_of(office, site)
    assert "A patient" in page
    assert "Rosa" not in page
    assert not AuditEvent.objects.filter(patient_key=rosa.pk, action=Action.VIEWED).exists()
    administrator.role_assignments.create(role=Role.COORDINATOR, site=site)
    assert "Rosa" in page_of(client_for(User.objects.get(pk=administrator.pk)), site)
    event = AuditEvent.objects.get(patient_key=rosa.pk, action=Action.VIEWED)
    assert (event.actor_key, event.detail) == (administrator.pk, "calendar links of the site")


def test_a_link_is_turned_off_for_good(office: Client, site: Site, administrator: User) -> None:
    feed, token = create_feed(patient=make_patient(site), by=administrator, now=NOW)
    done = office.post(reverse("site-feed-turn-off", args=[site.pk, feed.pk]), follow=True)
    assert "The calendar link is turned off." in done.text
    assert find_feed(token) is None
    assert "A patient" not in page_of(office, site)
    assert AuditEvent.objects.get(action=Action.REVOKED).actor_key == administrator.pk


def test_links_are_managed_by_administrators_of_their_site(site: Site, administrator: User) -> None:
    feed, _ = create_feed(track=make_track(site), by=administrator, now=NOW)
    elsewhere = make_site("Elm Square")
    stranger, coordinator = make_staff(Role.ADMINISTRATOR, elsewhere), make_staff(Role.COORDINATOR, site)
    for user, place, status in ((stranger, site, 404), (stranger, elsewhere, 404), (coordinator, site, 403)):
        turn_off = reverse("site-feed-turn-off", args=[place.pk, feed.pk])
        assert client_for(user).post(turn_off).status_code == status
    assert client_for(stranger).get(reverse("site-feeds", args=[site.pk])).status_code == 404
    assert Feed.objects.live().count() == 1


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_links(
    office: Client, site: Site, administrator: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    administrator.role_assignments.create(role=Role.COORDINATOR, site=site)
    for _ in range(number):
        create_feed(patient=make_patient(site), by=administrator, now=NOW)
        create_feed(facilitator=make_staff(Role.CLINICIAN, site), by=administrator, now=NOW)
    page_of(office, site)
    with django_assert_num_queries(9):
        page_of(office, site)
