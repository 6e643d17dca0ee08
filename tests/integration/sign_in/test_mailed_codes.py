"""Patients and delegates sign in with a code from a mail. Nobody learns from it who has an account."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import BrowserSession, OutgoingMail, RoleAssignment, User
from accounts.permissions import Role
from accounts.services.known_devices import COOKIE
from accounts.services.mailed_codes import KEY, find_code_user, read_code
from iopmanager import clock
from iopmanager.settings import MAILERS, TASKS
from patients.models import Consent, Delegate, Patient
from scheduling.models import Site
from tests.factories import MONDAY, PASSWORD, make_patient, make_patient_user, make_site, make_staff
from tests.mailed_codes import ask_for_code, code_in_mail, type_code, wrong
from tests.second_factor import app_code, set_up_app

pytestmark = pytest.mark.django_db

NOW = datetime.fromisoformat("2026-11-23T17:30:00+00:00")
MINUTE = timedelta(minutes=1)
STRANGER = "stranger@example.test"
ASK, TYPE = "/accounts/login/code/", "/accounts/login/code/confirm/"


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    yield
    cache.clear()


@pytest.fixture
def site() -> Site:
    return make_site(allows_delegates=True)


@pytest.fixture
def patient(site: Site) -> Patient:
    return make_patient(site, first_name="Rosa", last_name="Lindqvist")


@pytest.fixture
def rosa(patient: Patient) -> User:
    return make_patient_user(patient)


@pytest.fixture
def with_worker(settings: Settings) -> None:
    """Keep mail in the outbox, as in production until the worker runs."""
    settings.TASKS = TASKS


def make_delegate(patient: Patient) -> User:
    user, by = (
        User.objects.create_user("ana@example.test", PASSWORD, name="Ana Lind"),
        make_staff(Role.ADMINISTRATOR, None),
    )
    consent = Consent.objects.create(
        patient=patient, recipient="Ana Lind", recipient_kind="other", purpose="Rides", signed_on=MONDAY,
        valid_until=MONDAY + timedelta(days=90), recorded_by=by,
    )  # fmt: skip
    Delegate.objects.create(patient=patient, user=user, consent=consent, since=NOW, given_by=by)
    return user


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def with_code(client: Client, user: User) -> str:
    """Ask for a code, and return it."""
    assert ask_for_code(client, user.email)["Location"] == TYPE
    return code_in_mail()


def shown_after(answer: object) -> str:
    """Follow the redirect of an answer to the page that asks for a new code, and return the page."""
    client: Client = vars(answer)["client"]
    assert vars(answer)["headers"]["Location"] == ASK
    return client.get(ASK).text


def test_a_patient_signs_in_with_a_code(client: Client, rosa: User) -> None:
    code = with_code(client, rosa)
    assert type_code(client, code)["Location"] == reverse("home")
    assert client.get(reverse("portal-home")).status_code == 200
    assert client.cookies[COOKIE].value
    assert KEY not in client.session


def test_a_delegate_signs_in_with_a_code(client: Client, patient: Patient) -> None:
    delegate = make_delegate(patient)
    type_code(client, with_code(client, delegate))
    assert is_signed_in(client)


@pytest.mark.parametrize("typed", ["{0}{1}", " {0} {1} ", "{0}–{1}", "{0}\u00a0{1}"])
def test_a_code_can_be_typed_with_anything_between_its_digits(client: Client, rosa: User, typed: str) -> None:
    type_code(client, typed.format(*with_code(client, rosa).split("-")))
    assert is_signed_in(client)


def test_the_address_can_be_typed_in_any_case_and_the_mail_goes_to_the_stored_one(client: Client, rosa: User) -> None:
    ask_for_code(client, rosa.email.upper())
    assert mail.outbox[-1].to == [rosa.email]
    type_code(client, code_in_mail())
    assert is_signed_in(client)


def test_an_address_that_a_database_takes_for_another_one_gets_no_code(
    client: Client, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL does so with ı and i in some locales, but not in all. Therefore the answer to any query is Rosa here."""
    rosa.email = "rosita@example.test"
    monkeypatch.setattr(QuerySet, "first", lambda _: rosa)
    assert find_code_user("ROSITA@example.test") == rosa
    assert find_code_user("rosıta@example.test") is None


