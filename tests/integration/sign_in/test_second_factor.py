"""Staff must set up a second factor before they can open any other page. Patients may have a second factor."""

import re

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth as webauthn_auth
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from accounts.mfa_adapter import SecondFactorAdapter
from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from accounts.services.first_run import set_up_code
from accounts.services.sealed_text import CannotUnseal, seal, unseal
from tests.every_page import make_pages, url_names
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff
from tests.second_factor import STEP, app_code, set_up_app, set_up_recovery_codes, sign_in_earlier, sign_in_now

pytestmark = pytest.mark.django_db

SIGN_IN, CODE, SET_UP = "/accounts/login/", "/accounts/two-step/sign-in/", "/accounts/two-step/"
FOR_SET_UP = {
    "accessibility", "account_login", "account_logout", "account_reauthenticate", "account-sign-in-state",
    "account-signed-in-again", "mfa_activate_totp", "mfa_add_webauthn", "mfa_authenticate", "mfa_index",
    "mfa_list_webauthn", "mfa_login_webauthn", "mfa_reauthenticate", "mfa_reauthenticate_webauthn",
    "mfa_view_recovery_codes",
}  # fmt: skip
"""URL names of the pages that staff without a second factor can open."""


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = True
    cache.clear()


@pytest.fixture
def member() -> User:
    return make_staff(Role.COORDINATOR, make_site())


def sign_in(client: Client, user: User, **more: str) -> str:
    """Send the password. Return the address to which the response redirects."""
    answer = client.post(SIGN_IN, {"login": user.email, "password": PASSWORD, **more})
    assert answer.status_code == 302
    return str(answer["Location"])


def test_staff_without_a_second_factor_reach_only_its_set_up(client: Client) -> None:
    names = sorted(set(url_names()) - {"feed", "join", "account_reset_password_from_key"})
    pages = make_pages(names)
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    for name in names:
        for answer in (client.get(pages.addresses[name]), client.post(pages.addresses[name])):
            is_sent_away = answer.status_code == 302 and answer["Location"] == SET_UP
            assert is_sent_away or name in FOR_SET_UP, name
            client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert client.get("/admin/accounts/user/")["Location"] == SET_UP


def test_an_htmx_request_redirects_the_whole_page_to_the_set_up(client: Client, member: User) -> None:
    client.force_login(member)
    assert client.get("/today/", headers={"HX-Request": "true"})["HX-Redirect"] == SET_UP


