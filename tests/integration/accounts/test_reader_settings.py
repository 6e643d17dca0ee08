"""The page on which staff choose the language and the clock of their pages."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from scheduling.models import Site
from tests.factories import make_meeting, make_patient, make_patient_user, make_site, make_staff, make_track

pytestmark = pytest.mark.django_db

PAGE = "/settings/"


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def ada(client: Client, site: Site) -> User:
    """A signed-in clinician."""
    ada = make_staff(Role.CLINICIAN, site, name="Ada Park")
    client.force_login(ada)
    return ada


def choose(client: Client, language: str, hour_clock: str, browser: str = "en-US") -> Any:
    chosen = {"language": language or "default", "hour_clock": hour_clock or "default"}
    return client.post(PAGE, chosen, follow=True, headers={"Accept-Language": browser})


def test_the_menu_leads_to_the_settings(client: Client, ada: User) -> None:
    assert f'<a class="menu-item" href="{PAGE}">' in client.get(reverse("tracks")).text


@pytest.mark.parametrize("role", Role)
def test_every_role_has_the_page(client: Client, site: Site, role: Role) -> None:
    client.force_login(make_staff(role, site))
    assert client.get(PAGE).status_code == 200


def test_an_administrator_without_a_site_has_the_page(client: Client) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert client.get(PAGE).status_code == 200


def test_patients_and_users_without_a_role_are_refused(client: Client, site: Site) -> None:
    for user in (make_patient_user(make_patient(site)), User.objects.create_user("nobody@example.test", name="Nobody")):
        client.force_login(user)
        assert choose(client, "es", "24").status_code == 403
        user.refresh_from_db()
        assert (user.language, user.hour_clock) == ("", "")


def test_each_language_is_named_in_itself_whatever_the_language_of_the_page(client: Client, ada: User) -> None:
    for browser in ("en-US", "es-US"):
        page = client.get(PAGE, headers={"Accept-Language": browser}).text
        assert '<span lang="en">English</span>' in page
        assert '<span lang="es">Español</span>' in page


@pytest.mark.parametrize(
    ("language", "browser", "shown_in", "confirmation"),
    [
        pytest.param("es", "en-US", "es", "Sus preferencias están guardadas.", id="Spanish"),
        pytest.param("en", "es-US", "en", "Your settings are saved.", id="English"),
        pytest.param("", "es-US", "es", "Sus preferencias están guardadas.", id="the browser's language"),
    ],
)
def test_the_language_changes_at_once_and_so_does_the_confirmation(
    client: Client, ada: User, language: str, browser: str, shown_in: str, confirmation: str
) -> None:
    User.objects.filter(pk=ada.pk).update(language="en" if language == "" else "")
    saved = choose(client, language, "", browser)
    assert saved.headers["Content-Language"] == shown_in
    assert confirmation in saved.text
    ada.refresh_from_db()
    assert ada.language == language


def test_the_clock_changes_at_once(client: Client, ada: User, site: Site) -> None:
    track = make_track(site, [make_meeting(site, 0, "09:00", "12:00", lead=ada)])
    for hour_clock, shown in (("24", "9:00–12:00"), ("12", "9:00 AM–12:00 PM"), ("", "9:00 AM–12:00 PM")):
        choose(client, "", hour_clock)
        assert shown in client.get(reverse("track", args=[track.pk])).text


def test_only_real_changes_are_audited(client: Client, ada: User) -> None:
    choose(client, "es", "24")
    choose(client, "es", "24")
    choose(client, "", "24")
    found = AuditEvent.objects.filter(subject_kind="user").order_by("pk")
    assert [(each.action, each.subject_key, each.actor_key, each.detail) for each in found] == [
        (Action.CHANGED, ada.pk, ada.pk, "language and clock of the pages"),
        (Action.CHANGED, ada.pk, ada.pk, "language of the pages"),
    ]


def test_a_form_without_choices_is_refused_and_changes_nothing(client: Client, ada: User) -> None:
    choose(client, "es", "24")
    assert client.post(PAGE, {"language": "en"}).status_code == 422
    ada.refresh_from_db()
    assert (ada.language, ada.hour_clock) == ("es", "24")


def test_the_saved_choices_are_preselected(client: Client, ada: User) -> None:
    choose(client, "es", "24")
    form = client.get(PAGE).context["form"]
    assert form.initial == {"language": "es", "hour_clock": "24"}


@pytest.mark.parametrize(("language", "hour_clock"), [("tlh", ""), ("", "13")])
def test_an_unknown_choice_is_refused_beside_its_field(
    client: Client, ada: User, language: str, hour_clock: str
) -> None:
    refused = choose(client, language, hour_clock)
    assert refused.status_code == 422
    assert "is not one of the options. Choose another one." in refused.text
    ada.refresh_from_db()
    assert (ada.language, ada.hour_clock) == ("", "")


def test_the_page_takes_as_many_queries_as_its_frame(
    client: Client, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):
        client.get(PAGE)
