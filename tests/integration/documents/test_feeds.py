"""Calendar feeds: what calendar apps receive, and what a feed must not reveal."""

import logging
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from iopmanager.log_filters import RedactSecretLinks
from patients.models import Episode
from scheduling.models import Booking, Feed, FeedStyle, SessionStatus
from scheduling.services.documents.feeds import create_feed, revoke_feed
from tests.factories import (
    admit,
    book,
    enroll,
    make_contacts,
    make_meeting,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_track,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
BEFORE_THE_CHANGE, AFTER_THE_CHANGE = date(2026, 3, 6), date(2026, 3, 9)
"""The Friday before and the Monday after the clock change in New York on March 8, 2026."""


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    caches["feeds"].clear()
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def bookings() -> list[Booking]:
    """Two bookings of a patient from 9:00 to 12:00 in New York, one before a clock change and one after."""
    site = make_site("Harbor Street", neutral_name="Appointment")
    lead = make_staff(Role.CLINICIAN, site, "Ada Park")
    meetings = [
        make_meeting(site, 4, lead=lead, name="Relapse group"),
        make_meeting(site, 0, lead=lead, name="Relapse group"),
    ]
    patient = make_patient(site, "Rosa", "Lindqvist")
    enrollment = enroll(admit(patient, date(2026, 1, 5)), make_track(site, meetings, "Evening track"), date(2026, 1, 5))
    days = (BEFORE_THE_CHANGE, AFTER_THE_CHANGE)
    return [book(make_session(meeting, day), enrollment) for meeting, day in zip(meetings, days, strict=True)]


def make_feed(booking: Booking, by: User | None = None, **fields: Any) -> tuple[Feed, str]:
    by = by or make_staff(Role.COORDINATOR, booking.session.site)
    feed, token = create_feed(patient=booking.episode.patient, by=by, now=NOW, **fields)
    return feed, reverse("feed", args=[token])


def events(body: bytes) -> list[Any]:
    return sorted(Calendar.from_ical(body).walk("VEVENT"), key=lambda event: event["DTSTART"].dt)


def test_a_feed_has_one_event_in_utc_for_each_session(client: Client, bookings: list[Booking]) -> None:
    _, address = make_feed(bookings[0])

    response = client.get(address)

    found = events(response.content)
    assert [event["DTSTART"].dt for event in found] == [
        datetime(2026, 3, 6, 14, tzinfo=UTC),
        datetime(2026, 3, 9, 13, tzinfo=UTC),
    ]
    assert [event["DTEND"].dt for event in found] == [booking.ends for booking in bookings]
    assert {str(event["SUMMARY"]) for event in found} == {"Appointment"}
    assert {str(event["CLASS"]) for event in found} == {"PRIVATE"}
    for unwanted in (b"VTIMEZONE", b"RRULE", b"METHOD", b"VALARM", b"ORGANIZER", b"URL"):
        assert unwanted not in response.content
    assert b"\r\nUID" not in response.content.partition(b"BEGIN:VEVENT")[0]


@pytest.mark.parametrize("style", FeedStyle)
def test_a_feed_names_neither_clinic_nor_treatment_nor_people(
    client: Client, bookings: list[Booking], style: FeedStyle
) -> None:
    contacts = make_contacts(bookings[0].episode.patient)
    _, address = make_feed(bookings[0], style=style)
    body = client.get(address).content.decode()
    assert not any(secret in body for secret in contacts)
    assert not re.search("Harbor|Relapse|Evening|group|track|Park|Rosa|Lindqvist|iop|therap", body, re.IGNORECASE)
    assert ("Appointment" in body) == (style == FeedStyle.DISCREET)


def test_two_feeds_of_one_patient_cannot_be_linked(client: Client, bookings: list[Booking]) -> None:
    bodies = [client.get(make_feed(bookings[0])[1]).content for _ in range(2)]
    ids = [{str(event["UID"]) for event in events(body)} for body in bodies]
    assert len(ids[0]) == len(ids[1]) == 2
    assert not ids[0] & ids[1]


def test_the_headers_suit_calendar_apps_and_forbid_indexing(client: Client, bookings: list[Booking]) -> None:
    _, address = make_feed(bookings[0])
    response = client.get(address)
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Content-Disposition"] == 'inline; filename="schedule.ics"'
    assert response["Cache-Control"] == "private, no-cache"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies
    assert client.head(address).status_code == 200
    assert client.post(address).status_code == 405


def test_an_unchanged_response_is_not_sent_again(client: Client, bookings: list[Booking]) -> None:
    _, address = make_feed(bookings[0])
    etag = client.get(address)["ETag"]
    for header in (etag, f"W/{etag}"):
        again = client.get(address, headers={"if-none-match": header})
        assert again.status_code == 304
        assert again.content == b""
        assert again["ETag"] == etag
        assert again["Cache-Control"] == "private, no-cache"


def test_released_and_canceled_sessions_disappear_from_the_feed(client: Client, bookings: list[Booking]) -> None:
    feed, address = make_feed(bookings[0])
    assert len(events(client.get(address).content)) == 2
    Booking.objects.filter(pk=bookings[0].pk).update(released_at=NOW, release_cause="given_back")
    bookings[1].session.status = SessionStatus.CANCELLED
    bookings[1].session.save(update_fields=["status"])
    Feed.objects.filter(pk=feed.pk).update(stale_at=NOW)
    empty = client.get(address)
    assert empty.status_code == 200
    assert events(empty.content) == []


def test_after_discharge_a_feed_is_empty_for_two_weeks_and_then_unknown(
    client: Client, bookings: list[Booking], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = make_feed(bookings[0])
    Episode.objects.update(ends=date(2026, 3, 10))
    for days, status in ((0, 200), (13, 200), (14, 404)):
        later = datetime(2026, 3, 10, 16, tzinfo=UTC) + timedelta(days=days)
        monkeypatch.setattr(clock, "now", lambda later=later: later)
        response = client.get(address)
        assert response.status_code == status
        assert b"VEVENT" not in response.content


def test_revoked_unknown_and_malformed_links_get_the_same_response(client: Client, bookings: list[Booking]) -> None:
    feed, address = make_feed(bookings[0])
    revoke_feed(feed=feed, by=feed.created_by, now=NOW)
    responses = [client.get(each) for each in (address, reverse("feed", args=["A" * 43]), reverse("feed", args=["x"]))]
    assert {response.status_code for response in responses} == {404}
    assert len({response.content for response in responses}) == 1


def test_the_token_is_neither_stored_nor_logged(client: Client, bookings: list[Booking]) -> None:
    feed, address = make_feed(bookings[0])
    token = address.split("/")[2]
    assert token not in str(Feed.objects.filter(pk=feed.pk).values().get())
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "Not Found: %s", (address,), None)
    assert RedactSecretLinks().filter(record)
    assert record.getMessage() == "Not Found: /c/…/schedule.ics"


def test_requests_for_invalid_links_are_limited_and_those_for_a_valid_link_are_not(
    client: Client, bookings: list[Booking]
) -> None:
    _, address = make_feed(bookings[0])
    for number in range(60):
        assert client.get(reverse("feed", args=[f"guess-{number}"])).status_code == 404
    assert client.get(reverse("feed", args=["guess"])).status_code == 429
    assert client.get(address).status_code == 200


def test_a_facilitators_feed_counts_patients_without_naming_them(client: Client, bookings: list[Booking]) -> None:
    lead = bookings[0].session.facilitators.get()
    _, token = create_feed(facilitator=lead, by=lead, now=NOW)
    body = client.get(reverse("feed", args=[token])).content
    assert {str(event["SUMMARY"]) for event in events(body)} == {"Appointment (1 of 10)"}
    assert b"Rosa" not in body


def test_a_patient_revokes_only_their_own_calendar_link(client: Client, bookings: list[Booking]) -> None:
    user = make_patient_user(bookings[0].episode.patient)
    own, address = make_feed(bookings[0], by=user)
    stranger = make_patient(bookings[0].session.site, "Omar", "Haddad")
    other, _ = create_feed(patient=stranger, by=user, now=NOW)
    client.force_login(user)
    assert client.post(reverse("portal-feed-revoke", args=[other.pk])).status_code == 404
    assert client.post(reverse("portal-feed-revoke", args=[own.pk])).status_code == 302
    assert client.get(address).status_code == 404


def test_the_page_shows_a_new_calendar_link_only_once(client: Client, bookings: list[Booking]) -> None:
    client.force_login(make_patient_user(bookings[0].episode.patient))
    page = reverse("portal-calendar")
    made = client.post(page, {"label": "my phone", "style": "discreet"})
    [address] = re.findall(r"http://testserver(/c/[^/]+/schedule\.ics)", made.content.decode())[:1]
    assert client.get(address).status_code == 200
    assert address not in client.get(page).content.decode()
    assert "my phone" in client.get(page).content.decode()


def test_staff_who_create_a_link_for_a_patient_are_asked_to_pass_it_on(client: Client, bookings: list[Booking]) -> None:
    patient = bookings[0].episode.patient
    client.force_login(make_staff(Role.COORDINATOR, patient.site))
    page = reverse("patient-calendar", args=[patient.pk])
    assert "Where will the patient use it?" in client.get(page).text

    made = client.post(page, {"label": "phone", "style": "discreet"}).text

    assert f"Copy the link now and give it to {patient.short_name}." in made
    assert f"tell {patient.short_name} in another way" in made
    for said_to_patients in ("Your new calendar link", "Your calendar app", "Open in Apple Calendar"):
        assert said_to_patients not in made


def test_a_feed_takes_few_queries(client: Client, bookings: list[Booking], django_assert_max_num_queries: Any) -> None:
    _, address = make_feed(bookings[0])
    with django_assert_max_num_queries(6):
        client.get(address)
