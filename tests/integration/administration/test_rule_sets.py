"""New weekly-hours rules apply to sessions from a chosen day on. Earlier sessions keep their rules."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import LevelOfCareSpan
from scheduling.models import Booking, RuleSet, Session, Site
from scheduling.services.rulebook import RuleBook
from tests.clinic import client_for
from tests.confirmation import send_form
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_session,
    make_site,
    make_staff,
    make_track,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
SUNDAY = MONDAY + timedelta(days=6)


@pytest.fixture(autouse=True)
def in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    user = make_staff(Role.ADMINISTRATOR, site)
    user.role_assignments.create(role=Role.COORDINATOR, site=site)
    return user


@pytest.fixture
def office(administrator: User) -> Client:
    return client_for(administrator)


def rules(**changes: Any) -> dict[str, Any]:
    return {
        "starts": "2026-11-23",
        "level": "all",
        "minimum_minutes": "9",
        "maximum_minutes": "25",
        "minimum_days": "3",
        "maximum_days": "5",
        "week_starts": "0",
    } | changes


def confirm(client: Client, address: str, values: dict[str, Any]) -> Any:
    """Request the preview, and confirm the change."""
    preview = send_form(client, address, values | {"check": "1"})
    found = re.search(r'name="seen" value="([^"]+)"', preview.text)
    assert found, preview.text
    return client.post(address, values | {"seen": found[1], "version": preview.context["version"]}, follow=True)


def make_week(site: Site) -> list[Session]:
    """Book a patient into three 3-hour sessions with 15-minute breaks. The prescription is 8 h 15 min per week."""
    meetings = [make_meeting(site, day, "09:00", "12:00") for day in (0, 2, 4)]
    sessions = []
    for meeting in meetings:
        session = make_session(meeting, MONDAY + timedelta(days=meeting.weekday), countable_minutes=165)
        session.break_starts, session.break_ends = (session.starts + timedelta(minutes=each) for each in (60, 75))
        session.save()
        sessions.append(session)
    episode = admit(make_patient(site), MONDAY)
    LevelOfCareSpan.objects.filter(episode=episode).update(prescribed_minutes=495)
    enrollment = enroll(episode, make_track(site, meetings))
    for session in sessions:
        book(session, enrollment)
    return sessions


def test_new_rules_hold_from_their_first_day_on(office: Client, site: Site, administrator: User) -> None:
    values = rules(minimum_minutes="9.5", maximum_minutes="20:15", minimum_minutes_per_day="1 h 30", breaks_count="on")
    saved = confirm(office, reverse("rule-set-new", args=[site.pk]), values)
    assert "The rules hold from Mon, Nov 23 on." in saved.text
    assert "9 h 30 min to 20 h 15 min on 3 to 5 days" in saved.text
    book_of_rules = RuleBook.of(site)
    assert book_of_rules.on(MONDAY - timedelta(days=1)).minimum_minutes == 540
    found = book_of_rules.on(MONDAY)
    assert (found.minimum_minutes, found.maximum_minutes, found.minimum_minutes_per_day) == (570, 1215, 90)
    assert found.breaks_count
    event = AuditEvent.objects.get(subject_kind="ruleset")
    assert (event.action, event.actor_key, event.site_key) == (Action.CREATED, administrator.pk, site.pk)
    assert event.detail == "from 2026-11-23: 9.5-20.25 hours, 3-5 days"


def test_the_preview_changes_nothing_and_names_tracks_and_prescriptions(office: Client, site: Site) -> None:
    make_week(site)
    page = send_form(office, reverse("rule-set-new", args=[site.pk]), rules(minimum_minutes="10", check="1")).text
    assert "Morning track would break these rules. 9 h a week is 1 h less than the 10 h required." in page
    assert "1 patient is prescribed fewer hours than the new minimum." in page
    assert RuleSet.objects.count() == 1


def test_minutes_of_sessions_to_come_follow_the_rules(office: Client, site: Site) -> None:
    make_week(site)
    address = reverse("rule-set-new", args=[site.pk])
    confirm(office, address, rules(breaks_count="on"))
    assert set(Session.objects.values_list("countable_minutes", flat=True)) == {180}
    assert set(Booking.objects.values_list("countable_minutes", flat=True)) == {180}
    preview = send_form(office, address, rules() | {"check": "1"}).text
    assert "falls below the prescribed hours" not in preview, "495 minutes are still prescribed and booked"
    LevelOfCareSpan.objects.update(prescribed_minutes=540)
    preview = send_form(office, address, rules() | {"check": "1"}).text
    assert "1 patient falls below the prescribed hours" in preview
    confirm(office, address, rules())
    assert set(Booking.objects.values_list("countable_minutes", flat=True)) == {165}


def test_another_first_day_of_the_week_moves_bookings_to_their_new_weeks(office: Client, site: Site) -> None:
    make_week(site)
    values = rules(starts="2026-11-22", week_starts="6")
    address = reverse("rule-set-new", args=[site.pk])
    preview = send_form(office, address, values | {"check": "1"}).text
    assert "falls below" not in preview, "no hours are lost"
    confirm(office, address, values)
    assert set(Booking.objects.values_list("week", flat=True)) == {date(2026, 11, 22)}


def test_a_day_in_the_middle_of_the_week_is_refused(office: Client, site: Site) -> None:
    page = send_form(office, reverse("rule-set-new", args=[site.pk]), rules(starts="2026-11-24"))
    assert page.status_code == 422
    assert (
        "Tuesday, November 24 is in the middle of a week, because weeks start on Monday. Choose a Monday." in page.text
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"maximum_minutes": "8"}, "The maximum hours a week are fewer than the minimum."),
        ({"maximum_days": "2"}, "The maximum days a week are fewer than the minimum."),
        ({"minimum_minutes": "nine"}, "is not a number of hours"),
    ],
)
def test_contradictions_are_refused_and_nothing_is_lost(
    office: Client, site: Site, changes: dict[str, str], sentence: str
) -> None:
    page = send_form(office, reverse("rule-set-new", args=[site.pk]), rules(**changes))
    assert page.status_code == 422
    assert sentence in page.text
    assert 'value="2026-11-23"' in page.text
    assert RuleSet.objects.count() == 1


def test_the_past_keeps_its_rules(site: Site, administrator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_week(site)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, 15, tzinfo=UTC))
    office = client_for(administrator)
    page = send_form(office, reverse("rule-set-new", args=[site.pk]), rules())
    assert page.status_code == 422
    assert "Patients were in sessions on Mon, Nov 23, and the past keeps its rules. Choose Mon, Nov 30" in page.text
    [old] = RuleSet.objects.all()
    changed = send_form(office, reverse("rule-set-edit", args=[old.pk]), rules(minimum_minutes="5"))
    assert changed.status_code == 422
    old.refresh_from_db()
    assert old.minimum_minutes == 540
    assert reverse("rule-set-edit", args=[old.pk]) not in office.get(reverse("rule-sets", args=[site.pk])).text


def test_rules_to_come_can_be_changed_and_withdrawn(office: Client, site: Site, administrator: User) -> None:
    make_week(site)
    confirm(office, reverse("rule-set-new", args=[site.pk]), rules(breaks_count="on"))
    coming = RuleSet.objects.get(starts=MONDAY)
    edit = reverse("rule-set-edit", args=[coming.pk])
    assert edit in office.get(reverse("rule-sets", args=[site.pk])).text
    confirm(office, edit, rules(minimum_minutes="8"))
    coming.refresh_from_db()
    assert (coming.minimum_minutes, coming.breaks_count) == (480, False)
    confirm(office, edit, rules(breaks_count="on"))
    page = office.post(reverse("rule-set-withdraw", args=[coming.pk]), follow=True)
    assert "The rules from Mon, Nov 23 are withdrawn." in page.text
    assert set(Booking.objects.values_list("countable_minutes", flat=True)) == {165}
    [only] = RuleSet.objects.all()
    page = office.post(reverse("rule-set-withdraw", args=[only.pk]), follow=True)
    assert "These are the only rules of the site." in page.text
    assert RuleSet.objects.exists()
    event = AuditEvent.objects.get(subject_kind="ruleset", action=Action.DELETED)
    assert event.actor_key == administrator.pk


def test_rules_for_one_level_have_the_weeks_of_the_site(office: Client, site: Site) -> None:
    confirm(office, reverse("rule-set-new", args=[site.pk]), rules(level="2.5", minimum_minutes="20", week_starts="3"))
    level = RuleSet.objects.get(level="2.5")
    assert (level.week_starts, level.minimum_minutes) == (0, 1200)
    assert RuleBook.of(site).on(MONDAY).minimum_minutes == 540


def test_rules_are_managed_by_administrators_of_their_site(site: Site) -> None:
    coming = RuleSet.objects.create(site=site, starts=MONDAY)
    stranger = client_for(make_staff(Role.ADMINISTRATOR, make_site("Elm Square")))
    coordinator = client_for(make_staff(Role.COORDINATOR, site))
    for client, status in ((stranger, 404), (coordinator, 403)):
        for name, key in (("rule-sets", site.pk), ("rule-set-new", site.pk), ("rule-set-edit", coming.pk)):
            assert client.get(reverse(name, args=[key])).status_code == status
        assert client.post(reverse("rule-set-new", args=[site.pk]), rules()).status_code == status
        assert client.post(reverse("rule-set-withdraw", args=[coming.pk])).status_code == status
    assert RuleSet.objects.filter(pk=coming.pk).exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_rules(
    office: Client, site: Site, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for week in range(number):
        RuleSet.objects.create(site=site, starts=MONDAY + timedelta(weeks=week))
    office.get(reverse("rule-sets", args=[site.pk]))
    with django_assert_num_queries(7):
        assert office.get(reverse("rule-sets", args=[site.pk])).status_code == 200
