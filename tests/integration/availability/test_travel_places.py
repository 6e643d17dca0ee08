"""The pages for places, such as home and work. A commitment gets its travel time from its place."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Action, AuditEvent
from accounts.permissions import Role
from patients.models import Commitment, Patient, Place
from scheduling.models import Site
from tests.factories import make_commitment, make_patient, make_place, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def rosa(site: Site) -> Patient:
    return make_patient(site)


@pytest.fixture
def coordinator(client: Client, site: Site) -> Client:
    client.force_login(make_staff(Role.COORDINATOR, site))
    return client


def ways(place: Place) -> dict[str, tuple[int, int]]:
    return {
        travel.site.name: (travel.before_minutes, travel.after_minutes)
        for travel in place.travels.select_related("site")
    }


def test_a_place_is_added_with_travel_to_each_site(coordinator: Client, site: Site, rosa: Patient) -> None:
    other = make_site("Elm Street")
    typed = {"name": "Warehouse", f"before_{site.pk}": "20", f"after_{site.pk}": "35", f"before_{other.pk}": "5"}

    response = coordinator.post(reverse("place-new", args=[rosa.pk]), typed, follow=True)

    place = Place.objects.get()
    assert ways(place) == {"Harbor Street": (20, 35), "Elm Street": (5, 5)}
    assert "Harbor Street: 20 min there, 35 min back" in response.text
    assert AuditEvent.objects.filter(action=Action.CREATED, subject_label="Warehouse", patient_key=rosa.pk).exists()


def test_a_commitment_is_at_one_of_the_patients_places(coordinator: Client, site: Site, rosa: Patient) -> None:
    place, foreign = make_place(rosa, {site: (20, 35)}), make_place(make_patient(site), {site: (1, 1)}, "Elsewhere")
    typed = {"kind": "work", "label": "Shift", "pattern": "every", "weekdays": ["0"], "starts": "9:00", "ends": "17:00"}
    address = reverse("commitment-new", args=[rosa.pk])

    assert coordinator.post(address, typed | {"place": str(foreign.pk)}).status_code == 422
    response = coordinator.post(address, typed | {"place": str(place.pk)}, follow=True)

    assert "Mon, 9:00 AM–5:00 PM, at Home" in response.text
    assert Commitment.objects.get().place == place


def test_a_changed_place_is_audited_with_the_difference(coordinator: Client, site: Site, rosa: Patient) -> None:
    place = make_place(rosa, {site: (20, 35)})
    address = reverse("place-edit", args=[place.pk])
    assert coordinator.get(address).context["form"].initial[f"after_{site.pk}"] == 35

    coordinator.post(address, {"name": "Home", f"before_{site.pk}": "10", f"after_{site.pk}": "15"})

    assert ways(place) == {"Harbor Street": (10, 15)}
    assert AuditEvent.objects.get(action=Action.CHANGED).detail == "ways"


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        pytest.param({"name": "home"}, "name", "There is already a place called home.", id="a name that is taken"),
        pytest.param({"name": ""}, "name", "Fill in this field", id="no name"),
        pytest.param({"name": "Far", "before_site": "481"}, "before_site", "480", id="too far"),
    ],
)
def test_a_reason_is_shown_beside_its_field(
    coordinator: Client, site: Site, rosa: Patient, typed: dict[str, str], field: str, words: str
) -> None:
    make_place(rosa, {site: (20, 35)})
    typed = {name.replace("site", str(site.pk)): value for name, value in typed.items()}

    response = coordinator.post(reverse("place-new", args=[rosa.pk]), typed)

    form = response.context["form"]
    assert response.status_code == 422
    assert words in form.errors[field.replace("site", str(site.pk))][0]
    assert {name: form[name].value() for name in typed} == typed
    assert Place.objects.count() == 1


def test_a_place_can_be_deleted_when_no_commitment_uses_it(coordinator: Client, site: Site, rosa: Patient) -> None:
    place = make_place(rosa, {site: (20, 35)})
    make_commitment(rosa, [0], "09:00", "17:00", place=place)
    address = reverse("place-remove", args=[place.pk])

    refused = coordinator.post(address, follow=True)
    assert "1 commitment uses Home." in refused.text

    Commitment.objects.update(place=None)
    coordinator.post(address)
    assert not Place.objects.exists()
