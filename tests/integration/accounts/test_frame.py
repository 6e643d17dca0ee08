"""Sign-in, navigation, switching the site, page titles, and error pages."""

from typing import Any

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from accounts.services.session_store import SessionStore
from scheduling.context import frame, nav_items
from scheduling.models import Site
from scheduling.views.current_site import current_site
from tests.factories import PASSWORD, make_patient, make_patient_user, make_site, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site, name="Ada Park")


@pytest.fixture
def patient_user(site: Site) -> User:
    return make_patient_user(make_patient(site))


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_anonymous_visitor_is_asked_to_sign_in(client: Client) -> None:
    for path in ("/", "/today/", "/patients/", "/me/"):
        response = client.get(path)
        assert response.status_code == 302
        assert response.headers["Location"] == f"/accounts/login/?next={path}"


def test_staff_start_on_the_day_page_and_patients_in_the_portal(coordinator: User, patient_user: User) -> None:
    assert signed_in_as(coordinator).get("/").headers["Location"] == reverse("today")
    assert signed_in_as(patient_user).get("/").headers["Location"] == reverse("portal-home")


def test_a_user_without_role_or_record_gets_an_explanation(client: Client) -> None:
    client.force_login(User.objects.create_user("nobody@example.test", PASSWORD, name="Nobody"))

    response = client.get("/")

    assert response.status_code == 403
    assert "You don’t have access to this page" in response.text


def test_staff_have_no_portal_and_patients_no_staff_pages(coordinator: User, patient_user: User) -> None:
    assert signed_in_as(coordinator).get(reverse("portal-home")).status_code == 403
    for name in ("today", "patients", "tracks"):
        assert signed_in_as(patient_user).get(reverse(name)).status_code == 403


def test_users_sign_in_by_e_mail(client: Client, coordinator: User) -> None:
    page = client.get("/accounts/login/")
    response = client.post("/accounts/login/", {"login": coordinator.email, "password": PASSWORD})

    assert "<title>Sign in</title>" in page.text
    assert response.headers["Location"] == "/"
    assert client.get("/accounts/logout/").status_code == 200
    assert client.post("/accounts/logout/").headers["Location"] == "/accounts/login/"
    assert "You are signed out." in client.get("/accounts/login/").text


def test_a_wrong_password_is_reported_beside_the_fields(client: Client, coordinator: User) -> None:
    response = client.post("/accounts/login/", {"login": coordinator.email, "password": "not that one at all"})

    assert response.status_code == 200
    assert 'role="alert"' in response.text or "alert-danger" in response.text
    assert f'value="{coordinator.email}"' in response.text


def test_users_cannot_sign_up_or_change_their_e_mail_address(client: Client, coordinator: User) -> None:
    client.force_login(coordinator)
    for path in ("signup/", "email/", "confirm-email/", "password/set/", "reauthenticate/"):
        assert client.get(f"/accounts/{path}").status_code == 404


def test_a_password_is_reset_by_a_link_that_does_not_name_the_clinic(
    client: Client, coordinator: User, site: Site
) -> None:
    client.post("/accounts/password/reset/", {"email": coordinator.email})
    client.post("/accounts/password/reset/", {"email": "stranger@example.test"})

    (message,) = mail.outbox
    assert message.subject == "Reset your password"
    for secret in (site.name, "iopmanager", "clinic", "treatment", coordinator.name):
        assert secret.lower() not in (message.subject + message.body).lower()

    path = message.body.split("http://testserver", 1)[1].split()[0]
    form = client.get(path, follow=True)
    changed = client.post(
        form.request["PATH_INFO"], {"password1": "entirely new words", "password2": "entirely new words"}
    )
    assert changed.headers["Location"] == reverse("account_reset_password_from_key_done")
    assert client.login(email=coordinator.email, password="entirely new words")
    assert "no longer works" in client.get(path, follow=True).text


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (Role.ADMINISTRATOR, ["Today", "Tracks", "Board", "Administration"]),
        (Role.COORDINATOR, ["Today", "Patients", "Tracks", "Board", "Weekly hours"]),
        (Role.CLINICIAN, ["Today", "Patients", "Tracks", "Board", "Weekly hours"]),
        (Role.REVIEWER, ["Today", "Patients", "Tracks", "Board", "Weekly hours"]),
    ],
)
def test_the_navigation_has_only_permitted_pages(site: Site, role: Role, names: list[str]) -> None:
    assert [item.name for item in nav_items(make_staff(role, site), "/today/")] == names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/today/", "Today"),
        ("/sessions/3/", "Today"),
        ("/patients/7/weeks/2026-11-23/", "Patients"),
        ("/commitments/4/edit/", "Patients"),
        ("/meetings/4/edit/", "Tracks"),
        ("/closures/4/open/", "Tracks"),
        ("/board/print/", "Board"),
        ("/sessions/new/", "Board"),
        ("/weeks/", "Weekly hours"),
    ],
)
def test_the_navigation_marks_the_current_page(coordinator: User, path: str, name: str) -> None:
    assert [item.name for item in nav_items(coordinator, path) if item.active] == [name]


