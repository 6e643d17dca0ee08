"""The page that finds a schedule also searches other sites within the patient's reach, and links to a transfer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from patients.models import Patient
from scheduling.models import Site, Track
from tests.factories import (
    admit,
    make_commitment,
    make_patient,
    make_place,
    make_site,
    make_staff,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 24, 14, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def north() -> Site:
    return make_site("North")


@pytest.fixture
def south() -> Site:
    return make_site("South")


@pytest.fixture
def both(north: Site, south: Site) -> User:
    """A user who is a coordinator at both sites."""
    user = make_staff(Role.COORDINATOR, north)
    RoleAssignment.objects.create(user=user, role=Role.COORDINATOR, site=south)
    return user


@pytest.fixture
def rosa(north: Site, south: Site) -> Patient:
    """A patient with a job on weekday mornings. The job is 30 minutes away from the South site."""
    patient = make_patient(north)
    admit(patient)
    make_commitment(patient, range(5), "08:00", "12:00", place=make_place(patient, {south: (30, 30)}, "Bakery"))
    return patient


def page(user: User, patient: Patient) -> str:
    client = Client()
    client.force_login(user)
    return client.get(reverse("find-schedule", args=[patient.pk]), {"from": "2026-11-30"}).text


def afternoons(site: Site) -> Track:
    track = make_weekday_track(site, name="Afternoons")
    track.meetings.update(starts="12:30", ends="15:30")
    return track


def test_schedules_at_another_site_are_shown_with_the_travel(
    both: User, rosa: Patient, north: Site, south: Site
) -> None:
    make_weekday_track(north, name="Mornings")
    track = afternoons(south)
    text = page(both, rosa)
    assert "Nothing fits" in text
    assert "At other sites within reach" in text
    assert "1 schedule fits. The best is Afternoons" in text
    address = next(part for part in text.split('"') if part.startswith(reverse("site-transfer", args=[rosa.pk])))
    query = parse_qs(urlsplit(address.replace("&amp;", "&")).query)
    assert query["to"] == [str(south.pk)]
    assert query["next"][0].startswith(reverse("enroll", args=[rosa.pk, track.pk]) + "?from=2026-11-30&meetings=")


def test_travel_to_the_other_site_counts(both: User, rosa: Patient, south: Site) -> None:
    track = afternoons(south)
    track.meetings.update(starts="12:20", ends="15:20")
    text = page(both, rosa)
    assert "At other sites within reach" in text
    assert "nothing fits" in text
    assert "Move there and enroll" not in text


def test_a_site_without_travel_is_out_of_reach(both: User, rosa: Patient) -> None:
    afternoons(make_site("East"))
    rosa.places.get().travels.all().delete()
    assert "At other sites within reach" not in page(both, rosa)


def test_a_user_of_one_site_finds_nothing_at_another(north: Site, rosa: Patient, south: Site) -> None:
    afternoons(south)
    assert "At other sites within reach" not in page(make_staff(Role.COORDINATOR, north), rosa)


def test_a_scenario_searches_only_the_patients_own_site(both: User, rosa: Patient, south: Site) -> None:
    afternoons(south)
    client = Client()
    client.force_login(both)
    response = client.post(
        reverse("find-schedule-what-if", args=[rosa.pk]),
        {"from": "2026-11-30", "prescribed_minutes": "10", "prescribed_days": "3"},
    )
    assert "At other sites within reach" not in response.text
