"""Every page denies access to outsiders: visitors, staff of other sites, patients on staff pages, and staff in the portal."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from tests.every_page import make_pages, url_names
from tests.factories import make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db

OPEN_TO_EVERYONE = {
    "accessibility",
    "account_login",
    "account_request_login_code",
    "account_confirm_login_code",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_inactive",
    "mfa_authenticate",
    "account-sign-in-state",
    "mfa_login_webauthn",
    "set-up",
    "design",
}
"""URL names that are not tested here: public pages, the page for the first administrator, pages for signing in and out,
and a page that production does not serve.

Calendar feeds and invitations are not tested here either, because their addresses are secret. They are tested in
tests/integration/documents/test_feeds.py and tests/integration/administration/test_portal_access.py.
"""
ALL = sorted(set(url_names()) - OPEN_TO_EVERYONE - {"feed", "join"})


@pytest.fixture
def addresses() -> dict[str, str]:
    """Map each URL name to an address that refers to existing objects, such as a patient, a track or a session."""
    return make_pages(ALL).addresses


@pytest.mark.parametrize("name", ALL)
def test_a_visitor_is_sent_to_the_sign_in_page(client: Client, addresses: dict[str, str], name: str) -> None:
    for answer in (client.get(addresses[name]), client.post(addresses[name])):
        if answer.status_code == 405:
            continue
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


OF_NO_ROW = {
    "home", "site-switch", "today", "today-attention", "patients", "patient-new", "tracks", "track-new", "weeks",
    "staff-calendar", "session-new", "account_change_password", "portal-home", "portal-week", "portal-calendar",
    "portal-account", "portal-consents", "board", "board-sessions", "board-print", "closures",
    "portal-commitments", "portal-commitment-new", "portal-commitment-week", "portal-calendar-file-new",
    "counselor-hours", "counselor-hours-new", "reader-settings", "getting-started", "site-new",
    "staff", "staff-new", "administration", "sign-ins", "service-types", "service-type-new", "account_reauthenticate",
    "mfa_index", "mfa_reauthenticate", "mfa_activate_totp", "mfa_generate_recovery_codes", "account-sign-ins",
    "account-sign-ins-end", "account-signed-in-again",
    "mfa_list_webauthn", "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_reauthenticate_webauthn",
    "shared-schedules", "imports", "import-blank-workbook", "import-blank-csv",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(ALL) - OF_NO_ROW))
def test_staff_of_another_site_are_denied_access(client: Client, addresses: dict[str, str], name: str) -> None:
    client.force_login(make_staff(Role.COORDINATOR, make_site("Elsewhere")))
    statuses = {client.get(addresses[name]).status_code, client.post(addresses[name]).status_code}
    assert statuses <= {403, 404, 405}
    assert statuses & {403, 404}


@pytest.mark.parametrize(
    "name", sorted(name for name in ALL if not name.startswith(("portal", "account", "mfa", "home", "site-switch")))
)
def test_a_patient_cannot_open_the_pages_of_staff(client: Client, addresses: dict[str, str], name: str) -> None:
    client.force_login(make_patient_user(make_patient(make_site("Elsewhere"))))
    statuses = {client.get(addresses[name]).status_code, client.post(addresses[name]).status_code}
    assert statuses <= {403, 404, 405}
    assert statuses & {403, 404}


@pytest.mark.parametrize("name", sorted(name for name in ALL if name.startswith("portal")))
def test_staff_cannot_open_the_patient_portal(client: Client, addresses: dict[str, str], name: str) -> None:
    client.force_login(make_staff(Role.COORDINATOR, make_site("Elsewhere")))
    statuses = {client.get(addresses[name]).status_code, client.post(addresses[name]).status_code}
    assert statuses <= {403, 404, 405}
    assert statuses & {403, 404}
