"""A sign-in ends after 10 hours, however busy the person is."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.permissions import Role
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 11, 25, 12, tzinfo=UTC)
TEN_HOURS = timedelta(hours=10)


@pytest.fixture(autouse=True)
def people_may_pause(settings: Settings) -> None:
    """Set the idle limits to 24 hours, so that only the ten-hour limit ends a sign-in."""
    settings.STAFF_IDLE_MINUTES = settings.PATIENT_IDLE_MINUTES = 24 * 60


def sign_in(client: Client, user: User, at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302


def is_signed_in(client: Client, path: str, at: datetime) -> bool:
    """Return whether the page opens. Also change the session, which makes Django prolong the session."""
    with time_machine.travel(at, tick=False):
        answer = client.get(path)
        session = client.session
        session["busy"] = at.isoformat()
        session.save()
    assert answer.status_code in (200, 302)
    return answer.status_code == 200


def test_a_busy_person_is_signed_out_after_ten_hours_and_comes_back_to_the_page(client: Client) -> None:
    user, path = make_staff(Role.COORDINATOR, make_site()), reverse("patients")
    sign_in(client, user, MORNING)
    for hour in range(10):
        assert is_signed_in(client, path, MORNING + timedelta(hours=hour)), hour
    assert is_signed_in(client, path, MORNING + TEN_HOURS - timedelta(seconds=1))
    evening = MORNING + TEN_HOURS
    with time_machine.travel(evening, tick=False):
        answer = client.get(path)
        assert answer.headers["Location"] == f"{reverse('account_login')}?next={path}"
        assert answer.headers["Clear-Site-Data"] == '"cache"'
    sign_in(client, user, evening)
    assert is_signed_in(client, path, evening + TEN_HOURS - timedelta(seconds=1))


def test_patients_are_signed_out_after_ten_hours(client: Client) -> None:
    user, path = make_patient_user(make_patient(make_site())), reverse("portal-home")
    sign_in(client, user, MORNING)
    assert is_signed_in(client, path, MORNING + TEN_HOURS - timedelta(seconds=1))
    assert not is_signed_in(client, path, MORNING + TEN_HOURS)


def test_a_form_sent_too_late_saves_nothing(client: Client) -> None:
    site = make_site()
    patient = make_patient(site)
    sign_in(client, make_staff(Role.COORDINATOR, site), MORNING)
    assert is_signed_in(client, reverse("patients"), MORNING + timedelta(hours=9))
    with time_machine.travel(MORNING + TEN_HOURS, tick=False):
        answer = client.post(reverse("place-new", args=[patient.pk]), {"name": "Work", "travel_minutes": "20"})
    assert answer.headers["Location"].startswith(reverse("account_login"))
    assert not patient.places.exists()
