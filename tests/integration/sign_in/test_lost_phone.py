"""If a user has lost the phone, staff can turn off the user's two-step sign-in. A reason is required. The user gets a mail."""

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from accounts.services.second_factor import OwnSecondFactor, remove_second_factor
from iopmanager import clock
from scheduling.models import Site
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff
from tests.second_factor import set_up_app, set_up_recovery_codes
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def member(site: Site) -> User:
    """A staff member with an app and recovery codes."""
    member = make_staff(Role.CLINICIAN, site, "Ada Park")
    set_up_app(member)
    set_up_recovery_codes(member)
    return member


def test_an_administrator_turns_two_step_sign_in_off(client: Client, site: Site, member: User) -> None:
    phone = Client()
    phone.force_login(member)
    administrator = make_staff(Role.ADMINISTRATOR, site)
    client.force_login(administrator)
    path = reverse("staff-member-factor", args=[member.pk])
    assert path in client.get(reverse("staff-member", args=[member.pk])).text
    client.post(path, {"reason": "Lost phone, she called from her desk"})
    assert not Authenticator.objects.exists()
    assert phone.get("/today/")["Location"].startswith("/accounts/login/")
    assert client.get("/staff/").status_code == 200
    event = AuditEvent.objects.get(action=Action.ENDED)
    assert (event.actor_key, event.subject_key, event.detail, event.reason) == (
        administrator.pk,
        member.pk,
        "second factor removed",
        "Lost phone, she called from her desk",
    )
    assert phone.post("/accounts/login/", {"login": member.email, "password": PASSWORD})["Location"] == "/"


def test_a_coordinator_turns_two_step_sign_in_off_for_a_patient(client: Client, site: Site) -> None:
    patient = make_patient(site, language="Spanish")
    user = make_patient_user(patient)
    set_up_app(user)
    client.force_login(make_staff(Role.COORDINATOR, site))
    path = reverse("portal-access-factor", args=[patient.pk])
    assert path in client.get(reverse("portal-access", args=[patient.pk])).text
    client.post(path, {"reason": "Lost phone"})
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.get(action=Action.ENDED)
    assert (event.patient_key, event.reason) == (patient.pk, "Lost phone")
    (message,) = mail.outbox
    assert message.to == [user.email]
    assert "Cambió la configuración" in message.subject
    assert path not in client.get(reverse("portal-access", args=[patient.pk])).text


def test_the_mail_names_neither_the_clinic_nor_the_reason(client: Client, site: Site, member: User) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, site))
    client.post(reverse("staff-member-factor", args=[member.pk]), {"reason": "Lost phone"})
    (message,) = mail.outbox
    assert message.to == [member.email]
    assert not {"Harbor", "iopmanager", "Lost phone", "Ada"} & set(f"{message.subject} {message.body}".split())


def test_turning_off_needs_a_reason(client: Client, site: Site, member: User) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, site))
    assert client.post(reverse("staff-member-factor", args=[member.pk]), {"reason": " "}).status_code == 422
    assert Authenticator.objects.count() == 2
    assert not mail.outbox


def test_nobody_turns_off_their_own_two_step_sign_in(client: Client, site: Site) -> None:
    administrator = make_staff(Role.ADMINISTRATOR, site)
    set_up_app(administrator)
    client.force_login(administrator)
    path = reverse("staff-member-factor", args=[administrator.pk])
    assert path not in client.get(reverse("staff-member", args=[administrator.pk])).text
    assert client.post(path, {"reason": "Lost phone"}).status_code == 403
    with pytest.raises(Refused) as refusal:
        remove_second_factor(
            user=administrator, about=administrator, reason="-", language="en", by=administrator, now=clock.now()
        )
    assert refusal.value.reasons == (OwnSecondFactor(),)
    assert Authenticator.objects.exists()


def test_an_administrator_of_one_site_cannot_turn_it_off_for_staff_of_two_sites(
    client: Client, site: Site, member: User
) -> None:
    member.role_assignments.create(role=Role.CLINICIAN, site=make_site("Elsewhere"))
    client.force_login(make_staff(Role.ADMINISTRATOR, site))
    assert client.post(reverse("staff-member-factor", args=[member.pk]), {"reason": "Lost phone"}).status_code == 403
    assert Authenticator.objects.exists()


def test_turning_off_is_refused_if_there_is_no_two_step_sign_in(client: Client, site: Site) -> None:
    member = make_staff(Role.CLINICIAN, site, "Ada Park")
    client.force_login(make_staff(Role.ADMINISTRATOR, site))
    page = client.post(reverse("staff-member-factor", args=[member.pk]), {"reason": "Lost phone"})
    assert "Ada Park has no two-step sign-in" in page.text
    assert not mail.outbox


def test_a_sole_administrator_gets_back_in_with_access_to_the_server(member: User) -> None:
    with pytest.raises(CommandError, match="Nobody signs in"):
        call_command("remove_second_factor", "nobody@a.example", reason="Lost phone")
    call_command("remove_second_factor", member.email.upper(), reason="Lost phone")
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.get(action=Action.ENDED).actor_label == "iopmanager"
    with pytest.raises(CommandError, match="no second factor"):
        call_command("remove_second_factor", member.email, reason="Lost phone")