def test_staff_set_up_an_app_and_go_on(
    client: Client, member: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    assert sign_in(client, member) == "/"
    page = client.get("/", follow=True)
    assert page.request["PATH_INFO"] == SET_UP
    page = client.get(reverse("mfa_activate_totp"))
    assert '<svg class="qr-code"' in page.text
    secret = re.search(r"<code>(\w+)</code>", page.text)
    assert secret is not None
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(reverse("mfa_activate_totp"), {"code": app_code(secret[1])}, follow=True)
    assert page.request["PATH_INFO"] == reverse("mfa_view_recovery_codes")
    assert len(re.findall(r"<li>\d{8}</li>", page.text)) == 10
    assert client.get("/today/").status_code == 200
    again = client.get(reverse("mfa_view_recovery_codes"))
    assert not re.search(r"\b\d{8}\b", again.text)
    assert "10 codes left" in again.text
    details = AuditEvent.objects.filter(action=Action.CREATED, subject_key=member.pk).values_list("detail", flat=True)
    assert set(details) == {"authenticator app", "recovery codes"}


def test_a_wrong_first_code_shows_the_same_square_again(client: Client, member: User) -> None:
    sign_in_now(client, member)
    page = client.get(reverse("mfa_activate_totp"))
    secret = re.search(r"<code>(\w+)</code>", page.text)
    assert secret is not None
    refused = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert secret[1] in refused.text
    assert "This code is not right" in refused.text


def test_the_code_follows_the_password(client: Client, member: User) -> None:
    secret = set_up_app(member)
    assert sign_in(client, member, next="/board/") == CODE
    assert client.get("/today/")["Location"].startswith(SIGN_IN)
    assert "This code is not right" in client.post(CODE, {"code": "12"}).text
    assert client.post(CODE, {"code": app_code(secret)})["Location"] == "/board/"
    assert client.get("/today/").status_code == 200


def test_the_code_page_is_closed_before_the_password(client: Client, member: User) -> None:
    secret = set_up_app(member)
    assert client.get(CODE)["Location"] == SIGN_IN
    assert client.post(CODE, {"code": app_code(secret)})["Location"] == SIGN_IN


@pytest.mark.parametrize(
    ("ahead", "is_in"),
    [
        pytest.param(-STEP, True, id="a clock that is half a minute slow"),
        pytest.param(STEP, True, id="a clock that is half a minute fast"),
        pytest.param(-2 * STEP, False, id="a clock that is a minute slow"),
        pytest.param(2 * STEP, False, id="a clock that is a minute fast"),
    ],
)
def test_a_phone_clock_may_be_wrong_by_half_a_minute(client: Client, member: User, ahead: int, is_in: bool) -> None:
    secret = set_up_app(member)
    with time_machine.travel("2026-11-30T15:00:10Z", tick=False):
        sign_in(client, member)
        answer = client.post(CODE, {"code": app_code(secret, clock_is_ahead=ahead)})
    if is_in:
        assert answer["Location"] == "/"
    else:
        assert "check the time on your phone" in answer.text


def test_a_code_works_only_once(client: Client, member: User) -> None:
    secret = set_up_app(member)
    with time_machine.travel("2026-11-30T15:00:10Z", tick=False) as clock:
        sign_in(client, member)
        code = app_code(secret, clock_is_ahead=STEP)
        assert client.post(CODE, {"code": code})["Location"] == "/"
        clock.shift(STEP + 10)
        thief = Client()
        sign_in(thief, member)
        assert "This code is not right" in thief.post(CODE, {"code": f" {code[:3]} {code[3:]}"}).text


def test_a_recovery_code_replaces_a_lost_phone_once(client: Client, member: User) -> None:
    set_up_app(member)
    code = set_up_recovery_codes(member)[3]
    sign_in(client, member)
    assert client.post(CODE, {"code": code})["Location"] == "/"
    assert client.get("/today/").status_code == 200
    other = Client()
    sign_in(other, member)
    again = other.post(CODE, {"code": f"{code[:4]} {code[4:]}"})
    assert "Each recovery code works only once." in again.text
    assert "check the time on your phone" not in again.text


def test_the_code_that_turns_on_two_step_sign_in_does_not_work_again(client: Client, member: User) -> None:
    with time_machine.travel("2026-11-30T15:00:10Z", tick=False) as clock:
        sign_in_now(client, member)
        secret = re.search(r"<code>(\w+)</code>", client.get(reverse("mfa_activate_totp")).text)
        assert secret is not None
        code = app_code(secret[1])
        assert client.post(reverse("mfa_activate_totp"), {"code": code}).status_code == 302
        thief = Client()
        sign_in(thief, member)
        assert "This code is not right" in thief.post(CODE, {"code": code}).text
        clock.shift(STEP)
        assert thief.post(CODE, {"code": app_code(secret[1])})["Location"] == "/"


def test_the_code_page_names_an_app_only_to_whoever_has_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"publicKey": {"allowCredentials": [{"id": "AA", "type": "public-key"}]}}
    monkeypatch.setattr(webauthn_auth, "begin_authentication", lambda user: options)
    user = make_patient_user(make_patient(make_site()))
    Authenticator.objects.create(user=user, type="webauthn", data={"name": "My phone", "credential": {}})
    set_up_recovery_codes(user)
    assert sign_in(client, user) == CODE
    page = client.get(CODE)
    assert "Or type one of your recovery codes." in page.text
    assert "authenticator app" not in page.text
    set_up_app(user)
    assert "Or type a code from your authenticator app" in client.get(CODE).text


def test_without_scripts_the_page_says_that_a_passkey_needs_them(client: Client, member: User) -> None:
    sign_in_now(client, member)
    page = client.get(reverse("mfa_add_webauthn")).text
    assert re.search(r'<button class="[^"]*\bjs-only\b[^"]*" type="button" data-passkey>', page)
    assert re.search(r"<noscript>.*A passkey needs JavaScript\..*</noscript>", page)


def test_patients_may_sign_in_without_a_second_factor(client: Client) -> None:
    user = make_patient_user(make_patient(make_site()))
    sign_in(client, user)
    assert client.get("/", follow=True).status_code == 200
    assert reverse("mfa_index") in client.get(reverse("portal-account")).text


def test_a_patient_with_an_app_is_asked_for_the_code(client: Client) -> None:
    user = make_patient_user(make_patient(make_site()))
    secret = set_up_app(user)
    assert sign_in(client, user) == CODE
    assert client.post(CODE, {"code": app_code(secret)})["Location"] == "/"
    assert client.get(reverse("portal-home")).status_code == 200


