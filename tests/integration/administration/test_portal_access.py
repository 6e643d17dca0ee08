"""A link that works once gives a patient access to the portal. A coordinator can end the access."""

import re
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import Action, AuditEvent, Invitation, OutgoingMail, User
from accounts.permissions import Role
from accounts.services.invitations import InvitationUsed, InvitationWithdrawn, accept_invitation, issue_invitation
from iopmanager import clock
from iopmanager.qr_code import draw_qr_code
from iopmanager.settings import MAILERS
from patients.models import Patient
from scheduling.models import Site
from scheduling.services.administration.portal_access import (
    HasAccess,
    NoInvitation,
    invite_patient,
    withdraw_patient_link,
)
from scheduling.services.administration.staff import invite_again, invite_staff
from scheduling.services.documents.feeds import create_feed, find_feed
from tests.concurrency import at_the_same_time
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
NEW_PASSWORD = "nobody will guess this"
EMAIL = "r.l@example.org"
REVEALING = (
    "Harbor",
    "treatment",
    "clinic",
    "IOP",
    "iopmanager",
    "addiction",
    "recovery",
    "patient",
    "Rosa",
    "therapy",
)


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def site() -> Site:
    return make_site(phone="555-0100")


@pytest.fixture
def patient(site: Site) -> Patient:
    return make_patient(site, email=EMAIL)


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def desk(client: Client, coordinator: User) -> Client:
    client.force_login(coordinator)
    return client


def send_link(desk: Client, patient: Patient, how: str = "mail", email: str = EMAIL) -> Any:
    return desk.post(reverse("portal-access", args=[patient.pk]), {"how": how, "email": email})


def link_in(text: str) -> str:
    found = re.search(r"/join/[\w-]+/", text)
    assert found
    return found[0]


def join(link: str, **changes: str) -> Any:
    return Client().post(link, {"email": EMAIL, "password": NEW_PASSWORD} | changes)


def make_link(patient: Patient, by: User, now: datetime | None = None) -> str:
    invitation = Invitation(patient=patient)
    return reverse("join", args=[issue_invitation(invitation, by=by, now=now or clock.now())])


def test_a_mailed_link_leads_to_the_portal(desk: Client, patient: Patient) -> None:
    response = send_link(desk, patient)
    assert response["Location"] == reverse("portal-access", args=[patient.pk])
    assert f"A link was sent to {EMAIL}." in desk.get(response["Location"]).text
    link = link_in(mail.outbox[0].body)
    browser = Client()
    page = browser.get(link)
    assert page.status_code == 200
    assert f'value="{EMAIL}"' in page.text
    response = browser.post(link, {"email": EMAIL, "password": NEW_PASSWORD}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("portal-home")
    user = User.objects.get(email=EMAIL)
    assert (user.patient, user.is_active, user.check_password(NEW_PASSWORD)) == (patient, True, True)
    assert f"The sign-in is {EMAIL}." in desk.get(reverse("portal-access", args=[patient.pk])).text
    about = AuditEvent.objects.filter(subject_kind="invitation").order_by("pk")
    assert [(event.action, event.patient_key) for event in about] == [
        (Action.CREATED, patient.pk),
        (Action.CHANGED, patient.pk),
    ]


def test_a_printed_link_needs_no_email(desk: Client, patient: Patient) -> None:
    sheet = send_link(desk, patient, "print", "")
    assert sheet.status_code == 200
    assert "no-store" in sheet["Cache-Control"]
    assert "<svg" in sheet.text
    assert mail.outbox == []
    link = link_in(sheet.text)
    assert f'value="{EMAIL}"' not in Client().get(link).text  # whoever finds the sheet must not learn the address
    assert join(link, email="other@example.org").status_code == 302
    assert Patient.objects.get().user.email == "other@example.org"


def test_the_code_on_the_sheet_has_the_finder_patterns_of_a_qr_code() -> None:
    code = draw_qr_code("https://example.org/join/" + "x" * 43 + "/")
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)", code.path)}
    first, last = 4, code.size - 5
    ring = {(x, y) for x in range(7) for y in range(7) if {x, y} & {0, 6} or (2 <= x <= 4 and 2 <= y <= 4)}
    for left, top in ((first, first), (last - 6, first), (first, last - 6)):
        found = {(x, y) for x in range(7) for y in range(7) if (left + x, top + y) in dark}
        assert found == ring
    assert all(first <= x <= last and first <= y <= last for x, y in dark)


