"""Extending the horizon writes each future session and booking once, at the right time. Changed sessions are kept."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.permissions import Role
from scheduling.models import Booking, Closure, Feed, RuleSet, ServiceType, Session, SessionStatus, TrackStatus
from scheduling.services.bookings.horizon import HorizonExtension, extend_horizon
from scheduling.services.bookings.release import release_booking
from scheduling.services.documents.feeds import create_feed
from tests.factories import (
    MONDAY,
    admit,
    enroll,
    make_meeting,
    make_patient,
    make_room,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAUSE: dict[str, Any] = {"break_starts": time(10, 30), "break_ends": time(10, 45)}


def test_sessions_are_written_once_for_twelve_weeks() -> None:
    track = make_weekday_track(make_site())
    assert extend_horizon(site=track.site, now=NOW) == HorizonExtension(36, 0, 0)
    assert extend_horizon(site=track.site, now=NOW) == HorizonExtension(0, 0, 0)
    assert extend_horizon(site=track.site, now=NOW + timedelta(weeks=1)).sessions == 3


def test_a_session_copies_its_meeting() -> None:
    site = make_site()
    lead = make_staff(Role.CLINICIAN, site)
    room = make_room(site)
    meeting = make_meeting(site, 0, lead=lead, room=room, places=7, name="Skills", modality="either", **PAUSE)
    make_track(site, [meeting])
    extend_horizon(site=site, now=NOW)
    session = Session.objects.get(on=MONDAY)
    assert (session.name, session.room, session.places, session.booked) == ("Skills", room, 7, 0)
    assert (session.modality, session.service_type, session.status) == ("either", meeting.service_type, "scheduled")
    assert session.starts == datetime(2026, 11, 23, 14, tzinfo=UTC)
    assert session.ends == datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert session.break_starts == datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    assert session.countable_minutes == 165
    assert [(each.user, each.part) for each in session.session_facilitators.all()] == [(lead, "leads")]


def test_a_meeting_at_nine_is_at_nine_on_both_sides_of_a_clock_change() -> None:
    site = make_site(time_zone="America/New_York")
    make_track(site, [make_meeting(site, 0)])
    extend_horizon(site=site, now=datetime(2027, 3, 7, 12, tzinfo=UTC))
    before, after = Session.objects.order_by("on")[:2]
    assert (before.on, before.starts) == (date(2027, 3, 8), datetime(2027, 3, 8, 14, tzinfo=UTC))
    assert (after.on, after.starts) == (date(2027, 3, 15), datetime(2027, 3, 15, 13, tzinfo=UTC))
    assert {session.local_starts().time() for session in Session.objects.all()} == {time(9)}


def test_no_session_is_written_on_a_closed_day_nor_for_a_draft() -> None:
    site = make_site()
    make_track(site, [make_meeting(site, day) for day in (3, 4)])
    make_track(site, [make_meeting(site, 1)], name="Draft", status=TrackStatus.DRAFT)
    Closure.objects.create(site=site, starts=date(2026, 11, 26), ends=date(2026, 11, 27), reason="Thanksgiving")
    assert extend_horizon(site=site, now=NOW).sessions == 23
    assert not Session.objects.filter(on=date(2026, 11, 26)).exists()
    assert Session.objects.filter(on=date(2026, 11, 27)).exists()


def test_biweekly_meetings_and_run_dates_are_respected() -> None:
    site = make_site()
    meeting = make_meeting(site, 0, anchor=MONDAY, runs_from=date(2026, 11, 30), runs_until=date(2027, 1, 4))
    make_track(site, [meeting])
    extend_horizon(site=site, now=NOW)
    assert list(Session.objects.values_list("on", flat=True)) == [date(2026, 12, 7), date(2026, 12, 21)]


def test_minutes_count_by_the_rules_in_force_in_their_week() -> None:
    site = make_site()
    RuleSet.objects.create(site=site, starts=date(2026, 12, 7), breaks_count=True)
    education = ServiceType.objects.create(code="tour", name="Tour", countable=False)
    make_track(site, [make_meeting(site, 0, **PAUSE), make_meeting(site, 1, service_type=education)])
    extend_horizon(site=site, now=NOW)
    on_mondays = Session.objects.filter(on__lt=date(2026, 12, 14), on__iso_week_day=1)
    assert list(on_mondays.values_list("countable_minutes", flat=True)) == [165, 165, 180]
    assert set(Session.objects.filter(on__iso_week_day=2).values_list("countable_minutes", flat=True)) == {0}


def test_past_sessions_are_written_only_if_a_first_day_is_given() -> None:
    site = make_site()
    make_track(site, [make_meeting(site, 0, "08:00", "09:00"), make_meeting(site, 0, "12:00", "13:00")])
    at_ten = datetime(2026, 11, 23, 15, tzinfo=UTC)
    extend_horizon(site=site, now=at_ten)
    assert [session.local_starts().hour for session in Session.objects.filter(on=MONDAY)] == [12]
    extend_horizon(site=site, now=at_ten, first=MONDAY - timedelta(weeks=2))
    assert Session.objects.filter(on__lte=MONDAY).count() == 6


def test_a_changed_session_is_not_overwritten() -> None:
    track = make_weekday_track(make_site())
    extend_horizon(site=track.site, now=NOW)
    moved, cancelled, *_ = Session.objects.order_by("starts")
    later = moved.starts + timedelta(hours=3)
    Session.objects.filter(pk=moved.pk).update(starts=later, ends=later + timedelta(hours=1), departed_at=NOW)
    Session.objects.filter(pk=cancelled.pk).update(status=SessionStatus.CANCELLED, cancel_reason="Flood")
    enroll(admit(make_patient(track.site)), track)
    assert extend_horizon(site=track.site, now=NOW) == HorizonExtension(0, 35, 0)
    moved.refresh_from_db()
    assert moved.starts == later
    assert moved.bookings.get().starts == later
    assert not cancelled.bookings.exists()


def test_enrollments_are_booked_on_their_own_dates() -> None:
    track = make_weekday_track(make_site())
    enrollment = enroll(admit(make_patient(track.site)), track, starts=date(2026, 11, 30))
    enrollment.enrollment_meetings.update(ends=date(2026, 12, 14))
    assert extend_horizon(site=track.site, now=NOW) == HorizonExtension(36, 6, 0)
    days = Booking.objects.values_list("session__on", flat=True)
    assert (min(days), max(days)) == (date(2026, 11, 30), date(2026, 12, 11))
    assert set(Session.objects.filter(bookings__isnull=False).values_list("booked", "version")) == {(1, 2)}


def test_a_booking_copies_its_session() -> None:
    site = make_site()
    RuleSet.objects.create(site=site, starts=date(2026, 11, 29), week_starts=6)
    track = make_weekday_track(site, days=(0, 5, 6))
    enroll(admit(make_patient(site)), track)
    extend_horizon(site=site, now=NOW)
    for booking in Booking.objects.select_related("session"):
        session = booking.session
        assert (booking.starts, booking.ends) == (session.starts, session.ends)
        assert booking.countable_minutes == session.countable_minutes
    weeks = dict(Booking.objects.order_by("starts").values_list("session__on", "week")[:6])
    assert weeks == {
        date(2026, 11, 23): date(2026, 11, 23),
        date(2026, 11, 28): date(2026, 11, 23),
        date(2026, 11, 29): date(2026, 11, 29),
        date(2026, 11, 30): date(2026, 11, 29),
        date(2026, 12, 5): date(2026, 11, 29),
        date(2026, 12, 6): date(2026, 12, 6),
    }


def test_a_booking_that_was_given_back_is_not_created_again() -> None:
    track = make_weekday_track(make_site())
    coordinator = make_staff(Role.COORDINATOR, track.site)
    enroll(admit(make_patient(track.site)), track)
    extend_horizon(site=track.site, now=NOW)
    first = Booking.objects.order_by("starts")[0]
    release_booking(booking=first, reason="Dentist", by=coordinator, now=NOW)
    assert extend_horizon(site=track.site, now=NOW) == HorizonExtension(0, 0, 0)
    first.session.refresh_from_db()
    assert first.session.booked == 0


def test_a_full_session_takes_no_more_bookings_and_the_earliest_enrollment_comes_first() -> None:
    site = make_site()
    track = make_track(site, [make_meeting(site, day, places=1) for day in (0, 2, 4)])
    late = enroll(admit(make_patient(site)), track, starts=MONDAY)
    early = enroll(admit(make_patient(site), starts=date(2026, 11, 2)), track, starts=date(2026, 11, 2))
    assert extend_horizon(site=site, now=NOW) == HorizonExtension(36, 36, 36)
    assert (early.bookings.count(), late.bookings.count()) == (36, 0)


def test_no_patient_is_booked_into_two_sessions_at_once() -> None:
    site = make_site()
    track = make_track(site, [make_meeting(site, 0), make_meeting(site, 0, "11:00", "13:00")])
    enroll(admit(make_patient(site)), track)
    assert extend_horizon(site=site, now=NOW) == HorizonExtension(24, 12, 12)


def test_feeds_of_the_patient_facilitator_room_and_track_become_stale() -> None:
    site, elsewhere = make_site(), make_site("Elsewhere")
    lead, coordinator = make_staff(Role.CLINICIAN, site), make_staff(Role.COORDINATOR, site)
    room, patient = make_room(site), make_patient(site)
    track = make_track(site, [make_meeting(site, 0, lead=lead, room=room)])
    given: list[dict[str, Any]] = [{"patient": patient}, {"facilitator": lead}, {"room": room}, {"track": track}]
    others: list[dict[str, Any]] = [
        {"patient": make_patient(site)},
        {"room": make_room(site)},
        {"track": make_weekday_track(elsewhere)},
    ]
    for subject in (*given, *others):
        create_feed(**subject, by=coordinator, now=NOW)
    enroll(admit(patient), track)
    extend_horizon(site=site, now=NOW)
    stale = Feed.objects.filter(stale_at=NOW)
    assert {(feed.patient or feed.facilitator or feed.room or feed.track) for feed in stale} == {
        patient,
        lead,
        room,
        track,
    }


def queries_of_extending(tracks: int, patients: int) -> int:
    site = make_site()
    lead = make_staff(Role.CLINICIAN, site)
    for _ in range(tracks):
        track = make_weekday_track(site, lead=lead)
        for _ in range(patients):
            enroll(admit(make_patient(site)), track)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        extend_horizon(site=site, now=NOW)
    return len(queries)


def test_one_track_takes_as_many_queries_as_three() -> None:
    assert queries_of_extending(tracks=1, patients=1) == queries_of_extending(tracks=3, patients=3)


@time_machine.travel(NOW, tick=False)
def test_the_command_reports_what_was_written_at_each_site() -> None:
    site = make_site("Harbor Street")
    track = make_track(site, [make_meeting(site, 0, places=1)])
    make_site("Lakeview")
    for _ in range(2):
        enroll(admit(make_patient(site)), track)
    out, err = StringIO(), StringIO()
    call_command("extend_horizon", stdout=out, stderr=err)
    assert out.getvalue().splitlines() == [
        "Harbor Street: 12 sessions and 12 bookings created.",
        "Lakeview: 0 sessions and 0 bookings created.",
    ]
    assert err.getvalue().startswith("Harbor Street: 12 bookings not made")
