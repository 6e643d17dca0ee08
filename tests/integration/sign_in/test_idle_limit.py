"""A sign-in ends after a time without activity. After signing in again, the person is on the same page of the same site."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from scheduling.models import Site
from scheduling.services.administration.idle_limits import longest_pause_of
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def sign_in(client: Client, user: User, at: datetime) -> str:
    with time_machine.travel(at, tick=False):
        answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return answer.headers["Location"]


def is_signed_in(client: Client, path: str, at: datetime) -> bool:
    with time_machine.travel(at, tick=False):
        answer = client.get(path)
    assert answer.status_code in (200, 302)
    return answer.status_code == 200


def state(client: Client, at: datetime, **parameters: str) -> dict[str, object]:
    with time_machine.travel(at, tick=False):
        content: dict[str, object] = client.get(reverse("account-sign-in-state"), parameters).json()
    return content


def test_staff_are_signed_out_after_15_minutes_and_patients_after_30() -> None:
    site = make_site()
    patient = make_patient(site)
    for user, name, minutes in (
        (make_staff(Role.COORDINATOR, site), "tracks", 15),
        (make_patient_user(patient), "portal-home", 30),
    ):
        path, end = reverse(name), MORNING + timedelta(minutes=minutes)
        in_time, too_late = Client(), Client()
        for client in (in_time, too_late):
            sign_in(client, user, MORNING)
        assert is_signed_in(in_time, path, end - SECOND)
        assert not is_signed_in(too_late, path, end)


def test_activity_prolongs_the_sign_in_and_is_stored_once_a_minute(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    path = reverse("reader-settings")
    sign_in(client, make_staff(Role.COORDINATOR, make_site()), MORNING)
    with time_machine.travel(MORNING + MINUTE - SECOND, tick=False), django_assert_num_queries(4):
        client.get(path)
    with time_machine.travel(MORNING + MINUTE, tick=False), django_assert_num_queries(7):
        client.get(path)
    with time_machine.travel(MORNING + MINUTE + SECOND, tick=False), django_assert_num_queries(4):
        client.get(path)
    for minutes in range(2, 60, 14):
        assert is_signed_in(client, path, MORNING + minutes * MINUTE)


def test_a_request_for_the_state_is_activity_only_if_it_says_so(client: Client) -> None:
    user = make_staff(Role.COORDINATOR, make_site())
    sign_in(client, user, MORNING)
    asked = state(client, MORNING + 14 * MINUTE)
    assert (asked["person"], asked["seconds_left"]) == (user.pk, 60)
    assert state(client, MORNING + 14 * MINUTE, active="yes")["seconds_left"] == 15 * 60
    assert state(client, MORNING + 29 * MINUTE - SECOND)["seconds_left"] == 1
    assert state(client, MORNING + 29 * MINUTE) == {"person": None, "ended": "idle"}


def test_a_prefetch_is_no_activity(client: Client) -> None:
    path = reverse("tracks")
    sign_in(client, make_staff(Role.COORDINATOR, make_site()), MORNING)
    with time_machine.travel(MORNING + 14 * MINUTE, tick=False):
        client.get(path, headers={"Sec-Purpose": "prefetch"})
    assert not is_signed_in(client, path, MORNING + 15 * MINUTE)


def test_the_state_counts_down_to_the_end_of_the_working_day(client: Client) -> None:
    sign_in(client, make_staff(Role.COORDINATOR, make_site()), MORNING)
    evening = MORNING + timedelta(hours=10)
    for minutes in range(0, 600, 10):
        state(client, MORNING + minutes * MINUTE, active="yes")
    assert state(client, evening - 3 * MINUTE, active="yes")["seconds_left"] == 180
    assert state(client, evening) == {"person": None, "ended": "limit"}


def test_a_page_says_how_many_seconds_are_left_and_no_time_of_day(client: Client) -> None:
    """The number is 900 until the last 15 minutes of the working day. Otherwise, every request would get a changed page."""
    user, evening = make_staff(Role.COORDINATOR, make_site()), MORNING + timedelta(hours=10)
    sign_in(client, user, MORNING)

    def seconds_left(at: datetime) -> int:
        with time_machine.travel(at, tick=False):
            found = re.search(r'data-seconds-left="(\d+)"', client.get(reverse("tracks")).text)
        assert found is not None
        return int(found[1])

    for minutes in range(0, 585, 9):
        assert seconds_left(MORNING + minutes * MINUTE) == 15 * 60
    assert seconds_left(evening - 15 * MINUTE) == 15 * 60
    assert seconds_left(evening - 3 * MINUTE) == 180
    assert seconds_left(evening - SECOND) == 1


def test_the_sign_in_page_says_why_and_leads_back_to_the_same_page_and_site(client: Client) -> None:
    first, second = make_site("Alder"), make_site("Birch")
    user = make_staff(Role.COORDINATOR, first)
    RoleAssignment.objects.create(user=user, role=Role.COORDINATOR, site=second)
    sign_in(client, user, MORNING)
    path = reverse("tracks")
    with time_machine.travel(MORNING, tick=False):
        client.post(reverse("site-switch"), {"site": second.code})
    with time_machine.travel(MORNING + 15 * MINUTE, tick=False):
        answer = client.get(path)
        assert answer.headers["Location"] == f"{reverse('account_login')}?next={path}"
        assert answer.headers["Clear-Site-Data"] == '"cache"'
        assert "had not used this page for a while" in client.get(answer.headers["Location"]).text
        client.post(answer.headers["Location"], {"login": user.email, "password": PASSWORD, "next": path})
        assert client.get(path).context["current_site"] == second
        assert "ended_sign_in" not in client.session


def test_the_next_person_at_the_browser_does_not_get_the_site_of_the_first(client: Client) -> None:
    first, second = make_site("Alder"), make_site("Birch")
    users = [make_staff(Role.COORDINATOR, first) for _ in range(2)]
    for user in users:
        RoleAssignment.objects.create(user=user, role=Role.COORDINATOR, site=second)
    sign_in(client, users[0], MORNING)
    with time_machine.travel(MORNING, tick=False):
        client.post(reverse("site-switch"), {"site": second.code})
    later = MORNING + 15 * MINUTE
    assert not is_signed_in(client, reverse("tracks"), later)
    sign_in(client, users[1], later)
    with time_machine.travel(later, tick=False):
        assert client.get(reverse("tracks")).context["current_site"] == first
    assert "ended_sign_in" not in client.session


def test_signing_out_on_purpose_gives_no_reason(client: Client) -> None:
    sign_in(client, make_staff(Role.COORDINATOR, make_site()), MORNING)
    with time_machine.travel(MORNING, tick=False):
        client.post(reverse("account_logout"))
        assert "You were signed out" not in client.get(reverse("account_login")).text


@pytest.mark.parametrize(
    ("sites", "minutes"),
    [([], 15), ([None, None], 15), ([10, None], 10), ([10, 5], 5), ([20], 15)],
    ids=["no site", "usual", "one stricter", "the strictest", "not longer than the setting"],
)
def test_the_strictest_site_of_a_staff_member_counts(sites: list[int | None], minutes: int) -> None:
    user = make_staff(Role.ADMINISTRATOR, None)
    elsewhere = make_staff(Role.REVIEWER, make_site("Elsewhere", idle_minutes=12))
    RoleAssignment.objects.filter(user=user).delete()
    RoleAssignment.objects.create(user=user, role=Role.REVIEWER, site=make_site("Usual"))
    for number, chosen in enumerate(sites):
        site = make_site(f"Site {number}", idle_minutes=chosen)
        RoleAssignment.objects.create(user=user, role=Role.REVIEWER, site=site)
    assert longest_pause_of(user) == timedelta(minutes=minutes)
    assert longest_pause_of(elsewhere) == timedelta(minutes=12)


def test_an_administrator_of_all_sites_follows_the_strictest_of_all() -> None:
    user = make_staff(Role.ADMINISTRATOR, None)
    make_site("Alder", idle_minutes=9)
    assert longest_pause_of(user) == timedelta(minutes=9)


@pytest.mark.parametrize(("chosen", "minutes"), [(None, 30), (20, 20), (5, 5)])
def test_a_patient_follows_the_site(chosen: int | None, minutes: int) -> None:
    user = make_patient_user(make_patient(make_site("Alder", idle_minutes=chosen)))
    make_site("Stricter", idle_minutes=6)
    assert longest_pause_of(user) == timedelta(minutes=minutes)


def test_a_shorter_limit_applies_to_people_who_are_signed_in_already(client: Client) -> None:
    site, path = make_site(), reverse("tracks")
    sign_in(client, make_staff(Role.COORDINATOR, site), MORNING)
    Site.objects.update(idle_minutes=5)
    assert is_signed_in(client, path, MORNING + 2 * MINUTE)
    assert not is_signed_in(client, path, MORNING + 7 * MINUTE)


def test_the_site_form_accepts_no_longer_pause_than_the_settings(client: Client, settings: Settings) -> None:
    settings.PATIENT_IDLE_MINUTES = 20
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    values = {
        "name": "Alder",
        "neutral_name": "Appointment",
        "time_zone": "America/New_York",
        "hour_clock": "12",
        "week_starts": "0",
    }
    for chosen, message in (("21", "after 20 minutes at the latest"), ("4", "5"), ("", "")):
        answer = client.post(reverse("site-new"), {**values, "idle_minutes": chosen})
        assert answer.status_code == (422 if message else 302), chosen
        if message:
            assert any(message in error for error in answer.context["form"].errors["idle_minutes"])
    assert Site.objects.get().idle_minutes is None
    client.post(reverse("site-new"), {**values, "idle_minutes": "20", "code": "b"})
    assert Site.objects.get(code="b").idle_minutes == 20