def test_sign_in_leads_on_to_the_page_that_was_asked_for(client: Client, rosa: User) -> None:
    week = reverse("portal-week")
    assert f"{ASK}?next={week}" in client.get(f"{reverse('account_login')}?next={week}").text
    assert f'name="next" value="{week}"' in client.get(f"{ASK}?next={week}").text
    page = ask_for_code(client, rosa.email, next=week)["Location"]
    assert page == f"{TYPE}?next={week.replace('/', '%2F')}"
    assert f'name="next" value="{week}"' in client.get(page).text
    assert type_code(client, code_in_mail(), next=week)["Location"] == week


@pytest.mark.parametrize("where", ["https://elsewhere.example/", "//elsewhere.example"])
def test_sign_in_leads_to_no_other_host(client: Client, rosa: User, where: str) -> None:
    assert ask_for_code(client, rosa.email, next=where)["Location"] == TYPE
    assert "elsewhere" not in client.get(f"{TYPE}?next={where}").text
    assert type_code(client, code_in_mail(), next=where)["Location"] == reverse("home")


def test_who_is_signed_in_needs_no_code(client: Client, rosa: User) -> None:
    client.force_login(rosa)
    for page in (ASK, TYPE):
        assert client.get(page)["Location"] == client.post(page, {"email": rosa.email})["Location"] == reverse("home")
    assert mail.outbox == []


def test_the_page_of_the_code_is_made_for_phones(client: Client, rosa: User) -> None:
    with_code(client, rosa)
    field = re.search(r'<input[^>]*name="code"[^>]*>', client.get(TYPE).text)
    assert field is not None
    assert 'autocomplete="one-time-code"' in field[0]
    assert 'inputmode="numeric"' in field[0]


# The mail


def test_the_mail_names_neither_the_clinic_nor_treatment(client: Client, rosa: User, site: Site) -> None:
    code = with_code(client, rosa)
    [message] = mail.outbox
    assert message.subject == "Your code to sign in"
    assert code not in message.subject, "a locked phone shows the subject"
    for secret in (site.name, "iopmanager", "clinic", "treatment", "patient", "Rosa", "Lindqvist"):
        assert secret.lower() not in f"{message.subject} {message.body}".lower()


def test_the_mail_is_in_the_patients_language(client: Client, patient: Patient, rosa: User) -> None:
    Patient.objects.filter(pk=patient.pk).update(language="Spanish")
    with_code(client, rosa)
    assert mail.outbox[-1].subject == "Su código para iniciar sesión"


@pytest.mark.usefixtures("with_worker")
def test_the_code_is_stored_only_encrypted(client: Client, rosa: User) -> None:
    ask_for_code(client, rosa.email)
    code = read_code(client.session)
    assert code is not None
    stored = json.dumps(OutgoingMail.objects.get().content)
    session = json.dumps(BrowserSession.objects.get().get_decoded())
    for text in (stored, session):
        assert code.digits not in text
        assert code.text not in text
    assert rosa.email not in session


def test_a_code_under_a_lost_key_is_gone(client: Client, rosa: User) -> None:
    code = with_code(client, rosa)
    session = client.session
    session[KEY] = session[KEY][:-9] + "AAAAAAAA="
    session.save()
    assert "Ask for a code on this page first." in shown_after(type_code(client, code))


# Who gets a code


def staff(site: Site) -> User:
    return make_staff(Role.CLINICIAN, site)


def staff_who_are_patients_too(site: Site) -> User:
    user = make_patient_user(make_patient(site))
    RoleAssignment.objects.create(user=user, role=Role.CLINICIAN, site=site)
    return user


def a_patient_whose_account_is_off(site: Site) -> User:
    user = make_patient_user(make_patient(site))
    User.objects.filter(pk=user.pk).update(is_active=False)
    return user


def a_delegate_who_was_ended(site: Site) -> User:
    user = make_delegate(make_patient(site))
    Delegate.objects.update(ended_at=NOW, ended_by=user)
    return user


def nobody(site: Site) -> User:
    return User(email=STRANGER)


@pytest.mark.parametrize(
    "make", [staff, staff_who_are_patients_too, a_patient_whose_account_is_off, a_delegate_who_was_ended, nobody]
)
def test_others_get_no_code_and_the_same_answers(site: Site, rosa: User, make: Callable[[Site], User]) -> None:
    email = make(site).email

    def answers(address: str) -> list[tuple[int, str, str]]:
        client, found = Client(), []
        for answer in (
            client.get(ASK),
            ask_for_code(client, address),
            client.get(TYPE),
            type_code(client, "12"),
            type_code(client, "12"),
            ask_for_code(client, address),
        ):
            text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.text).replace(address, "ADDRESS")
            found.append((answer.status_code, answer.headers.get("Location", ""), text))
        return found

    assert answers(email) == answers(rosa.email)
    assert {tuple(message.to) for message in mail.outbox} == {(rosa.email,)}


