"""Two administrators who change the same thing: the later form is refused once, keeps what was typed, and says why."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from scheduling.models import Room, RuleSet, ServiceType, Site
from scheduling.services.administration.rooms import RoomValues, change_room
from scheduling.services.administration.versions import ChangedAfterOpening, version_of
from tests.clinic import at, client_for
from tests.confirmation import send_form
from tests.factories import MONDAY, make_room, make_site, make_staff
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

CHANGED = "Somebody else changed this after you opened the page, so nothing is saved yet."
RULES = {
    "starts": "2026-11-23",
    "level": "all",
    "minimum_minutes": "9",
    "maximum_minutes": "25",
    "minimum_days": "3",
    "maximum_days": "5",
    "week_starts": "0",
}


@pytest.fixture
def first() -> Client:
    return client_for(make_staff(Role.ADMINISTRATOR, None))


@pytest.fixture
def second() -> Client:
    return client_for(make_staff(Role.ADMINISTRATOR, None, "Bo Reyes"))


def site_values(**changes: str) -> dict[str, str]:
    return {"name": "Harbor Street", "neutral_name": "Appointment", "hour_clock": "12", "country": "US"} | changes


def opened(client: Client, address: str) -> dict[str, Any]:
    return {"version": client.get(address).context["version"]}


def test_the_later_form_of_a_site_is_refused_once_and_loses_nothing(first: Client, second: Client) -> None:
    site = make_site("Harbor Street")
    address = reverse("site-edit", args=[site.pk])
    earlier = opened(second, address)
    assert send_form(first, address, site_values(phone="(207) 555-0100")).status_code == 302
    refused = second.post(address, site_values(address="4 Harbor Street") | earlier)
    assert refused.status_code == 422
    assert CHANGED in refused.text
    assert "They differ from what is saved now in: Address, Phone." in refused.text
    assert 'value="4 Harbor Street"' in refused.text
    site.refresh_from_db()
    assert (site.phone, site.address) == ("(207) 555-0100", "")
    again = site_values(address="4 Harbor Street", phone="(207) 555-0100", version=refused.context["version"])
    assert second.post(address, again).status_code == 302
    site.refresh_from_db()
    assert (site.phone, site.address) == ("(207) 555-0100", "4 Harbor Street")


def test_the_reason_is_not_lost_behind_another_error(first: Client, second: Client) -> None:
    site = make_site("Harbor Street")
    address = reverse("site-edit", args=[site.pk])
    earlier = opened(second, address)
    send_form(first, address, site_values(phone="(207) 555-0100"))
    refused = second.post(address, site_values(neutral_name="Addiction clinic") | earlier)
    assert CHANGED in refused.text
    assert "Anyone who sees this name could guess" in refused.text


def test_a_form_that_says_no_version_is_refused(first: Client) -> None:
    room = make_room(make_site(), 12, name="Large room")
    assert first.post(reverse("room-edit", args=[room.pk]), {"name": "Quiet room", "places": "8"}).status_code == 422
    room.refresh_from_db()
    assert room.name == "Large room"


@pytest.mark.parametrize("kind", ["room", "service type", "rules"])
def test_the_later_form_of_everything_else_is_refused_too(first: Client, second: Client, kind: str) -> None:
    site = make_site()
    cases: dict[str, tuple[str, Any, dict[str, str], dict[str, str]]] = {
        "room": (
            "room-edit",
            make_room(site, 12, name="Large room"),
            {"name": "Large room", "places": "10"},
            {"name": "Quiet room", "places": "12"},
        ),
        "service type": (
            "service-type-edit",
            ServiceType.objects.create(code="art", name="Art therapy"),
            {"name": "Art groups", "countable": "on"},
            {"name": "Art", "countable": "on"},
        ),
        "rules": (
            "rule-set-edit",
            RuleSet.objects.create(site=site, starts=MONDAY),
            RULES | {"minimum_minutes": "10"},
            RULES | {"maximum_minutes": "20"},
        ),
    }
    name, row, values, later = cases[kind]
    address = reverse(name, args=[row.pk])
    earlier = opened(second, address)
    assert send_form(first, address, values).status_code == 302
    refused = second.post(address, later | earlier)
    assert refused.status_code == 422
    assert CHANGED in refused.text
    saved = type(row).objects.get(pk=row.pk)
    assert second.post(address, later | {"version": refused.context["version"]}).status_code == 302
    assert version_of(type(row).objects.get(pk=row.pk)) != version_of(saved)


def test_new_rules_replace_no_rules_that_somebody_else_has_just_set(first: Client, second: Client) -> None:
    site = make_site()
    address = reverse("rule-set-new", args=[site.pk])
    earlier = opened(second, address)
    assert send_form(first, address, RULES | {"minimum_minutes": "12"}).status_code == 302
    refused = second.post(address, RULES | earlier)
    assert refused.status_code == 422
    assert f"{CHANGED} Your entries are still here. Save again if they are still right." in refused.text
    assert RuleSet.objects.get(site=site, starts=MONDAY).minimum_minutes == 720


def test_the_service_looks_again_under_the_lock() -> None:
    site, by = make_site(), make_staff(Role.ADMINISTRATOR, None)
    room = make_room(site, 12, name="Large room")
    seen = version_of(room)
    Room.objects.update(places=10)
    values = RoomValues(name="Quiet room", places=12)
    with pytest.raises(Refused) as refused:
        change_room(room=room, values=values, seen=seen, by=by, now=at("12:00"))
    assert refused.value.reasons == (ChangedAfterOpening(),)
    assert Room.objects.get().name == "Large room"


def test_a_version_covers_every_column() -> None:
    site = make_site()
    for name, value in {"phone": "1", "allows_delegates": True, "opens": "08:00"}.items():
        before = version_of(Site.objects.get())
        Site.objects.filter(pk=site.pk).update(**{name: value})
        assert version_of(Site.objects.get()) != before
