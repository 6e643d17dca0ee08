"""Enrolling a patient books every session.

If that is impossible, the enrollment is refused with all reasons at once.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.permissions import Role
from patients.models import Episode
from scheduling.domain.hours.reasons import (
    BelowPrescribedDays,
    BelowPrescribedMinutes,
    OverlappingMeetings,
    TooManyMinutes,
)
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import AlreadyEnrolled, MeetingFull, NotAStartDate
from scheduling.models import Booking, CohortStart, Enrollment, Feed, Meeting, Session, Site, Track, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.documents.feeds import create_feed
from scheduling.services.enrollment.checks import NotRunning
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.reasons import BeforeAdmission, TrackNotPublished
from scheduling.services.search.need import NoEpisode
from scheduling.services.timetable.meetings import change_meeting
from scheduling.services.timetable.values import MeetingValues
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def episode(site: Site) -> Episode:
    return admit(make_patient(site))


def enrolling(episode: Episode, track: Track, meetings: list[Meeting] | None = None, **fields: Any) -> Enrollment:
    """Create the future sessions and enroll the patient.

    By default, the patient attends all meetings of the track, from Monday on.
    """
    extend_horizon(site=track.site, now=NOW)
    return enroll_patient(
        episode=episode,
        track=track,
        meetings=list(track.meetings.all()) if meetings is None else meetings,
        starts=fields.pop("starts", MONDAY),
        by=make_staff(Role.COORDINATOR, track.site),
        now=fields.pop("now", NOW),
        **fields,
    )


def refusal(episode: Episode, track: Track, meetings: list[Meeting] | None = None, **fields: Any) -> tuple[object, ...]:
    with pytest.raises(Refused) as refused:
        enrolling(episode, track, meetings, **fields)
    assert not Booking.objects.filter(episode=episode).exists()
    assert not Session.objects.filter(booked__gt=0).exists()
    return refused.value.reasons


def test_every_future_session_is_booked(episode: Episode) -> None:
    track = make_weekday_track(episode.site)
    enrollment = enrolling(episode, track, starts=date(2026, 11, 25))
    assert enrollment.bookings.count() == Session.objects.filter(on__gte=date(2026, 11, 25)).count() == 35
    assert enrollment.enrollment_meetings.filter(starts=date(2026, 11, 25), ends=None).count() == 3
    for booking in enrollment.bookings.select_related("session"):
        session = booking.session
        assert (session.booked, session.version) == (1, 2)
        assert (booking.starts, booking.ends, booking.countable_minutes) == (session.starts, session.ends, 180)
        assert booking.week == session.on - timedelta(days=session.on.weekday())


def test_enrolling_is_audited_and_makes_the_calendar_stale(episode: Episode) -> None:
    coordinator = make_staff(Role.COORDINATOR, episode.site)
    feed, _ = create_feed(patient=episode.patient, by=coordinator, now=NOW)
    enrollment = enrolling(episode, make_weekday_track(episode.site))
    event = AuditEvent.objects.get(action="enrolled")
    assert (event.subject_key, event.patient_key, event.site_key) == (
        enrollment.pk,
        episode.patient_id,
        episode.site_id,
    )
    assert Feed.objects.get(pk=feed.pk).stale_at == NOW


def test_a_session_that_has_begun_is_not_booked(episode: Episode) -> None:
    track = make_weekday_track(episode.site)
    at_ten_on_monday = datetime(2026, 11, 23, 15, tzinfo=UTC)
    enrollment = enrolling(episode, track, now=at_ten_on_monday)
    assert enrollment.bookings.order_by("starts")[0].session.on == date(2026, 11, 25)


def test_a_full_session_that_has_begun_is_no_reason_against_enrolling_today(episode: Episode) -> None:
    track = make_weekday_track(episode.site)
    extend_horizon(site=episode.site, now=NOW)
    Session.objects.filter(on=MONDAY).update(places=1, booked=1)
    monday_noon = datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert enrolling(episode, track, now=monday_noon).bookings.count() == 35


def test_individual_minutes_of_the_track_count_toward_the_prescription(episode: Episode) -> None:
    meetings = [make_meeting(episode.site, day, "09:00", "11:40") for day in (0, 2, 4)]
    enrollment = enrolling(episode, make_track(episode.site, meetings, individual_minutes=60))
    assert set(enrollment.bookings.values_list("countable_minutes", flat=True)) == {160}


def test_a_patient_can_be_enrolled_in_only_some_meetings_of_a_track(episode: Episode) -> None:
    track = make_weekday_track(episode.site, days=range(5))
    chosen = list(track.meetings.all())[:3]
    enrollment = enrolling(episode, track, chosen)
    assert set(enrollment.meetings.all()) == set(chosen)
    assert enrollment.bookings.count() == 36


def test_a_refused_enrollment_has_every_reason_at_once(site: Site) -> None:
    episode = admit(make_patient(site), starts=date(2026, 11, 30), minutes=540, days=3)
    make_commitment(episode.patient, [0], "11:30", "15:00", "Shift")
    meetings = [make_meeting(site, day, "09:00", "11:55") for day in (0, 2)]
    track = make_track(site, meetings)
    extend_horizon(site=site, now=NOW)
    Session.objects.filter(meeting=meetings[1], on=date(2026, 12, 2)).update(booked=10)
    with pytest.raises(Refused) as refused:
        enrolling(episode, track)
    kinds = [type(reason) for reason in refused.value.reasons]
    assert kinds == [BeforeAdmission, BelowPrescribedMinutes, BelowPrescribedDays, CommitmentConflict, MeetingFull]
    _, minutes, days, conflict, full = refused.value.reasons
    assert minutes == BelowPrescribedMinutes(350, 540)
    assert days == BelowPrescribedDays(2, 3)
    assert isinstance(conflict, CommitmentConflict)
    assert (conflict.minutes, conflict.dates) == (25, 12)
    assert isinstance(full, MeetingFull)
    assert (full.first_date, full.dates) == (date(2026, 12, 2), 1)
    assert not Booking.objects.exists()


def test_groups_at_the_same_time_are_alternatives(episode: Episode) -> None:
    site = episode.site
    track = make_weekday_track(site)
    parallel = make_meeting(site, 0, "10:00", "12:00", name="Men's group")
    track.meetings.add(parallel)
    first = track.meetings.get(weekday=0, starts=time(9)).name
    (reason,) = refusal(episode, track)
    assert reason in {
        OverlappingMeetings(first, "Men's group", 0, 120),
        OverlappingMeetings("Men's group", first, 0, 120),
    }
    chosen = [meeting for meeting in track.meetings.all() if meeting != parallel]
    assert enrolling(episode, track, chosen).bookings.count() == 36


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        pytest.param("14:00", None, id="25 h is the most"),
        pytest.param("14:01", TooManyMinutes(1505, 1500), id="five minutes over"),
    ],
)
def test_more_hours_than_the_rules_allow_are_refused(episode: Episode, ends: str, reason: object) -> None:
    track = make_track(episode.site, [make_meeting(episode.site, day, "09:00", ends) for day in range(5)])
    if reason is None:
        enrolling(episode, track)
    else:
        assert refusal(episode, track) == (reason,)


def test_travel_counts_against_a_meeting(episode: Episode) -> None:
    make_commitment(episode.patient, [0], "12:15", "18:00", "Late shift", travel_minutes=25)
    (conflict,) = refusal(episode, make_weekday_track(episode.site))
    assert isinstance(conflict, CommitmentConflict)
    assert (conflict.minutes, conflict.overlap_minutes, conflict.gap_minutes, conflict.before) == (10, 0, 15, False)


def test_a_second_track_must_not_conflict_with_the_first(episode: Episode) -> None:
    enrolling(episode, make_weekday_track(episode.site))
    other = make_track(episode.site, [make_meeting(episode.site, day, "11:00", "14:00") for day in (0, 1, 2)])
    with pytest.raises(Refused) as refused:
        enrolling(episode, other)
    assert [(type(each), each.busy.kind) for each in refused.value.reasons if isinstance(each, CommitmentConflict)] == [
        (CommitmentConflict, "treatment"),
        (CommitmentConflict, "treatment"),
    ]


def test_a_second_enrollment_in_the_same_track_is_refused(episode: Episode) -> None:
    track = make_weekday_track(episode.site)
    enrolling(episode, track)
    with pytest.raises(Refused) as refused:
        enrolling(episode, track, starts=MONDAY + WEEK)
    assert refused.value.reasons == (AlreadyEnrolled(track.name, MONDAY),)


def test_only_published_tracks_of_the_site_are_accepted(episode: Episode) -> None:
    draft = make_weekday_track(episode.site, name="Draft", status=TrackStatus.DRAFT)
    elsewhere = make_weekday_track(make_site("Elsewhere"), name="Far")
    assert refusal(episode, draft) == (TrackNotPublished("Draft"),)
    assert TrackNotPublished("Far") in refusal(episode, elsewhere)


def test_only_meetings_of_the_track_are_accepted(episode: Episode) -> None:
    track, stranger = make_weekday_track(episode.site), make_meeting(episode.site, 1, name="Stranger")
    assert refusal(episode, track, [*track.meetings.all(), stranger]) == (NotRunning("Stranger", MONDAY),)


def test_an_enrollment_in_a_cohort_starts_on_a_start_date(episode: Episode) -> None:
    track = make_weekday_track(episode.site, entry="cohort")
    CohortStart.objects.create(track=track, on=MONDAY + WEEK)
    assert refusal(episode, track) == (NotAStartDate(MONDAY, MONDAY + WEEK),)
    assert enrolling(episode, track, starts=MONDAY + WEEK).starts == MONDAY + WEEK


def test_an_enrollment_without_a_level_of_care_is_refused(episode: Episode) -> None:
    episode.spans.all().delete()
    assert refusal(episode, make_weekday_track(episode.site)) == (NoEpisode(MONDAY),)


def changed_from(meeting: Meeting, begins: date, starts: str, ends: str) -> Meeting:
    values = MeetingValues(
        code=meeting.code,
        name=meeting.name,
        weekday=meeting.weekday,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        service_type=meeting.service_type,
        places=meeting.places,
        runs_from=begins,
        tracks=tuple(meeting.tracks.all()),
    )
    return change_meeting(meeting=meeting, values=values, by=None, now=NOW)


def test_a_group_that_changes_later_is_attended_before_and_after(episode: Episode) -> None:
    track = make_weekday_track(episode.site)
    monday = track.meetings.get(weekday=0)
    begins = MONDAY + 3 * WEEK
    following = changed_from(monday, begins, "13:00", "16:00")
    enrollment = enrolling(episode, track, [meeting for meeting in track.meetings.all() if meeting != following])
    assert enrollment.bookings.count() == 36
    assert enrollment.bookings.filter(session__meeting=following).count() == 9
    places = enrollment.enrollment_meetings.filter(meeting__weekday=0).values_list("meeting", "starts", "ends")
    assert set(places) == {(monday.pk, MONDAY, begins), (following.pk, begins, None)}


def test_the_new_hours_of_a_group_that_changes_later_are_checked(episode: Episode) -> None:
    track = make_weekday_track(episode.site, days=(0, 1, 2, 4))
    monday = track.meetings.get(weekday=0)
    following = changed_from(monday, MONDAY + 3 * WEEK, "13:00", "15:55")
    make_commitment(episode.patient, [0], "15:00", "20:00")
    chosen = [meeting for meeting in track.meetings.all() if meeting.weekday in (0, 2, 4) and meeting != following]
    conflict, hours = refusal(episode, track, chosen)
    assert isinstance(conflict, CommitmentConflict)
    assert (conflict.minutes, conflict.first_date) == (55, MONDAY + 3 * WEEK)
    assert hours == BelowPrescribedMinutes(535, 540)


THURSDAY, SATURDAY = MONDAY + timedelta(days=3), MONDAY - timedelta(days=2)


def test_a_group_that_changes_in_the_first_week_is_attended_before_and_after(episode: Episode) -> None:
    Episode.objects.filter(pk=episode.pk).update(starts=SATURDAY)
    episode.spans.update(starts=SATURDAY)
    track = make_weekday_track(episode.site)
    monday = track.meetings.get(weekday=0)
    following = changed_from(monday, THURSDAY, "13:00", "16:00")
    enrollment = enrolling(episode, track, [each for each in track.meetings.all() if each != monday], starts=SATURDAY)
    assert enrollment.bookings.count() == 36
    assert enrollment.bookings.get(session__meeting=monday).session.on == MONDAY
    assert enrollment.bookings.filter(session__meeting=following).count() == 11


def test_a_group_that_changes_in_the_first_week_must_be_free_before_the_change(episode: Episode) -> None:
    Episode.objects.filter(pk=episode.pk).update(starts=SATURDAY)
    episode.spans.update(starts=SATURDAY)
    track = make_weekday_track(episode.site)
    monday = track.meetings.get(weekday=0)
    following = changed_from(monday, THURSDAY, "13:00", "16:00")
    extend_horizon(site=episode.site, now=NOW)
    Session.objects.filter(meeting=monday).update(booked=10)
    chosen = [each for each in track.meetings.all() if each != monday]
    with pytest.raises(Refused) as refused:
        enrolling(episode, track, chosen, starts=SATURDAY)
    (full,) = refused.value.reasons
    assert isinstance(full, MeetingFull)
    assert (full.meeting.key, full.first_date) == (monday.pk, MONDAY)
    assert following in chosen
