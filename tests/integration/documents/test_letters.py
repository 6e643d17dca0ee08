"""A letter discloses only times and requires a consent. It is addressed to the consent's recipient, and is recorded."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Consent, Patient
from patients.services.record.consents import (
    AlreadyRevoked,
    ConsentValues,
    SignedInFuture,
    record_consent,
    revoke_consent,
)
from scheduling.models import Booking, Letter, Site
from scheduling.services.documents.letter_text import NOTICE
from scheduling.services.documents.letters import (
    ConsentNotInForce,
    LetterheadRevealsTreatment,
    LetterTooLong,
    NameRevealsTreatment,
    NoAppointments,
    UnprintableCharacters,
    letter_content,
    write_letter,
)
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_contacts,
    make_meeting,
    make_patient,
    make_patient_user,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
)
from timekeeping.reasons import EndDateBeforeStart, Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
TODAY = date(2026, 11, 25)
WEEK = timedelta(weeks=1)
SECRETS = (
    "Recovery House",
    "Relapse",
    "Sobriety track",
    "Ada",
    "Quartz",
    "2.1",
    "intensive",
    "Outpatient",
    "addiction",
)
"""Words that no letter may contain, such as names of groups and staff, because they would reveal treatment."""


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def patient() -> Patient:
    """A patient with sessions on Mondays and Thursdays for four weeks.

    The names of the clinic, the group and the room would reveal treatment.
    """
    site = make_site("Recovery House", neutral_name="HS Offices", address="12 Harbor Street", phone="555-0100")
    lead, room = make_staff(Role.CLINICIAN, site, "Ada Park"), make_room(site, name="Quartz room")
    meetings = [make_meeting(site, day, lead=lead, room=room, name="Relapse group") for day in (0, 3)]
    patient = make_patient(site, "Rosa", "Lindqvist", preferred_name="Ro")
    enrollment = enroll(admit(patient), make_track(site, meetings, "Sobriety track"))
    for week in range(4):
        for meeting in meetings:
            book(make_session(meeting, MONDAY + week * WEEK + timedelta(days=meeting.weekday)), enrollment)
    return patient


@pytest.fixture
def coordinator(patient: Patient) -> User:
    return make_staff(Role.COORDINATOR, patient.site)


def values(**changed: Any) -> ConsentValues:
    given = {
        "recipient": "Harbor Bakery",
        "recipient_kind": "employer",
        "purpose": "Time off work",
        "signed_on": TODAY - WEEK,
        "valid_until": TODAY + 8 * WEEK,
    }
    return ConsentValues(**(given | changed))


@pytest.fixture
def consent(patient: Patient, coordinator: User) -> Consent:
    return record_consent(patient=patient, values=values(), by=coordinator, now=NOW)


def letter_of(consent: Consent, **changed: Any) -> dict[str, Any]:
    return {
        "consent": consent,
        "name": "Rosa Lindqvist",
        "first_day": MONDAY,
        "last_day": MONDAY + timedelta(days=27),
        "now": NOW,
    } | changed


def written(consent: Consent, by: User, **changed: Any) -> tuple[Letter, bytes]:
    """Preview and write a letter under the consent. Return the saved letter and its PDF."""
    given = letter_of(consent, **changed)
    return write_letter(**given, seen=letter_content(**given).key, by=by)


def text_of(pdf: bytes) -> str:
    reader = PdfReader(io.BytesIO(pdf))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_the_letter_has_times_and_the_notice_and_nothing_about_treatment(consent: Consent, coordinator: User) -> None:
    contacts = make_contacts(consent.patient)
    letter, pdf = written(consent, coordinator)
    text = text_of(pdf)
    for expected_text in (
        "HS Offices",
        "12 Harbor Street",
        "555-0100",
        "Nov 25, 2026",
        "Harbor Bakery",
        "Appointments for Rosa Lindqvist",
        "Every Monday from Nov 23, 2026 to Dec 14, 2026",
        "Every Thursday from Nov 26, 2026 to Dec 17, 2026",
        "9:00 AM–12:00 PM",
        "signed on Nov 18, 2026",
        NOTICE,
    ):
        assert expected_text in text
    properties = str(PdfReader(io.BytesIO(pdf)).metadata)
    for word in (*SECRETS, *contacts):
        assert word.lower() not in text.lower()
        assert word.lower() not in properties.lower()
        assert word == "2.1" or word.encode() not in pdf, "the level's number may be a coordinate"
    assert "Ro " not in text, "the recipient knows the legal name"
    event = AuditEvent.objects.get(action=Action.DISCLOSED)
    assert (event.patient_key, event.subject_key, event.reason) == (consent.patient_id, letter.pk, "Time off work")


def test_the_same_content_gives_the_same_bytes(consent: Consent, coordinator: User) -> None:
    one, two = (written(consent, coordinator)[1] for _ in range(2))
    assert one == two
    assert Letter.objects.count() == 2, "each telling is on the record"


def test_a_released_booking_is_not_in_the_letter(consent: Consent) -> None:
    Booking.objects.filter(session__on=MONDAY + WEEK).update(
        released_at=NOW, release_cause="given_back", release_reason="Court"
    )
    monday = letter_content(**letter_of(consent)).times.weekly[0]
    assert monday.skipped == (MONDAY + WEEK,)


def test_a_long_letter_has_several_pages_with_the_notice_at_the_end(consent: Consent, coordinator: User) -> None:
    enrollment = Booking.objects.filter(episode__patient=consent.patient)[0].enrollment
    assert enrollment is not None
    for number in range(80):
        tuesday_group = make_meeting(consent.patient.site, 1, "14:00", f"14:{number % 50 + 5:02}")
        on = MONDAY + timedelta(days=number)
        if on.weekday() not in (0, 3):
            book(make_session(tuesday_group, on), enrollment)
    _, pdf = written(consent, coordinator, last_day=MONDAY + timedelta(days=90))
    pages = PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) > 1
    assert NOTICE in " ".join(pages[-1].extract_text().split())


def refusals(consent: Consent) -> Iterator[tuple[dict[str, object], type]]:
    yield {"first_day": MONDAY + 20 * WEEK, "last_day": MONDAY + 21 * WEEK}, NoAppointments
    yield {"last_day": MONDAY - timedelta(days=1)}, EndDateBeforeStart
    yield {"last_day": MONDAY + 27 * WEEK}, LetterTooLong
    yield {"name": "李明"}, UnprintableCharacters
    yield {"name": "Rosa Lindqvist, patient"}, NameRevealsTreatment
    yield {"now": NOW - 3 * WEEK}, ConsentNotInForce
    yield {"now": NOW + 9 * WEEK}, ConsentNotInForce


def test_a_letter_is_refused_with_its_reasons(consent: Consent) -> None:
    for changed, reason in refusals(consent):
        with pytest.raises(Refused) as refused:
            letter_content(**letter_of(consent, **changed))
        assert {type(each) for each in refused.value.reasons} == {reason}
    assert not Letter.objects.exists()


def test_a_consent_is_in_force_until_its_last_day(consent: Consent) -> None:
    last = datetime(2027, 1, 19, 23, tzinfo=UTC)
    letter_content(**letter_of(consent, now=last))
    with pytest.raises(Refused):
        letter_content(**letter_of(consent, now=last + timedelta(hours=7)))


def test_no_letter_is_written_after_the_consent_is_revoked(consent: Consent, coordinator: User) -> None:
    seen = letter_content(**letter_of(consent)).key
    revoke_consent(consent=consent, by=coordinator, now=NOW)
    with pytest.raises(Refused) as refused:
        write_letter(**letter_of(consent), seen=seen, by=coordinator)
    assert refused.value.reasons == (ConsentNotInForce("Harbor Bakery", TODAY + 8 * WEEK - timedelta(days=1), True),)
    with pytest.raises(Refused) as again:
        revoke_consent(consent=consent, by=coordinator, now=NOW)
    assert again.value.reasons == (AlreadyRevoked("Harbor Bakery", TODAY),)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"signed_on": TODAY + timedelta(days=1)}, SignedInFuture, id="signed tomorrow"),
        pytest.param({"valid_until": TODAY - WEEK}, EndDateBeforeStart, id="over before it is signed"),
    ],
)
def test_an_invalid_consent_is_refused(
    patient: Patient, coordinator: User, changed: dict[str, date], reason: type
) -> None:
    with pytest.raises(Refused) as refused:
        record_consent(patient=patient, values=values(**changed), by=coordinator, now=NOW)
    assert [type(each) for each in refused.value.reasons] == [reason]


def test_a_coordinator_records_a_consent_writes_a_letter_and_revokes_the_consent(
    client: Client, patient: Patient, coordinator: User
) -> None:
    client.force_login(coordinator)
    typed = {
        "recipient_kind": "school",
        "recipient": "Bay College",
        "purpose": "Lessons missed",
        "signed_on": "2026-11-24",
        "last_day": "2026-11-01",
    }
    refused = client.post(reverse("consent-new", args=[patient.pk]), typed)
    assert refused.status_code == 422
    assert "Bay College" in refused.text
    response = client.post(reverse("consent-new", args=[patient.pk]), typed | {"last_day": "2027-02-28"})
    assert response.status_code == 302
    consent = Consent.objects.get()
    page = client.get(reverse("consents", args=[patient.pk])).text
    assert "Bay College" in page
    shown = client.get(reverse("letter-new", args=[consent.pk]))
    assert "Every Monday from Nov 30, 2026 to Dec 14, 2026" in shown.text
    assert not Letter.objects.exists(), "looking tells nobody"
    letter_form = {"first_day": "2026-11-23", "last_day": "2026-12-20", "name": "Rosa Lindqvist"}
    previewed = client.post(reverse("letter-new", args=[consent.pk]), letter_form)
    letter_form |= {"seen": previewed.context["content"].key, "write": "1"}
    letter = client.post(reverse("letter-new", args=[consent.pk]), letter_form)
    assert letter["Content-Type"] == "application/pdf"
    assert letter["Content-Disposition"] == 'attachment; filename="schedule.pdf"'
    assert "no-store" in letter["Cache-Control"]
    assert text_of(letter.content).startswith("HS Offices")
    assert "Letter written Wed, Nov 25" in client.get(reverse("consents", args=[patient.pk])).text
    client.post(reverse("consent-revoke", args=[consent.pk]))
    late = client.post(reverse("letter-new", args=[consent.pk]), letter_form)
    assert late.status_code == 422
    assert "is revoked. No information may be shared." in late.text
    assert client.get(reverse("letter-new", args=[consent.pk])).status_code == 422
    assert Letter.objects.count() == 1


def test_a_letter_page_without_appointments_opens_with_a_note_and_no_error(
    client: Client, consent: Consent, coordinator: User
) -> None:
    client.force_login(coordinator)
    Booking.objects.update(released_at=NOW, release_cause="given_back", release_reason="Court")
    address = reverse("letter-new", args=[consent.pk])
    opened = client.get(address)
    assert opened.status_code == 200
    assert "This patient has no appointments from" in opened.text
    assert "error-summary" not in opened.text
    typed = {"first_day": "2026-11-23", "last_day": "2026-12-20", "name": "Rosa Lindqvist"}
    assert "error-summary" in client.post(address, typed).text


def test_a_changed_letter_is_previewed_again(client: Client, consent: Consent, coordinator: User) -> None:
    client.force_login(coordinator)
    typed = {"first_day": "2026-11-23", "last_day": "2026-12-20", "name": "Rosa Lindqvist"}
    address = reverse("letter-new", args=[consent.pk])
    typed["seen"] = client.post(address, typed).context["content"].key
    Booking.objects.filter(session__on=MONDAY).update(
        released_at=NOW, release_cause="given_back", release_reason="Court"
    )
    response = client.post(address, typed | {"write": "1"})
    assert response.status_code == 422
    assert "text has changed since you looked" in response.text
    assert "Every Monday from Nov 30, 2026" in response.text
    assert not Letter.objects.exists()
    typed["seen"] = response.context["content"].key
    assert client.post(address, typed | {"write": "1", "name": "Ro Lindqvist"}).status_code == 422
    assert client.post(address, typed | {"write": "1"})["Content-Type"] == "application/pdf"


def test_the_purpose_of_a_consent_may_not_reveal_treatment(client: Client, patient: Patient, coordinator: User) -> None:
    client.force_login(coordinator)
    typed = {
        "recipient_kind": "employer",
        "recipient": "Harbor Bakery",
        "purpose": "Time for treatment at Recovery House",
        "signed_on": "2026-11-24",
        "last_day": "2027-02-28",
    }
    response = client.post(reverse("consent-new", args=[patient.pk]), typed)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["purpose"]
    assert "“treatment”, “Recovery”" in response.text
    assert typed["purpose"] in response.text
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("head", "words"),
    [
        pytest.param({"letterhead": "Recovery House Offices"}, ("Recovery", "Recovery House"), id="the clinic's name"),
        pytest.param({"address": "Wellness Clinic, 12 Harbor Street"}, ("Clinic",), id="a word in the address"),
    ],
)
def test_a_letterhead_that_reveals_treatment_is_refused(
    consent: Consent, head: dict[str, str], words: tuple[str, ...]
) -> None:
    Site.objects.update(**head)
    consent = Consent.objects.select_related("patient__site").get(pk=consent.pk)
    with pytest.raises(Refused) as refused:
        letter_content(**letter_of(consent))
    assert refused.value.reasons == (LetterheadRevealsTreatment(words),)


def test_a_site_cannot_have_a_letterhead_or_neutral_name_that_reveals_treatment(patient: Patient) -> None:
    site = patient.site
    site.letterhead, site.neutral_name = "Recovery House Offices", "Your therapy"
    with pytest.raises(ValidationError) as refused:
        site.clean()
    assert set(refused.value.message_dict) == {"letterhead", "neutral_name"}
    site.letterhead, site.neutral_name = "Pier Offices", "Appointment"
    site.clean()


def test_a_patients_real_name_is_allowed_whatever_it_sounds_like(consent: Consent) -> None:
    Patient.objects.update(last_name="Sober-Treat")
    consent = Consent.objects.select_related("patient__site").get(pk=consent.pk)
    assert letter_content(**letter_of(consent, name="Rosa Sober-Treat")).name == "Rosa Sober-Treat"


def test_a_name_is_printed_in_any_unicode_form(consent: Consent, coordinator: User) -> None:
    _, pdf = written(consent, coordinator, name="Jose\u0301 Dvor\u030ca\u0301k")
    assert "Appointments for José Dvořák" in text_of(pdf)


def test_a_patient_sees_their_consents_and_revokes_one(client: Client, consent: Consent, coordinator: User) -> None:
    written(consent, coordinator)
    user = make_patient_user(consent.patient)
    client.force_login(user)
    page = client.get(reverse("portal-consents")).text
    assert "Harbor Bakery" in page
    assert "We told them on Wed, Nov 25." in page
    assert "<title>Sharing · My schedule</title>" in page
    client.post(reverse("portal-consent-revoke", args=[consent.pk]))
    consent.refresh_from_db()
    assert consent.revoked_by == user
    page = client.get(reverse("portal-consents")).text
    assert "We do not tell anyone when you are here." in page
    assert "You stopped this on Wed, Nov 25." in page, "whom they were told stays in sight"
    assert "We told them on Wed, Nov 25." in page


def test_a_patient_revokes_only_their_own_consents(client: Client, consent: Consent) -> None:
    other = make_patient_user(make_patient(consent.patient.site, "Omar", "Haddad"))
    client.force_login(other)
    assert client.post(reverse("portal-consent-revoke", args=[consent.pk])).status_code == 404
    consent.refresh_from_db()
    assert consent.revoked_at is None


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.REVIEWER])
def test_a_user_who_may_not_manage_patients_writes_no_letters(client: Client, consent: Consent, role: Role) -> None:
    client.force_login(make_staff(role, consent.patient.site))
    for name, key in (("consents", consent.patient_id), ("letter-new", consent.pk), ("consent-revoke", consent.pk)):
        assert client.post(reverse(name, args=[key])).status_code in (403, 404, 405)
        assert client.get(reverse(name, args=[key])).status_code in (403, 404, 405)


@pytest.mark.parametrize("number", [1, 3])
def test_three_consents_take_as_many_queries_as_one(
    client: Client, patient: Patient, coordinator: User, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for each in range(number):
        consent = record_consent(patient=patient, values=values(recipient=f"No {each}"), by=coordinator, now=NOW)
        written(consent, coordinator)
    client.force_login(coordinator)
    with django_assert_num_queries(10):
        client.get(reverse("consents", args=[patient.pk]))
    with django_assert_num_queries(9):
        client.get(reverse("letter-new", args=[consent.pk]))
    client.force_login(make_patient_user(patient))
    with django_assert_num_queries(7):
        client.get(reverse("portal-consents"))


def test_a_letterhead_replaces_the_neutral_name(consent: Consent) -> None:
    Site.objects.update(letterhead="Custom House Offices")
    consent = Consent.objects.select_related("patient__site").get(pk=consent.pk)
    assert letter_content(**letter_of(consent)).sender == "Custom House Offices"
