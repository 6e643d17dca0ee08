"""Every form that is refused comes back with a summary, which takes focus and says how many errors there are."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from tests.every_page import make_pages, url_names
from tests.factories import make_patient_user, make_staff

pytestmark = pytest.mark.django_db

NONSENSE = dict.fromkeys(("last_day", "starts", "ends", "valid_from", "signed_on", "from_day", "on"), "1801-02-03")
"""Form data that every form refuses: an implausible date for each date or time, and no value for other required fields."""

WITHOUT_A_FORM = {
    "account_logout",
    "account_reset_password_from_key",
    "feed",
    "join",
    "set-up",
    "imported-calendar",
    "portal-calendar-file",
    "site-transfer",
}
"""Pages that have no form to refuse in this test: signing out, pages with secret addresses, the set-up of a clinic that
is already set up, calendars that are already saved, and the transfer to another site, because there is only one site.
"""

REFUSED = {
    "closures", "commitment-edit", "commitment-end", "commitment-new", "commitment-week", "consent-new",
    "counselor-hours-edit", "counselor-hours-new", "enroll", "enrollment-change", "enrollment-end", "episode-end",
    "find-schedule-compare", "imported-calendar-new", "individual-sessions", "leave-end", "leave-new", "letter-new",
    "merge-take-back", "patient-merge-with",
    "level-new", "level-correct", "level-remove", "admission-correct", "admission-take-back",
    "meeting-edit", "meeting-end", "meeting-new", "patient-calendar", "patient-edit", "patient-new",
    "place-edit", "place-new", "proposal", "portal-access", "portal-account", "portal-calendar",
    "portal-access-factor", "portal-calendar-file-new", "staff-member-factor",
    "portal-commitment-edit", "portal-commitment-end", "portal-commitment-new", "portal-commitment-week",
    "reader-settings", "site-edit", "site-time-zone", "room-new", "room-edit", "room-retire", "rule-set-new",
    "rule-set-edit",
    "session-cancel", "session-details", "session-facilitators", "session-move", "session-new",
    "session-restore", "staff-calendar", "staff-member-end", "staff-new",
    "track-calendar", "track-edit", "track-end", "track-new", "waitlist-join",
    "waitlist-remove",
}  # fmt: skip
"""Pages on which at least one user must get a refused form. Otherwise, a page without any form would pass the test."""

SUMMARY = re.compile(
    r'<div class="alert alert-\w+ error-summary" role="alert" tabindex="-1" autofocus>(.*?)</div>', re.S
)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, 17, 30, tzinfo=UTC))


@pytest.mark.parametrize("name", sorted(set(url_names()) - WITHOUT_A_FORM))
def test_a_refused_form_has_a_summary_that_takes_focus(client: Client, name: str) -> None:
    clinic = make_pages([name])
    site, patient, lead = clinic.site, clinic.patient, User.objects.get()
    staff = [make_staff(role, site) for role in (Role.ADMINISTRATOR, Role.COORDINATOR)]
    refused = []
    for user in (*staff, lead, make_patient_user(patient)):
        client.force_login(user)
        answer = client.post(clinic.addresses[name], NONSENSE)
        if answer.status_code == 422:
            refused.append(answer.text)
    assert refused or name not in REFUSED
    for page in refused:
        [summary] = SUMMARY.findall(page)
        if counted := re.search(r"Please check (\w+) things?\.", summary):
            assert summary.count("<li>") == (1 if counted[1] == "one" else int(counted[1]))
        for target in re.findall(r'href="#([^"]+)"', summary):
            assert f'id="{target}"' in page, "a link of the summary leads nowhere"
