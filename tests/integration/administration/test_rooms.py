"""Administrators add, change and retire rooms. Nothing can be planned in a retired room."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.forms.sessions.session_changes import SlotForm
from scheduling.models import Room, Site
from scheduling.services.administration.rooms import (
    RoomInUse,
    RoomInWeeklyUse,
    RoomNeedsSpots,
    RoomValues,
    change_room,
    retire_room,
)
from scheduling.services.administration.versions import version_of
from scheduling.services.sessions.session_changes import move_session
from scheduling.services.sessions.slots import RoomRetired, Slot
from scheduling.services.timetable.meeting_checks import check_meeting
from scheduling.services.timetable.values import MeetingValues
from tests.clinic import client_for
from tests.confirmation import send_form
from tests.factories import MONDAY, make_meeting, make_room, make_session, make_site, make_staff
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture(autouse=True)
def in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    return make_staff(Role.ADMINISTRATOR, site)


@pytest.fixture
def office(administrator: User) -> Client:
    return client_for(administrator)


def test_a_room_is_added_with_a_code_from_its_name(office: Client, site: Site, administrator: User) -> None:
    for _ in range(2):
        answer = office.post(reverse("room-new", args=[site.pk]), {"name": "Large room", "places": "12"})
        assert answer.headers["Location"] == reverse("rooms", args=[site.pk])
    assert list(Room.objects.values_list("site", "name", "places", "code")) == [
        (site.pk, "Large room", 12, "large-room"),
        (site.pk, "Large room", 12, "large-room-2"),
    ]
    events = AuditEvent.objects.filter(subject_kind="room", action=Action.CREATED, site_key=site.pk)
    assert [event.actor_key for event in events] == [administrator.pk] * 2


def test_two_rooms_of_a_site_never_have_the_same_code(office: Client, site: Site) -> None:
    make_room(site, code="big")
    values = {"name": "Large room", "places": "12", "code": "big"}
    answer = office.post(reverse("room-new", args=[site.pk]), values)
    assert answer.status_code == 422
    assert "Another room at this site has the code big." in answer.text
    assert "Large room" in answer.text
    elsewhere = make_site("Elm Square")
    assert (
        client_for(make_staff(Role.ADMINISTRATOR, elsewhere))
        .post(reverse("room-new", args=[elsewhere.pk]), values)
        .status_code
        == 302
    )


def test_a_room_gets_another_name_and_capacity(office: Client, site: Site) -> None:
    room = make_room(site, 12)
    send_form(office, reverse("room-edit", args=[room.pk]), {"name": "Quiet room", "places": "8", "code": room.code})
    room.refresh_from_db()
    assert (room.name, room.places) == ("Quiet room", 8)
    assert AuditEvent.objects.get(subject_kind="room").detail == "Quiet room, holds 8"


def test_a_room_is_never_too_small_for_what_is_planned_in_it(site: Site, administrator: User) -> None:
    room = make_room(site, 12)
    group = make_meeting(site, 0, "09:00", "12:00", room=room, places=10, name="Monday group")
    values, seen = RoomValues(name=room.name, places=9), version_of(room)
    with pytest.raises(Refused) as refused:
        change_room(room=room, values=values, seen=seen, by=administrator, now=NOW)
    assert refused.value.reasons == (RoomNeedsSpots("Monday group", 10),)
    group.runs_until = date(2026, 11, 20)
    group.save()
    assert change_room(room=room, values=values, seen=seen, by=administrator, now=NOW).places == 9


def test_a_room_retires_once_nothing_uses_it(office: Client, site: Site, administrator: User) -> None:
    room = make_room(site, name="Large room")
    group = make_meeting(site, 0, "09:00", "12:00", room=room, name="Monday group")
    session = make_session(make_meeting(site, 2, "09:00", "12:00", name="Other group"), MONDAY + timedelta(days=2))
    session.room = room
    session.save()
    address = reverse("room-retire", args=[room.pk])
    shown = office.get(address).text
    assert "“Monday group” uses Large room every Monday." in shown
    assert "“Other group” still uses Large room, on Wed, Nov 25" in shown
    assert "You can retire the room when no group uses it every week." in shown
    assert 'name="since"' not in shown
    refused = office.post(address, {"since": "2026-11-23"})
    assert refused.status_code == 422
    assert refused.text.count("“Monday group” uses Large room every Monday.") >= 1
    with pytest.raises(Refused) as reasons:
        retire_room(room=room, since=MONDAY + timedelta(days=2), by=administrator, now=NOW)
    assert reasons.value.reasons == (
        RoomInWeeklyUse("Large room", "Monday group", 0),
        RoomInUse("Large room", "Other group", MONDAY + timedelta(days=2)),
    )
    group.runs_until = MONDAY + WEEK
    group.save()
    assert 'name="since"' in office.get(address).text
    saved = office.post(address, {"since": "2026-11-30"}, follow=True)
    assert "Large room is not used from Mon, Nov 30 on." in saved.text
    room.refresh_from_db()
    assert room.retired_from == MONDAY + WEEK
    event = AuditEvent.objects.get(subject_kind="room", action=Action.ENDED)
    assert (event.actor_key, event.detail) == (administrator.pk, "from 2026-11-30")


def test_nothing_is_planned_in_a_retired_room(site: Site) -> None:
    room, other = make_room(site), make_room(site)
    room.retired_from = MONDAY + WEEK
    room.save()
    values = MeetingValues(
        code="M", name="Group", weekday=0, starts=time(9), ends=time(12),
        service_type=make_meeting(site, 1, "09:00", "10:00").service_type, places=5, runs_from=MONDAY, tracks=(),
        room=room,
    )  # fmt: skip
    assert list(check_meeting(values, site)) == [RoomRetired(room.name, MONDAY + WEEK)]
    session = make_session(make_meeting(site, 2, "09:00", "12:00"), MONDAY + timedelta(days=2))
    coordinator = make_staff(Role.COORDINATOR, site)
    slot = Slot(on=MONDAY + timedelta(days=6), starts=values.starts, ends=values.ends, room=room)
    assert move_session(session=session, slot=slot, by=coordinator, now=NOW).room == room, "the day before"
    slot = Slot(on=MONDAY + WEEK, starts=values.starts, ends=values.ends, room=room)
    with pytest.raises(Refused) as refused:
        move_session(session=session, slot=slot, by=coordinator, now=NOW)
    assert refused.value.reasons == (RoomRetired(room.name, MONDAY + WEEK),)
    choices = SlotForm(site=site).fields["room"].queryset  # type: ignore[attr-defined]
    assert list(choices) == [other]


def test_a_retired_room_comes_back(office: Client, site: Site) -> None:
    room = make_room(site, name="Large room", retired_from=date(2026, 11, 2))
    assert "Not used since Mon, Nov 2" in office.get(reverse("rooms", args=[site.pk])).text
    saved = office.post(reverse("room-bring-back", args=[room.pk]), follow=True)
    assert "Large room can be used again." in saved.text
    room.refresh_from_db()
    assert room.retired_from is None
    assert AuditEvent.objects.get(subject_kind="room").detail == "in use again"


def test_rooms_are_managed_by_administrators_of_their_site(site: Site) -> None:
    room = make_room(site, name="Large room")
    stranger = client_for(make_staff(Role.ADMINISTRATOR, make_site("Elm Square")))
    coordinator = client_for(make_staff(Role.COORDINATOR, site))
    for name, key in (("rooms", site.pk), ("room-new", site.pk), ("room-edit", room.pk), ("room-retire", room.pk)):
        assert stranger.get(reverse(name, args=[key])).status_code == 404
        assert coordinator.get(reverse(name, args=[key])).status_code == 403
    for client, status in ((stranger, 404), (coordinator, 403)):
        values = {"name": "Mine", "places": "1", "since": "2026-11-30"}
        for name in ("room-edit", "room-retire", "room-bring-back"):
            assert client.post(reverse(name, args=[room.pk]), values).status_code == status
    room.refresh_from_db()
    assert (room.name, room.retired_from) == ("Large room", None)


@pytest.mark.parametrize("rooms", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_rooms(
    office: Client, site: Site, django_assert_num_queries: DjangoAssertNumQueries, rooms: int
) -> None:
    for number in range(rooms):
        make_meeting(site, number, "09:00", "12:00", room=make_room(site))
    office.get(reverse("rooms", args=[site.pk]))
    with django_assert_num_queries(6):
        assert "1 weekly group" in office.get(reverse("rooms", args=[site.pk])).text