@pytest.mark.parametrize("language", ["English", "Spanish"])
def test_nothing_reveals_the_clinic_or_treatment(desk: Client, patient: Patient, language: str) -> None:
    Patient.objects.update(language=language)
    send_link(desk, patient)
    message = mail.outbox[0]
    sheet = send_link(desk, patient, "print").text
    main = sheet.partition("<main")[2].partition("</main>")[0].replace(reverse("portal-access", args=[patient.pk]), "")
    page = Client().get(link_in(sheet)).text
    page = page.partition("<title>")[2].partition("</title>")[0] + page.partition("<main")[2].partition("</main>")[0]
    for shown in (message.subject, message.body, main, page):
        assert not [word for word in REVEALING if word.lower() in shown.lower()]


def test_mail_sheet_and_page_are_in_the_patients_language(desk: Client, patient: Patient) -> None:
    Patient.objects.update(language="Spanish")
    send_link(desk, patient)
    sheet = send_link(desk, patient, "print")
    page = Client().get(link_in(sheet.text))
    assert "contraseña" in mail.outbox[0].body
    for shown in (sheet, page):
        assert 'lang="es"' in shown.text
        assert "contraseña" in shown.text
        assert shown["Content-Language"] == "es"
    assert "12 caracteres" in join(link_in(sheet.text), password="short").text


def test_the_token_is_neither_stored_nor_passed_on(desk: Client, patient: Patient) -> None:
    link = link_in(send_link(desk, patient, "print").text)
    token = link.split("/")[2]
    assert token not in str(Invitation.objects.values().get())
    assert token not in str(list(AuditEvent.objects.values()))
    for response in (Client().get(link), join(link, password="short"), join(link), Client().get(link)):
        assert response["Referrer-Policy"] == "strict-origin"
        assert "no-store" in response["Cache-Control"]


def test_opening_the_link_does_not_use_it(desk: Client, patient: Patient) -> None:
    link = link_in(send_link(desk, patient, "print").text)
    for _ in range(3):
        assert Client().get(link).status_code == Client().head(link).status_code == 200
    assert Invitation.objects.get().used_at is None
    assert join(link).status_code == 302


@pytest.mark.parametrize("password", ["short", "password1234", EMAIL])
def test_a_weak_password_is_refused_and_nothing_is_lost(desk: Client, patient: Patient, password: str) -> None:
    link = link_in(send_link(desk, patient, "print").text)
    response = join(link, password=password)
    assert response.status_code == 422
    assert EMAIL in response.text
    assert not User.objects.filter(email=EMAIL).exists()
    assert join(link).status_code == 302


def test_a_used_link_says_so(desk: Client, patient: Patient) -> None:
    link = link_in(send_link(desk, patient, "print").text)
    join(link)
    for response in (Client().get(link), join(link, password="another long password")):
        assert response.status_code == 410
        assert "already used" in response.text
        assert reverse("account_login") in response.text
    assert User.objects.get(email=EMAIL).check_password(NEW_PASSWORD)


def test_an_expired_link_says_so(desk: Client, patient: Patient, coordinator: User) -> None:
    link = make_link(patient, coordinator, clock.now() - timedelta(hours=72))
    for response in (Client().get(link), join(link)):
        assert response.status_code == 410
        assert "too old" in response.text
    assert not User.objects.filter(email=EMAIL).exists()
    assert "The link has expired" in desk.get(reverse("patient", args=[patient.pk])).text
    page = desk.get(reverse("portal-access", args=[patient.pk])).text
    assert ("The link expired on" in page, "Withdraw link" in page) == (True, False)


def test_a_link_works_until_its_last_second(patient: Patient, coordinator: User) -> None:
    link = make_link(patient, coordinator, clock.now() - timedelta(hours=71, minutes=59))
    assert join(link).status_code == 302


def test_the_page_of_a_withdrawn_or_replaced_link_says_why_it_does_not_open(desk: Client, patient: Patient) -> None:
    earlier = link_in(send_link(desk, patient, "print").text)
    later = link_in(send_link(desk, patient, "print").text)
    assert "turned off" in Client().get(earlier).text
    desk.post(reverse("portal-access-withdraw", args=[patient.pk]))
    for response in (Client().get(later), join(later), join(earlier)):
        assert response.status_code == 410
        assert "turned off" in response.text
    again = desk.post(reverse("portal-access-withdraw", args=[patient.pk]), follow=True)
    assert "has no open link" in again.text


