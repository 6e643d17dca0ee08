"""An empty installation: the first administrator, the checklist, and the first site."""

import threading
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from accounts.services.first_run import AlreadySetUp, create_first_administrator, set_up_code
from scheduling.models import RuleSet, Site
from scheduling.services.administration.checklist import site_progress
from scheduling.views.administration import first_run
from tests.factories import make_patient, make_room, make_site, make_staff, make_weekday_track
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
PASSWORD = "long enough for anybody"


@pytest.fixture(autouse=True)
def no_guesses_yet() -> None:
    cache.clear()


def account(**changes: Any) -> dict[str, Any]:
    return {
        "code": set_up_code(),
        "name": "Imani Cole",
        "email": "imani@clinic.example",
        "password": PASSWORD,
    } | changes


def site_form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Harbor Street",
        "neutral_name": "Appointment",
        "time_zone": "America/Chicago",
        "hour_clock": "12",
        "week_starts": "0",
    } | changes


def first_administrator(client: Client) -> User:
    client.post(reverse("set-up"), account())
    return User.objects.get()


def test_an_empty_installation_leads_from_any_page_to_the_first_administrator(client: Client) -> None:
    for path in ("/", "/today/", "/me/", "/admin/"):
        assert client.get(path, follow=True).redirect_chain[-1][0] == reverse("set-up")


def test_the_first_administrator_is_signed_in_and_sees_the_checklist(client: Client) -> None:
    response = client.post(reverse("set-up"), account(), follow=True)
    assert response.redirect_chain == [("/", 302), (reverse("getting-started"), 302)]
    assert "Begin with your first site" in response.text
    user = User.objects.get()
    assert (user.name, user.is_staff, user.check_password(PASSWORD)) == ("Imani Cole", True, True)
    event = AuditEvent.objects.get(subject_kind="user", action=Action.CREATED)
    assert event.actor_key == user.pk


def test_the_home_page_leads_to_the_checklist_while_there_is_no_site(client: Client) -> None:
    first_administrator(client)
    assert client.get("/").headers["Location"] == reverse("getting-started")
    client.post(reverse("site-new"), site_form())
    assert client.get("/", follow=True).redirect_chain[-1][0] == reverse("today")
    assert reverse("administration") in client.get(reverse("today")).text
    assert reverse("getting-started") in client.get(reverse("administration")).text


@pytest.mark.parametrize("written", [str.lower, lambda code: code.replace("-", " "), lambda code: f" {code} "])
def test_the_code_may_be_written_in_any_usual_way(client: Client, written: Any) -> None:
    assert client.post(reverse("set-up"), account(code=written(set_up_code()))).status_code == 302


def test_a_wrong_code_is_refused_and_nothing_that_was_typed_is_lost(client: Client) -> None:
    response = client.post(reverse("set-up"), account(code="AAAA-BBBB-CCCC-DDDD"))
    assert response.status_code == 422
    assert "This is not the set-up code." in response.text
    for typed in ("Imani Cole", "imani@clinic.example", PASSWORD):
        assert typed in response.text
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["short", "imani@clinic.example", "password1234"])
def test_a_weak_password_is_refused(client: Client, password: str) -> None:
    assert client.post(reverse("set-up"), account(password=password)).status_code == 422
    assert not User.objects.exists()


def test_the_code_cannot_be_guessed(client: Client) -> None:
    for number in range(5):
        client.post(reverse("set-up"), account(code=f"AAAA-BBBB-CCCC-DDD{number}"))
    response = client.post(reverse("set-up"), account())
    assert "Too many wrong codes." in response.text
    assert not User.objects.exists()
    cache.clear()
    assert client.post(reverse("set-up"), account()).status_code == 302


def test_guesses_from_other_addresses_do_not_keep_anybody_from_setting_up(client: Client) -> None:
    for number in range(40):
        client.post(reverse("set-up"), account(code="AAAA-BBBB-CCCC-DDDD"), REMOTE_ADDR=f"10.0.{number}.1")
    assert client.post(reverse("set-up"), account()).status_code == 302


def test_once_there_is_a_user_the_page_and_the_code_are_useless(client: Client) -> None:
    make_staff(Role.COORDINATOR, make_site())
    response = client.get(reverse("set-up"), follow=True)
    assert response.redirect_chain == [(reverse("account_login"), 302)]
    assert "already has an administrator" in response.text
    client.post(reverse("set-up"), account())
    assert not User.objects.filter(email="imani@clinic.example").exists()
    with pytest.raises(Refused) as refused:
        create_first_administrator(now=NOW, **account())
    assert refused.value.reasons == (AlreadySetUp(),)


