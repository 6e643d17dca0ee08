"""Stored calendar feeds are always up to date. Revoked and unknown links get no calendar. No token is logged."""

import io
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import recurring_ical_events
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from scheduling.ical import write_calendar
from scheduling.models import Booking, Enrollment, Feed, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.release import release_booking
from scheduling.services.documents.feeds import create_feed, find_feed, revoke_feed, serve_feed
from scheduling.services.enrollment.enroll import enroll_patient
from tests.factories import admit, make_meeting, make_patient, make_site, make_staff, make_track

pytestmark = pytest.mark.django_db

TODAY = date(2026, 2, 23)
NOW = datetime(2026, 2, 23, 12, tzinfo=UTC)
"""A Monday, two weeks before the clock change in New York."""


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    caches["feeds"].clear()
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def coordinator() -> User:
    return make_staff(Role.COORDINATOR, make_site())


@pytest.fixture
def enrollment(coordinator: User) -> Enrollment:
    """Enrollment of a patient in a morning and two evening groups, with all future sessions booked."""
    site = coordinator.role_assignments.get().site
    assert site
    slots = ((0, "09:00", "12:00"), (2, "18:00", "21:00"), (6, "20:30", "23:30"))
    meetings = [make_meeting(site, day, starts, ends) for day, starts, ends in slots]
    track = make_track(site, meetings)
    extend_horizon(site=site, now=NOW)
    episode = admit(make_patient(site), TODAY)
    return enroll_patient(
        episode=episode, track=track, meetings=meetings, starts=TODAY, modality="in_person", by=coordinator, now=NOW
    )


@pytest.fixture
def address(enrollment: Enrollment, coordinator: User) -> str:
    _, token = create_feed(patient=enrollment.episode.patient, by=coordinator, now=NOW)
    return reverse("feed", args=[token])


def standing(enrollment: Enrollment) -> list[tuple[datetime, datetime]]:
    found = Booking.objects.active().filter(enrollment=enrollment).order_by("starts")
    return list(found.values_list("starts", "ends"))


def shown(body: bytes) -> list[tuple[datetime, datetime]]:
    return sorted((event.get("DTSTART").dt, event.get("DTEND").dt) for event in Calendar.from_ical(body).walk("VEVENT"))


def test_an_independent_parser_reads_each_booking_across_a_clock_change(
    client: Client, enrollment: Enrollment, address: str
) -> None:
    calendar = Calendar.from_ical(client.get(address).content)
    found = recurring_ical_events.of(calendar).between(NOW, NOW + timedelta(weeks=13))
    assert sorted((event["DTSTART"].dt, event["DTEND"].dt) for event in found) == standing(enrollment)
    zone = enrollment.track.site.zone
    mornings = {starts.astimezone(UTC).hour for starts, _ in standing(enrollment) if starts.astimezone(zone).hour == 9}
    assert mornings == {14, 13}, "9:00 in New York is 14:00 before the change and 13:00 after it"


def test_the_stored_calendar_is_the_one_that_was_sent(client: Client, address: str) -> None:
    first, again = client.get(address), client.get(address)
    assert first.content == again.content
    assert first["ETag"] == again["ETag"]
    assert b"\r\n" in again.content


def test_a_released_booking_disappears_at_the_next_fetch(
    client: Client, enrollment: Enrollment, coordinator: User, address: str
) -> None:
    before = client.get(address)
    released = enrollment.bookings.order_by("starts")[1]
    release_booking(booking=released, reason="Ill", by=coordinator, now=NOW)

    after = client.get(address, headers={"if-none-match": before["ETag"]})

    assert after.status_code == 200
    assert shown(after.content) == standing(enrollment)
    assert len(shown(after.content)) == len(shown(before.content)) - 1