def test_forged_links_are_limited_and_a_valid_link_is_not(desk: Client, patient: Patient) -> None:
    link = link_in(send_link(desk, patient, "print").text)
    for number in range(20):
        response = Client().get(reverse("join", args=[f"guess-{number}"]))
        assert response.status_code == 404
        assert "Check that you have all of it" in response.text
    response = join(reverse("join", args=["guess"]))
    assert (response.status_code, "Too many tries." in response.text) == (429, True)
    assert join(link).status_code == 302


def test_a_person_who_is_signed_in_does_not_use_up_somebody_elses_link(desk: Client, patient: Patient) -> None:
    link = link_in(send_link(desk, patient, "print").text)
    for response in (desk.get(link), desk.post(link, {"email": EMAIL, "password": NEW_PASSWORD})):
        assert response.status_code == 409
        assert "sign out first" in response.text
    assert join(link).status_code == 302


def test_the_address_of_somebody_else_is_refused(desk: Client, patient: Patient, site: Site) -> None:
    make_staff(Role.CLINICIAN, site, email="ada@example.org")
    response = send_link(desk, patient, "mail", "ADA@example.org")
    assert response.status_code == 422
    assert "Somebody else signs in with ADA@example.org." in response.text
    assert mail.outbox == []
    link = link_in(send_link(desk, patient, "print").text)
    response = join(link, email="Ada@example.org")
    assert response.status_code == 422
    assert "Use a different email." in response.text
    assert join(link).status_code == 302


def test_a_mail_needs_an_address(desk: Client, patient: Patient) -> None:
    response = send_link(desk, patient, "mail", "")
    assert response.status_code == 422
    assert "Enter the email to which the link is sent." in response.text
    assert not Invitation.objects.exists()


def test_a_patient_with_access_gets_no_second_link(desk: Client, patient: Patient) -> None:
    make_patient_user(patient)
    response = send_link(desk, patient)
    assert (response.status_code, "already has access" in response.text) == (422, True)
    assert mail.outbox == []


