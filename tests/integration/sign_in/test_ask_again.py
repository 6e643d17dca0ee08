"""Before a sensitive act, users confirm who they are. Nothing that they typed is lost, and one more click saves it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, QueryDict
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Invitation, RoleAssignment, User
from accounts.permissions import Role
from iopmanager.middleware.kept_form import BUTTONS
from patients.models import Patient
from scheduling.models import Site
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff
from tests.second_factor import app_code, set_up_app

pytestmark = pytest.mark.django_db

MORNING = datetime(2026, 11, 25, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
QUESTION = "/accounts/confirm/"
NOTE = "We asked who you are before this was saved. Check it and send it again."
NOT_DONE = "We asked who you are before this was done. Nothing was saved. Do it again."


@pytest.fixture(autouse=True)
def time() -> Iterator[time_machine.Traveller]:
    """The clock, which stands still on a morning. Nobody has guessed a password yet."""
    cache.clear()
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    make_staff(Role.COORDINATOR, site)
    return make_staff(Role.ADMINISTRATOR, site)


@pytest.fixture
def patient(site: Site) -> Patient:
    return make_patient(site, first_name="Rosa")


@pytest.fixture
def clinician(site: Site) -> User:
    return make_staff(Role.CLINICIAN, site, "Ben Ito")


def sign_in(client: Client, user: User) -> None:
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert "_auth_user_id" in client.session


def stay_active(client: Client, time: time_machine.Traveller, for_time: timedelta = QUARTER) -> None:
    """Let time pass in which the user does something now and then."""
    end = datetime.now(UTC) + for_time
    while datetime.now(UTC) < end:
        time.move_to(min(datetime.now(UTC) + timedelta(minutes=7), end))
        client.get(reverse("account-sign-in-state"), {"active": "yes"})


def send(client: Client, path: str, form: dict[str, Any], page: str = "") -> Any:
    return client.post(path, form, headers={"Referer": f"http://testserver{page or path}"})


def question_before(page: str) -> str:
    return f"{QUESTION}?{urlencode({'next': page})}"


def confirm(client: Client, question: str, answer: dict[str, str] | None = None) -> Any:
    """Answer the question with the password, and go on to where it leads."""
    path, _, query = question.partition("?")
    return client.post(path, QueryDict(query).dict() | (answer or {"password": PASSWORD}), follow=True)


def roles_of(user: User) -> set[str]:
    return set(RoleAssignment.objects.filter(user=user).values_list("role", flat=True))


def test_the_note_does_not_name_the_button_that_was_pressed(
    client: Client, time: time_machine.Traveller, administrator: User, clinician: User
) -> None:
    User.objects.filter(pk=clinician.pk).update(is_active=False)
    sign_in(client, administrator)
    stay_active(client, time)
    member, invite = (reverse(name, args=[clinician.pk]) for name in ("staff-member", "staff-member-invite"))
    shown = confirm(client, send(client, invite, {"how": "print"}, member)["Location"])
    assert NOT_DONE in shown.text
    assert "You had also entered this" not in shown.text


def test_the_names_of_all_buttons_are_known() -> None:
    tags = [
        tag
        for template in (settings.BASE_DIR / "templates").rglob("*.html")
        for tag in re.findall(r"<button\b(?:{%.*?%}|[^>])*>", template.read_text(), re.DOTALL)
    ]
    named = {name for tag in tags for name in re.findall(r'\bname="([^"]+)"', tag)}
    assert named - {"site"} == BUTTONS, "the button that switches the site is never kept"


def test_a_sign_in_counts_for_a_quarter_of_an_hour(
    client: Client, time: time_machine.Traveller, administrator: User
) -> None:
    sign_in(client, administrator)
    path = reverse("staff-new")
    stay_active(client, time, QUARTER - timedelta(seconds=1))
    assert client.get(path).status_code == 200
    time.shift(1)
    assert client.get(path)["Location"] == question_before(path)


def test_a_confirmation_counts_for_a_quarter_of_an_hour_too(
    client: Client, time: time_machine.Traveller, administrator: User
) -> None:
    sign_in(client, administrator)
    stay_active(client, time)
    path = reverse("staff-new")
    page = confirm(client, client.get(path)["Location"])
    assert page.redirect_chain == [(path, 302)]
    stay_active(client, time, QUARTER - timedelta(seconds=1))
    assert client.get(path).status_code == 200
    time.shift(1)
    assert client.get(path).status_code == 302


def test_the_question_says_why_and_a_wrong_password_is_refused_and_counted(
    client: Client, time: time_machine.Traveller, administrator: User
) -> None:
    sign_in(client, administrator)
    stay_active(client, time)
    path = reverse("staff-new")
    question = client.get(path)["Location"]
    assert "We ask you again in case somebody else is using your device." in client.get(question).text
    assert "What you entered is not lost" not in client.get(question).text
    for _ in range(5):
        assert "This is not your current password." in confirm(client, question, {"password": "wrong"}).text
        assert client.get(path).status_code == 302
    assert "Too many tries" in confirm(client, question).text
    assert client.get(path).status_code == 302
    time.shift(timedelta(minutes=5, seconds=1))
    assert confirm(client, question).redirect_chain == [(path, 302)]


def test_roles_that_were_chosen_are_chosen_again_and_one_click_saves_them(
    client: Client, time: time_machine.Traveller, site: Site, administrator: User, clinician: User
) -> None:
    sign_in(client, administrator)
    path = reverse("staff-member", args=[clinician.pk])
    assert client.get(path).status_code == 200
    stay_active(client, time)
    form = {f"roles_{site.pk}": ["clinician", "reviewer"]}
    question = send(client, path, form)["Location"]
    assert question == question_before(path)
    assert "What you entered is not lost." in client.get(question).text
    assert client.get(path)["Location"] == question, "the form survives a visit to its page before the answer"
    assert "What you entered is not lost." in confirm(client, question, {"password": "wrong"}).text
    page = confirm(client, question)
    assert NOTE in page.text
    assert page.text.count(" checked") == 2
    assert roles_of(clinician) == {"clinician"}, "nothing was saved without a click"
    assert send(client, path, form).status_code == 302
    assert roles_of(clinician) == {"clinician", "reviewer"}
    assert NOTE not in client.get(path).text


def test_an_invitation_that_was_typed_is_there_again(
    client: Client, time: time_machine.Traveller, site: Site, administrator: User
) -> None:
    sign_in(client, administrator)
    path = reverse("staff-new")
    stay_active(client, time)
    form = {"name": "Ada Park", "email": "ada@mail.example", f"roles_{site.pk}": ["clinician"], "how": "mail"}
    page = confirm(client, send(client, path, form)["Location"])
    assert NOTE in page.text
    assert 'value="Ada Park"' in page.text
    assert 'value="ada@mail.example"' in page.text
    assert not Invitation.objects.exists()
    send(client, path, form)
    assert Invitation.objects.get().user.name == "Ada Park"


def test_a_button_leads_back_to_its_page_which_says_that_nothing_was_done(
    client: Client, time: time_machine.Traveller, site: Site, patient: Patient
) -> None:
    make_patient_user(patient)
    sign_in(client, make_staff(Role.COORDINATOR, site))
    page, button = reverse("portal-access", args=[patient.pk]), reverse("portal-access-end", args=[patient.pk])
    stay_active(client, time)
    question = send(client, button, {}, page)["Location"]
    assert "What you entered" not in client.get(question).text, "nothing was entered"
    shown = confirm(client, question)
    assert shown.redirect_chain == [(page, 302)]
    assert NOT_DONE in shown.text
    patient.refresh_from_db()
    assert patient.user is not None
    assert patient.user.is_active
    send(client, button, {}, page)
    assert not User.objects.get(pk=patient.user_id).is_active


def test_a_button_without_a_page_leads_home(client: Client, time: time_machine.Traveller, administrator: User) -> None:
    sign_in(client, administrator)
    stay_active(client, time)
    button = reverse("staff-member-invite", args=[administrator.pk])
    shown = confirm(client, client.post(button)["Location"])
    assert shown.redirect_chain[-1][0] == reverse("today")
    assert NOT_DONE in shown.text


def test_whoever_may_not_use_the_page_is_refused_and_not_asked(
    client: Client, time: time_machine.Traveller, clinician: User
) -> None:
    sign_in(client, clinician)
    stay_active(client, time)
    assert client.get(reverse("staff-new")).status_code == 403
    assert send(client, reverse("staff-new"), {"name": "Ada Park"}).status_code == 403
    assert "kept_form" not in client.session


def test_another_person_gets_nothing_of_the_form(
    client: Client, time: time_machine.Traveller, site: Site, administrator: User
) -> None:
    sign_in(client, administrator)
    stay_active(client, time)
    send(client, reverse("staff-new"), {"name": "Ada Park"})
    client.post(reverse("account_logout"))
    sign_in(client, make_staff(Role.ADMINISTRATOR, site))
    assert "Ada Park" not in client.get(reverse("staff-new")).text


def test_a_form_without_its_csrf_token_is_not_kept(time: time_machine.Traveller, administrator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    stay_active(client, time)
    assert client.post(reverse("staff-new"), {"name": "Ada Park"}).status_code == 403
    assert "kept_form" not in client.session


def test_the_new_password_of_somebody_else_is_not_kept(
    client: Client, time: time_machine.Traveller, site: Site
) -> None:
    sign_in(client, make_staff(Role.ADMINISTRATOR, None))
    stay_active(client, time)
    path = reverse("admin:accounts_user_add")
    form = {"email": "ada@mail.example", "name": "Ada Park", "password1": "secret words", "password2": "secret words"}
    page = confirm(client, send(client, path, form)["Location"])
    assert 'value="ada@mail.example"' in page.text
    assert "secret words" not in page.text


def test_a_script_is_told_to_open_the_question(
    client: Client, time: time_machine.Traveller, administrator: User
) -> None:
    sign_in(client, administrator)
    stay_active(client, time)
    page = reverse("staff")
    headers = {"HX-Request": "true", "Referer": f"http://testserver{page}"}
    answer = client.get(reverse("staff-new"), headers=headers)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, question_before(page))


def test_a_code_of_the_authenticator_app_confirms(
    client: Client, time: time_machine.Traveller, administrator: User
) -> None:
    secret = set_up_app(administrator)
    client.force_login(administrator)
    stay_active(client, time)
    path = reverse("staff-new")
    question = client.get(path)["Location"]
    assert "Use a code instead" in client.get(question).text
    other = question.replace(QUESTION, reverse("mfa_reauthenticate"))
    assert "This code is not right." in confirm(client, other, {"code": "000000"}).text
    assert client.get(path).status_code == 302
    assert confirm(client, other, {"code": app_code(secret)}).redirect_chain == [(path, 302)]


def test_whoever_signed_in_with_a_passkey_is_asked_for_it_first(
    client: Client, time: time_machine.Traveller, administrator: User
) -> None:
    Authenticator.objects.create(user=administrator, type="webauthn", data={"name": "My laptop", "credential": {}})
    client.force_login(administrator)
    request = HttpRequest()
    request.user, request.session = administrator, client.session
    record_authentication(request, administrator, method="mfa", type="webauthn", passwordless=True)
    request.session.save()
    stay_active(client, time)
    assert client.get(reverse("staff-new"))["Location"].startswith(reverse("mfa_reauthenticate_webauthn"))


def test_asking_takes_no_query_while_the_sign_in_is_fresh(
    client: Client,
    time: time_machine.Traveller,
    administrator: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    sign_in(client, administrator)
    path = reverse("staff-new")
    with django_assert_num_queries(5):
        client.get(path)
    stay_active(client, time)
    confirm(client, client.get(path)["Location"])
    with django_assert_num_queries(5):
        client.get(path)


def test_a_patient_reads_the_question_in_spanish(
    client: Client, time: time_machine.Traveller, patient: Patient
) -> None:
    patient.language = "Spanish"
    patient.save()
    client.force_login(make_patient_user(patient))
    stay_active(client, time)
    page = client.get(client.get(reverse("mfa_add_webauthn"))["Location"])
    assert "Se lo pedimos de nuevo por si otra persona está usando su dispositivo." in page.text
