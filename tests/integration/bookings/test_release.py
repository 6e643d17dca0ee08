"""Bookings are released when an enrollment ends or a patient is discharged.

The tests also cover when a make-up session can be booked.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.permissions import Role
from attendance.models import Attendance
from patients.models import Episode
from scheduling.models import Booking, Enrollment, Feed, Session, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.makeups import AlreadyHasMakeup, NotBookable, book_makeup
from scheduling.services.bookings.release import AttendanceRecorded, release_booking
from scheduling.services.documents.feeds import create_feed
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.reasons import InAnotherSession, SessionFull
from tests.factories import (
    MONDAY,
    admit,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, EpisodeEnded, Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
def episode() -> Episode:
    return admit(make_patient(make_site()))


def enrolling(episode: Episode, track: Track, starts: date = MONDAY) -> Enrollment:
    """Create the future sessions of the site, and enroll the patient in all meetings of the track."""
    extend_horizon(site=track.site, now=NOW)
    meetings = list(track.meetings.all())
    by = make_staff(Role.COORDINATOR, track.site)
    return enroll_patient(episode=episode, track=track, meetings=meetings, starts=starts, by=by, now=NOW)


def test_ending_an_enrollment_releases_every_later_booking(episode: Episode) -> None:
    track = make_weekday_track(episode.site)
    coordinator = make_staff(Role.COORDINATOR, episode.site)
    enrollment = enrolling(episode, track)
    feed, _ = create_feed(patient=episode.patient, by=coordinator, now=NOW)
    last_day = date(2026, 12, 4)
    ended = end_enrollment(enrollment=enrollment, last_day=last_day, reason="Moved", by=coordinator, now=NOW)
    assert (ended.ends, ended.end_reason) == (date(2026, 12, 5), "Moved")
    assert ended.bookings.filter(released_at=None).count() == 6
    assert set(ended.bookings.exclude(released_at=None).values_list("release_reason", flat=True)) == {"Moved"}
    assert set(Session.objects.filter(on__gt=last_day).values_list("booked", "version")) == {(0, 3)}
    assert set(ended.enrollment_meetings.values_list("ends", flat=True)) == {date(2026, 12, 5)}
    assert Feed.objects.get(pk=feed.pk).stale_at == NOW
    assert AuditEvent.objects.get(action="ended").reason == "Moved"
    again = enrolling(episode, track, starts=date(2026, 12, 7))
    assert again.bookings.count() == 30


def test_an_enrollment_is_ended_within_its_dates(episode: Episode) -> None:
    coordinator = make_staff(Role.COORDINATOR, episode.site)
    enrollment = enrolling(episode, make_weekday_track(episode.site))
    with pytest.raises(Refused) as refused:
        end_enrollment(enrollment=enrollment, last_day=MONDAY - WEEK, by=coordinator, now=NOW)
    assert refused.value.reasons == (EndDateBeforeStart(MONDAY, MONDAY - WEEK),)
    end_enrollment(enrollment=enrollment, last_day=MONDAY + WEEK, by=coordinator, now=NOW)
    with pytest.raises(Refused) as refused:
        end_enrollment(enrollment=enrollment, last_day=MONDAY + 2 * WEEK, by=coordinator, now=NOW)
    assert refused.value.reasons == (AlreadyEnded(enrollment.track.name, MONDAY + WEEK),)
    earlier = end_enrollment(enrollment=enrollment, last_day=MONDAY, by=coordinator, now=NOW)
    assert earlier.bookings.filter(released_at=None).count() == 1


def test_a_discharge_ends_episode_level_enrollments_and_bookings(episode: Episode) -> None:
    site, coordinator = episode.site, make_staff(Role.COORDINATOR, episode.site)
    enrolling(episode, make_weekday_track(site))
    evening = make_track(site, [make_meeting(site, day, "18:00", "21:00") for day in (0, 1, 3)], name="Evening")
    enrolling(episode, evening, starts=MONDAY + 4 * WEEK)
    last_day = MONDAY + WEEK
    discharge_patient(episode=episode, last_day=last_day, reason="Completed", by=coordinator, now=NOW)
    episode.refresh_from_db()
    ends = last_day + timedelta(days=1)
    assert (episode.ends, episode.discharge_reason) == (ends, "Completed")
    assert episode.spans.get().ends == ends
    assert not episode.enrollments.filter(ends=None).exists()
    assert not Booking.objects.active().filter(session__on__gte=ends).exists()
    assert Booking.objects.active().count() == 4
    assert extend_horizon(site=site, now=NOW).bookings == 0
    with pytest.raises(Refused) as refused:
        discharge_patient(episode=episode, last_day=last_day, reason="Again", by=coordinator, now=NOW)
    assert refused.value.reasons == (EpisodeEnded(last_day),)


def test_a_booking_with_attendance_is_never_released(episode: Episode) -> None:
    coordinator = make_staff(Role.COORDINATOR, episode.site)
    enrollment = enrolling(episode, make_weekday_track(episode.site))
    first, second, *_ = enrollment.bookings.order_by("starts")
    Attendance.objects.create(
        booking=first, status="present", credited_minutes=180, recorded_by=coordinator, recorded_at=NOW
    )
    with pytest.raises(Refused) as refused:
        release_booking(booking=first, reason="Mistake", by=coordinator, now=NOW)
    assert refused.value.reasons == (AttendanceRecorded(first.session.name, first.session.on),)
    assert release_booking(booking=second, reason="Dentist", by=coordinator, now=NOW).release_reason == "Dentist"
    assert release_booking(booking=second, reason="Again", by=coordinator, now=NOW).release_reason == "Dentist"
    assert AuditEvent.objects.filter(action="released").count() == 1


@pytest.fixture
def missed(episode: Episode) -> Booking:
    return enrolling(episode, make_weekday_track(episode.site)).bookings.order_by("starts")[0]


def make_up_refusal(session: Session, missed: Booking, now: datetime = NOW) -> tuple[object, ...]:
    with pytest.raises(Refused) as refused:
        book_makeup(session=session, makes_up=missed, by=make_staff(Role.COORDINATOR, session.site), now=now)
    return refused.value.reasons


def an_evening(site: Site, on: date = date(2026, 11, 24), **fields: Any) -> Session:
    meeting = make_meeting(site, on.weekday(), "18:00", "20:00", name="Evening", **fields)
    make_track(site, [meeting])
    extend_horizon(site=site, now=NOW)
    return Session.objects.get(meeting=meeting, on=on)


def test_a_make_up_session_needs_a_free_spot(missed: Booking) -> None:
    session = an_evening(missed.episode.site, places=1)
    Session.objects.filter(pk=session.pk).update(booked=1)
    assert make_up_refusal(session, missed) == (SessionFull("Evening", session.on),)


def test_a_make_up_session_must_be_in_the_future_and_countable(missed: Booking) -> None:
    session = an_evening(missed.episode.site)
    assert make_up_refusal(session, missed, now=session.starts) == (NotBookable("Evening", session.on),)
    Session.objects.filter(pk=session.pk).update(countable_minutes=0)
    assert make_up_refusal(session, missed) == (NotBookable("Evening", session.on),)
    elsewhere = an_evening(make_site("Elsewhere"))
    assert make_up_refusal(elsewhere, missed) == (NotBookable("Evening", elsewhere.on),)


def test_a_make_up_session_is_not_booked_twice_or_during_another_session(missed: Booking) -> None:
    coordinator = make_staff(Role.COORDINATOR, missed.episode.site)
    same_hour = make_meeting(missed.episode.site, 2, "11:00", "13:00", name="Noon")
    make_track(missed.episode.site, [same_hour])
    evening = an_evening(missed.episode.site)
    noon = Session.objects.get(meeting=same_hour, on=date(2026, 11, 25))
    booked = missed.episode.bookings.get(session__on=noon.on)
    assert make_up_refusal(noon, missed) == (InAnotherSession(booked.session.name, noon.on),)
    book_makeup(session=evening, makes_up=missed, by=coordinator, now=NOW)
    next_week = Session.objects.get(meeting=evening.meeting, on=evening.on + WEEK)
    assert make_up_refusal(next_week, missed) == (AlreadyHasMakeup(missed.session.name, missed.session.on),)


def test_a_make_up_session_is_a_conflict_for_an_enrollment(episode: Episode) -> None:
    site, coordinator = episode.site, make_staff(Role.COORDINATOR, episode.site)
    enrollment = enrolling(episode, make_weekday_track(site))
    missed = enrollment.bookings.order_by("starts")[0]
    evening = make_track(site, [make_meeting(site, day, "18:00", "21:00", name="Evening") for day in (1, 3, 5)])
    extend_horizon(site=site, now=NOW)
    session = Session.objects.filter(name="Evening").order_by("starts")[0]
    made_up = book_makeup(session=session, makes_up=missed, by=coordinator, now=NOW)
    assert (made_up.makes_up, made_up.enrollment, made_up.week) == (missed, None, MONDAY)
    with pytest.raises(Refused) as refused:
        enrolling(episode, evening)
    assert refused.value.reasons == (InAnotherSession("Evening", session.on),)