def test_the_slower_of_two_people_is_referred_to_the_sign_in_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_faster(request: HttpRequest) -> bool:
        create_first_administrator(now=NOW, **account(email="faster@clinic.example"))
        return True

    monkeypatch.setattr(first_run, "_may_guess", be_faster)
    page = client.post(reverse("set-up"), account(), follow=True)
    assert page.redirect_chain == [(reverse("account_login"), 302)]
    assert "already has an administrator" in page.text
    assert "Nobody can sign in here yet" not in page.text
    assert User.objects.get().email == "faster@clinic.example"


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_set_up_at_the_same_time_one_succeeds() -> None:
    outcomes: list[object] = []
    start = threading.Barrier(2)

    def set_up(name: str) -> None:
        start.wait()
        try:
            outcomes.append(create_first_administrator(now=NOW, **account(email=f"{name}@clinic.example")))
        except Refused as refused:
            outcomes.append(refused.reasons)
        finally:
            connection.close()

    both = [threading.Thread(target=set_up, args=(name,)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(type(each).__name__ for each in outcomes) == ["User", "tuple"]
    assert (AlreadySetUp(),) in outcomes
    assert User.objects.count() == 1


def test_the_command_shows_the_code_only_while_it_is_of_use(client: Client) -> None:
    shown = StringIO()
    call_command("set_up", stdout=shown)
    assert set_up_code() in shown.getvalue()
    first_administrator(client)
    shown = StringIO()
    call_command("set_up", stdout=shown)
    assert set_up_code() not in shown.getvalue()


def test_a_site_begins_with_rules_and_with_the_administrators_own_roles(client: Client) -> None:
    user = first_administrator(client)
    form = site_form(week_starts="6", own_roles=["coordinator", "clinician"], opens="08:00", closes="20:00")
    response = client.post(reverse("site-new"), form, follow=True)
    assert response.redirect_chain == [(reverse("getting-started"), 302)]
    site = Site.objects.get()
    assert (site.code, site.time_zone) == ("harbor-street", "America/Chicago")
    rules = RuleSet.objects.get(site=site)
    assert (rules.week_starts, rules.starts.weekday(), rules.minimum_minutes) == (6, 6, 540)
    assert rules.starts <= site.today_at(datetime.now(UTC))
    assert User.objects.get().roles_at(site.pk) == {Role.ADMINISTRATOR, Role.COORDINATOR, Role.CLINICIAN}
    kinds = AuditEvent.objects.filter(actor_key=user.pk, action=Action.CREATED).values_list("subject_kind", flat=True)
    assert sorted(kinds) == ["roleassignment", "roleassignment", "site", "user"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"time_zone": "EST"}, "EST"),
        ({"time_zone": "Etc/GMT+5"}, "Etc/GMT+5"),
        ({"neutral_name": "Harbor Street"}, "This contains the name of the site"),
        ({"neutral_name": "Harbor rehab"}, "Anyone who sees this name could guess"),
        ({"opens": "20:00", "closes": "08:00"}, "closes before it opens"),
        ({"code": "taken"}, "Another site has the code taken"),
    ],
)
def test_an_invalid_site_is_refused_with_a_sentence(client: Client, changes: Any, sentence: str) -> None:
    first_administrator(client)
    make_site("Elm Square", code="taken")
    response = client.post(reverse("site-new"), site_form(**changes))
    assert response.status_code == 422
    assert sentence in response.text
    assert Site.objects.count() == 1


def test_two_sites_of_the_same_name_get_different_codes(client: Client) -> None:
    first_administrator(client)
    for _ in range(2):
        client.post(reverse("site-new"), site_form())
    assert set(Site.objects.values_list("code", flat=True)) == {"harbor-street", "harbor-street-2"}


def test_the_checklist_says_what_each_site_has(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    administrator = make_staff(Role.ADMINISTRATOR, None)
    empty, ready = make_site("Elm Square"), make_site("Harbor Street")
    make_room(ready)
    make_staff(Role.CLINICIAN, ready)
    RoleAssignment.objects.create(user=administrator, role=Role.COORDINATOR, site=ready)
    make_weekday_track(ready)
    make_patient(ready)
    administrator = User.objects.get(pk=administrator.pk)
    assert administrator.is_staff
    with django_assert_num_queries(1):
        first, second = site_progress(administrator)
    assert (first.site, first.is_complete, first.has_rules, first.has_rooms) == (empty, False, True, False)
    assert (second.site, second.is_complete) == (ready, True)


def test_an_inactive_clinician_does_not_count() -> None:
    site = make_site()
    make_staff(Role.CLINICIAN, site, is_active=False)
    (progress,) = site_progress(make_staff(Role.ADMINISTRATOR, None))
    assert not progress.has_clinicians


@pytest.mark.parametrize("sites", [1, 3])
def test_the_number_of_queries_of_the_checklist_does_not_grow(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, sites: int
) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    for _ in range(sites):
        make_site()
    client.get(reverse("getting-started"))
    with django_assert_num_queries(5):
        assert client.get(reverse("getting-started")).status_code == 200


def test_each_open_step_offers_the_import_and_the_demo_clinic(client: Client) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    site = make_site()
    site.rooms.all().delete()
    page = client.get(reverse("getting-started")).text
    for file in ("rooms.csv", "staff.csv", "tracks.csv", "patients.csv"):
        assert (
            f'Put your data in {file}, or in a sheet of that name, and <a href="{reverse("imports")}">import it</a>.'
            in page
        )
    assert "look at the demo clinic" in page


def test_only_administrators_of_all_sites_may_add_a_site(client: Client) -> None:
    site = make_site()
    client.force_login(make_staff(Role.ADMINISTRATOR, site))
    page = client.get(reverse("getting-started"))
    assert page.status_code == 200
    assert reverse("site-new") not in page.text
    assert (
        client.get(reverse("site-new")).status_code == client.post(reverse("site-new"), site_form()).status_code == 403
    )
    client.force_login(make_staff(Role.COORDINATOR, site))
    assert client.get(reverse("getting-started")).status_code == 403


def test_a_sites_administrator_sees_the_checklist_of_no_other_site(client: Client) -> None:
    make_site("Elm Square")
    client.force_login(make_staff(Role.ADMINISTRATOR, make_site("Harbor Street")))
    page = client.get(reverse("getting-started")).text
    assert "Harbor Street" in page
    assert "Elm Square" not in page


def test_rules_begin_in_the_week_in_which_the_site_is_added() -> None:
    from scheduling.services.administration.sites import SiteValues, add_site

    values = SiteValues(name="Harbor", neutral_name="Appointment", time_zone="America/Chicago", hour_clock="12")
    by = make_staff(Role.ADMINISTRATOR, None)
    site = add_site(values=values, code="", week_starts=0, own_roles=[], by=by, now=NOW)
    assert site.rule_sets.get().starts == date(2026, 11, 23)