@pytest.mark.usefixtures("with_worker")
@pytest.mark.parametrize("make", [staff, staff_who_are_patients_too, nobody])
def test_every_address_takes_the_same_work(site: Site, rosa: User, make: Callable[[Site], User]) -> None:
    def statements(address: str) -> list[str]:
        client = Client()
        with CaptureQueriesContext(connection) as queries:
            client.get(ASK)
            ask_for_code(client, address)
            client.get(TYPE)
            type_code(client, "12")
        return [re.sub(r"'[^']*'|\d+", "?", each["sql"])[:60] for each in queries.captured_queries]

    assert statements(rosa.email) == statements(make(site).email)
    sealed, dropped = OutgoingMail.objects.order_by("pk")
    assert (sealed.is_dropped, dropped.is_dropped) == (False, True)
    assert abs(len(sealed.content["sealed"]) - len(dropped.content["sealed"])) <= 24


def test_every_address_gets_the_same_answer_while_the_mail_server_is_down(settings: Settings, rosa: User) -> None:
    server = {"BACKEND": "tests.mail_worker.RefusingMailer"}
    settings.MAILERS = {"default": MAILERS["default"], "server": server}
    for email in (rosa.email, STRANGER):
        client = Client()
        assert ask_for_code(client, email)["Location"] == TYPE
        assert client.get(TYPE).status_code == 200
    assert [(each.attempts, each.is_dropped) for each in OutgoingMail.objects.all()] == [(1, False)]


# Second factors


def test_a_patient_with_a_second_factor_is_asked_for_it_next(client: Client, rosa: User) -> None:
    secret = set_up_app(rosa)
    assert type_code(client, with_code(client, rosa))["Location"] == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert client.get(reverse("portal-home")).status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": app_code(secret)})
    assert is_signed_in(client)


# Ways to fail


def test_a_wrong_code_says_what_to_do(client: Client, rosa: User) -> None:
    code = with_code(client, rosa)
    assert "Check it in the newest email, then try again." in type_code(client, wrong(code)).text
    type_code(client, code)
    assert is_signed_in(client)


@pytest.mark.parametrize("typed", ["", "abc", "0" * 20, "9" * 4000, "ā" * 8])
def test_nonsense_is_no_code(client: Client, rosa: User, typed: str) -> None:
    with_code(client, rosa)
    assert type_code(client, typed).status_code == 200
    assert not is_signed_in(client)


def test_four_wrong_codes_end_it(client: Client, rosa: User) -> None:
    code = with_code(client, rosa)
    for _ in range(3):
        assert "This code is not right." in type_code(client, wrong(code)).text
    assert "Too many wrong codes. Ask for a new one." in shown_after(type_code(client, wrong(code)))
    assert "Ask for a code on this page first." in shown_after(type_code(client, code))
    assert not is_signed_in(client)


@pytest.mark.parametrize(("age", "works"), [(15 * MINUTE - timedelta(seconds=1), True), (15 * MINUTE, False)])
def test_a_code_works_for_15_minutes(
    client: Client, rosa: User, monkeypatch: pytest.MonkeyPatch, age: timedelta, works: bool
) -> None:
    code = with_code(client, rosa)
    monkeypatch.setattr(clock, "now", lambda: NOW + age)
    answer = type_code(client, code)
    assert is_signed_in(client) == works
    if not works:
        assert "This code is over 15 minutes old. Ask for a new one." in shown_after(answer)
        assert "Ask for a code on this page first." in shown_after(client.get(TYPE))


def test_a_code_works_only_in_the_browser_that_asked_for_it(client: Client, rosa: User) -> None:
    code = with_code(client, rosa)
    other = Client()
    told = "A code works once, and only in the browser that asked for it."
    assert told in shown_after(other.get(TYPE))
    assert told in shown_after(type_code(other, code))
    ask_for_code(other, rosa.email)
    assert "This code is not right." in type_code(other, code).text
    type_code(client, code)
    assert (is_signed_in(client), is_signed_in(other)) == (True, False)


