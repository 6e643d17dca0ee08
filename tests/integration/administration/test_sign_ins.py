"""Administrators see who can sign in at their sites, how that goes, and sign somebody out everywhere."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from scheduling.models import Site
from scheduling.services.administration.portal_access import invite_patient
from scheduling.services.administration.staff import invite_staff
from tests.clinic import at, client_for
from tests.factories import PASSWORD, make_delegate, make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

NOON = at("12:00")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[time_machine.Traveller]:
    cache.clear()
    with time_machine.travel(NOON, tick=False) as traveler:
        yield traveler
    cache.clear()


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    return make_staff(Role.ADMINISTRATOR, site, "Edda Holm")


@pytest.fixture
def office(administrator: User) -> Client:
    return client_for(administrator)


@pytest.fixture
def ada(site: Site) -> User:
    return make_staff(Role.CLINICIAN, site, "Ada Park")


def sign_in(user: User, password: str = PASSWORD, client: Client | None = None) -> Client:
    client = client or Client(headers={"User-Agent": FIREFOX})
    client.post(reverse("account_login"), {"login": user.email, "password": password})
    return client


def names(client: Client, **filters: str) -> list[str]:
    rows = client.get(reverse("sign-ins"), filters).context["rows"]
    return [row.account.name for row in rows]


def page_of(client: Client, user: User) -> str:
    return client.get(reverse("sign-ins-of-person", args=[user.pk])).text


def test_the_list_says_who_can_sign_in_and_when_they_last_did(office: Client, site: Site, ada: User) -> None:
    sign_in(ada)
    Authenticator.objects.create(user=ada, type=Authenticator.Type.WEBAUTHN, data={})
    make_staff(Role.CLINICIAN, make_site("Elm Square"), "Stranger")
    make_staff(Role.REVIEWER, site, "Off Now", is_active=False)
    page = office.get(reverse("sign-ins")).text
    assert names(office) == ["Ada Park", "Edda Holm", "Off Now"]
    assert "Mon, Nov 23, 12:00 PM" in page
    for text in ("Clinician, Harbor Street", "Passkey", "Turned off"):
        assert text in page
    assert "Stranger" not in page


def test_filters_are_in_the_address(office: Client, site: Site, ada: User, administrator: User) -> None:
    Authenticator.objects.create(user=ada, type=Authenticator.Type.TOTP, data={})
    make_patient_user(make_patient(site))
    invite_staff(
        name="Inés Rojas", email="ines@clinic.example", roles={(Role.REVIEWER, site.pk)}, by_mail=False,
        by=administrator, now=NOON,
    )  # fmt: skip
    make_staff(Role.REVIEWER, site, "Off Now", is_active=False)
    assert names(office, q="ines") == ["Inés Rojas"]
    assert names(office, q="clinic.example") == ["Inés Rojas"]
    assert names(office, state="invited") == ["Inés Rojas"]
    assert names(office, state="off") == ["Off Now"]
    assert names(office, factor="on") == ["Ada Park"]
    assert "Ada Park" not in names(office, factor="off")
    assert names(office, who="patient") == [""]
    assert "" not in names(office, who="staff")
    page = office.get(reverse("sign-ins"), {"q": "park", "who": "staff"}).text
    assert 'value="park"' in page
    assert '<option value="staff" selected>' in page
    assert names(office, who="nobody", page="abc") == names(office)


def test_patients_and_their_families_are_named_only_for_those_who_may_see_them(
    office: Client, site: Site, administrator: User
) -> None:
    rosa = make_patient(site, "Rosa", "Lindqvist")
    user, mother = make_patient_user(rosa), make_delegate(rosa, "Maja Lindqvist", by=administrator)
    waiting = make_patient(site, "Omar", "Reed")
    invite_patient(patient=waiting, email="", by=administrator, now=NOON)
    assert names(office)[-3:] == ["", "", ""]
    assert names(office, q="lindqvist") == []
    assert names(office, q=user.email) == []
    for page in (office.get(reverse("sign-ins")).text, page_of(office, user), page_of(office, mother)):
        for secret in ("Rosa", "Maja", "Omar", user.email, mother.email, "Lindqvist"):
            assert secret not in page
    assert not AuditEvent.objects.filter(action=Action.VIEWED).exists()

    administrator.role_assignments.create(role=Role.COORDINATOR, site=site)
    both = client_for(User.objects.get(pk=administrator.pk))
    assert {"Rosa Lindqvist", "Maja Lindqvist", "Omar Reed"} <= set(names(both))
    assert names(both, who="delegate") == ["Maja Lindqvist"]
    viewed = AuditEvent.objects.filter(action=Action.VIEWED, detail="list of sign-ins")
    assert {event.patient_key for event in viewed} == {rosa.pk, waiting.pk}
    assert user.email in page_of(both, user)
    assert AuditEvent.objects.get(action=Action.VIEWED, detail="sign-ins").patient_key == rosa.pk


def test_nobody_learns_that_a_staff_member_is_a_patient(office: Client, site: Site, ada: User) -> None:
    patient = make_patient(site, "Ada", "Park")
    patient.user = ada
    patient.save()
    [row] = [row for row in office.get(reverse("sign-ins")).context["rows"] if row.account.name == "Ada Park"]
    assert row.account.kinds == {"staff"}
    assert (row.account.patient, row.account.about) == (None, None)
    assert names(office, who="patient") == []


def test_refused_sign_ins_are_counted_and_a_locked_account_is_shown(office: Client, ada: User) -> None:
    for number in range(4):
        sign_in(ada, "wrong", Client(REMOTE_ADDR=f"10.0.{number}.1"))
    page = page_of(office, ada)
    assert "4 wrong passwords on new devices in the last 5 minutes." in page
    assert "0 wrong codes." in page
    assert "Locked" not in page
    sign_in(ada, "wrong", Client(REMOTE_ADDR="10.0.9.1"))
    assert "Until 12:05 PM, no password is accepted on a new device." in page_of(office, ada)
    assert "Locked on new devices" in office.get(reverse("sign-ins")).text


def test_a_lock_ends_after_five_minutes(office: Client, ada: User, at_noon: time_machine.Traveller) -> None:
    for number in range(5):
        sign_in(ada, "wrong", Client(REMOTE_ADDR=f"10.0.{number}.1"))
    at_noon.move_to(NOON + timedelta(minutes=4, seconds=59), tick=False)
    assert "Locked on new devices" in page_of(office, ada)
    at_noon.move_to(NOON + timedelta(minutes=5), tick=False)
    page = page_of(office, ada)
    assert "Locked on new devices" not in page
    assert "Nothing was refused in the last 5 minutes." in page


def test_sign_ins_are_in_the_audit_trail_with_their_device(office: Client, ada: User) -> None:
    assert "No sign-ins are recorded." in page_of(office, ada)
    sign_in(ada)
    sign_in(ada, "wrong")
    event = AuditEvent.objects.get(action=Action.SIGNED_IN)
    assert (event.actor_key, event.subject_key, event.detail, event.at) == (ada.pk, ada.pk, "Firefox on Windows", NOON)
    page = page_of(office, ada)
    assert page.count("Firefox on Windows") == 2, "one sign-in that is open, and one in the trail"


def test_all_sign_ins_are_ended_at_once_and_the_trail_says_by_whom(
    office: Client, administrator: User, ada: User
) -> None:
    here, there = sign_in(ada), sign_in(ada)
    assert there.get(reverse("today")).status_code == 200
    done = office.post(reverse("sign-ins-of-person-end", args=[ada.pk]), follow=True)
    assert "Signed out on 2 devices." in done.text
    assert "Not signed in on any device." in done.text
    assert {client.get(reverse("today")).status_code for client in (here, there)} == {302}
    event = AuditEvent.objects.get(action=Action.ENDED)
    assert (event.actor_key, event.subject_key, event.detail) == (administrator.pk, ada.pk, "all sign-ins: 2")
    again = office.post(reverse("sign-ins-of-person-end", args=[ada.pk]), follow=True)
    assert "Nobody was signed in." in again.text
    assert sign_in(ada).get(reverse("today")).status_code == 200, "the person can sign in again"


def test_the_end_of_a_patients_sign_ins_is_in_the_patients_trail(office: Client, site: Site) -> None:
    patient = make_patient(site)
    user = make_patient_user(patient)
    sign_in(user)
    office.post(reverse("sign-ins-of-person-end", args=[user.pk]))
    assert AuditEvent.objects.get(action=Action.ENDED).patient_key == patient.pk


def test_somebody_who_works_elsewhere_too_is_left_to_an_administrator_of_all_sites(office: Client, ada: User) -> None:
    RoleAssignment.objects.create(user=ada, role=Role.CLINICIAN, site=make_site("Elm Square"))
    phone = sign_in(ada)
    assert "End all sign-ins" not in page_of(office, ada)
    office.post(reverse("sign-ins-of-person-end", args=[ada.pk]))
    assert phone.get(reverse("today")).status_code == 200
    client_for(make_staff(Role.ADMINISTRATOR, None)).post(reverse("sign-ins-of-person-end", args=[ada.pk]))
    assert phone.get(reverse("today")).status_code == 302


def test_administrators_end_their_own_sign_ins_on_their_own_page(office: Client, administrator: User) -> None:
    page = page_of(office, administrator)
    assert "End all sign-ins" not in page
    assert reverse("account-sign-ins") in page
    assert office.post(reverse("sign-ins-of-person-end", args=[administrator.pk])).status_code == 403


def test_accounts_of_other_sites_do_not_exist(office: Client, site: Site, ada: User) -> None:
    elsewhere = make_site("Elm Square")
    strangers = (make_staff(Role.CLINICIAN, elsewhere), make_patient_user(make_patient(elsewhere)))
    for user in strangers:
        assert office.get(reverse("sign-ins-of-person", args=[user.pk])).status_code == 404
        assert office.post(reverse("sign-ins-of-person-end", args=[user.pk])).status_code == 404
    coordinator = client_for(make_staff(Role.COORDINATOR, site))
    assert coordinator.get(reverse("sign-ins")).status_code == 403
    assert coordinator.get(reverse("sign-ins-of-person", args=[ada.pk])).status_code == 403


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_people(
    site: Site, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    user = make_staff(Role.ADMINISTRATOR, site)
    RoleAssignment.objects.create(user=user, role=Role.COORDINATOR, site=site)
    for each in range(number):
        patient = make_patient(site)
        make_patient_user(patient)
        make_delegate(patient, f"Maja{each} Berg", by=user)
        invite_patient(patient=make_patient(site), email="", by=user, now=NOON)
        sign_in(make_staff(Role.CLINICIAN, site, "Ada Park"))
    office = client_for(user)
    with django_assert_num_queries(16):
        assert office.get(reverse("sign-ins")).status_code == 200
    found = User.objects.filter(name="Ada Park")[0]
    for _ in range(number):
        sign_in(found)
    with django_assert_num_queries(18):
        assert office.get(reverse("sign-ins-of-person", args=[found.pk])).status_code == 200
