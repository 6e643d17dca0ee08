"""Each page is in the language of its reader, and shows times on the reader's 12-hour or 24-hour clock."""

from typing import Any

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from django.test import Client
from django.urls import reverse
from django.utils.translation import get_language

from accounts.models import User
from accounts.permissions import Role
from patients.models import Patient
from scheduling.models import Site
from tests.factories import make_meeting, make_patient, make_patient_user, make_site, make_staff, make_track

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site()


def language_of(client: Client, url_name: str, **headers: str) -> str:
    return client.get(reverse(url_name), headers=headers).headers["Content-Language"]


def signed_in_as(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def patient_with_sign_in(site: Site, language: str) -> Patient:
    patient = make_patient(site, language=language)
    patient.user = User.objects.create_user(f"{patient.code}@example.org", name=str(patient))
    patient.save()
    return patient


@pytest.mark.parametrize(
    ("record", "setting", "browser", "expected"),
    [
        pytest.param("Spanish", "", "en-US", "es", id="the record"),
        pytest.param("Español", "en", "en-US", "es", id="the record before the setting"),
        pytest.param("Vietnamese", "es", "en-US", "es", id="the setting where the record has another language"),
        pytest.param("Vietnamese", "", "es-MX,es;q=0.9", "es", id="the browser where nothing else decides"),
        pytest.param("Vietnamese", "", "vi", "en", id="English where the browser has another language"),
    ],
)
def test_a_patients_pages_follow_the_record_then_the_setting_then_the_browser(
    client: Client, site: Site, record: str, setting: str, browser: str, expected: str
) -> None:
    patient = patient_with_sign_in(site, record)
    User.objects.filter(pk=patient.user_id).update(language=setting)
    assert patient.user is not None
    signed_in_as(client, patient.user)
    assert language_of(client, "portal-home", **{"Accept-Language": browser}) == expected


def test_staff_pages_follow_the_setting_then_the_browser(client: Client, site: Site) -> None:
    coordinator = make_staff(Role.COORDINATOR, site)
    signed_in_as(client, coordinator)
    assert language_of(client, "tracks", **{"Accept-Language": "es"}) == "es"
    User.objects.filter(pk=coordinator.pk).update(language="en")
    assert language_of(client, "tracks", **{"Accept-Language": "es"}) == "en"


def test_sign_in_follows_the_browser_and_caches_keep_a_page_for_each_language(client: Client, site: Site) -> None:
    make_staff(Role.COORDINATOR, site)
    response = client.get(reverse("account_login"), headers={"Accept-Language": "es"})
    assert response.headers["Content-Language"] == "es"
    assert '<html lang="es"' in response.text
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("site_clock", "own_clock", "expected"),
    [
        pytest.param("12", "", "9:00 AM–12:00 PM", id="the site's 12 hours"),
        pytest.param("24", "", "9:00–12:00", id="the site's 24 hours"),
        pytest.param("24", "12", "9:00 AM–12:00 PM", id="the user's choice"),
    ],
)
def test_times_follow_the_user_then_the_site(
    client: Client, site: Site, site_clock: str, own_clock: str, expected: str
) -> None:
    track = make_track(site, [make_meeting(site, day, "09:00", "12:00") for day in (0, 2, 4)])
    Site.objects.filter(pk=site.pk).update(hour_clock=site_clock)
    coordinator = make_staff(Role.COORDINATOR, site)
    User.objects.filter(pk=coordinator.pk).update(hour_clock=own_clock)
    signed_in_as(client, coordinator)
    page = client.get(reverse("track", args=[track.pk])).text
    assert expected in page
    assert ("AM" in page) == ("AM" in expected)


def test_mail_is_in_the_language_of_the_person_who_receives_it(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_user = make_patient_user(make_patient(site, language="Spanish"))
    written_in, render = [], DefaultAccountAdapter.render_mail

    def render_and_note(*args: Any) -> Any:
        written_in.append(get_language())
        return render(*args)

    monkeypatch.setattr(DefaultAccountAdapter, "render_mail", render_and_note)
    for email in (patient_user.email, make_staff(Role.COORDINATOR, site).email):
        client.post(reverse("account_reset_password"), {"email": email}, headers={"Accept-Language": "en"})
    assert written_in == ["es", "en"]
