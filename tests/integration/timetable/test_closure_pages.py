"""The pages for closures. They preview which patients are affected, and suggest public holidays."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.models import Booking, Closure, Session, SessionStatus, Site
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.sessions.session_changes import OneOffSession, add_session
from scheduling.services.sessions.slots import Slot
from scheduling.services.timetable.closures import close_site
from tests.confirmation import impact_key
from tests.factories import MONDAY, admit, make_meeting, make_patient, make_site, make_staff, make_track
from tests.page_reader import with_dots

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEDNESDAY, THANKSGIVING, FRIDAY = (MONDAY + timedelta(days=number) for number in (2, 3, 4))


class Clinic:
    """A clinic with a patient in groups on Monday, Wednesday and Thursday."""

    def __init__(self) -> None:
        self.site: Site = make_site(country="US", state="ME")
        self.coordinator: User = make_staff(Role.COORDINATOR, self.site)
        self.lead: User = make_staff(Role.CLINICIAN, self.site, "Ada Park")
        groups = [make_meeting(self.site, day, lead=self.lead, name="Skills") for day in (0, 2, 3)]
        self.track = make_track(self.site, groups)
        extend_horizon(site=self.site, now=NOW)
        self.patient = make_patient(self.site)
        enroll_patient(
            episode=admit(self.patient), track=self.track, meetings=groups, starts=MONDAY, by=self.coordinator, now=NOW
        )

    def on(self, day: date) -> Session:
        return Session.objects.get(site=self.site, on=day, name="Skills")

    def close(self, first: date, last: date, reason: str = "Snow") -> Closure:
        return close_site(site=self.site, first_day=first, last_day=last, reason=reason, by=self.coordinator, now=NOW)


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, client: Client) -> Clinic:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    made = Clinic()
    client.force_login(made.coordinator)
    return made


PAGE = "/closures/"
HOLIDAY = {"first_day": "2026-11-26", "reason": "Thanksgiving Day"}


def test_closing_a_holiday_shows_who_is_affected_before_it_is_done(client: Client, clinic: Clinic) -> None:
    page = client.get(PAGE).text
    assert "Thanksgiving Day" in page
    assert "Patriots&#x27; Day" in page
    assert 'name="first_day" value="2026-11-26"' in page
    shown = client.post(PAGE, HOLIDAY)
    assert shown.status_code == 200
    assert "1 patient loses a session" in shown.text
    assert "Close Thu, Nov 26" in shown.text
    assert clinic.on(THANKSGIVING).status == SessionStatus.SCHEDULED
    response = client.post(PAGE, HOLIDAY | {"seen": impact_key(shown.text)}, follow=True)
    assert "Harbor Street is closed Thu, Nov 26 (Thanksgiving Day). 1 session is canceled." in response.text
    session = clinic.on(THANKSGIVING)
    assert (session.status, session.cancel_reason) == (SessionStatus.CANCELLED, "Thanksgiving Day")
    assert 'name="first_day" value="2026-11-26"' not in response.text, "what is closed is not offered again"


def test_a_day_without_patients_is_closed_at_once_unless_a_preview_is_requested(client: Client, clinic: Clinic) -> None:
    typed = {"first_day": "2026-11-27", "last_day": "", "reason": "Training"}
    assert "No patients are affected" in client.post(PAGE, typed | {"check": "1"}).text
    assert not Closure.objects.exists()
    assert client.post(PAGE, typed).status_code == 302
    closure = Closure.objects.get()
    assert (closure.starts, closure.last_day, closure.reason) == (FRIDAY, FRIDAY, "Training")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        pytest.param({"first_day": ""}, "Enter a date.", id="no day"),
        pytest.param({"reason": " "}, "Fill in this field.", id="no reason"),
        pytest.param(
            {"last_day": "2026-11-01"}, "Sun, Nov 1 is too early. Choose Fri, Nov 27 or later.", id="backwards"
        ),
        pytest.param(
            {"last_day": "2026-11-30"},
            "The site is already closed Sat, Nov 28 – Sun, Nov 29 (Snow). Choose other days.",
            id="closed already",
        ),
        pytest.param({"first_day": "0026-11-27"}, "Check the year. It must be from", id="a slip of the keyboard"),
    ],
)
def test_a_refused_closure_has_its_reason_beside_the_field(
    client: Client, clinic: Clinic, typed: dict[str, str], words: str
) -> None:
    clinic.close(date(2026, 11, 28), date(2026, 11, 29))
    response = client.post(PAGE, {"first_day": "2026-11-27", "last_day": "", "reason": "Painters"} | typed)
    assert response.status_code == 422
    assert words in response.text
    assert 'value="Painters"' in response.text or "reason" in typed
    assert Closure.objects.count() == 1


def test_past_and_future_closures_are_listed_apart(client: Client, clinic: Clinic) -> None:
    for first, last, reason in (
        (date(2025, 12, 30), date(2026, 1, 2), "New Year"),
        (date(2025, 5, 1), date(2025, 5, 1), "Long ago"),
        (date(2026, 11, 21), date(2026, 11, 22), "Burst pipe"),
        (date(2026, 12, 24), date(2026, 12, 25), "Winter holidays"),
    ):
        clinic.close(first, last, reason)
    page = re.sub(r"\s+", " ", client.get(PAGE).text)
    coming, _, past = page.partition("<details> <summary> 1 closure earlier this year")
    assert "Burst pipe" in coming
    assert "Now</span>" in coming
    assert "Thu, Dec 24 – Fri, Dec 25" in coming
    assert "New Year" in past.partition("</details>")[0]
    assert "Long ago" not in page


def test_lifting_a_closure_shows_and_restores_its_sessions(client: Client, clinic: Clinic) -> None:
    closure = clinic.close(WEDNESDAY, WEDNESDAY)
    address = reverse("closure-lift", args=[closure.pk])
    assert "Harbor Street is closed Wed, Nov 25 (Snow)." in client.get(address).text
    shown = client.post(address, {"next": "/closures/?country=GB"})
    assert "1 patient gains a session" in shown.text
    assert Closure.objects.exists()
    response = client.post(address, {"next": "/closures/?country=GB", "seen": impact_key(shown.text)})
    assert response["Location"] == "/closures/?country=GB"
    assert not Closure.objects.exists()
    assert Booking.objects.active().filter(session=clinic.on(WEDNESDAY)).count() == 1
    assert client.get(address).status_code == 404


def test_sessions_that_stay_canceled_are_named_before_and_after(client: Client, clinic: Clinic) -> None:
    closure = clinic.close(WEDNESDAY, WEDNESDAY)
    elsewhere = make_site("Elm Road")
    slot = Slot(on=WEDNESDAY, starts=clinic.on(WEDNESDAY).local_starts().time(), ends=time(13))
    kind = clinic.on(WEDNESDAY).service_type
    extra = add_session(
        site=elsewhere,
        values=OneOffSession(name="Extra", slot=slot, service_type=kind, places=3),
        by=clinic.coordinator,
        now=NOW,
    )
    extra.session_facilitators.create(user=clinic.lead, starts=extra.starts, ends=extra.ends)
    address = reverse("closure-lift", args=[closure.pk])
    shown = client.post(address, {"check": "1"})
    assert "Skills on Wed, Nov 25 stays canceled. Ada Park is in “Extra” on Wed, Nov 25, 9:00 AM–1:00 PM." in shown.text
    response = client.post(address, {"seen": impact_key(shown.text)}, follow=True)
    assert "1 session stays canceled, because its room or staff are taken." in response.text
    assert clinic.on(WEDNESDAY).status == SessionStatus.CANCELLED


def test_a_past_closure_is_not_lifted(client: Client, clinic: Clinic) -> None:
    closure = clinic.close(date(2026, 11, 20), date(2026, 11, 21))
    response = client.post(reverse("closure-lift", args=[closure.pk]))
    assert response.status_code == 422
    assert "The last day of Snow is Sat, Nov 21." in response.text


def test_the_holidays_of_another_region_are_shown_and_kept_in_the_url(client: Client, clinic: Clinic) -> None:
    page = client.get(PAGE, {"country": "GB", "state": "SCT"}).text
    assert "Saint Andrew&#x27;s Day" in page
    assert "Thanksgiving Day" not in page
    assert '<option value="GB" selected>' in page
    assert 'value="SCT" selected' in page
    assert 'name="next" value="/closures/?country=GB&amp;state=SCT"' in page
    another = client.get(PAGE, {"country": "GB", "state": "ME"}).text
    assert "Saint Andrew&#x27;s Day" not in another, "a state of another country is the whole country"
    assert "Boxing Day" in another
    assert (clinic.site.country, clinic.site.state) == ("US", "ME")


@pytest.mark.parametrize("asked", [{"country": "²"}, {"country": "USA", "state": "\x00"}, {"state": "GB"}])
def test_an_invalid_region_in_the_url_means_the_region_of_the_site(
    client: Client, clinic: Clinic, asked: dict[str, str]
) -> None:
    assert "Patriots&#x27; Day" in client.get(PAGE, asked).text


def test_a_site_in_an_unknown_country_gets_an_explanation(client: Client, clinic: Clinic) -> None:
    Site.objects.filter(pk=clinic.site.pk).update(country="XX", state="East")
    page = client.get(PAGE).text
    assert "We have no list of public holidays for “XX”." in page
    assert '<option value="XX" selected>' in page
    assert "Thanksgiving Day" in client.get(PAGE, {"country": "US"}).text


@pytest.mark.parametrize("number", [1, 3])
def test_three_closures_take_as_many_queries_as_one(
    client: Client, clinic: Clinic, number: int, django_assert_num_queries: Any
) -> None:
    for each in range(number):
        clinic.close(WEDNESDAY + timedelta(weeks=each), THANKSGIVING + timedelta(weeks=each), f"Snow {each}")
        clinic.close(MONDAY - timedelta(days=10 * each + 5), MONDAY - timedelta(days=10 * each + 5), f"Ice {each}")
    with django_assert_num_queries(8):
        page = client.get(PAGE).text
    assert with_dots(page).count("· Ice") == page.count("</strong> Snow") == number
    with django_assert_num_queries(6):
        client.get(reverse("closure-lift", args=[Closure.objects.filter(reason="Snow 0").get().pk]))


def test_a_user_who_may_only_see_the_timetable_closes_nothing(client: Client, clinic: Clinic) -> None:
    closure = clinic.close(WEDNESDAY, WEDNESDAY)
    client.force_login(make_staff(Role.REVIEWER, clinic.site))
    page = client.get(PAGE).text
    assert "Snow" in page
    assert "Thanksgiving Day" in page
    assert '<form method="post" action="/closures/' not in page
    assert client.post(PAGE, HOLIDAY).status_code == 403
    address = reverse("closure-lift", args=[closure.pk])
    assert {client.get(address).status_code, client.post(address).status_code} == {403}
    assert Closure.objects.count() == 1


def test_a_user_who_may_not_see_patients_closes_without_seeing_names(client: Client, clinic: Clinic) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, clinic.site))
    shown = client.post(PAGE, HOLIDAY).text
    assert "1 more patient is affected. You don’t have access to their record." in shown
    assert "Lindqvist" not in shown


def test_showing_names_is_recorded_in_the_patients_trails(client: Client, clinic: Clinic) -> None:
    client.post(PAGE, HOLIDAY)
    event = AuditEvent.objects.get(action="viewed", patient_key=clinic.patient.pk)
    assert event.detail == "what it would do to closing Thu, Nov 26"


def test_in_the_admin_closures_and_sites_are_read_only_and_sites_are_changed_on_their_page(
    client: Client, clinic: Clinic
) -> None:
    closure = clinic.close(WEDNESDAY, WEDNESDAY)
    client.force_login(User.objects.create_superuser("boss@example.test", name="Boss"))
    assert client.get(reverse("admin:scheduling_closure_changelist")).status_code == 200
    assert client.get(reverse("admin:scheduling_closure_add")).status_code == 403
    assert (
        client.post(reverse("admin:scheduling_closure_delete", args=[closure.pk]), {"post": "yes"}).status_code == 403
    )
    in_admin = reverse("admin:scheduling_site_change", args=[clinic.site.pk])
    assert (client.get(in_admin).status_code, client.post(in_admin, {"name": "Elm"}).status_code) == (200, 403)
    assert 'name="opens"' not in client.get(in_admin).text
    assert 'name="rule_sets-0-starts"' not in client.get(in_admin).text
    page = client.get(reverse("site-edit", args=[clinic.site.pk])).text
    for name in ("opens", "closes", "country", "state"):
        assert f'name="{name}"' in page


def test_the_page_of_tracks_links_to_the_closures(client: Client, clinic: Clinic) -> None:
    assert f'href="{reverse("closures")}"' in client.get(reverse("tracks")).text
