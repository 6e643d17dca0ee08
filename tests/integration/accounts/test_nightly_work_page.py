"""The page that lists nightly jobs.

It shows last runs and next attempts, and warns if the scheduler seems to have stopped.
"""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import JobRun, OutgoingMail, RoleAssignment, User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import Site
from scheduling.views import nightly_work as jobs_views
from tests.factories import make_patient, make_patient_user, make_site, make_staff
from tests.nightly_jobs import FAIL, GREET, NIGHT, TIDY, make_run

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MORNING = NIGHT + 7 * HOUR
"""9:15 AM in New York, after the jobs of the night."""


@pytest.fixture(autouse=True)
def in_the_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: MORNING)
    monkeypatch.setattr(jobs_views, "NIGHTLY", (GREET, TIDY))


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(client: Client, site: Site) -> User:
    user = make_staff(Role.ADMINISTRATOR, site)
    client.force_login(user)
    return user


def text_of(client: Client) -> str:
    """Return the HTML of the page of nightly jobs, with whitespace collapsed."""
    response = client.get(reverse("nightly-work"))
    assert response.status_code == 200
    return " ".join(response.text.split())


def ran(site: Site) -> None:
    make_run(site, words="Said good night.")
    make_run(name="tidy", started_at=NIGHT.replace(hour=7, minute=0), words="Put things away.")


@pytest.mark.usefixtures("administrator")
def test_each_job_is_shown_with_its_last_run_and_next_attempt(client: Client, site: Site) -> None:
    ran(site)
    text = text_of(client)
    night, all_sites = text.split("All sites")
    for part in (
        "Harbor Street",
        "Good night",
        "Tue, Nov 24, 2:15 AM",
        "2 s",
        "Done",
        "Said good night.",
        "Wed, Nov 25, 2:15 AM",
    ):
        assert part in night
    for part in (
        "Times are in this time zone: Eastern (New York).",
        "Tidying",
        "Tue, Nov 24, 2:00 AM",
        "Put things away.",
        "Wed, Nov 25, 2:00 AM",
    ):
        assert part in all_sites
    assert "does not seem to be running" not in text
    assert "since" not in text


@pytest.mark.usefixtures("administrator")
def test_times_are_shown_in_the_zone_of_their_site(client: Client, administrator: User, site: Site) -> None:
    chicago = make_site("Prairie Avenue", "America/Chicago")
    RoleAssignment.objects.create(user=administrator, role=Role.ADMINISTRATOR, site=chicago)
    ran(site)
    make_run(chicago, NIGHT + HOUR)
    text = text_of(client)
    first_site, second_site = text[text.index("<h2") :].split("Prairie Avenue")
    assert "Tue, Nov 24, 2:15 AM" in first_site
    assert "Times are in this time zone: Central (Chicago)." in second_site
    assert "Tue, Nov 24, 2:15 AM" in second_site


@pytest.mark.usefixtures("administrator")
def test_a_failure_is_shown_with_what_happens_next(client: Client, site: Site) -> None:
    ran(site)
    make_run(site, MORNING - HOUR / 2, attempt=2, outcome="failed", words="It failed with LookupError.")
    text = text_of(client)
    assert "Failed" in text
    assert "It failed with LookupError." in text
    assert "Wed, Nov 25, 2:15 AM" in text, "the first try of the night was done"

    JobRun.objects.filter(attempt=1, name="greet").update(outcome="failed")
    assert "Tue, Nov 24, 9:45 AM" in text_of(client)
    assert "attempt 3 of 3" in text_of(client)


@pytest.mark.usefixtures("administrator")
def test_a_running_job_has_no_duration_yet(client: Client, site: Site) -> None:
    make_run(site, MORNING - HOUR / 2, outcome="running")
    text = text_of(client)
    assert "Running" in text
    assert "Wed, Nov 25, 2:15 AM" in text


@pytest.mark.usefixtures("administrator")
def test_an_overdue_job_is_shown_as_due(client: Client, site: Site) -> None:
    ran(site)
    JobRun.objects.filter(name="greet").update(night=(NIGHT - DAY).date())
    assert 'Due</span> <span class="nowrap">since Tue, Nov 24, 2:15 AM' in text_of(client)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        pytest.param(None, "No job has run yet. The scheduler does not seem to be running", id="never"),
        pytest.param(MORNING - 26 * HOUR, None, id="a day ago"),
        pytest.param(
            MORNING - 27 * HOUR,
            "No job has run since Mon, Nov 23, 6:15 AM. The scheduler does not seem to be running",
            id="more than 26 hours ago",
        ),
    ],
)
@pytest.mark.usefixtures("administrator")
def test_a_scheduler_that_seems_stopped_is_reported(
    client: Client, site: Site, last: datetime | None, said: str | None
) -> None:
    if last:
        make_run(site, last)
    text = text_of(client)
    assert (said or "Nightly work") in text
    assert ("manage.py run_jobs" in text) is (said is not None)


