"""A site's time zone can be corrected. Its sessions, with their bookings and leaders, keep their local times."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import Booking, Feed, Session, SessionFacilitator, Site
from scheduling.services.administration.time_zones import SameTimeZone, SessionHeld, change_time_zone
from scheduling.services.documents.feeds import create_feed
from scheduling.services.sessions.slots import FacilitatorTaken, SkippedTime
from tests.clinic import client_for
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 10, 20, 15, tzinfo=UTC)
BEFORE_CLOCKS_CHANGE, AFTER = date(2026, 10, 26), date(2026, 11, 2)
ARIZONA = "America/Phoenix"


@pytest.fixture(autouse=True)
def in_october(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    return make_staff(Role.ADMINISTRATOR, site)


def hold_mondays(site: Site, days: Iterable[date], patients: int = 1) -> list[Session]:
    """Create two back-to-back groups with the same room, leader and patients. Create the groups' sessions on the days."""
    room, lead = make_room(site), make_staff(Role.CLINICIAN, site)
    meetings = [
        make_meeting(site, 0, starts, ends, room=room, lead=lead, name=f"From {starts}")
        for starts, ends in (("09:00", "10:30"), ("10:30", "12:00"))
    ]
    track = make_track(site, meetings)
    sessions = [make_session(meeting, day) for day in days for meeting in meetings]
    for _ in range(patients):
        enrollment = enroll(admit(make_patient(site), date(2026, 10, 1)), track, date(2026, 10, 1))
        for session in sessions:
            book(session, enrollment)
    return sessions


def local(moment: datetime, site: Site) -> str:
    return f"{moment.astimezone(site.zone):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("zone", [ARIZONA, "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland"])
def test_sessions_bookings_and_leaders_keep_their_local_times(site: Site, administrator: User, zone: str) -> None:
    sessions = hold_mondays(site, [BEFORE_CLOCKS_CHANGE, AFTER])
    before = [local(session.starts, site) for session in sessions]
    corrected = change_time_zone(site=site, time_zone=zone, by=administrator, now=NOW)
    assert corrected.time_zone == Site.objects.get().time_zone == zone
    moved = list(Session.objects.order_by("pk"))
    assert [local(session.starts, corrected) for session in moved] == before
    assert [session.countable_minutes for session in moved] == [90, 90, 90, 90]
    assert all(one.version < two.version for one, two in zip(sessions, moved, strict=True))
    for session in moved:
        times = (session.starts, session.ends)
        assert [(each.starts, each.ends) for each in Booking.objects.filter(session=session)] == [times]
        assert [(each.starts, each.ends) for each in SessionFacilitator.objects.filter(session=session)] == [times]
    in_order = sorted(moved, key=lambda session: session.starts)
    assert all(one.ends <= two.starts for one, two in pairwise(in_order))


def test_a_break_and_a_session_changed_by_hand_keep_their_local_times(site: Site, administrator: User) -> None:
    by_hand = make_session(make_meeting(site, 0, "09:00", "12:00"), AFTER, departed_at=NOW)
    by_hand.break_starts, by_hand.break_ends = (by_hand.starts + timedelta(minutes=each) for each in (60, 75))
    by_hand.save()
    corrected = change_time_zone(site=site, time_zone=ARIZONA, by=administrator, now=NOW)
    by_hand.refresh_from_db()
    assert by_hand.break_starts
    assert by_hand.break_ends
    assert (local(by_hand.break_starts, corrected), local(by_hand.break_ends, corrected)) == (
        "2026-11-02 10:00",
        "2026-11-02 10:15",
    )
    assert (by_hand.countable_minutes, by_hand.departed_at) == (165, NOW)


def test_once_patients_were_in_a_session_the_zone_stays(site: Site, administrator: User) -> None:
    sessions = hold_mondays(site, [date(2026, 10, 19)])
    with pytest.raises(Refused) as refused:
        change_time_zone(site=site, time_zone=ARIZONA, by=administrator, now=NOW)
    assert refused.value.reasons == (SessionHeld("Harbor Street", sessions[0].name, date(2026, 10, 19)),)
    assert Site.objects.get().time_zone == "America/New_York"


def test_a_session_that_nobody_was_in_does_not_count(site: Site, administrator: User) -> None:
    [session, _] = hold_mondays(site, [date(2026, 10, 19)], patients=0)
    corrected = change_time_zone(site=site, time_zone=ARIZONA, by=administrator, now=NOW)
    session.refresh_from_db()
    assert local(session.starts, corrected) == "2026-10-19 09:00"