def test_a_dead_mail_server_loses_nothing(
    desk: Client, patient: Patient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    server = {"BACKEND": "tests.mail_worker.RefusingMailer"}
    settings.MAILERS = {"default": MAILERS["default"], "server": server}
    response = desk.post(reverse("portal-access", args=[patient.pk]), {"how": "mail", "email": EMAIL}, follow=True)
    assert f"The link is on its way to {EMAIL}." in response.text
    [waiting] = OutgoingMail.objects.all()
    assert (waiting.content["to"], waiting.attempts) == ([EMAIL], 1)
    assert "ConnectionRefusedError" in caplog.text
    assert EMAIL not in caplog.text
    assert send_link(desk, patient, "print").status_code == 200


def test_ending_access_ends_sign_ins_and_calendar_links_for_good(
    desk: Client, patient: Patient, coordinator: User
) -> None:
    phone = Client()
    link = link_in(send_link(desk, patient, "print").text)
    phone.post(link, {"email": EMAIL, "password": NEW_PASSWORD})
    assert phone.get(reverse("portal-home")).status_code == 200
    _, token = create_feed(patient=patient, by=coordinator, now=NOW)
    response = desk.post(reverse("portal-access-end", args=[patient.pk]), follow=True)
    assert "The access is ended." in response.text
    assert phone.get(reverse("portal-home")).status_code == 302
    assert find_feed(token) is None
    credentials = {"login": EMAIL, "password": NEW_PASSWORD}
    assert Client().post(reverse("account_login"), credentials).status_code == 200
    again = desk.post(reverse("portal-access-end", args=[patient.pk]), follow=True)
    assert "There was nothing to end." in again.text

    link = link_in(send_link(desk, patient, "print").text)
    assert join(link, password="a new long password").status_code == 302
    assert Patient.objects.get().user == User.objects.get(email=EMAIL)
    assert phone.get(reverse("portal-home")).status_code == 302
    assert find_feed(token) is None
    assert Client().post(reverse("account_login"), credentials).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_use_a_link_at_the_same_time_one_succeeds() -> None:
    patient, by = make_patient(make_site()), make_staff(Role.COORDINATOR, make_site())
    _, token = invite_patient(patient=patient, email="", by=by, now=NOW)
    outcomes: list[object] = []
    start = threading.Barrier(2)

    def use(email: str) -> None:
        start.wait()
        try:
            outcomes.append(accept_invitation(token=token, email=email, password=PASSWORD, now=NOW).email)
        except Refused as refused:
            outcomes.append(refused.reasons)
        finally:
            connection.close()

    both = [threading.Thread(target=use, args=(f"{name}@example.org",)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert (InvitationUsed(),) in outcomes
    assert User.objects.filter(email__endswith="@example.org").count() == 1
    assert Patient.objects.get().user.email in outcomes


@pytest.mark.django_db(transaction=True)
def test_a_link_is_either_used_or_withdrawn_if_both_happen_at_the_same_time() -> None:
    """Every change of an invitation locks the invited person first. Otherwise, two changes could deadlock."""
    site = make_site()
    by = make_staff(Role.COORDINATOR, site)
    for number in range(10):
        patient = make_patient(site)
        token = invite_patient(patient=patient, email="", by=by, now=NOW)[1]
        use = partial(accept_invitation, token=token, email=f"p{number}@example.org", password=PASSWORD, now=NOW)
        outcomes = at_the_same_time(use, partial(withdraw_patient_link, patient=patient, by=by, now=NOW))
        assert sorted(map(str, outcomes)) in (
            sorted(map(str, ["done", InvitationWithdrawn])),
            sorted(map(str, ["done", NoInvitation])),
        )


@pytest.mark.django_db(transaction=True)
def test_a_staff_members_link_is_used_while_a_new_one_is_made() -> None:
    site = make_site()
    by = make_staff(Role.ADMINISTRATOR, site)
    for number in range(10):
        invitation, token = invite_staff(
            name="Ada", email=f"a{number}@example.org", roles={(Role.CLINICIAN, site.pk)}, by_mail=False, by=by, now=NOW
        )
        assert invitation.user is not None
        use = partial(accept_invitation, token=token, email="", password=PASSWORD, now=NOW)
        outcomes = at_the_same_time(use, partial(invite_again, user=invitation.user, by_mail=False, by=by, now=NOW))
        assert sorted(map(str, outcomes)) in (
            sorted(map(str, ["done", InvitationWithdrawn])),
            sorted(map(str, ["done", HasAccess])),
        )


def test_a_patient_has_one_pending_invitation(patient: Patient, coordinator: User) -> None:
    fields = {"patient": patient, "created_at": NOW, "created_by": coordinator, "expires_at": NOW + timedelta(days=3)}
    Invitation.objects.create(token_hash="a", **fields)
    with pytest.raises(IntegrityError, match=r"(?i)invitation|patient"), transaction.atomic():
        Invitation.objects.create(token_hash="b", **fields)


def test_the_chart_shows_whether_the_patient_has_access(desk: Client, patient: Patient) -> None:
    chart = reverse("patient", args=[patient.pk])
    assert "Give access" in desk.get(chart).text
    link = link_in(send_link(desk, patient, "print").text)
    assert "Invited, until" in desk.get(chart).text
    join(link)
    assert "Change access" in desk.get(chart).text


@pytest.mark.parametrize("links", [1, 4])
def test_the_number_of_queries_does_not_grow(
    desk: Client, patient: Patient, django_assert_num_queries: DjangoAssertNumQueries, links: int
) -> None:
    for _ in range(links):
        send_link(desk, patient, "print")
    address = reverse("portal-access", args=[patient.pk])
    desk.get(address)
    with django_assert_num_queries(10):
        assert desk.get(address).status_code == 200


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.REVIEWER, Role.ADMINISTRATOR])
def test_only_coordinators_give_access(client: Client, patient: Patient, site: Site, role: Role) -> None:
    client.force_login(make_staff(role, site))
    for name in ("portal-access", "portal-access-withdraw", "portal-access-end"):
        assert client.post(reverse(name, args=[patient.pk]), {"how": "print"}).status_code in {403, 404}
    assert not Invitation.objects.exists()


def test_a_role_taken_away_while_the_page_is_open_gives_no_access(
    desk: Client, patient: Patient, coordinator: User
) -> None:
    assert desk.get(reverse("portal-access", args=[patient.pk])).status_code == 200
    coordinator.role_assignments.all().delete()
    response = send_link(desk, patient)
    assert response.status_code == 403
    assert "ask" in response.text.lower()
    assert not Invitation.objects.exists()