def test_closed_days_belong_to_the_section_that_links_to_them(site: Site, coordinator: User) -> None:
    administrator = make_staff(Role.ADMINISTRATOR, site, "Iris Wong")
    for user, name, url in ((administrator, "Administration", "administration"), (coordinator, "Tracks", "tracks")):
        assert [item.name for item in nav_items(user, "/closures/") if item.active] == [name]
        page = signed_in_as(user).get(reverse("closures")).text
        crumbs = page.partition('<nav class="crumbs"')[2].partition("</nav>")[0]
        assert f'<a href="{reverse(url)}">{name}</a>' in crumbs


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.COORDINATOR])
def test_on_phones_the_bar_has_four_links_and_the_menu_has_the_others(site: Site, role: Role) -> None:
    items = nav_items(make_staff(role, site), "/today/")
    in_bar = [item.name for item in items if item.in_bar]
    assert in_bar == (
        ["Today", "Tracks", "Board", "Administration"]
        if role == Role.ADMINISTRATOR
        else ["Today", "Patients", "Board", "Weekly hours"]
    )


def test_links_outside_the_bar_are_in_the_menu(coordinator: User) -> None:
    page = signed_in_as(coordinator).get(reverse("today")).text
    assert page.count('class="menu-item phone-only"') == 1
    assert '<a class="menu-item phone-only" href="/tracks/">' in page
    assert '<a class="rail-wide" href="/tracks/">' in page


def test_the_admin_is_for_administrators_of_every_site(site: Site) -> None:
    at_all_sites, at_one_site = make_staff(Role.ADMINISTRATOR, None), make_staff(Role.ADMINISTRATOR, site)

    assert 'href="/admin/"' in signed_in_as(at_all_sites).get(reverse("administration")).text
    assert 'href="/admin/"' not in signed_in_as(at_one_site).get(reverse("administration")).text


def test_switching_the_site_applies_to_the_following_pages(client: Client, coordinator: User, site: Site) -> None:
    other = make_site("Airport Road")
    RoleAssignment.objects.create(user=coordinator, role=Role.REVIEWER, site=other)
    client.force_login(coordinator)
    assert client.get(reverse("tracks")).context["current_site"] == other, "the first by name"

    response = client.post(reverse("site-switch"), {"site": site.code, "next": "/tracks/"})

    assert response.headers["Location"] == "/tracks/"
    assert client.get(reverse("tracks")).context["current_site"] == site


def test_a_site_without_a_role_is_not_found(client: Client, coordinator: User) -> None:
    client.force_login(coordinator)

    for code in (make_site("Airport Road").code, "no such site", ""):
        assert client.post(reverse("site-switch"), {"site": code}).status_code == 404
    assert client.get(reverse("site-switch")).status_code == 405


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_switching_the_site_never_redirects_to_another_host(
    client: Client, coordinator: User, site: Site, elsewhere: str
) -> None:
    client.force_login(coordinator)

    assert client.post(reverse("site-switch"), {"site": site.code, "next": elsewhere}).headers["Location"] == "/"


def test_the_page_frame_takes_two_queries_per_request(
    rf: RequestFactory, coordinator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_site("Airport Road")
    request = rf.get("/tracks/")
    request.user, request.session = User.objects.get(pk=coordinator.pk), SessionStore()

    with django_assert_num_queries(2):
        context: dict[str, Any] = frame(request)
        assert str(context["current_site"]) == "Harbor Street"
        assert [str(site) for site in context["sites"]] == ["Harbor Street"]
        assert len(context["rail"]) == 5
        assert current_site(request).name == "Harbor Street"


def test_tab_titles_of_patients_pages_are_neutral(patient_user: User, site: Site) -> None:
    client = signed_in_as(patient_user)

    titles = {
        "portal-home": "Home",
        "portal-week": "Week",
        "portal-calendar": "Calendar",
        "portal-account": "Me",
        "portal-consents": "Sharing",
        "accessibility": "Accessibility",
    }
    for name, title in titles.items():
        page = client.get(reverse(name))
        assert page.status_code == 200
        assert f"<title>{title} · My schedule</title>" in page.text
        assert site.name not in page.text.split("<body", 1)[0]
        assert "iopmanager" not in page.text


def test_staff_pages_have_their_own_titles(coordinator: User) -> None:
    assert " · iopmanager</title>" in signed_in_as(coordinator).get(reverse("tracks")).text


def test_error_pages_explain_the_error(client: Client, coordinator: User) -> None:
    client.force_login(coordinator)
    missing = client.get("/no/such/page/")

    assert missing.status_code == 404
    assert "Page not found" in missing.text
    for template in ("400.html", "403.html", "403_csrf.html", "404.html", "500.html"):
        assert 'href="/">Go to the home page</a>' in render_to_string(template)


def test_a_form_without_a_csrf_token_is_refused_with_an_explanation(coordinator: User, site: Site) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(coordinator)

    response = client.post(reverse("site-switch"), {"site": site.code})

    assert response.status_code == 403
    assert "open too long" in response.text


def test_pages_allow_no_inline_code_and_no_other_hosts(client: Client, coordinator: User) -> None:
    client.force_login(coordinator)
    page = client.get(reverse("tracks"))

    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for forbidden in (" style=", "<style", " onclick=", "<script>", 'src="http', 'href="http'):
        assert forbidden not in page.text
    htmx = render_to_string("components/htmx.html")
    assert '"historyCacheSize": 0' in htmx, "pages with names in them are not kept in the browser"
