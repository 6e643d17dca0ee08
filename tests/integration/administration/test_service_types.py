"""Administrators of all sites add types of service and change them. Once a type is in use, whether it counts is fixed."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent
from accounts.permissions import Role
from scheduling.models import ServiceType
from tests.clinic import client_for
from tests.confirmation import send_form
from tests.factories import make_meeting, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Client:
    return client_for(make_staff(Role.ADMINISTRATOR, None))


def test_a_type_is_added_with_a_code_from_its_name(office: Client) -> None:
    saved = office.post(reverse("service-type-new"), {"name": "Art therapy", "countable": "on"}, follow=True)
    assert "Art therapy is added." in saved.text
    added = ServiceType.objects.get(name="Art therapy")
    assert (added.code, added.countable) == ("art_therapy", True)
    event = AuditEvent.objects.get(subject_kind="servicetype")
    assert (event.action, event.detail) == (Action.CREATED, "Art therapy, counts toward weekly hours")


def test_two_types_never_have_the_same_name(office: Client) -> None:
    taken = ServiceType.objects.create(code="art", name="Art therapy")
    other = ServiceType.objects.create(code="music", name="Music therapy")
    edit, values = reverse("service-type-edit", args=[other.pk]), {"name": "art THERAPY"}
    for refused in (office.post(reverse("service-type-new"), values), send_form(office, edit, values)):
        assert refused.status_code == 422
        assert "There is already a type of service named art THERAPY." in refused.text
    edit = reverse("service-type-edit", args=[taken.pk])
    assert send_form(office, edit, {"name": "Art Therapy"}).status_code == 302


def test_a_type_in_use_cannot_start_or_stop_counting(office: Client) -> None:
    service_type = ServiceType.objects.create(code="art", name="Art therapy", countable=True)
    address = reverse("service-type-edit", args=[service_type.pk])
    send_form(office, address, {"name": "Art therapy"})
    service_type.refresh_from_db()
    assert not service_type.countable
    make_meeting(make_site(), 0, "09:00", "12:00", service_type=service_type)
    refused = send_form(office, address, {"name": "Art", "countable": "on"})
    assert refused.status_code == 422
    assert "Art therapy is in use, and hours of the past would change." in refused.text
    assert send_form(office, address, {"name": "Art"}).status_code == 302, "the name can change"
    service_type.refresh_from_db()
    assert (service_type.name, service_type.countable) == ("Art", False)


def test_types_are_for_administrators_of_all_sites() -> None:
    site, service_type = make_site(), ServiceType.objects.create(code="art", name="Art therapy")
    addresses = [
        reverse("service-types"),
        reverse("service-type-new"),
        reverse("service-type-edit", args=[service_type.pk]),
    ]
    for user in (make_staff(Role.ADMINISTRATOR, site), make_staff(Role.COORDINATOR, site)):
        client = client_for(user)
        assert [client.get(address).status_code for address in addresses] == [403, 403, 403]
        assert client.post(addresses[2], {"name": "Mine"}).status_code == 403
        assert addresses[0] not in client.get(reverse("administration")).text
    service_type.refresh_from_db()
    assert service_type.name == "Art therapy"


@pytest.mark.parametrize("number", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_types(
    office: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        ServiceType.objects.create(code=f"art-{each}", name=f"Art {each}")
    office.get(reverse("service-types"))
    with django_assert_num_queries(5):
        assert office.get(reverse("service-types")).status_code == 200
