"""The waitlist of a track: its order, how its entries are closed, and enrolling the next patient in one step."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from attendance.models import Attendance
from attendance.services.leaves import add_leave
from patients.models import Episode
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.models import (
    Booking,
    Enrollment,
    Priority,
    Session,
    Site,
    Track,
    TrackStatus,
    WaitingEntry,
)
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.waitlist import AlreadyOnWaitlist, NotOnWaitlist, join_waitlist, leave_waitlist
from scheduling.services.enrollment.waitlist_offers import enroll_from_waitlist, match_waitlist, next_in_line
from scheduling.services.reasons import BeforeAdmission, ReasonRequired, TrackNotPublished
from tests.factories import (
    MONDAY,
    admit,
    enroll,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from timekeeping.reasons import EpisodeEnded, Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
TODAY = date(2026, 11, 22)
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def sunday_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def by(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def track(site: Site) -> Track:
    """A track with groups on Monday, Wednesday and Friday that have only one spot each."""
    return make_track(site, [make_meeting(site, day, places=1, name="Small group") for day in (0, 2, 4)], name="Small")


@pytest.fixture
def taken(site: Site, track: Track, by: User) -> Enrollment:
    """Enrollment of another patient, who takes the only spot in each group."""
    extend_horizon(site=site, now=NOW)
    episode = admit(make_patient(site, "Omar", "Haddad"))
    meetings = list(track.meetings.all())
    return enroll_patient(episode=episode, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)


@pytest.fixture
def rosa(site: Site) -> Episode:
    return admit(make_patient(site))


@pytest.fixture
def desk(by: User) -> Client:
    return signed_in_as(by)


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def joins(
    episode: Episode,
    track: Track,
    by: User,
    priority: Priority = Priority.ROUTINE,
    from_day: date = MONDAY,
    now: datetime = NOW,
) -> WaitingEntry:
    return join_waitlist(episode=episode, track=track, priority=priority, from_day=from_day, by=by, now=now)


def reasons_of(act: Any, *args: Any, **said: Any) -> tuple[Any, ...]:
    with pytest.raises(Refused) as refused:
        act(*args, **said)
    return refused.value.reasons


# Joining and leaving the waitlist


def test_the_most_urgent_entry_comes_first_then_the_earliest(site: Site, track: Track, by: User) -> None:
    requests = {
        "third": (Priority.ROUTINE, NOW),
        "fourth": (Priority.ROUTINE, NOW + DAY),
        "second": (Priority.SOON, NOW + 2 * DAY),
        "first": (Priority.URGENT, NOW + 3 * DAY),
    }
    for name, (priority, now) in requests.items():
        joins(admit(make_patient(site, name)), track, by, priority, now=now)
    order = WaitingEntry.objects.open().in_order().values_list("episode__patient__first_name", flat=True)
    assert list(order) == ["first", "second", "third", "fourth"]


def test_joining_the_waitlist_is_audited(rosa: Episode, track: Track, by: User) -> None:
    entry = joins(rosa, track, by, Priority.SOON)
    leave_waitlist(entry=entry, reason=" Moved away ", by=by, now=NOW)
    entry.refresh_from_db()
    assert (entry.closed_at, entry.close_reason, entry.enrollment) == (NOW, "Moved away", None)
    events = AuditEvent.objects.filter(patient_key=rosa.patient_id).order_by("pk")
    assert list(events.values_list("action", "detail", "reason")) == [
        ("created", "Small from 2026-11-23, soon", ""),
        ("ended", "", "Moved away"),
    ]


def test_joining_twice_or_an_attended_or_unpublished_track_is_refused(
    site: Site, rosa: Episode, track: Track, taken: Enrollment, by: User
) -> None:
    joins(rosa, track, by)
    assert reasons_of(joins, rosa, track, by) == (AlreadyOnWaitlist("Small", TODAY),)
    assert reasons_of(joins, taken.episode, track, by) == (AlreadyEnrolled("Small", MONDAY),)
    draft = make_weekday_track(site, name="Draft", status=TrackStatus.DRAFT)
    assert reasons_of(joins, rosa, draft, by) == (TrackNotPublished("Draft"),)
    elsewhere = make_weekday_track(make_site("Elsewhere"), name="Far")
    assert reasons_of(joins, rosa, elsewhere, by) == (TrackNotPublished("Far"),)
    assert WaitingEntry.objects.count() == 1


def test_the_first_day_must_be_within_the_episode(rosa: Episode, track: Track, by: User) -> None:
    early = MONDAY - DAY
    assert reasons_of(joins, rosa, track, by, from_day=early) == (BeforeAdmission(early, MONDAY),)
    Episode.objects.update(ends=MONDAY + WEEK)
    late = reasons_of(joins, rosa, track, by, from_day=MONDAY + WEEK)
    assert late == (EpisodeEnded(MONDAY + WEEK - DAY),)


def test_leaving_the_waitlist_needs_a_reason_and_works_once(rosa: Episode, track: Track, by: User) -> None:
    entry = joins(rosa, track, by)
    assert reasons_of(leave_waitlist, entry=entry, reason=" ", by=by, now=NOW) == (ReasonRequired(),)
    leave_waitlist(entry=entry, reason="Moved", by=by, now=NOW)
    assert reasons_of(leave_waitlist, entry=entry, reason="Again", by=by, now=NOW) == (NotOnWaitlist("Small"),)
    assert joins(rosa, track, by).closed_at is None


def test_discharge_closes_every_open_entry(site: Site, rosa: Episode, track: Track, by: User) -> None:
    entries = [joins(rosa, each, by) for each in (track, make_weekday_track(site, name="Other"))]
    left = joins(rosa, make_weekday_track(site, name="Third"), by)
    leave_waitlist(entry=left, reason="Moved", by=by, now=NOW)
    discharge_patient(episode=rosa, last_day=MONDAY, reason="Completed", by=by, now=NOW)
    for entry in entries:
        entry.refresh_from_db()
        assert (entry.closed_at, entry.close_reason) == (NOW, "Discharged")
    left.refresh_from_db()
    assert left.close_reason == "Moved"


def test_every_kind_of_enrollment_closes_the_entry(rosa: Episode, track: Track, by: User) -> None:
    extend_horizon(site=track.site, now=NOW)
    entry = joins(rosa, track, by)
    meetings = list(track.meetings.all())
    made = enroll_patient(episode=rosa, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)
    entry.refresh_from_db()
    assert (entry.closed_at, entry.enrollment, entry.close_reason) == (NOW, made, "")


# Finding and enrolling the next patient


def fits(track: Track) -> list[Any]:
    loaded_track = Track.objects.select_related("site").prefetch_related(
        "cohort_starts", "meetings__service_type", "meetings__meeting_facilitators"
    )
    entries = WaitingEntry.objects.open().in_order().select_related("episode__patient", "track")
    entries = entries.prefetch_related("episode__spans")
    return match_waitlist(track=loaded_track.get(pk=track.pk), entries=entries, sees_commitments=True, now=NOW)


def test_the_next_in_line_is_the_first_entry_that_fits(
    site: Site, rosa: Episode, track: Track, taken: Enrollment, by: User
) -> None:
    end_enrollment(enrollment=taken, last_day=MONDAY, by=by, now=NOW)
    busy = admit(make_patient(site, "Busy"))
    make_commitment(busy.patient, [0], "08:00", "10:00")
    joins(busy, track, by, Priority.URGENT)
    later = joins(rosa, track, by, from_day=MONDAY + DAY)
    waiting = fits(track)
    assert [each.fits for each in waiting] == [False, True]
    following = next_in_line(waiting)
    assert following
    assert (following.entry, following.fit.starts, following.fit.minutes, following.fit.days) == (
        later,
        MONDAY + DAY,
        540,
        3,
    )
    assert [reason.code for reason in waiting[0].reasons] == [
        "clash",
        "full",
        "below_prescribed_minutes",
        "below_prescribed_days",
    ]


@pytest.mark.parametrize(
    ("last_day", "starts"),
    [
        pytest.param(MONDAY, MONDAY + DAY, id="from the day after"),
        pytest.param(MONDAY + 2 * WEEK + DAY, MONDAY + 2 * WEEK + DAY, id="from the day after the last group"),
        pytest.param(MONDAY + 7 * WEEK, MONDAY + 7 * WEEK + DAY, id="in time to be known for four weeks"),
        pytest.param(MONDAY + 8 * WEEK, None, id="too late to be known"),
    ],
)
def test_a_spot_that_becomes_free_fits_from_that_day_on(
    rosa: Episode, track: Track, taken: Enrollment, by: User, last_day: date, starts: date | None
) -> None:
    joins(rosa, track, by)
    end_enrollment(enrollment=taken, last_day=last_day, by=by, now=NOW)
    (waiting,) = fits(track)
    assert (waiting.fit.starts if waiting.fits else None) == starts


def test_no_entry_fits_after_the_end_of_its_episode(rosa: Episode, track: Track, taken: Enrollment, by: User) -> None:
    joins(rosa, track, by)
    end_enrollment(enrollment=taken, last_day=MONDAY + WEEK, by=by, now=NOW)
    rosa.spans.update(ends=MONDAY + DAY)
    Episode.objects.filter(pk=rosa.pk).update(ends=MONDAY + DAY)
    (waiting,) = fits(track)
    assert not waiting.fits
    assert "full" in {reason.code for reason in waiting.reasons}
    rosa.spans.all().delete()
    (waiting,) = fits(track)
    assert [reason.code for reason in waiting.reasons] == ["no_episode"]


def test_no_entry_fits_a_full_group(rosa: Episode, track: Track, taken: Enrollment, by: User) -> None:
    joins(rosa, track, by)
    (waiting,) = fits(track)
    assert not waiting.fits
    assert {reason.code for reason in waiting.reasons} >= {"full"}
    assert next_in_line([waiting]) is None


def test_a_patient_is_enrolled_from_the_waitlist_in_one_step(
    rosa: Episode, track: Track, taken: Enrollment, by: User
) -> None:
    entry = joins(rosa, track, by)
    end_enrollment(enrollment=taken, last_day=MONDAY, by=by, now=NOW)
    meetings = list(track.meetings.all())
    made = enroll_from_waitlist(entry=entry, meetings=meetings, starts=MONDAY + DAY, by=by, now=NOW)
    entry.refresh_from_db()
    assert (entry.closed_at, entry.enrollment) == (NOW, made)
    assert made.bookings.count() == 35
    events = AuditEvent.objects.filter(patient_key=rosa.patient_id).order_by("pk")
    assert list(events.values_list("action", "detail"))[1:] == [
        ("enrolled", "Small from 2026-11-24"),
        ("ended", "enrolled from 2026-11-24"),
    ]


def test_an_outdated_offer_changes_nothing(rosa: Episode, track: Track, taken: Enrollment, by: User) -> None:
    entry = joins(rosa, track, by)
    arguments = {"meetings": list(track.meetings.all()), "starts": MONDAY, "by": by, "now": NOW}
    assert {reason.code for reason in reasons_of(enroll_from_waitlist, entry=entry, **arguments)} == {"full"}
    entry.refresh_from_db()
    assert entry.closed_at is None
    leave_waitlist(entry=entry, reason="Moved", by=by, now=NOW)
    assert reasons_of(enroll_from_waitlist, entry=entry, **arguments) == (NotOnWaitlist("Small"),)
    assert Enrollment.objects.count() == 1


# Page


def page_of(client: Client, track: Track) -> Any:
    return client.get(reverse("waitlist", args=[track.pk]))


def test_the_page_shows_who_is_next_and_enrolls_with_one_button(
    desk: Client, site: Site, rosa: Episode, track: Track, taken: Enrollment, by: User
) -> None:
    joins(rosa, track, by, Priority.SOON)
    before = page_of(desk, track).text
    for words in ("Rosa Lindqvist", "Soon", "waiting since Sun, Nov 22", "Not yet", "is full on 12 dates"):
        assert words in before
    assert "Enroll from" not in before
    end_enrollment(enrollment=taken, last_day=MONDAY, by=by, now=NOW)

    shown = page_of(desk, track)
    for words in ("Next", "Fits", "9 h", "3 days", "Enroll from Tue, Nov 24"):
        assert words in shown.text
    [line] = shown.context["lines"]
    typed = {"starts": "2026-11-24", "meetings": [meeting.key for meeting in line.waiting.fit.choice]}
    response = desk.post(reverse("waitlist-enroll", args=[line.waiting.entry.pk]), typed, follow=True)
    assert "Rosa Lindqvist is enrolled in Small from Tue, Nov 24." in response.text
    assert rosa.enrollments.get().bookings.count() == 35
    assert "Nobody is waiting for this track" in response.text


def test_an_outdated_page_says_so(desk: Client, rosa: Episode, track: Track, taken: Enrollment, by: User) -> None:
    entry = joins(rosa, track, by)
    typed = {"starts": "2026-11-23", "meetings": [meeting.pk for meeting in track.meetings.all()]}
    response = desk.post(reverse("waitlist-enroll", args=[entry.pk]), typed, follow=True)
    assert "Rosa: Monday’s “Small group” is full on 12 dates" in response.text
    response = desk.post(reverse("waitlist-enroll", args=[entry.pk]), {"starts": "soon"}, follow=True)
    assert "The waitlist has changed." in response.text
    assert not rosa.enrollments.exists()


def test_a_patient_in_another_track_is_transferred(
    desk: Client, site: Site, rosa: Episode, track: Track, by: User
) -> None:
    extend_horizon(site=site, now=NOW)
    other = make_weekday_track(site, name="Day program")
    enrollment = enroll(rosa, other)
    joins(rosa, track, by)
    text = page_of(desk, track).text
    assert "Now in Day program" in text
    assert reverse("enrollment-transfer-to", args=[enrollment.pk, track.pk]) in text
    assert reverse("waitlist-enroll", args=[WaitingEntry.objects.get().pk]) not in text


def test_sessions_booked_from_the_waitlist_during_a_leave_are_excused_at_once(
    desk: Client, rosa: Episode, track: Track, by: User
) -> None:
    extend_horizon(site=track.site, now=NOW)
    add_leave(episode=rosa, first_day=MONDAY, last_day=MONDAY, reason="Surgery", by=by, now=NOW)
    entry = joins(rosa, track, by)
    typed = {"starts": "2026-11-23", "meetings": [meeting.pk for meeting in track.meetings.all()]}
    desk.post(reverse("waitlist-enroll", args=[entry.pk]), typed)
    assert Attendance.objects.get().booking.session.on == MONDAY


def test_a_reviewer_sees_the_list_without_conflicts_with_commitments(
    site: Site, rosa: Episode, track: Track, by: User
) -> None:
    extend_horizon(site=site, now=NOW)
    make_commitment(rosa.patient, [0, 2, 4], "08:00", "13:00", "Night shift")
    joins(rosa, track, by)
    reviewer = signed_in_as(make_staff(Role.REVIEWER, site))
    text = page_of(reviewer, track).text
    assert "Rosa Lindqvist" in text
    assert "Night shift" not in text
    assert "Remove from waitlist" not in text
    assert "Night shift" in page_of(signed_in_as(by), track).text


def test_each_view_of_the_list_is_audited_for_every_patient(
    desk: Client, rosa: Episode, track: Track, by: User
) -> None:
    joins(rosa, track, by)
    page_of(desk, track)
    seen = AuditEvent.objects.filter(action=Action.VIEWED)
    assert list(seen.values_list("patient_key", "detail")) == [(rosa.patient_id, "waitlist of Small")]


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_as_many_queries_for_three_as_for_one(
    desk: Client, site: Site, track: Track, by: User, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    extend_horizon(site=site, now=NOW)
    for each in range(number):
        episode = admit(make_patient(site, f"Patient {each}"))
        make_commitment(episode.patient, [each], "08:00", "10:00")
        enroll(episode, make_track(site, [make_meeting(site, 5, name="Saturday")], name=f"Track {each}"))
        joins(episode, track, by)
    with django_assert_num_queries(21):
        assert len(page_of(desk, track).context["lines"]) == number


def test_a_patient_joins_and_leaves_the_list(desk: Client, rosa: Episode, track: Track) -> None:
    address = reverse("waitlist-join", args=[rosa.patient_id, track.pk])
    assert desk.get(address).status_code == 200
    wrong = desk.post(address, {"priority": "1", "from_day": "2026-11-01"})
    assert wrong.status_code == 422
    assert "is before the admission" in wrong.context["form"].errors["from_day"][0]
    desk.post(address, {"priority": "1", "from_day": "2026-11-30"})
    entry = WaitingEntry.objects.get()
    assert (entry.priority, entry.from_day, entry.requested_at) == (Priority.URGENT, date(2026, 11, 30), NOW)

    removal = reverse("waitlist-remove", args=[entry.pk])
    assert desk.get(removal).status_code == 200
    assert desk.post(removal, {"reason": ""}).status_code == 422
    desk.post(removal, {"reason": "Found another clinic"})
    entry.refresh_from_db()
    assert entry.close_reason == "Found another clinic"
    again = desk.post(removal, {"reason": "Twice"})
    assert again.status_code == 422
    assert "No longer on the waitlist" in again.text


def test_a_full_track_links_to_the_waitlist(
    desk: Client, rosa: Episode, track: Track, taken: Enrollment, by: User
) -> None:
    join = reverse("waitlist-join", args=[rosa.patient_id, track.pk])
    assert join in desk.get(reverse("find-schedule", args=[rosa.patient_id])).text
    enrolling = reverse("enroll", args=[rosa.patient_id, track.pk])
    assert join in desk.get(enrolling).text
    joins(rosa, track, by)
    for page in (
        reverse("find-schedule", args=[rosa.patient_id]),
        enrolling,
        reverse("patient", args=[rosa.patient_id]),
    ):
        text = desk.get(page).text
        assert reverse("waitlist", args=[track.pk]) in text
        assert join not in text


def test_tracks_show_the_waitlist_count_to_permitted_users(
    desk: Client, site: Site, rosa: Episode, track: Track, by: User
) -> None:
    joins(rosa, track, by)
    for page in (reverse("tracks"), reverse("track", args=[track.pk])):
        assert reverse("waitlist", args=[track.pk]) in desk.get(page).text
        administrator = signed_in_as(make_staff(Role.ADMINISTRATOR, site))
        assert reverse("waitlist", args=[track.pk]) not in administrator.get(page).text
    assert "1 waiting" in desk.get(reverse("tracks")).text


def test_only_permitted_users_see_and_change_the_list(site: Site, rosa: Episode, track: Track, by: User) -> None:
    entry = joins(rosa, track, by)
    read = reverse("waitlist", args=[track.pk])
    addresses = [
        reverse("waitlist-join", args=[rosa.patient_id, track.pk]),
        reverse("waitlist-remove", args=[entry.pk]),
        reverse("waitlist-enroll", args=[entry.pk]),
    ]
    reviewer = signed_in_as(make_staff(Role.REVIEWER, site))
    assert reviewer.get(read).status_code == 200
    assert {reviewer.post(address).status_code for address in addresses} == {403}
    for role in (Role.ADMINISTRATOR, Role.CLINICIAN):
        assert signed_in_as(make_staff(role, site)).get(read).status_code == 403
    outsider = signed_in_as(make_staff(Role.COORDINATOR, make_site("Elsewhere")))
    assert {outsider.post(address).status_code for address in addresses} == {404}
    assert outsider.get(read).status_code == 404
    assert not Booking.objects.exists()
    assert not Session.objects.filter(booked__gt=0).exists()
