"""Pages are compressed. Calendars and other files are not."""

import gzip

import pytest
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from scheduling.models import Site
from tests.factories import make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site()


def test_a_page_is_compressed_for_a_browser_that_accepts_it(client: Client, site: Site) -> None:
    client.force_login(make_staff(Role.COORDINATOR, site))
    page = client.get(reverse("tracks"), headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert "<title>" in gzip.decompress(page.content).decode()
    assert "Content-Encoding" not in client.get(reverse("tracks")).headers


def test_the_day_page_is_still_revalidated_when_it_is_compressed(client: Client, site: Site) -> None:
    client.force_login(make_staff(Role.COORDINATOR, site))
    first = client.get(reverse("today"), headers={"Accept-Encoding": "gzip"})
    client.get(reverse("today"), headers={"Accept-Encoding": "gzip"})
    tag = client.get(reverse("today"), headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    again = client.get(reverse("today"), headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    assert (first.status_code, again.status_code) == (200, 304)