def test_administrators_see_only_the_sites_they_manage(client: Client, site: Site) -> None:
    elsewhere = make_site("Airport Road")
    ran(site)
    make_run(elsewhere, words="Slept at the airport.")
    administrator = make_staff(Role.ADMINISTRATOR, site)
    RoleAssignment.objects.create(user=administrator, role=Role.COORDINATOR, site=elsewhere)
    client.force_login(administrator)
    text = text_of(client)
    assert '<h2 id="place-1">Harbor Street' in text
    assert text.partition("<template")[0].count("<h2") == 3, "one site, all sites, and mail"
    assert "Slept at the airport." not in text

    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert "Slept at the airport." in text_of(client)


def test_runs_are_visible_to_managers_of_their_site() -> None:
    here, elsewhere = make_site("Harbor Street"), make_site("Airport Road")
    mine, theirs, common = make_run(here), make_run(elsewhere), make_run(name="tidy")
    for role, at, seen in (
        (Role.ADMINISTRATOR, None, {mine, theirs, common}),
        (Role.ADMINISTRATOR, here, {mine, common}),
        (Role.COORDINATOR, here, set()),
        (Role.REVIEWER, here, set()),
    ):
        assert set(JobRun.objects.visible_to(make_staff(role, at))) == seen
    inactive = make_staff(Role.ADMINISTRATOR, None, is_active=False)
    assert not JobRun.objects.visible_to(inactive)
    assert not JobRun.objects.visible_to(make_patient_user(make_patient(here)))


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.CLINICIAN, Role.REVIEWER])
def test_other_staff_get_neither_the_page_nor_a_link_to_it(client: Client, site: Site, role: Role) -> None:
    client.force_login(make_staff(role, site))
    assert client.get(reverse("nightly-work")).status_code == 403
    assert reverse("administration") not in client.get(reverse("tracks")).text


@pytest.mark.usefixtures("administrator")
def test_managers_get_a_link_to_the_page(client: Client) -> None:
    assert f'href="{reverse("administration")}"' in client.get(reverse("tracks")).text
    assert f'href="{reverse("nightly-work")}"' in client.get(reverse("administration")).text
    assert client.post(reverse("nightly-work")).status_code == 405


def test_a_patient_gets_no_access(client: Client, site: Site) -> None:
    client.force_login(make_patient_user(make_patient(site)))
    assert client.get(reverse("nightly-work")).status_code == 403


@pytest.mark.parametrize("number", [1, 3])
def test_three_sites_and_jobs_take_as_many_queries_as_one(
    client: Client, number: int, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(jobs_views, "NIGHTLY", (GREET, TIDY, FAIL)[:number])
    for name in ("Airport Road", "Harbor Street", "Prairie Avenue")[:number]:
        site = make_site(name)
        for ago in range(number):
            make_run(site, NIGHT - ago * DAY)
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    with django_assert_num_queries(6):
        text = text_of(client)
    assert text.count('scope="row"') == {1: 1, 3: 7}[number], "each job at each site, and the one about none"


def test_runs_can_be_viewed_in_the_admin(client: Client, site: Site) -> None:
    ran(site)
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert "Said good night." in client.get(reverse("admin:accounts_jobrun_changelist")).text
    assert client.get(reverse("admin:accounts_jobrun_add")).status_code == 403


def wait_in_outbox(since: datetime, **fields: object) -> OutgoingMail:
    content = {} if "given_up_at" in fields else {"to": ["rosa@example.test"]}
    return OutgoingMail.objects.create(content=content, created_at=since, **{"next_try": since, **fields})


@pytest.mark.usefixtures("administrator", "site")
def test_mail_that_waits_is_counted_without_its_addresses(client: Client) -> None:
    assert "No mail is waiting to be sent." in text_of(client)
    wait_in_outbox(MORNING - HOUR, attempts=3, next_try=MORNING + HOUR / 2)
    assert (
        "1 message is waiting to be sent, since Tue, Nov 24, 8:15 AM. Next attempt: Tue, Nov 24, 9:45 AM."
        in text_of(client)
    )
    wait_in_outbox(MORNING - HOUR / 2, attempts=1, next_try=MORNING - HOUR / 4)
    wait_in_outbox(MORNING - 2 * HOUR, is_dropped=True)
    text = text_of(client)
    assert "2 messages are waiting to be sent, the oldest since Tue, Nov 24, 8:15 AM." in text
    assert "Next attempt" not in text, "one of them is due"
    assert "example.test" not in text


@pytest.mark.usefixtures("administrator", "site")
def test_mail_that_was_given_up_is_counted(client: Client) -> None:
    wait_in_outbox(MORNING - 2 * DAY, next_try=None, given_up_at=MORNING - DAY)
    text = text_of(client)
    assert "1 message could not be sent within a day and was given up, on Mon, Nov 23, 9:15 AM." in text
    assert "No mail is waiting to be sent." in text


@pytest.mark.parametrize(
    ("waited", "attempts", "stopped"),
    [
        pytest.param(timedelta(minutes=5), 0, False, id="five minutes"),
        pytest.param(timedelta(minutes=5, seconds=1), 0, True, id="longer"),
        pytest.param(DAY, 1, False, id="tried, so the worker is running"),
    ],
)
@pytest.mark.usefixtures("administrator", "site")
def test_a_worker_that_seems_stopped_is_reported(
    client: Client, waited: timedelta, attempts: int, stopped: bool
) -> None:
    wait_in_outbox(MORNING - waited, attempts=attempts)
    assert ("The mail worker does not seem to be running." in text_of(client)) is stopped
