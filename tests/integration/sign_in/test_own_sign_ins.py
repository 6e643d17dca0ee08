"""People see where they are signed in, and sign out on other devices."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, BrowserSession, User
from accounts.permissions import Role
from accounts.services.invitations import turn_off_user
from accounts.services.sign_ins import sign_ins_of
from iopmanager import clock
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def user() -> User:
    return make_staff(Role.COORDINATOR, make_site())


def sign_in(user: User, user_agent: str = FIREFOX, at: datetime = MORNING) -> Client:
    client = Client(headers={"User-Agent": user_agent})
    with time_machine.travel(at, tick=False):
        assert client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD}).status_code == 302
    return client


def listed(client: Client) -> list[tuple[str, bool]]:
    found = client.get(reverse("account-sign-ins")).context["sign_ins"]
    return [(" on ".join(each.device), each.is_this_one) for each in found]


@pytest.fixture(autouse=True)
def in_the_morning() -> object:
    with time_machine.travel(MORNING, tick=False):
        yield


def test_the_page_lists_the_users_own_sign_ins_and_nobody_elses(user: User) -> None:
    here, _phone, _other = sign_in(user), sign_in(user, SAFARI), sign_in(make_staff(Role.REVIEWER, make_site()))
    assert listed(here) == [("Firefox on Windows", True), ("Safari on iPhone", False)]
    page = here.get(reverse("account-sign-ins")).text
    assert "Firefox on Windows" in page
    assert "This device" in page


def test_a_patient_sees_the_page_in_the_portal() -> None:
    patient = make_patient_user(make_patient(make_site()))
    here = sign_in(patient, SAFARI)
    page = here.get(reverse("account-sign-ins"))
    assert "portal.html" in {template.name for template in page.templates}
    assert "Safari on iPhone" in page.text


def test_the_page_does_not_contain_the_keys_of_sessions(user: User) -> None:
    here = sign_in(user)
    sign_in(user, SAFARI)
    page = here.get(reverse("account-sign-ins")).text
    assert [key for key in BrowserSession.objects.values_list("pk", flat=True) if key in page] == []


def test_one_other_device_is_signed_out(user: User) -> None:
    here, phone, tablet = sign_in(user), sign_in(user, SAFARI), sign_in(user, SAFARI)
    ids = {each.id for each in sign_ins_of(user, this_key=phone.session.session_key, now=clock.now())[:1]}
    answer = here.post(reverse("account-sign-ins-end"), {"sign_in": ids}, follow=True)
    assert "Signed out on 1 device." in answer.text
    assert phone.get(reverse("tracks")).status_code == 302
    assert tablet.get(reverse("tracks")).status_code == here.get(reverse("tracks")).status_code == 200
    event = AuditEvent.objects.latest("pk")
    assert (event.actor_key, event.subject_key, event.action) == (user.pk, user.pk, "ended")


def test_all_other_devices_are_signed_out(user: User) -> None:
    here, phone, stranger = sign_in(user), sign_in(user, SAFARI), sign_in(make_staff(Role.REVIEWER, make_site()))
    here.post(reverse("account-sign-ins-end"))
    assert phone.get(reverse("tracks")).status_code == 302
    assert here.get(reverse("tracks")).status_code == stranger.get(reverse("tracks")).status_code == 200
    assert listed(here) == [("Firefox on Windows", True)]


def test_nobody_signs_out_somebody_else(user: User) -> None:
    here, other = sign_in(user), make_staff(Role.REVIEWER, make_site())
    theirs = sign_in(other)
    [open_sign_in] = sign_ins_of(other, this_key=None, now=clock.now())
    here.post(reverse("account-sign-ins-end"), {"sign_in": open_sign_in.id})
    assert theirs.get(reverse("tracks")).status_code == 200


def test_a_page_in_work_does_not_bring_an_ended_sign_in_back(user: User) -> None:
    here, phone = sign_in(user), sign_in(user, SAFARI)
    late = phone.session
    late["something"] = "new"
    here.post(reverse("account-sign-ins-end"))
    with pytest.raises(UpdateError):
        late.save()
    assert listed(here) == [("Firefox on Windows", True)]


def test_sign_ins_that_ended_are_not_listed(user: User) -> None:
    sign_in(user, SAFARI, MORNING - timedelta(minutes=15))
    gone = sign_in(user, SAFARI)
    gone.post(reverse("account_logout"))
    assert listed(sign_in(user)) == [("Firefox on Windows", True)]


def test_a_new_password_signs_out_the_other_devices(user: User) -> None:
    here, phone = sign_in(user), sign_in(user, SAFARI)
    new = "another long password"
    here.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}, follow=True
    )
    assert listed(here) == [("Firefox on Windows", True)]
    assert phone.get(reverse("tracks")).status_code == 302


def test_turning_an_account_off_deletes_its_sessions(user: User) -> None:
    here = sign_in(user)
    turn_off_user(user, by=None, now=clock.now())
    assert not BrowserSession.objects.filter(user=user).exists()
    assert here.get(reverse("tracks")).status_code == 302


def test_the_list_takes_as_many_queries_for_three_sign_ins_as_for_one(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    here = sign_in(user)
    with django_assert_num_queries(5):
        here.get(reverse("account-sign-ins"))
    sign_in(user, SAFARI)
    sign_in(user, SAFARI)
    with django_assert_num_queries(5):
        here.get(reverse("account-sign-ins"))


def test_sessions_contain_no_address_and_no_whole_user_agent(user: User) -> None:
    here = sign_in(user)
    content = here.session.items()
    assert not any("127.0.0.1" in str(value) or "Gecko" in str(value) for _, value in content)
