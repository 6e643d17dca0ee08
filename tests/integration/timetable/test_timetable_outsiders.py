"""Only coordinators of a site can change the site's timetable. A form that is refused keeps its input."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import CohortStart, Feed, Meeting, Session, SessionStatus, Site, Track, TrackStatus
from scheduling.services.documents.feeds import create_feed
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_meeting,
    make_patient,
    make_patient_user,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from tests.integration.timetable.test_timetable_pages import typed

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
OF_A_TRACK = ("track", "track-edit", "track-meter", "track-calendar", "meeting-new")
OF_A_MEETING = ("meeting-edit", "meeting-end")


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def coordinator(client: Client, site: Site) -> User:
    user = make_staff(Role.COORDINATOR, site)
    client.force_login(user)
    return user


def pages_of(track: Track) -> list[str]:
    meeting = track.meetings.all()[0]
    found = [reverse(name, args=[track.pk]) for name in OF_A_TRACK]
    return found + [reverse(name, args=[meeting.pk]) for name in OF_A_MEETING]


def read_and_write(client: Client, page: str) -> set[int]:
    return {client.get(page).status_code, client.post(page, {"code": "X"}).status_code} - {405}


def test_a_coordinator_of_another_site_gets_404(client: Client, site: Site, coordinator: User) -> None:
    track = make_weekday_track(make_site("Elsewhere"))
    for page in [*pages_of(track), reverse("track-publish", args=[track.pk])]:
        assert read_and_write(client, page) == {404}, page
    assert track.name not in client.get(reverse("tracks")).text


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.REVIEWER])
def test_a_user_who_may_only_see_the_timetable_changes_nothing(client: Client, site: Site, role: Role) -> None:
    track = make_weekday_track(site)
    client.force_login(make_staff(role, site))
    first, *others = pages_of(track)
    assert client.get(first).status_code == 200
    assert "Edit" not in client.get(first).text.partition("<main")[2]
    for page in [*others, reverse("track-publish", args=[track.pk]), reverse("track-new")]:
        assert read_and_write(client, page) == {403}, page


def test_a_user_changes_only_the_site_that_they_manage(client: Client, site: Site, coordinator: User) -> None:
    other = make_site("Another house")
    RoleAssignment.objects.create(user=coordinator, role=Role.REVIEWER, site=other)
    here, there = make_weekday_track(site), make_weekday_track(other)
    client.force_login(User.objects.get(pk=coordinator.pk))
    assert client.get(reverse("track-edit", args=[here.pk])).status_code == 200
    for page in pages_of(there)[1:]:
        assert read_and_write(client, page) == {403}, page
    client.post(reverse("site-switch"), {"site": other.code})
    assert read_and_write(client, reverse("track-new")) == {403}


def test_a_patient_sees_no_timetable(client: Client, site: Site) -> None:
    track = make_weekday_track(site)
    client.force_login(make_patient_user(make_patient(site)))
    for page in [*pages_of(track), reverse("tracks"), reverse("today"), reverse("staff-calendar")]:
        assert read_and_write(client, page) == {403}, page


def test_rooms_and_people_of_other_sites_cannot_be_chosen(client: Client, site: Site, coordinator: User) -> None:
    track, elsewhere = make_weekday_track(site), make_site("Elsewhere")
    for field, chosen in (
        ("room", make_room(elsewhere).pk),
        ("lead", make_staff(Role.CLINICIAN, elsewhere).pk),
        ("assistants", [make_staff(Role.CLINICIAN, elsewhere).pk]),
        ("tracks", [make_weekday_track(elsewhere).pk]),
    ):
        response = client.post(
            reverse("meeting-new", args=[track.pk]), typed(site, track, weekday=1, **{field: chosen})
        )
        assert (field, response.status_code) == (field, 422)
    assert not Meeting.objects.filter(code="NEW").exists()


def test_a_refused_change_of_a_track_keeps_the_input_and_the_old_name_in_the_heading(
    client: Client, site: Site, coordinator: User
) -> None:
    track = make_track(
        site, [make_meeting(site, day, "09:00", "11:00") for day in (0, 2, 4)], "Mornings", individual_minutes=180
    )
    changed = {"code": track.code, "name": "Short mornings", "individual_minutes": 60, "entry": "rolling"}
    response = client.post(reverse("track-edit", args=[track.pk]), changed)
    assert response.status_code == 422
    assert "7 h a week is 2 h less than the 9 h required." in response.text
    assert 'value="Short mornings"' in response.text
    assert "Edit Mornings" in response.text
    track.refresh_from_db()
    assert (track.name, track.individual_minutes) == ("Mornings", 180)


def test_a_track_code_is_unique_at_its_site(client: Client, site: Site, coordinator: User) -> None:
    make_weekday_track(site, code="AM")
    make_weekday_track(make_site("Elsewhere"), code="PM")
    given = {"name": "Second", "individual_minutes": 0, "entry": "cohort", "cohort_starts": "2027-01-04\n2027-02-01"}
    refused = client.post(reverse("track-new"), given | {"code": "AM"})
    assert refused.status_code == 422
    assert "Another track at Harbor Street has the code AM." in refused.text
    assert "2027-01-04\n2027-02-01" in refused.text
    assert client.post(reverse("track-new"), given | {"code": "PM"}).status_code == 302
    assert CohortStart.objects.filter(track__code="PM").count() == 2
    second = Track.objects.get(site=site, code="PM")
    refused = client.post(reverse("track-edit", args=[second.pk]), given | {"code": "AM"})
    assert (refused.status_code, refused.text.count("Another track at Harbor Street has the code AM.")) == (422, 2)


def test_a_cohort_needs_a_start_date(client: Client, site: Site, coordinator: User) -> None:
    given = {"code": "C", "name": "Cohort", "individual_minutes": 0, "entry": "cohort", "cohort_starts": ""}
    response = client.post(reverse("track-new"), given)
    assert response.status_code == 422
    assert "Enter at least one start date" in response.text


def test_a_track_without_meetings_is_not_published(client: Client, site: Site, coordinator: User) -> None:
    track = make_track(site, status=TrackStatus.DRAFT)
    response = client.post(reverse("track-publish", args=[track.pk]))
    assert response.status_code == 422
    assert "No groups are chosen. Choose at least one." in response.text


@pytest.mark.parametrize(
    ("individual", "ends"),
    [pytest.param(0, "12:00", id="9 h 0 min"), pytest.param(960, "12:00", id="25 h 0 min")],
)
def test_a_track_exactly_at_the_bounds_is_published(
    client: Client, site: Site, coordinator: User, individual: int, ends: str
) -> None:
    meetings = [make_meeting(site, day, "09:00", ends) for day in (0, 2, 4)]
    track = make_track(site, meetings, status=TrackStatus.DRAFT, individual_minutes=individual)
    assert client.post(reverse("track-publish", args=[track.pk])).status_code == 302


def test_a_meeting_moved_into_a_taken_room_is_refused_and_stays(client: Client, site: Site, coordinator: User) -> None:
    room = make_room(site, name="Garden room")
    track = make_weekday_track(site)
    make_track(site, [make_meeting(site, day, "10:00", "13:00", room=room, name="Family") for day in (0, 2, 4)])
    meeting = track.meetings.all()[0]
    response = client.post(reverse("meeting-edit", args=[meeting.pk]), typed(site, track, room=room.pk))
    assert response.status_code == 422
    assert "Garden room would have “New group” and “Family” at the same time on Monday." in response.text
    assert 'value="New group"' in response.text
    meeting.refresh_from_db()
    assert (meeting.room, meeting.runs_until, Meeting.objects.filter(code="NEW").count()) == (None, None, 0)


@pytest.mark.parametrize("key", ["²", "-1", "x", "99999999999999999999"])
def test_the_hours_meter_accepts_any_input(client: Client, site: Site, coordinator: User, key: str) -> None:
    track = make_weekday_track(site)
    given = {"weekday": "1", "starts": "09:00", "ends": "10:30", "meeting": key, "anchor": "x", "break_starts": "9:30"}
    response = client.get(reverse("track-meter", args=[track.pk]), given)
    assert response.status_code == 200
    assert "10 h 30 min" in response.text


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("page", "queries"),
    [
        ("track", 12),
        ("track-edit", 10),
        ("meeting-new", 15),
        ("meeting-edit", 21),
        ("meeting-end", 12),
        ("track-calendar", 7),
        ("patient-calendar", 9),
        ("staff-calendar", 5),
    ],
)
def test_three_items_take_as_many_queries_as_one(
    client: Client, site: Site, coordinator: User, number: int, page: str, queries: int, django_assert_num_queries: Any
) -> None:
    lead, patient = make_staff(Role.CLINICIAN, site), make_patient(site)
    track = make_weekday_track(site, range(number), lead=lead)
    for each in range(number):
        make_track(site, [make_meeting(site, 5, lead=lead, room=make_room(site))])
        CohortStart.objects.create(track=track, on=MONDAY.replace(day=each + 1))
        for subject in ({"track": track}, {"patient": patient}, {"facilitator": coordinator}):
            create_feed(**subject, by=coordinator, now=NOON, label=f"Phone {each}")
    args = {"staff-calendar": [], "patient-calendar": [patient.pk]}.get(page, [track.pk])
    if page.startswith("meeting-e"):
        args = [track.meetings.all()[0].pk]
    with django_assert_num_queries(queries):
        assert client.get(reverse(page, args=args)).status_code == 200


def test_a_feed_can_be_revoked_only_by_users_who_may_see_it(client: Client, site: Site, coordinator: User) -> None:
    track, patient = make_weekday_track(site), make_patient(site)
    colleague, stranger = make_staff(Role.CLINICIAN, site), make_staff(Role.COORDINATOR, make_site("Elsewhere"))
    made = [
        create_feed(track=track, by=coordinator, now=NOON)[0],
        create_feed(patient=patient, by=coordinator, now=NOON)[0],
        create_feed(facilitator=coordinator, by=coordinator, now=NOON)[0],
    ]
    for person in (colleague, stranger):
        client.force_login(person)
        assert {client.post(reverse("feed-revoke", args=[each.pk])).status_code for each in made} == {404}
    client.force_login(coordinator)
    pages = [client.post(reverse("feed-revoke", args=[each.pk]))["Location"] for each in made]
    assert pages == [
        reverse("track-calendar", args=[track.pk]),
        reverse("patient-calendar", args=[patient.pk]),
        reverse("staff-calendar"),
    ]
    assert not Feed.objects.live().exists()


def test_the_day_page_is_that_of_the_chosen_site_and_shows_canceled_sessions(
    client: Client, site: Site, coordinator: User
) -> None:
    meeting = make_meeting(site, 0, name="Here")
    cancelled = make_session(meeting, MONDAY, status=SessionStatus.CANCELLED, cancel_reason="Burst pipe")
    make_session(make_meeting(make_site("Elsewhere"), 0, name="Not here"), MONDAY)
    make_session(make_meeting(site, 1, name="Tomorrow"), MONDAY.replace(day=24))
    page = client.get(reverse("today")).text
    assert cancelled.name in page
    assert "Burst pipe" in page
    assert "Not here" not in page
    assert "Tomorrow" not in page
    assert "Tomorrow" in client.get(reverse("today"), {"date": "2026-11-24"}).text
    assert "No sessions on this day" in client.get(reverse("today"), {"date": "2026-11-25"}).text


@pytest.mark.parametrize(("role", "sees"), [(Role.ADMINISTRATOR, False), (Role.REVIEWER, True)])
def test_a_user_who_may_not_see_patients_sees_no_names_today(
    client: Client, site: Site, role: Role, sees: bool
) -> None:
    meeting = make_meeting(site, 0)
    book(make_session(meeting, MONDAY), enroll(admit(make_patient(site)), make_track(site, [meeting])))
    client.force_login(make_staff(role, site))
    page = client.get(reverse("today")).text
    assert "1 of 10 spots" in page
    assert ("Rosa Lindqvist" in page) == sees
    assert Session.objects.count() == 1


def test_staff_subscribe_to_their_own_groups(client: Client, site: Site) -> None:
    ada = make_staff(Role.CLINICIAN, site)
    client.force_login(ada)
    made = client.post(reverse("staff-calendar"), {"label": "my tablet", "style": "discreet"})
    assert "webcal://testserver/c/" in made.text
    assert Feed.objects.get().facilitator == ada
    assert "Created Mon, Nov 23" in client.get(reverse("staff-calendar")).text


def test_a_user_without_a_site_is_refused_and_no_other_site_can_be_chosen(client: Client) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert {client.get(reverse(page)).status_code for page in ("today", "tracks", "staff-calendar")} == {403}
    site, elsewhere = make_site(), make_site("Elsewhere")
    client.force_login(make_staff(Role.COORDINATOR, site))
    for code in (elsewhere.code, "", "\x00"):
        assert client.post(reverse("site-switch"), {"site": code}).status_code == 404


def test_weekly_hours_are_counted_in_whole_minutes(client: Client, site: Site, coordinator: User) -> None:
    track = make_weekday_track(site)
    response = client.post(reverse("meeting-new", args=[track.pk]), typed(site, track, starts="09:00:30"))
    assert response.status_code == 422
    assert "Enter a time." in response.text
