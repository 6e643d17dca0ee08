"""The board, a calendar of sessions: its JSON data, its permissions and filters, and its page without JavaScript."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import (
    Closure,
    FacilitatorPart,
    Meeting,
    Modality,
    Session,
    SessionFacilitator,
    SessionStatus,
    Site,
    TrackStatus,
)
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

pytestmark = pytest.mark.django_db

MONDAY_AT_10 = datetime(2026, 11, 23, 15, tzinfo=UTC)
WEDNESDAY = MONDAY + timedelta(days=2)
WEEK = {"start": "2026-11-23", "end": "2026-11-30"}


@pytest.fixture(autouse=True)
def on_monday_at_10(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY_AT_10)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def coordinator(client: Client, site: Site) -> User:
    user = make_staff(Role.COORDINATOR, site)
    client.force_login(user)
    return user


def asked(client: Client, **query: Any) -> Any:
    return client.get(reverse("board-sessions"), WEEK | query)


def sessions(client: Client, **query: Any) -> list[dict[str, Any]]:
    return [row for row in asked(client, **query).json() if row["kind"] == "session"]


def names(client: Client, **query: Any) -> set[str]:
    return {row["title"] for row in sessions(client, **query)}


def wednesday_group(site: Site, name: str = "Coping skills", **fields: Any) -> Meeting:
    return make_meeting(site, 2, "09:00", "12:15", name=name, **fields)


# JSON data


def test_a_session_has_its_local_time_place_facilitators_and_bookings(
    client: Client, site: Site, coordinator: User
) -> None:
    lead, other = make_staff(Role.CLINICIAN, site, "Ada Park"), make_staff(Role.CLINICIAN, site, "Dev Raman")
    meeting = wednesday_group(site, lead=lead, room=make_room(site, name="Garden room"), places=16)
    track, second = make_track(site, [meeting]), make_track(site, [meeting], name="Day program")
    session = make_session(meeting, WEDNESDAY)
    SessionFacilitator.objects.create(session=session, user=other, part=FacilitatorPart.ASSISTS)
    book(session, enroll(admit(make_patient(site)), track))

    (row,) = sessions(client)

    assert row == {
        "kind": "session",
        "id": f"session-{session.pk}",
        "title": "Coping skills",
        "start": "2026-11-25T09:00",
        "end": "2026-11-25T12:15",
        "url": f"/sessions/{session.pk}/",
        "where": "Garden room",
        "room_id": meeting.room_id,
        "leads": "Ada Park",
        "assists": ["Dev Raman"],
        "booked": 1,
        "places": 16,
        "status": "scheduled",
        "state": "1 of 16 spots",
        "tracks": [
            {"letters": "M", "colour": "a", "name": track.name},
            {"letters": "D", "colour": "b", "name": second.name},
        ],
        "editable": True,
        "move_url": reverse("session-move", args=[session.pk]),
    }


@pytest.mark.parametrize("zone", ["America/New_York", "America/Chicago", "Pacific/Auckland"])
def test_times_are_in_the_zone_of_the_site(client: Client, zone: str) -> None:
    site = make_site(time_zone=zone)
    client.force_login(make_staff(Role.REVIEWER, site))
    make_session(wednesday_group(site), WEDNESDAY)
    assert [(row["start"], row["end"]) for row in sessions(client)] == [("2026-11-25T09:00", "2026-11-25T12:15")]


def test_a_session_ends_after_it_starts_even_if_clocks_go_back_during_it(
    client: Client, site: Site, coordinator: User
) -> None:
    session = make_session(make_meeting(site, 6, "01:00", "02:00"), date(2026, 11, 1))
    starts = datetime(2026, 11, 1, 5, 45, tzinfo=UTC)  # 1:45 daylight time; 30 minutes later it is 1:15 standard time
    Session.objects.filter(pk=session.pk).update(starts=starts, ends=starts + timedelta(minutes=30))
    (row,) = sessions(client, start="2026-11-01", end="2026-11-02")
    assert (row["start"], row["end"]) == ("2026-11-01T01:45", "2026-11-01T02:15")


def test_neither_names_nor_codes_of_patients_are_shown(client: Client, site: Site, coordinator: User) -> None:
    meeting = wednesday_group(site)
    patient = make_patient(site, "Rosa", "Lindqvist", code="PAT-77")
    book(make_session(meeting, WEDNESDAY), enroll(admit(patient), make_track(site, [meeting])))
    week = {"week": "2026-11-25"}
    for page in (asked(client), client.get(reverse("board"), WEEK), client.get(reverse("board-print"), week)):
        assert "Coping skills" in page.text
        for secret in ("Rosa", "Lindqvist", "PAT-77"):
            assert secret not in page.text


def test_a_canceled_session_has_its_reason_and_cannot_be_moved(client: Client, site: Site, coordinator: User) -> None:
    make_session(wednesday_group(site), WEDNESDAY, status=SessionStatus.CANCELLED, cancel_reason="Leader is ill")
    (row,) = sessions(client)
    assert (row["status"], row["state"]) == ("cancelled", "Canceled: Leader is ill")
    assert (row["editable"], row["move_url"]) == (False, "")


def test_a_session_that_differs_from_its_meeting_is_marked(client: Client, site: Site, coordinator: User) -> None:
    make_session(wednesday_group(site), WEDNESDAY, departed_at=MONDAY_AT_10)
    assert [row["state"] for row in sessions(client)] == ["0 of 10 spots · changed for this date"]
    assert "changed for this date" in client.get(reverse("board-print")).text


@pytest.mark.parametrize(("modality", "where"), [(Modality.TELEHEALTH, "Telehealth"), (Modality.IN_PERSON, "No room")])
def test_a_session_without_a_room_is_labeled_telehealth_or_no_room(
    client: Client, site: Site, coordinator: User, modality: str, where: str
) -> None:
    make_session(wednesday_group(site, modality=modality), WEDNESDAY)
    assert [row["where"] for row in sessions(client)] == [where]


def test_a_session_without_a_track_has_no_track_mark(client: Client, site: Site, coordinator: User) -> None:
    make_session(wednesday_group(site), WEDNESDAY)
    assert [row["tracks"] for row in sessions(client)] == [[]]
    assert "board-slot track-none" in client.get(reverse("board-print")).text


def test_closures_shade_their_days_and_clock_changes_are_noted(client: Client, site: Site, coordinator: User) -> None:
    closure = Closure.objects.create(site=site, starts=date(2026, 10, 30), ends=date(2026, 11, 1), reason="Storm")
    Closure.objects.create(site=site, starts=date(2026, 11, 9), ends=date(2026, 11, 10), reason="Later")
    Closure.objects.create(site=make_site("Elsewhere"), starts=closure.starts, ends=closure.ends, reason="Not here")
    assert asked(client, start="2026-10-26", end="2026-11-02").json() == [
        {
            "kind": "closure",
            "id": f"closure-{closure.pk}",
            "title": "Storm",
            "start": "2026-10-30",
            "end": "2026-11-01",
            "allDay": True,
            "display": "background",
            "editable": False,
        },
        {
            "kind": "clocks",
            "id": "clocks-2026-11-01",
            "title": "Clocks go back 1 h overnight into Sunday",
            "start": "2026-11-01",
            "allDay": True,
            "editable": False,
        },
    ]


def test_the_board_notes_that_clocks_go_forward_in_spring(client: Client, site: Site, coordinator: User) -> None:
    (row,) = asked(client, start="2027-03-08", end="2027-03-15").json()
    assert row["title"] == "Clocks go forward 1 h overnight into Sunday"


# Permissions


@pytest.mark.parametrize(
    ("role", "editable"),
    [(Role.ADMINISTRATOR, True), (Role.COORDINATOR, True), (Role.CLINICIAN, False), (Role.REVIEWER, False)],
)
def test_users_who_see_the_timetable_see_the_board_and_only_its_managers_move_sessions(
    client: Client, site: Site, role: Role, editable: bool
) -> None:
    make_session(wednesday_group(site), WEDNESDAY)
    client.force_login(make_staff(role, site))
    assert [row["editable"] for row in sessions(client)] == [editable]
    page = client.get(reverse("board")).text
    assert ('id="board-move"' in page) is editable
    assert (f"{reverse('session-new')}?on=2026-11-23" in page) is editable


def test_a_session_that_has_begun_or_was_held_cannot_be_moved(client: Client, site: Site, coordinator: User) -> None:
    make_session(make_meeting(site, 0, "10:00", "11:00", name="Just begun"), MONDAY)
    make_session(make_meeting(site, 0, "10:01", "11:00", name="To begin"), MONDAY)
    make_session(wednesday_group(site, "Held"), WEDNESDAY, status=SessionStatus.HELD)
    movable = {row["title"]: row["editable"] for row in sessions(client)}
    assert movable == {"Just begun": False, "To begin": True, "Held": False}


def test_another_sites_sessions_are_not_on_the_board(client: Client, site: Site, coordinator: User) -> None:
    make_session(wednesday_group(site, "Ours"), WEDNESDAY)
    make_session(wednesday_group(make_site("Elsewhere"), "Theirs"), WEDNESDAY)
    assert names(client) == {"Ours"}
    assert "Theirs" not in client.get(reverse("board")).text
    assert "Theirs" not in client.get(reverse("board-print")).text


def test_the_board_shows_the_current_site(client: Client, site: Site, coordinator: User) -> None:
    other = make_site("Airport Road")
    RoleAssignment.objects.create(user=coordinator, role=Role.REVIEWER, site=other)
    make_session(wednesday_group(site, "Harbor group"), WEDNESDAY)
    make_session(wednesday_group(other, "Airport group"), WEDNESDAY)
    assert [(row["title"], row["editable"]) for row in sessions(client)] == [("Airport group", False)]
    client.post(reverse("site-switch"), {"site": site.code})
    assert [(row["title"], row["editable"]) for row in sessions(client)] == [("Harbor group", True)]


# Ranges and filters


def test_the_range_is_half_open(client: Client, site: Site, coordinator: User) -> None:
    meeting = wednesday_group(site)
    for weeks in range(3):
        make_session(meeting, WEDNESDAY + timedelta(weeks=weeks))
    found = sessions(client, start="2026-11-25", end="2026-12-02")
    assert [row["start"][:10] for row in found] == ["2026-11-25"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": ""},
        {"start": "tomorrow"},
        {"end": "0001-01-01"},
        {"end": "2026-11-23"},
        {"end": "2026-11-22"},
        {"end": "2027-01-05"},
        {"track": "999999"},
        {"room": "the big one"},
        {"facilitator": "-1"},
    ],
)
def test_an_invalid_range_is_refused(client: Client, site: Site, coordinator: User, wrong: dict[str, str]) -> None:
    assert asked(client, **wrong).status_code == 400


def test_a_range_of_six_weeks_is_allowed(client: Client, site: Site, coordinator: User) -> None:
    assert asked(client, end="2027-01-04").status_code == 200


def test_sessions_are_filtered_by_track_room_and_facilitator(client: Client, site: Site, coordinator: User) -> None:
    ada, dev = make_staff(Role.CLINICIAN, site), make_staff(Role.CLINICIAN, site)
    garden, attic = make_room(site), make_room(site)
    first = wednesday_group(site, "First", lead=ada, room=garden)
    second = make_meeting(site, 2, "13:00", "15:00", name="Second", lead=dev, room=garden)
    third = make_meeting(site, 2, "13:00", "15:00", name="Third", lead=ada, room=attic)
    morning, day = make_track(site, [first]), make_track(site, [first, second])
    for meeting in (first, second, third):
        make_session(meeting, WEDNESDAY)
    assert names(client) == {"First", "Second", "Third"}
    assert names(client, track=morning.pk) == {"First"}
    assert names(client, track=day.pk) == {"First", "Second"}
    assert names(client, room=attic.pk) == {"Third"}
    assert names(client, facilitator=ada.pk) == {"First", "Third"}
    assert names(client, room=garden.pk, facilitator=ada.pk) == {"First"}
    for page in ("board", "board-print"):
        week = client.get(reverse(page), {"room": attic.pk}).text
        assert [name for name in ("First", "Second", "Third") if f">{name}</a>" in week] == ["Third"]


def test_a_track_room_or_facilitator_of_another_site_filters_nothing(
    client: Client, site: Site, coordinator: User
) -> None:
    other = make_site("Elsewhere")
    make_session(wednesday_group(site), WEDNESDAY)
    foreign = {
        "track": make_track(other).pk,
        "room": make_room(other).pk,
        "facilitator": make_staff(Role.CLINICIAN, other).pk,
    }
    for name, key in foreign.items():
        assert asked(client, **{name: key}).status_code == 400
        assert "Coping skills" in client.get(reverse("board"), {name: key}).text


def test_the_filters_offer_the_sites_own_choices_and_keep_the_chosen_ones(
    client: Client, site: Site, coordinator: User
) -> None:
    track = make_track(site, name="Morning IOP")
    make_track(site, name="Still a draft", status=TrackStatus.DRAFT)
    make_track(make_site("Elsewhere"), name="Theirs")
    page = client.get(reverse("board"), {"track": track.pk, "date": "2026-12-03", "view": "month"}).text
    assert f'<option value="{track.pk}" selected>Morning IOP</option>' in page
    assert "Still a draft" not in page
    assert "Theirs" not in page
    assert '<input type="hidden" name="date" value="2026-12-03">' in page
    assert '<input type="hidden" name="view" value="month">' in page
    assert f'href="?date=2026-11-23&amp;track={track.pk}"' in page, "the week before"
    assert f'href="/board/print/?week=2026-12-03&amp;track={track.pk}"' in page


@pytest.mark.parametrize("query", [{"date": "nonsense"}, {"view": "century"}, {"date": "9999-99-99", "view": ""}, {}])
def test_an_invalid_url_shows_this_week(client: Client, site: Site, coordinator: User, query: dict[str, str]) -> None:
    page = client.get(reverse("board"), query).text
    assert 'data-date="2026-11-23" data-view=""' in page
    assert "Mon, Nov 23 – Sun, Nov 29" in page


def test_the_week_starts_on_the_day_that_the_site_sets(client: Client, site: Site, coordinator: User) -> None:
    site.rule_sets.update(starts=date(2020, 1, 5), week_starts=6)
    page = client.get(reverse("board"), {"date": "2026-11-25"}).text
    assert "Sun, Nov 22 – Sat, Nov 28" in page
    assert 'data-first-day="0"' in page


# Week without JavaScript


def test_without_javascript_the_week_has_a_column_for_each_day(client: Client, site: Site, coordinator: User) -> None:
    meeting = wednesday_group(
        site, room=make_room(site, name="Garden room"), lead=make_staff(Role.CLINICIAN, site, "Ada")
    )
    make_track(site, [meeting], name="Morning IOP")
    make_session(meeting, WEDNESDAY)
    Closure.objects.create(site=site, starts=date(2026, 11, 26), ends=date(2026, 11, 28), reason="Thanksgiving")
    for address in (reverse("board"), reverse("board-print")):
        page = client.get(address).text
        columns = re.findall(r"<section[^>]* aria-labelledby=\"day-([0-9-]+)\">(.*?)</section>", page, re.DOTALL)
        assert [day for day, _ in columns] == [f"2026-11-{number}" for number in (23, 24, 25, 26, 27)]
        written = {day: re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", column)) for day, column in columns}
        assert "M 9:00 AM–12:15 PM Coping skills Garden room · Ada 0 of 10 spots" in written["2026-11-25"]
        for closed in ("2026-11-26", "2026-11-27"):
            assert "Closed" in written[closed]
            assert ("Closed: Thanksgiving" in written[closed]) == (address == reverse("board"))
        assert "No sessions" in written["2026-11-24"]
        assert re.search(r'title="Morning IOP">M</b>\s+Morning IOP</li>', page), "the legend"


def test_a_weekend_is_shown_if_it_has_sessions(client: Client, site: Site, coordinator: User) -> None:
    make_session(make_meeting(site, 5), MONDAY + timedelta(days=5))
    page = client.get(reverse("board-print")).text
    assert "Sat, Nov 28</h2>" in page
    assert "Sun, Nov 29</h2>" not in page
    autumn = client.get(reverse("board-print"), {"week": "2026-10-28"}).text
    assert "Clocks go back 1 h overnight into Sunday" in autumn


def test_the_printed_week_leaves_out_private_reasons(client: Client, site: Site, coordinator: User) -> None:
    make_session(wednesday_group(site), WEDNESDAY, status=SessionStatus.CANCELLED, cancel_reason="Leader is ill")
    assert "Canceled: Leader is ill" in client.get(reverse("board"), {"date": "2026-11-25"}).text
    page = client.get(reverse("board-print"), {"week": "2026-11-25"}).text
    assert "Canceled" in page
    assert "Leader is ill" not in page


def test_the_printed_week_names_its_filters(client: Client, site: Site, coordinator: User) -> None:
    room = make_room(site, name="Garden room")
    page = client.get(reverse("board-print"), {"room": room.pk, "week": "2026-11-25"}).text
    assert "Only: Garden room" in page
    assert f'href="?week=2026-11-30&amp;room={room.pk}"' in page


def test_the_legend_has_no_drafts_and_retired_tracks_last(client: Client, site: Site, coordinator: User) -> None:
    make_track(site, name="Away", status=TrackStatus.RETIRED)
    make_track(site, name="Evening")
    make_track(site, name="Not yet", status=TrackStatus.DRAFT)
    legend = client.get(reverse("board")).context["legend"]
    assert [each.track.name for each in legend] == ["Evening", "Away"]


# Query counts


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("name", "queries"), [("board", 14), ("board-sessions", 10), ("board-print", 14)])
def test_three_sessions_take_as_many_queries_as_one(
    client: Client, site: Site, coordinator: User, number: int, name: str, queries: int, django_assert_num_queries: Any
) -> None:
    for each in range(number):
        lead, room = make_staff(Role.CLINICIAN, site), make_room(site)
        meeting = wednesday_group(site, f"Group {each}", lead=lead, room=room)
        make_track(site, [meeting], name=f"Track {each}")
        make_session(meeting, WEDNESDAY)
        Closure.objects.create(
            site=site, starts=MONDAY + timedelta(days=each), ends=MONDAY + timedelta(days=each + 1), reason="Closed"
        )
    with django_assert_num_queries(queries):
        response = client.get(reverse(name), WEEK)
    assert all(f"Group {each}" in response.text for each in range(number))
