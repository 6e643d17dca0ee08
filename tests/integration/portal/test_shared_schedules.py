"""A delegate sees when a patient has appointments, and nothing else, as long as the consent and the site allow it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Action, AuditEvent, Invitation, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Consent, Delegate, Patient
from patients.services.record.consents import revoke_consent
from scheduling.models import Session, Site
from scheduling.services.administration.delegates import add_delegate
from scheduling.services.administration.portal_access import end_portal_access
from tests.clinic import FRIDAY, WEDNESDAY, Clinic, booking_of, client_for, make_clinic
from tests.every_page import make_pages, url_names
from tests.factories import MONDAY, PASSWORD, make_contacts, make_patient, make_patient_user, make_site, make_staff
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
EMAIL = "vera@mail.example"
NEW_PASSWORD = "nobody will guess this"


@pytest.fixture(autouse=True)
def on_monday_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    cache.clear()


@pytest.fixture
def clinic() -> Clinic:
    clinic = make_clinic()
    Site.objects.update(allows_delegates=True)
    return clinic


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return clinic.admit().patient


def make_consent(patient: Patient, **changes: Any) -> Consent:
    values = {
        "recipient": "Vera Lindqvist",
        "recipient_kind": "other",
        "purpose": "Rides",
        "signed_on": date(2026, 11, 1),
        "valid_until": date(2026, 12, 1),
        "recorded_by": User.objects.earliest("pk"),
    }
    return Consent.objects.create(patient=patient, **(values | changes))


def make_delegate(patient: Patient, email: str = EMAIL, **changes: Any) -> Delegate:
    """Create a delegate who can sign in."""
    by = User.objects.earliest("pk")
    consent = make_consent(patient, **changes)
    delegate, _ = add_delegate(consent=consent, email=email, by_mail=False, by=by, now=NOW)
    if not delegate.user.is_active:
        delegate.user.is_active = True
        delegate.user.set_password(PASSWORD)
        delegate.user.save()
    return delegate


def schedule_of(patient: Patient, day: date | None = None) -> str:
    return reverse("shared-schedule", args=[patient.pk]) + (f"?week={day}" if day else "")


def delegates_page(patient: Patient) -> str:
    return reverse("delegates", args=[patient.pk])


def link_in(text: str) -> str:
    found = re.search(r"/join/[\w-]+/", text)
    assert found
    return found[0]


def test_a_delegate_sees_the_times_and_nothing_else(clinic: Clinic, patient: Patient) -> None:
    contacts = make_contacts(patient)
    delegate = make_delegate(patient)
    Session.objects.update(telehealth_link="https://video.example/room", topic="Relapse")
    page = client_for(delegate.user).get(schedule_of(patient)).text
    assert page.count("<strong>") == 3
    assert "9:00 AM–12:00 PM" in page
    assert "Schedule of Rosa" in page
    assert "42 CFR part 2 prohibits" in page
    assert re.search(r"<title>\s*Week · My schedule\s*</title>", page)
    names = clinic.monday.name, clinic.site.name, "Lindqvist", clinic.leader.name
    for secret in ("video.example", "Relapse", *names, *contacts):
        assert secret not in page


def test_days_when_the_consent_is_not_in_force_are_left_out(patient: Patient) -> None:
    delegate = make_delegate(patient, valid_until=FRIDAY)
    assert client_for(delegate.user).get(schedule_of(patient)).text.count("<strong>") == 2


def test_an_excused_session_is_left_out(clinic: Clinic, patient: Patient) -> None:
    delegate = make_delegate(patient)
    clinic.mark(booking_of(patient.episodes.get()), "excused", reason="Court")
    page = client_for(delegate.user).get(schedule_of(patient)).text
    assert page.count("<strong>") == 2
    assert "Court" not in page


def test_each_view_is_in_the_trail_with_the_delegate(patient: Patient) -> None:
    delegate = make_delegate(patient)
    client = client_for(delegate.user)
    for _ in range(2):
        client.get(schedule_of(patient))
    events = AuditEvent.objects.about_patient(patient.pk).filter(action=Action.VIEWED)
    assert [(event.actor_key, event.detail) for event in events] == [
        (delegate.user.pk, "shared schedule, as a delegate")
    ] * 2


def revoke(delegate: Delegate) -> None:
    revoke_consent(consent=delegate.consent, by=delegate.given_by, now=NOW)


def expire(delegate: Delegate) -> None:
    Consent.objects.update(valid_until=MONDAY)


def begin_tomorrow(delegate: Delegate) -> None:
    Consent.objects.update(signed_on=MONDAY + timedelta(days=1))


def end(delegate: Delegate) -> None:
    by = make_staff(Role.COORDINATOR, delegate.patient.site)
    client_for(by).post(reverse("delegate-end", args=[delegate.patient_id, delegate.pk]))


def disallow(delegate: Delegate) -> None:
    Site.objects.update(allows_delegates=False)


def turn_off(delegate: Delegate) -> None:
    User.objects.filter(pk=delegate.user_id).update(is_active=False)


def move_to_a_site_without(delegate: Delegate) -> None:
    Patient.objects.update(site=make_site("Elm Road"))


def end_access_of_the_patient(delegate: Delegate) -> None:
    make_patient_user(delegate.patient)
    delegate.patient.refresh_from_db()
    end_portal_access(patient=delegate.patient, by=delegate.given_by, now=NOW)


WAYS_TO_END = (
    revoke,
    expire,
    begin_tomorrow,
    end,
    disallow,
    turn_off,
    move_to_a_site_without,
    end_access_of_the_patient,
)


@pytest.mark.parametrize("stop", WAYS_TO_END)
def test_the_access_ends_at_once(patient: Patient, stop: Any) -> None:
    delegate = make_delegate(patient)
    client = client_for(delegate.user)
    assert client.get(schedule_of(patient)).status_code == 200
    stop(delegate)
    answers = [client.get(schedule_of(patient)), client.get(reverse("shared-schedules"))]
    assert [answer.status_code for answer in answers] in ([404, 403], [302, 302])
    says_so = ["This schedule is not shared with you now" in answer.text for answer in answers]
    assert all(says_so) == (answers[0].status_code == 404)
    assert not any(name in answer.text for answer in answers for name in ("Rosa", "Lindqvist"))
    assert all("/accounts/login/" in answer["Location"] for answer in answers if answer.status_code == 302)


NOT_SHARED = "This schedule is not shared with you now"


@pytest.mark.parametrize("stop", [revoke, expire, begin_tomorrow, disallow, move_to_a_site_without])
def test_the_home_page_and_the_next_sign_in_say_that_the_schedule_is_not_shared(patient: Patient, stop: Any) -> None:
    delegate = make_delegate(patient)
    open_page, visitor = client_for(delegate.user), Client()
    stop(delegate)
    signs_in = visitor.post(reverse("account_login"), {"login": EMAIL, "password": PASSWORD}, follow=True)
    for answer in (open_page.get(reverse("home"), follow=True), signs_in):
        assert NOT_SHARED in answer.text
        assert "another role" not in answer.text
    returns = Client().post(
        f"{reverse('account_login')}?next={schedule_of(patient)}", {"login": EMAIL, "password": PASSWORD}, follow=True
    )
    assert NOT_SHARED in returns.text


def test_somebody_whose_sharing_was_ended_reads_so_if_the_account_is_on(patient: Patient) -> None:
    delegate = make_delegate(patient)
    end(delegate)
    User.objects.filter(pk=delegate.user_id).update(is_active=True)
    client = client_for(User.objects.get(pk=delegate.user_id))
    assert NOT_SHARED in client.get(reverse("home"), follow=True).text


def test_a_delegate_sees_and_ends_their_own_sign_ins(patient: Patient) -> None:
    delegate = make_delegate(patient)
    here, phone = client_for(delegate.user), client_for(delegate.user)
    assert reverse("account-sign-ins") in here.get(schedule_of(patient)).text
    page = here.get(reverse("account-sign-ins"))
    assert "scheduling/portal/_shared.html" in {template.name for template in page.templates}
    assert len(page.context["sign_ins"]) == 2
    assert "Lindqvist" not in page.text
    here.post(reverse("account-sign-ins-end"))
    assert phone.get(schedule_of(patient)).status_code == 302
    revoke(delegate)
    assert here.get(reverse("account-sign-ins")).status_code == 200


def test_the_times_of_sign_ins_are_in_the_time_zone_of_the_site(patient: Patient) -> None:
    Site.objects.update(time_zone="America/Denver")
    delegate = make_delegate(patient)
    page = client_for(delegate.user).get(reverse("account-sign-ins"))
    assert str(page.context["zone"]) == "America/Denver"


@pytest.mark.parametrize("number", [1, 3])
def test_a_delegates_sign_ins_take_as_many_queries_for_three_as_for_one(patient: Patient, number: int) -> None:
    user = make_delegate(patient).user
    here, *_ = [client_for(user) for _ in range(number)]
    with CaptureQueriesContext(connection) as queries:
        assert len(here.get(reverse("account-sign-ins")).context["sign_ins"]) == number
    assert len(queries) == 7


def test_a_delegate_chooses_the_language_and_nothing_else(patient: Patient) -> None:
    user = make_delegate(patient).user
    User.objects.filter(pk=user.pk).update(hour_clock="24")
    client, settings = client_for(user), reverse("reader-settings")
    assert settings in client.get(schedule_of(patient)).text
    assert "Clock" not in client.get(settings).text
    answer = client.post(settings, {"language": "es", "hour_clock": "12"}, follow=True)
    assert "Sus preferencias están guardadas." in answer.text
    user.refresh_from_db()
    assert (user.language, user.hour_clock) == ("es", "24")
    page = client.get(schedule_of(patient))
    assert page.headers["Content-Language"] == "es"
    assert "Elegir un idioma" in page.text


def test_a_patient_who_is_a_delegate_chooses_the_language_in_the_portal(clinic: Clinic, patient: Patient) -> None:
    user = make_patient_user(clinic.admit("Emil").patient)
    make_delegate(patient, user.email)
    client = client_for(user)
    assert client.get(reverse("reader-settings")).status_code == 403
    assert reverse("reader-settings") not in client.get(schedule_of(patient)).text


def test_only_the_sharing_patient_is_seen(clinic: Clinic, patient: Patient) -> None:
    delegate = make_delegate(patient)
    other = clinic.admit("Emil").patient
    refused = client_for(delegate.user).get(schedule_of(other))
    assert (refused.status_code, "not shared with you" in refused.text) == (404, False)
    assert client_for(clinic.coordinator).get(schedule_of(patient)).status_code == 404


@pytest.mark.parametrize(
    "name", sorted(name for name in url_names() if name.startswith(("portal", "shared", "patient")))
)
def test_a_delegate_opens_no_other_page_and_changes_nothing(name: str) -> None:
    pages = make_pages([name])
    Site.objects.update(allows_delegates=True)
    make_consent(pages.patient)
    delegate = make_delegate(pages.patient)
    client = client_for(delegate.user)
    assert client.post(pages.addresses[name]).status_code in (403, 404, 405)
    if not name.startswith("shared"):
        assert client.get(pages.addresses[name]).status_code in (403, 404, 405)


def test_a_coordinator_shares_and_the_person_joins_with_the_mailed_link(clinic: Clinic, patient: Patient) -> None:
    consent = make_consent(patient)
    desk = client_for(clinic.coordinator)
    assert "Vera Lindqvist" in desk.get(delegates_page(patient)).text
    form = {"consent": consent.pk, "email": EMAIL, "how": "mail"}
    answer = desk.post(delegates_page(patient), form, follow=True)
    assert f"The link is on its way to {EMAIL}." in answer.text
    assert "Has a link to sign in." in answer.text
    message = mail.outbox[0]
    assert "Rosa" not in f"{message.subject} {message.body}"
    visitor = Client()
    joined = visitor.post(link_in(message.body), {"email": EMAIL, "password": NEW_PASSWORD}, follow=True)
    assert joined.redirect_chain[-1] == (schedule_of(patient), 302)
    page = desk.get(delegates_page(patient)).text
    assert re.search(r"Sees the appointment times until [^<]*30, 2026", page)


def test_a_printed_sheet_works_too_and_a_new_link_replaces_it(clinic: Clinic, patient: Patient) -> None:
    desk = client_for(clinic.coordinator)
    form = {"consent": make_consent(patient).pk, "email": EMAIL, "how": "print"}
    first = link_in(desk.post(delegates_page(patient), form).text)
    delegate = Delegate.objects.get()
    again = reverse("delegate-invite", args=[patient.pk, delegate.pk])
    second = link_in(desk.post(again, {"how": "print"}).text)
    assert Client().get(first).status_code == 410
    assert Client().post(second, {"email": EMAIL, "password": NEW_PASSWORD}).status_code == 302
    assert "can sign in already" in desk.post(again, {"how": "print"}, follow=True).text


def test_without_the_switch_or_a_personal_consent_nothing_is_shared(clinic: Clinic, patient: Patient) -> None:
    desk = client_for(clinic.coordinator)
    assert "First record the release" in desk.get(delegates_page(patient)).text
    employer = make_consent(patient, recipient_kind="employer")
    form = {"consent": employer.pk, "email": EMAIL, "how": "print"}
    assert desk.post(delegates_page(patient), form).status_code == 302
    with pytest.raises(Refused, match="consent_not_in_force"):
        add_delegate(consent=employer, email=EMAIL, by_mail=False, by=clinic.coordinator, now=NOW)
    personal = make_consent(patient)
    assert desk.post(delegates_page(patient), form).status_code == 422  # the employer's release is not offered
    Site.objects.update(allows_delegates=False)
    assert desk.post(delegates_page(patient), form | {"consent": personal.pk}).status_code == 302
    with pytest.raises(Refused, match="delegates_not_allowed"):
        add_delegate(consent=personal, email=EMAIL, by_mail=False, by=clinic.coordinator, now=NOW)
    assert "does not share schedules" in desk.get(delegates_page(patient)).text
    assert "Share the schedule" not in desk.get(reverse("portal-access", args=[patient.pk])).text
    assert not Delegate.objects.exists()


def test_by_default_a_site_does_not_allow_delegates() -> None:
    assert not make_site().allows_delegates


@pytest.mark.parametrize("of", ["staff", "the patient", "a former patient"])
def test_the_address_of_somebody_else_is_refused(clinic: Clinic, patient: Patient, of: str) -> None:
    if of == "staff":
        email = clinic.colleague.email
    else:
        user = make_patient_user(patient if of == "the patient" else make_patient(clinic.site, "Emil"))
        User.objects.filter(pk=user.pk).update(is_active=of == "the patient")
        email = user.email
    form = {"consent": make_consent(patient).pk, "email": email.upper(), "how": "print"}
    answer = client_for(clinic.coordinator).post(delegates_page(patient), form)
    assert (answer.status_code, "Somebody else signs in with" in answer.text) == (422, True)
    assert not Invitation.objects.exists()


def test_a_delegate_of_two_patients_chooses_and_keeps_the_other_when_one_ends(clinic: Clinic, patient: Patient) -> None:
    delegate = make_delegate(patient)
    other = clinic.admit("Emil").patient
    form = {"consent": make_consent(other).pk, "email": EMAIL, "how": "mail"}
    answer = client_for(clinic.coordinator).post(delegates_page(other), form, follow=True)
    assert "Vera Lindqvist can see the schedule now." in answer.text
    assert mail.outbox == []
    client = client_for(delegate.user)
    page = client.get(reverse("home"), follow=True).text
    assert ("Schedule of Rosa" in page, "Schedule of Emil" in page) == (True, True)
    client_for(clinic.coordinator).post(reverse("delegate-end", args=[patient.pk, delegate.pk]))
    assert client.get(schedule_of(patient)).status_code == 404
    assert client.get(schedule_of(other)).status_code == 200


def test_a_patient_can_be_a_delegate_too(clinic: Clinic, patient: Patient) -> None:
    own = clinic.admit("Emil").patient
    user = make_patient_user(own)
    desk = client_for(clinic.coordinator)
    desk.post(delegates_page(patient), {"consent": make_consent(patient).pk, "email": user.email, "how": "mail"})
    client = client_for(user)
    assert reverse("shared-schedules") in client.get(reverse("portal-account")).text
    assert "Schedule of Rosa" in client.get(reverse("shared-schedules")).text
    assert reverse("portal-home") in client.get(schedule_of(patient)).text
    delegate = Delegate.objects.get()
    desk.post(reverse("delegate-end", args=[patient.pk, delegate.pk]))
    assert client.get(reverse("portal-home")).status_code == 200  # the delegate keeps access to their own schedule
    assert reverse("shared-schedules") not in client.get(reverse("portal-account")).text


def test_ending_the_last_sharing_turns_the_account_off(clinic: Clinic, patient: Patient) -> None:
    delegate = make_delegate(patient)
    desk = client_for(clinic.coordinator)
    answer = desk.post(reverse("delegate-end", args=[patient.pk, delegate.pk]), follow=True)
    assert "Vera Lindqvist can no longer see the schedule." in answer.text
    delegate.refresh_from_db()
    assert (delegate.ended_by, delegate.user.is_active) == (clinic.coordinator, False)
    again = desk.post(reverse("delegate-end", args=[patient.pk, delegate.pk]), follow=True)
    assert "can’t see the schedule anymore" in again.text
    form = {"consent": delegate.consent_id, "email": EMAIL, "how": "print"}
    assert "/join/" in desk.post(delegates_page(patient), form).text  # to sign in again, the person needs a new link


def test_the_patient_sees_who_can_see_the_schedule_and_takes_it_back(patient: Patient) -> None:
    delegate = make_delegate(patient)
    own = client_for(make_patient_user(patient))
    assert "Vera Lindqvist can see your schedule online." in own.get(reverse("portal-account")).text
    assert "They can see your schedule online." in own.get(reverse("portal-consents")).text
    own.post(reverse("portal-consent-revoke", args=[delegate.consent_id]))
    assert client_for(delegate.user).get(schedule_of(patient)).status_code == 404
    assert "can see your schedule online" not in own.get(reverse("portal-account")).text


def test_a_stranger_cannot_share_or_end(clinic: Clinic, patient: Patient) -> None:
    delegate = make_delegate(patient)
    stranger = client_for(clinic.stranger)
    for name, keys in (("delegates", [patient.pk]), ("delegate-end", [patient.pk, delegate.pk])):
        assert stranger.post(reverse(name, args=keys)).status_code == 404
    other = clinic.admit("Emil").patient
    wrong = client_for(clinic.coordinator).post(reverse("delegate-end", args=[other.pk, delegate.pk]))
    assert wrong.status_code == 404
    assert Delegate.objects.open().exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_pages_take_as_many_queries_for_three_as_for_one(clinic: Clinic, patient: Patient, number: int) -> None:
    user = make_delegate(patient).user
    for each in range(number):
        make_delegate(patient, f"{each}@mail.example")
        make_delegate(clinic.admit(f"Emil {each}").patient)
    counts = []
    for client, address in (
        (client_for(user), reverse("shared-schedules")),
        (client_for(user), schedule_of(patient, WEDNESDAY)),
        (client_for(clinic.coordinator), delegates_page(patient)),
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        counts.append(len(queries))
    assert counts == [8, 10, 12]