def test_a_code_works_once(client: Client, rosa: User) -> None:
    code = with_code(client, rosa)
    kept = dict(client.session.items())
    type_code(client, code)
    client.post(reverse("account_logout"))
    assert "A code works once" in shown_after(type_code(client, code))
    copy = Client()
    session = copy.session
    session.update(kept)
    session.save()
    copy.cookies["sid"] = str(session.session_key)
    assert "This code was already used. Ask for a new one." in shown_after(type_code(copy, code))
    assert not is_signed_in(copy)


def test_a_new_code_replaces_the_earlier_one(client: Client, rosa: User) -> None:
    earlier = with_code(client, rosa)
    later = with_code(client, rosa)
    assert "This code is not right." in type_code(client, earlier).text
    type_code(client, later)
    assert is_signed_in(client)


def test_an_account_that_is_turned_off_meanwhile_says_so(client: Client, rosa: User) -> None:
    code = with_code(client, rosa)
    User.objects.filter(pk=rosa.pk).update(is_active=False)
    page = client.get(type_code(client, code)["Location"])
    assert "Your account is turned off" in page.text
    assert not is_signed_in(client)


def becomes_staff(user: User) -> None:
    RoleAssignment.objects.create(user=user, role=Role.ADMINISTRATOR)


def has_another_address(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email="new@example.test")


@pytest.mark.parametrize("change", [becomes_staff, has_another_address])
def test_a_code_no_longer_works_for_somebody_who_would_get_none(
    client: Client, rosa: User, change: Callable[[User], None]
) -> None:
    code = with_code(client, rosa)
    change(rosa)
    assert "This code no longer works. Ask for a new one." in shown_after(type_code(client, code))
    assert not is_signed_in(client)


# Limits


def device_of(user: User) -> Client:
    """Return a browser in which the user has signed in and out."""
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_logout"))
    return client


def guesses_of_strangers(email: str) -> Iterator[str]:
    """Yield the five pages that two strangers see who type wrong codes."""
    for number, tries in enumerate((3, 2)):
        stranger = Client(REMOTE_ADDR=f"10.0.{number}.1")
        ask_for_code(stranger, email)
        yield from (type_code(stranger, "12").text for _ in range(tries))


def test_guesses_of_strangers_leave_a_known_device_alone(rosa: User) -> None:
    known, new = device_of(rosa), Client(REMOTE_ADDR="10.9.9.9")
    code, code_at_known = with_code(new, rosa), with_code(known, rosa)
    assert sum("This code is not right." in page for page in guesses_of_strangers(rosa.email)) == 5
    assert "Too many tries. Wait 5 minutes, then try again." in type_code(new, code).text
    type_code(known, code_at_known)
    assert (is_signed_in(known), is_signed_in(new)) == (True, False)


def test_wrong_codes_and_wrong_passwords_are_counted_together(rosa: User) -> None:
    list(guesses_of_strangers(rosa.email))
    form = {"login": rosa.email, "password": PASSWORD}
    assert "Too many tries." in Client(REMOTE_ADDR="10.9.9.9").post(reverse("account_login"), form).text


def test_right_codes_are_not_counted_as_wrong_ones(rosa: User) -> None:
    for number in range(5):
        client = Client(REMOTE_ADDR=f"10.0.{number}.1")
        type_code(client, with_code(client, rosa))
        assert is_signed_in(client)
    form = {"login": rosa.email, "password": PASSWORD}
    assert Client(REMOTE_ADDR="10.9.9.9").post(reverse("account_login"), form).status_code == 302


@pytest.mark.parametrize("known", [True, False])
def test_strangers_who_ask_for_codes_use_up_only_those_of_strangers(rosa: User, known: bool) -> None:
    device = device_of(rosa)
    email = rosa.email if known else STRANGER
    answers = [ask_for_code(Client(REMOTE_ADDR=f"10.0.{number}.1"), email) for number in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [200]
    assert "Too many tries. Wait 15 minutes, then try again." in answers[-1].text
    assert len(mail.outbox) == (5 if known else 0)
    statuses = [ask_for_code(device, rosa.email).status_code for _ in range(6)]
    assert statuses == [302] * 5 + [200]


def test_one_address_cannot_ask_for_codes_for_everybody(client: Client) -> None:
    statuses = [ask_for_code(client, f"{number}@example.test").status_code for number in range(31)]
    assert statuses == [302] * 30 + [200]