def test_the_same_zone_is_refused(site: Site, administrator: User) -> None:
    with pytest.raises(Refused) as refused:
        change_time_zone(site=site, time_zone="America/New_York", by=administrator, now=NOW)
    assert refused.value.reasons == (SameTimeZone("Harbor Street"),)


def test_a_time_that_the_new_clocks_skip_is_refused(site: Site, administrator: User) -> None:
    make_session(make_meeting(site, 6, "02:30", "05:00"), date(2027, 3, 14))
    phoenix = Site.objects.get()
    phoenix.time_zone = ARIZONA
    phoenix.save()
    Session.objects.update(starts=datetime(2027, 3, 14, 9, 30, tzinfo=UTC), ends=datetime(2027, 3, 14, 12, tzinfo=UTC))
    with pytest.raises(Refused) as refused:
        change_time_zone(site=phoenix, time_zone="America/Denver", by=administrator, now=NOW)
    assert [(type(each), getattr(each, "on", None)) for each in refused.value.reasons] == [
        (SkippedTime, date(2027, 3, 14))
    ]


def test_nobody_leads_at_two_sites_at_once(site: Site, administrator: User) -> None:
    [first, _] = hold_mondays(site, [AFTER])
    lead = first.facilitators.get()
    elsewhere = make_site("Elm Square", time_zone="America/New_York")
    make_session(make_meeting(elsewhere, 0, "12:00", "13:00", lead=lead, name="Noon group"), AFTER)
    with pytest.raises(Refused) as refused:
        change_time_zone(site=site, time_zone="America/Los_Angeles", by=administrator, now=NOW)
    [reason] = refused.value.reasons
    assert isinstance(reason, FacilitatorTaken)
    assert (reason.facilitator, reason.session, reason.on) == (lead.name, "Noon group", AFTER)
    first.refresh_from_db()
    assert local(first.starts, site) == "2026-11-02 09:00"


def test_the_page_shows_who_is_affected_before_anything_changes(site: Site, administrator: User) -> None:
    hold_mondays(site, [AFTER])
    administrator.role_assignments.create(role=Role.COORDINATOR, site=site)
    feed, _ = create_feed(track=make_track(site, name="Empty track"), by=administrator, now=NOW)
    office, address = client_for(administrator), reverse("site-time-zone", args=[site.pk])
    preview = office.post(address, {"time_zone": ARIZONA})
    assert preview.status_code == 200
    assert "1 patient moves to another time" in preview.text
    assert "7:00–8:30 AM" in preview.text, "the old time, in the new zone"
    assert "→ 9:00–10:30 AM" in preview.text
    assert Site.objects.get().time_zone == "America/New_York"
    found = re.search(r'name="seen" value="([^"]+)"', preview.text)
    assert found
    saved = office.post(address, {"time_zone": ARIZONA, "seen": found[1]}, follow=True)
    assert "The time zone of Harbor Street is saved." in saved.text
    assert Site.objects.get().time_zone == ARIZONA
    assert Feed.objects.get(pk=feed.pk).stale_at == NOW
    details = "time zone America/New_York to America/Phoenix"
    [event] = AuditEvent.objects.filter(subject_kind="site", action=Action.CHANGED)
    assert (event.actor_key, event.detail) == (administrator.pk, details)
    [event] = AuditEvent.objects.filter(subject_kind="patient", action=Action.CHANGED)
    assert event.detail == f"sessions moved, {details}"


@pytest.mark.parametrize("name", ["EST", "MST", "Etc/GMT+5", "Mars/Olympus"])
def test_a_zone_that_is_not_named_after_a_place_is_refused(administrator: User, site: Site, name: str) -> None:
    address = reverse("site-time-zone", args=[site.pk])
    answer = client_for(administrator).post(address, {"time_zone": name})
    assert answer.status_code == 422
    assert Site.objects.get().time_zone == "America/New_York"


def test_strangers_and_coordinators_cannot_change_the_zone(site: Site) -> None:
    address = reverse("site-time-zone", args=[site.pk])
    for user, status in (
        (make_staff(Role.COORDINATOR, site), 403),
        (make_staff(Role.ADMINISTRATOR, make_site("Elm Square")), 404),
    ):
        client: Client = client_for(user)
        assert client.get(address).status_code == client.post(address, {"time_zone": ARIZONA}).status_code == status
    site.refresh_from_db()
    assert site.time_zone == "America/New_York"


@pytest.mark.parametrize("patients", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_patients(
    site: Site, administrator: User, django_assert_num_queries: DjangoAssertNumQueries, patients: int
) -> None:
    hold_mondays(site, [BEFORE_CLOCKS_CHANGE, AFTER, MONDAY], patients)
    with django_assert_num_queries(25):
        change_time_zone(site=site, time_zone=ARIZONA, by=administrator, now=NOW)