def test_the_requirement_for_staff_adds_no_queries_to_pages_of_patients(client: Client, settings: Settings) -> None:
    user = make_patient_user(make_patient(make_site()))
    client.force_login(user)
    client.get(reverse("portal-home"))
    counts = []
    for settings.STAFF_NEED_SECOND_FACTOR in (False, True):
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("portal-home"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_whether_staff_have_a_second_factor_is_looked_up_once(client: Client, member: User) -> None:
    set_up_app(member)
    client.force_login(member)
    client.get("/today/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/today/")
    assert "mfa_authenticator" not in str(queries.captured_queries)


def test_demo_accounts_need_no_second_factor_but_only_in_the_demo(client: Client, settings: Settings) -> None:
    site = make_site()
    client.force_login(make_staff(Role.COORDINATOR, site, email="coordinator@demo.example"))
    assert client.get("/today/")["Location"] == SET_UP
    settings.DEMO_SIGN_INS = True
    assert client.get("/today/").status_code == 200
    client.force_login(make_staff(Role.COORDINATOR, site))
    assert client.get("/today/")["Location"] == SET_UP


def test_the_first_administrator_goes_on_to_the_second_factor(client: Client) -> None:
    form = {"code": set_up_code(), "name": "Ann Berg", "email": "ann@a.example", "password": "a long new password"}
    page = client.post(reverse("set-up"), form, follow=True)
    assert page.request["PATH_INFO"] == SET_UP
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_staff_without_an_app_can_sign_out(client: Client, member: User) -> None:
    client.force_login(member)
    assert reverse("account_logout") in client.get(SET_UP).text
    client.post(reverse("account_logout"))
    assert client.get(SET_UP)["Location"].startswith(SIGN_IN)


def test_removing_the_app_needs_a_recent_sign_in_and_leads_back_to_the_set_up(client: Client, member: User) -> None:
    set_up_app(member)
    sign_in_earlier(client, member)
    assert client.get("/today/").status_code == 200
    path = reverse("mfa_deactivate_totp")
    assert client.post(path)["Location"].startswith(reverse("account_reauthenticate"))
    assert Authenticator.objects.exists()
    sign_in_now(client, member)
    client.post(path)
    assert not Authenticator.objects.exists()
    assert client.get("/today/")["Location"] == SET_UP


def test_nobody_renames_or_removes_somebody_elses_passkey(client: Client, member: User) -> None:
    passkey = Authenticator.objects.create(user=member, type="webauthn", data={"name": "My laptop", "credential": {}})
    colleague = make_staff(Role.COORDINATOR, make_site("Elsewhere"))
    set_up_app(colleague)
    for user, status in ((colleague, 404), (member, 200)):
        sign_in_now(client, user)
        for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
            assert client.get(reverse(name, args=[passkey.pk])).status_code == status
    client.post(reverse("mfa_edit_webauthn", args=[passkey.pk]), {"name": "Old laptop"})
    assert "Old laptop" in client.get(SET_UP).text


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", '{"id": "AA", "rawId": "AA", "response": {}, "type": "public-key"}']
)
def test_an_unknown_passkey_is_refused(client: Client, member: User, credential: str) -> None:
    path = reverse("mfa_login_webauthn")
    assert client.get(path, headers={"Accept": "application/json"}).json()["request_options"]
    answer = client.post(path, {"credential": credential}, follow=True)
    assert answer.request["PATH_INFO"] == SIGN_IN
    assert "sessionid" not in client.cookies
    assert client.get("/today/").status_code == 302


def test_secrets_are_encrypted_in_the_database(member: User) -> None:
    secret = set_up_app(member)
    set_up_recovery_codes(member)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert len(unseal(Authenticator.objects.get(type="recovery_codes").data["seed"])) == 80


def test_secrets_survive_a_new_secret_key_while_the_old_one_is_a_fallback(
    client: Client, member: User, settings: Settings
) -> None:
    secret, old = set_up_app(member), django_settings.SECRET_KEY
    settings.SECRET_KEY = "another key"
    sign_in(client, member)
    assert "can no longer check your code" in client.post(CODE, {"code": app_code(secret)}).text
    settings.SECRET_KEY_FALLBACKS = [old]
    assert client.post(CODE, {"code": app_code(secret)})["Location"] == "/"


def test_a_sealed_text_that_was_changed_can_not_be_opened() -> None:
    sealed = seal("JBSWY3DPEHPK3PXP")
    assert unseal(sealed) == "JBSWY3DPEHPK3PXP"
    with pytest.raises(CannotUnseal):
        unseal(sealed[:-2] + "AA")


class SpyingAdapter(SecondFactorAdapter):
    drawn: list[str]

    def build_totp_svg(self, url: str) -> str:
        self.drawn.append(url)
        return super().build_totp_svg(url)


def test_the_app_on_a_phone_shows_a_neutral_name(client: Client, member: User, settings: Settings) -> None:
    drawn: list[str] = []
    settings.MFA_ADAPTER = "tests.integration.sign_in.test_second_factor.SpyingAdapter"
    SpyingAdapter.drawn = drawn
    sign_in_now(client, member)
    client.get(reverse("mfa_activate_totp"))
    (url,) = drawn
    assert "issuer=My%20schedule" in url
    assert "testserver" not in url
