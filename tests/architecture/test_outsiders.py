"""Every page denies access to visitors, to staff of other sites, and to patients and staff who may not use it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.permissions import Role
from attendance.models import Attendance
from patients.models import CommitmentProposal, Consent
from scheduling.models import Closure, Feed, LeaveOfAbsence, WaitingEntry
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_calendar,
    make_commitment,
    make_hours,
    make_patient,
    make_patient_user,
    make_place,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

OPEN_TO_EVERYONE = {
    "accessibility",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_inactive",
    "set-up",
    "design",
}
"""URL names that are not tested here: public pages, the page for the first administrator, pages for signing in and out,
and a page that production does not serve.

Calendar feeds are not tested here either, because their addresses are secret. They are tested in
tests/integration/documents/test_feeds.py.
"""


def names(resolver: URLResolver | None = None) -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from names(pattern)
        elif isinstance(pattern, URLPattern) and pattern.name and pattern.lookup_str != "accounts.views.disabled_page":
            yield pattern.name


ALL = sorted(set(names()) - OPEN_TO_EVERYONE - {"feed"})


@pytest.fixture
def addresses() -> dict[str, str]:
    """Map each URL name to an address that refers to existing objects, such as a patient, a track or a session."""
    site = make_site()
    lead = make_staff(Role.CLINICIAN, site)
    track = make_weekday_track(site, lead=lead)
    patient = make_patient(site)
    episode = admit(patient)
    enrollment = enroll(episode, track)
    meeting = track.meetings.all()[0]
    session = make_session(meeting, MONDAY)
    booking = book(session, enrollment)
    attendance = Attendance.objects.create(
        booking=booking, status="present", credited_minutes=180, recorded_by=lead, recorded_at=session.ends
    )
    feed = Feed.objects.create(
        patient=patient, token_hash="0" * 64, uid_key="k", created_at=session.starts, created_by=lead
    )
    commitment = make_commitment(patient, [0], "13:00", "17:00")
    leave = LeaveOfAbsence.objects.create(episode=episode, starts=MONDAY, reason="Surgery", recorded_by=lead)
    other = make_weekday_track(site, (1, 3, 5), name="Other track")
    entry = WaitingEntry.objects.create(episode=episode, track=other, from_day=MONDAY, requested_at=session.starts)
    closure = Closure.objects.create(site=site, starts=MONDAY, ends=MONDAY + timedelta(days=1), reason="Snow")
    consent = Consent.objects.create(
        patient=patient,
        recipient="Harbor Bakery",
        recipient_kind="employer",
        purpose="Time off work",
        signed_on=MONDAY,
        valid_until=MONDAY + timedelta(days=90),
        recorded_by=lead,
    )
    values = {
        "consent_id": consent.pk,
        "patient_id": patient.pk,
        "track_id": track.pk,
        "meeting_id": meeting.pk,
        "session_id": session.pk,
        "booking_id": booking.pk,
        "attendance_id": attendance.pk,
        "enrollment_id": enrollment.pk,
        "commitment_id": commitment.pk,
        "feed_id": feed.pk,
        "leave_id": leave.pk,
        "entry_id": entry.pk,
        "closure_id": closure.pk,
        "proposal_id": CommitmentProposal.objects.create(
            patient=patient, action="add", label="Shift", proposed_at=session.starts
        ).pk,
        "calendar_id": make_calendar(patient, lead).pk,
        "place_id": make_place(patient, {site: (20, 30)}).pk,
        "hours_id": make_hours(lead, site, 1, "09:00", "12:00").pk,
        "week": MONDAY,
        "day": MONDAY,
    }
    resolver = get_resolver()
    urls = {}
    for name in ALL:
        parameters = resolver.reverse_dict.getlist(name)[0][0][0][1]
        urls[name] = reverse(name, kwargs={each: values[each] for each in parameters})
    return urls


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
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(ALL) - OF_NO_ROW))
def test_staff_of_another_site_are_denied_access(client: Client, addresses: dict[str, str], name: str) -> None:
    client.force_login(make_staff(Role.COORDINATOR, make_site("Elsewhere")))
    statuses = {client.get(addresses[name]).status_code, client.post(addresses[name]).status_code}
    assert statuses <= {403, 404, 405}
    assert statuses & {403, 404}


@pytest.mark.parametrize(
    "name", sorted(name for name in ALL if not name.startswith(("portal", "account", "home", "site-switch")))
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
