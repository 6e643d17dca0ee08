"""The administration page, and the form that changes a site."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from scheduling.models import Site
from scheduling.services.documents.feeds import create_feed, find_feed, serve_feed
from tests.clinic import client_for
from tests.confirmation import send_form
from tests.factories import make_meeting, make_patient, make_room, make_site, make_staff

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    return make_staff(Role.ADMINISTRATOR, site)


@pytest.fixture
def office(administrator: User) -> Client:
    return client_for(administrator)


def details(**changes: Any) -> dict[str, Any]:
    return {"name": "Harbor Street", "neutral_name": "Appointment", "hour_clock": "12", "country": "US"} | changes


def test_a_sites_administrator_sees_the_parts_of_no_other_site(office: Client) -> None:
    make_site("Elm Square")
    page = office.get(reverse("administration")).text
    assert "Harbor Street" in page
    assert "Elm Square" not in page
    assert reverse("staff") in page


@pytest.mark.parametrize("sites", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_sites(
    django_assert_num_queries: DjangoAssertNumQueries, sites: int
) -> None:
    client = client_for(make_staff(Role.ADMINISTRATOR, None))
    for _ in range(sites):
        make_room(make_site())
    with django_assert_num_queries(7):
        assert client.get(reverse("administration")).status_code == 200


def test_the_pages_are_for_administrators_of_the_site(site: Site) -> None:
    addresses = [reverse("administration"), reverse("site-edit", args=[site.pk])]
    coordinator = client_for(make_staff(Role.COORDINATOR, site))
    assert [coordinator.get(address).status_code for address in addresses] == [403, 403]
    stranger = client_for(make_staff(Role.ADMINISTRATOR, make_site("Elm Square")))
    assert stranger.post(addresses[1], details(name="Elm")).status_code == 404
    site.refresh_from_db()
    assert site.name == "Harbor Street"


def test_a_change_is_saved_and_audited(office: Client, site: Site, administrator: User) -> None:
    values = details(address="4 Harbor Street, Portland", opens="08:00", state="ME", mixes_tracks="on")
    response = send_form(office, reverse("site-edit", args=[site.pk]), values)
    assert response.headers["Location"] == reverse("administration")
    site.refresh_from_db()
    assert (site.address, f"{site.opens:%H:%M}", site.state, site.mixes_tracks) == (
        values["address"],
        "08:00",
        "ME",
        True,
    )
    event = AuditEvent.objects.get(subject_kind="site")
    assert (event.action, event.actor_key, event.site_key) == (Action.CHANGED, administrator.pk, site.pk)
    assert event.detail == "address, mixes_tracks, opens, state"
    send_form(office, reverse("site-edit", args=[site.pk]), values)
    assert AuditEvent.objects.filter(subject_kind="site").count() == 1, "nothing changed the second time"


def test_a_neutral_name_that_reveals_treatment_is_refused_and_nothing_is_lost(office: Client, site: Site) -> None:
    values = details(neutral_name="Addiction clinic", address="4 Harbor Street")
    response = send_form(office, reverse("site-edit", args=[site.pk]), values)
    assert response.status_code == 422
    assert "Anyone who sees this name could guess" in response.text
    assert "4 Harbor Street" in response.text


@pytest.mark.parametrize("hours", [{"opens": "10:00"}, {"closes": "11:59"}])
def test_the_site_stays_open_while_a_group_is_held(office: Client, site: Site, hours: dict[str, str]) -> None:
    make_meeting(site, 0, "09:00", "12:00", name="Monday group")
    address = reverse("site-edit", args=[site.pk])
    response = send_form(office, address, details(**hours))
    assert response.status_code == 422
    assert "Monday group is on Monday, 9:00 AM–12:00 PM. Change the group first" in response.text
    assert send_form(office, address, details(opens="09:00", closes="12:00")).status_code == 302


def test_calendars_have_the_new_neutral_name_at_once(office: Client, site: Site, administrator: User) -> None:
    feed, token = create_feed(patient=make_patient(site), by=administrator, now=NOW)
    serve_feed(feed=feed, now=NOW)
    send_form(office, reverse("site-edit", args=[site.pk]), details(neutral_name="Visit"))
    found = find_feed(token)
    assert found
    rendered = serve_feed(feed=found, now=NOW)
    assert rendered
    assert b"X-WR-CALNAME:Visit" in rendered.body


def test_an_administrator_who_cannot_add_patients_reads_which_role_can(
    office: Client, site: Site, administrator: User
) -> None:
    page = office.get(reverse("getting-started")).text
    assert "Take the role of coordinator" in page
    assert reverse("staff-member", args=[administrator.pk]) in page
    assert reverse("patient-new") not in page
    administrator.role_assignments.create(role=Role.COORDINATOR, site=site)
    assert reverse("patient-new") in office.get(reverse("getting-started")).text


@pytest.mark.parametrize("name", ["today", "tracks", "board", "closures"])
def test_before_the_first_site_its_pages_say_what_is_missing(name: str) -> None:
    page = client_for(make_staff(Role.ADMINISTRATOR, None)).get(reverse(name))
    assert page.status_code == 403
    assert "There is no site yet. This page opens once there is one." in page.text
    assert "another role" not in page.text


@pytest.mark.parametrize(("role", "is_told"), [(Role.ADMINISTRATOR, True), (Role.REVIEWER, False)])
def test_on_a_page_for_coordinators_an_administrator_reads_how_to_open_it(
    site: Site, role: Role, is_told: bool
) -> None:
    user = make_staff(role, site)
    page = client_for(user).get(reverse("patient-new"))
    assert page.status_code == 403
    assert ("give yourself the role of coordinator" in page.text) == is_told
    assert (reverse("staff-member", args=[user.pk]) in page.text) == is_told


@pytest.mark.parametrize("name", ["service-types", "service-type-new", "site-new", "admin:index"])
def test_on_a_page_for_all_sites_a_sites_administrator_reads_who_can_use_it(office: Client, name: str) -> None:
    page = office.get(reverse(name), follow=True)
    assert page.status_code == 403
    assert "Only an administrator of all sites can use this page." in page.text
    assert "role of coordinator" not in page.text
    assert "Only an administrator of all sites" not in office.get(reverse("patient-new")).text