def test_a_change_during_rendering_is_shown_at_the_next_fetch(
    client: Client, enrollment: Enrollment, coordinator: User, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_while_a_place_is_released(**values: Any) -> bytes:
        monkeypatch.setattr("scheduling.services.documents.feeds.write_calendar", write_calendar)
        before = NOW - timedelta(seconds=1)
        release_booking(booking=enrollment.bookings.all()[0], reason="Ill", by=coordinator, now=before)
        return write_calendar(**values)

    monkeypatch.setattr("scheduling.services.documents.feeds.write_calendar", write_while_a_place_is_released)
    first_response = client.get(address)
    assert len(shown(first_response.content)) == len(standing(enrollment)) + 1
    assert shown(client.get(address).content) == standing(enrollment)


def test_a_feed_revoked_during_rendering_stores_nothing(coordinator: User, enrollment: Enrollment) -> None:
    feed, token = create_feed(patient=enrollment.episode.patient, by=coordinator, now=NOW)
    found = find_feed(token)
    assert found
    revoke_feed(feed=feed, by=coordinator, now=NOW)
    serve_feed(feed=found, now=NOW)
    assert Feed.objects.get(pk=feed.pk).body == ""


def test_a_feed_is_rendered_again_each_day(client: Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get(address)
    assert Feed.objects.get().rendered_at == NOW
    tomorrow = NOW + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    client.get(address)
    assert Feed.objects.get().rendered_at == tomorrow


def test_a_facilitator_who_has_left_has_no_calendar(client: Client, enrollment: Enrollment) -> None:
    lead = make_staff(Role.CLINICIAN, enrollment.track.site)
    _, token = create_feed(facilitator=lead, by=lead, now=NOW)
    assert client.get(reverse("feed", args=[token])).status_code == 200
    User.objects.filter(pk=lead.pk).update(is_active=False)
    assert client.get(reverse("feed", args=[token])).status_code == 404


def test_a_tracks_feed_has_each_session_once_and_no_names(
    client: Client, enrollment: Enrollment, coordinator: User
) -> None:
    track: Track = enrollment.track
    _, token = create_feed(track=track, by=coordinator, now=NOW)
    body = client.get(reverse("feed", args=[token])).content
    assert shown(body) == standing(enrollment)
    events = Calendar.from_ical(body).walk("VEVENT")
    assert {str(event["SUMMARY"]) for event in events} == {"Appointment (1 of 10)"}
    assert len({str(event["UID"]) for event in events}) == len(events)


def test_the_response_does_not_reveal_why_a_link_is_invalid(
    client: Client, enrollment: Enrollment, coordinator: User
) -> None:
    feed, token = create_feed(patient=enrollment.episode.patient, by=coordinator, now=NOW)
    revoke_feed(feed=feed, by=coordinator, now=NOW)
    responses = [client.get(f"/c/{each}/schedule.ics") for each in (token, "A" * 43, "x", "%00", "%F0%9F", "é")]
    assert {response.status_code for response in responses} == {404}
    assert len({response.content for response in responses}) == 1
    assert len({tuple(sorted(response.headers.items())) for response in responses}) == 1
    assert not any(response.cookies for response in responses)


def test_a_feed_may_be_fetched_120_times_an_hour(client: Client, address: str) -> None:
    statuses = [client.get(address).status_code for _ in range(120)]
    assert set(statuses) == {200}
    refused = client.get(address)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "3600"


def test_no_token_reaches_the_database_or_the_log(client: Client, address: str) -> None:
    [written] = [handler for handler in logging.getLogger().handlers if handler.filters]
    assert isinstance(written, logging.StreamHandler)
    assert written in logging.getLogger("django.server").handlers, "what runserver writes goes through the same filter"
    lines, token = io.StringIO(), address.split("/")[2]
    before = written.setStream(lines)
    try:
        client.get(address)
        client.get(f"/c/{token[::-1]}/schedule.ics")
        logging.getLogger("django.server").info('"GET %s HTTP/1.1" 200', address)
    finally:
        written.setStream(before or io.StringIO())
    assert lines.getvalue().count("/c/…/schedule.ics") == 2
    assert token not in lines.getvalue()
    assert token[::-1] not in lines.getvalue()
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert token not in str(cursor.fetchall()), table
