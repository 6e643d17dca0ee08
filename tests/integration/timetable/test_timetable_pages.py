"""The pages for tracks and meetings, the day page, and the patient's schedule in the portal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Patient
from scheduling.models import Meeting, ServiceType, Session, Site, Track, TrackStatus
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

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)


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


def typed(site: Site, track: Track, **otherwise: Any) -> dict[str, Any]:
    """Return the form data of a new meeting in the track, changed by the keyword arguments."""
    return {
        "code": "NEW",
        "name": "New group",
        "weekday": 0,
        "starts": "09:00",
        "ends": "12:00",
        "every": "every",
        "service_type": ServiceType.objects.get(code="group").pk,
        "modality": "in_person",
        "places": 10,
        "tracks": [track.pk],
        "runs_from": "2026-11-23",
    } | otherwise


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_three_tracks_takes_as_many_queries_as_one(
    client: Client, site: Site, coordinator: User, number: int, django_assert_num_queries: Any
) -> None:
    for each in range(number):
        make_weekday_track(site, name=f"Track {each}")
    with django_assert_num_queries(10):
        response = client.get(reverse("tracks"))
    assert response.text.count("9 h") >= number


@pytest.mark.parametrize("number", [1, 3])
def test_the_day_page_of_three_sessions_takes_as_many_queries_as_one(
    client: Client, site: Site, coordinator: User, number: int, django_assert_num_queries: Any
) -> None:
    lead = make_staff(Role.CLINICIAN, site)
    for each in range(number):
        meeting = make_meeting(site, 0, f"{9 + each:02}:00", f"{10 + each}:00", lead=lead)
        book(
            make_session(meeting, MONDAY),
            enroll(admit(make_patient(site, last_name=f"L{each}")), make_track(site, [meeting])),
        )
    with django_assert_num_queries(9):
        response = client.get(reverse("today"))
    assert response.text.count("Not marked yet") == number
    seen = AuditEvent.objects.filter(actor_key=coordinator.pk, detail="today")
    assert set(seen.values_list("patient_key", flat=True)) == set(Patient.objects.values_list("pk", flat=True))


def test_an_invalid_date_shows_today(client: Client, site: Site, coordinator: User) -> None:
    assert "Mon, Nov 23" in client.get(reverse("today"), {"date": "tomorrow"}).text


def test_a_clinician_sees_only_the_rosters_of_their_own_groups(client: Client, site: Site) -> None:
    ada, other = make_staff(Role.CLINICIAN, site), make_staff(Role.CLINICIAN, site)
    for lead, name in ((ada, "Mine"), (other, "Theirs")):
        meeting = make_meeting(site, 0, lead=lead)
        book(make_session(meeting, MONDAY), enroll(admit(make_patient(site, name)), make_track(site, [meeting])))
    client.force_login(ada)
    page = client.get(reverse("today")).text
    assert "Mine Lindqvist" in page
    assert "Theirs Lindqvist" not in page


def test_a_track_is_drafted_gets_meetings_and_is_published(client: Client, site: Site, coordinator: User) -> None:
    response = client.post(
        reverse("track-new"), {"code": "N", "name": "Noon", "individual_minutes": 0, "entry": "rolling"}
    )
    track = Track.objects.get(code="N")
    assert response["Location"] == reverse("track", args=[track.pk])
    for day in (0, 2, 4):
        added = client.post(reverse("meeting-new", args=[track.pk]), typed(site, track, weekday=day, code=f"N{day}"))
        assert added.status_code == 302
    assert client.post(reverse("track-publish", args=[track.pk])).status_code == 302
    track.refresh_from_db()
    assert track.status == TrackStatus.PUBLISHED
    assert Session.objects.filter(meeting__tracks=track).count() == 35, "twelve weeks of three, less what began today"


REFUSED = [
    pytest.param(
        [(0, "9:00", "12:00"), (2, "9:00", "12:00"), (4, "9:00", "11:55")], "8 h 55 min a week", id="8 h 55 min"
    ),
    pytest.param(
        [(day, "9:00", "14:00") for day in range(4)] + [(4, "9:00", "14:05")], "25 h 5 min a week", id="25 h 5 min"
    ),
    pytest.param([(0, "9:00", "13:30"), (2, "9:00", "13:30")], "2 days a week", id="2 days"),
    pytest.param([(day, "9:00", "11:00") for day in range(6)], "6 days a week", id="6 days"),
]


@pytest.mark.parametrize(("slots", "words"), REFUSED)
def test_a_refused_publication_says_why(
    client: Client, site: Site, coordinator: User, slots: list[tuple[int, str, str]], words: str
) -> None:
    meetings = [make_meeting(site, day, f"{starts:0>5}", f"{ends:0>5}") for day, starts, ends in slots]
    track = make_track(site, meetings, status=TrackStatus.DRAFT)
    response = client.post(reverse("track-publish", args=[track.pk]))
    assert response.status_code == 422
    assert words in response.text
    track.refresh_from_db()
    assert track.status == TrackStatus.DRAFT
    assert not Session.objects.exists()


def test_publishing_is_refused_if_a_room_and_a_facilitator_are_double_booked(
    client: Client, site: Site, coordinator: User
) -> None:
    room, lead = make_room(site, name="Garden room"), make_staff(Role.CLINICIAN, site, "Ada Park")
    make_track(site, [make_meeting(site, day, room=room, lead=lead) for day in (0, 2, 4)])
    draft = make_track(
        site,
        [make_meeting(site, day, "11:00", "14:00", room=room, lead=lead) for day in (0, 1, 3)],
        status=TrackStatus.DRAFT,
    )
    response = client.post(reverse("track-publish", args=[draft.pk]))
    assert response.status_code == 422
    for name in ("Garden room", "Ada Park"):
        assert f"{name} would" in response.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ends": "08:00"}, "The end must be after the start"),
        ({"break_starts": "10:00"}, "Enter both the start and the end of the break"),
        ({"break_starts": "08:00", "break_ends": "08:30"}, "The break must start and end while the group meets"),
        ({"every": "other"}, "Enter any date in one of the weeks"),
        ({"last_day": "2026-11-01"}, "The last day is before the first"),
        ({"places": "0"}, "Enter 1 or more."),
    ],
)
def test_the_form_of_a_refused_meeting_keeps_the_input(
    client: Client, site: Site, coordinator: User, wrong: dict[str, str], words: str
) -> None:
    track = make_weekday_track(site)
    response = client.post(reverse("meeting-new", args=[track.pk]), typed(site, track, **wrong))
    assert response.status_code == 422
    assert words in response.text
    assert 'value="New group"' in response.text
    assert not Meeting.objects.filter(code="NEW").exists()


def test_the_hours_meter_follows_the_input(client: Client, site: Site, coordinator: User) -> None:
    track = make_weekday_track(site)
    page = reverse("track-meter", args=[track.pk])
    assert "9 h" in client.get(page).text
    assert "10 h 30 min" in client.get(page, {"weekday": "1", "starts": "09:00", "ends": "10:30"}).text


def test_ending_a_meeting_of_a_published_track_is_refused_when_the_hours_would_break(
    client: Client, site: Site, coordinator: User
) -> None:
    track = make_weekday_track(site)
    meeting = track.meetings.all()[0]
    response = client.post(reverse("meeting-end", args=[meeting.pk]), {"last_day": "2026-12-04"})
    assert response.status_code == 422
    assert "6 h a week" in response.text
    meeting.refresh_from_db()
    assert meeting.runs_until is None


def test_a_reviewer_sees_tracks_but_cannot_change_them(client: Client, site: Site) -> None:
    track = make_weekday_track(site)
    client.force_login(make_staff(Role.REVIEWER, site))
    assert client.get(reverse("track", args=[track.pk])).status_code == 200
    for name in ("track-edit", "track-publish", "meeting-new"):
        assert client.post(reverse(name, args=[track.pk])).status_code == 403


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("page", "queries"), [("portal-home", 18), ("portal-week", 17)])
def test_three_sessions_in_the_portal_take_as_many_queries_as_one(
    client: Client, site: Site, number: int, page: str, queries: int, django_assert_num_queries: Any
) -> None:
    track = make_weekday_track(site)
    patient = make_patient(site)
    enrollment = enroll(admit(patient), track)
    for meeting, offset in list(zip(track.meetings.all(), (0, 2, 4), strict=True))[:number]:
        book(make_session(meeting, MONDAY + timedelta(days=offset)), enrollment)
    client.force_login(make_patient_user(patient))
    with django_assert_num_queries(queries):
        response = client.get(reverse(page))
    assert response.text.count("9:00 AM–12:00 PM") >= number


def test_the_title_of_the_portal_reveals_nothing(client: Client, site: Site) -> None:
    patient = make_patient(site)
    admit(patient)
    client.force_login(make_patient_user(patient))
    titles = {"portal-home": "Home", "portal-week": "Week", "portal-calendar": "Calendar", "portal-account": "Me"}
    for page, title in titles.items():
        assert f"<title>{title} · My schedule</title>" in client.get(reverse(page)).text
    assert client.get(reverse("portal-week"), {"week": "nonsense"}).status_code == 200
