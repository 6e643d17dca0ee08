"""When a track ends, chosen patients move to another track, all other enrollments end, and shared groups continue."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from attendance.services.leaves import add_leave
from iopmanager import clock
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.models import Booking, Enrollment, Session, Site, Track, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.end_track import end_track, ending_enrollments
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.reasons import TrackNotPublished
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
)
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)
FRIDAY = date(2026, 12, 4)
DAY = timedelta(days=1)


class Clinic:
    """A clinic with an evening track and a morning track. By default, the morning track has two patients.

    A third track shares the Monday group of the morning track.
    """

    def __init__(self, patients: int = 2) -> None:
        self.site: Site = make_site()
        self.by: User = make_staff(Role.COORDINATOR, self.site)
        self.shared = make_meeting(self.site, 0, name="Shared")
        self.own = [make_meeting(self.site, day, name="Own") for day in (2, 4)]
        self.track = make_track(self.site, [self.shared, *self.own])
        make_track(self.site, [self.shared], name="Shares Monday")
        self.evening = make_track(
            self.site,
            [make_meeting(self.site, day, "17:00", "20:00", name="Late") for day in (0, 2, 4)],
            name="Evening",
        )
        extend_horizon(site=self.site, now=NOW)
        self.enrollments = [self.enroll(f"Patient{n}") for n in range(patients)]

    def enroll(self, name: str) -> Enrollment:
        episode = admit(make_patient(self.site, name))
        meetings = list(self.track.meetings.all())
        return enroll_patient(episode=episode, track=self.track, meetings=meetings, starts=MONDAY, by=self.by, now=NOW)

    def end(self, **how: Any) -> Track:
        return end_track(track=self.track, last_day=how.pop("last_day", FRIDAY), **how, by=self.by, now=NOW)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


def test_chosen_patients_move_to_the_other_track_and_other_enrollments_end(clinic: Clinic) -> None:
    moved, other = clinic.enrollments
    clinic.end(to=clinic.evening, moving=[moved.pk])
    clinic.track.refresh_from_db()
    assert clinic.track.status == TrackStatus.RETIRED
    for enrollment in (moved, other):
        enrollment.refresh_from_db()
        assert enrollment.ends == FRIDAY + DAY
        assert enrollment.bookings.filter(released_at=None).count() == 6
    begun = Enrollment.objects.get(track=clinic.evening)
    assert (begun.continues, begun.starts) == (moved, FRIDAY + DAY)
    assert begun.bookings.filter(released_at=None).count() == 10 * 3
    assert Enrollment.objects.count() == 3


def test_a_moved_patient_on_leave_is_excused_in_the_other_track_at_once(clinic: Clinic) -> None:
    moved = clinic.enrollments[0]
    return_day = FRIDAY + timedelta(weeks=1)
    add_leave(episode=moved.episode, first_day=FRIDAY, last_day=return_day, reason="Surgery", by=clinic.by, now=NOW)
    clinic.end(to=clinic.evening, moving=[moved.pk])
    in_the_evening = Booking.objects.active().filter(episode=moved.episode, session__name="Late")
    on_leave = in_the_evening.filter(session__on__lte=return_day)
    assert on_leave.count() == 3
    assert set(on_leave.values_list("attendance__status", flat=True)) == {"excused"}
    assert not in_the_evening.filter(session__on__gt=return_day, attendance__isnull=False).exists()


def test_groups_of_only_this_track_end_with_it_and_shared_groups_continue(clinic: Clinic) -> None:
    clinic.end()
    to_come = Session.objects.exclude(status="cancelled").filter(on__gt=FRIDAY)
    assert set(to_come.values_list("name", flat=True)) == {"Shared", "Late"}
    assert Session.objects.filter(name="Own", status="scheduled").count() == 4
    later = NOW + timedelta(weeks=1)
    extend_horizon(site=clinic.site, now=later)
    assert not Session.objects.filter(name="Own", on__gt=FRIDAY, status="scheduled").exists()
    assert Session.objects.filter(name="Shared", on__gt=FRIDAY).count() == 11


def test_sessions_are_written_up_to_an_end_beyond_the_horizon(clinic: Clinic) -> None:
    last_day = TODAY + timedelta(weeks=14)
    clinic.end(last_day=last_day)
    later = NOW + timedelta(weeks=6)
    extend_horizon(site=clinic.site, now=later)
    assert max(Session.objects.filter(name="Own").values_list("on", flat=True)) == last_day - timedelta(days=2)
    assert Booking.objects.active().filter(session__name="Own").latest("starts").session.on == last_day - timedelta(
        days=2
    )


def test_the_reasons_against_moving_a_patient_are_listed(clinic: Clinic) -> None:
    make_commitment(clinic.enrollments[0].episode.patient, [0, 2], "16:00", "18:00", "Late shift")
    found = ending_enrollments(track=clinic.track, to=clinic.evening, last_day=FRIDAY, now=NOW)
    assert [each.may_move for each in found] == [False, True]
    assert {type(reason) for reason in found[0].reasons if isinstance(reason, CommitmentConflict)} == {
        CommitmentConflict
    }
    with pytest.raises(Refused):
        clinic.end(to=clinic.evening, moving=[clinic.enrollments[0].pk])
    clinic.track.refresh_from_db()
    assert clinic.track.status == TrackStatus.PUBLISHED


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        pytest.param({"last_day": TODAY - DAY}, (EndDateBeforeStart(TODAY, TODAY - DAY),), id="yesterday"),
        pytest.param({"moving": [0]}, (TrackNotPublished("Morning track"),), id="movers without a track to go to"),
    ],
)
def test_an_invalid_last_day_or_move_is_refused(
    clinic: Clinic, change: dict[str, Any], reasons: tuple[object, ...]
) -> None:
    with pytest.raises(Refused) as refused:
        clinic.end(**change)
    assert refused.value.reasons == reasons


def test_a_track_that_has_ended_cannot_be_ended_again(clinic: Clinic) -> None:
    clinic.end()
    with pytest.raises(Refused) as refused:
        clinic.end()
    assert refused.value.reasons == (AlreadyEnded("Morning track", FRIDAY),)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.CLINICIAN])
def test_ending_a_track_needs_both_permissions(clinic: Clinic, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        end_track(track=clinic.track, last_day=FRIDAY, by=make_staff(role, clinic.site), now=NOW)


def test_the_page_lists_the_moving_patients_before_the_preview(
    client: Client, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    client.force_login(clinic.by)
    address = reverse("track-end", args=[clinic.track.pk])
    typed: dict[str, Any] = {"last_day": FRIDAY.isoformat(), "to": clinic.evening.pk, "check": "1"}
    listed = client.post(address, typed)
    assert "Patients who move to Evening" in listed.text
    assert listed.text.count(" checked") == 2
    assert "What this changes" not in listed.text
    key = re.search(r'name="listed" value="([^"]+)"', listed.text)
    assert key is not None
    typed |= {"listed": key[1], "moving": [clinic.enrollments[0].pk]}
    shown = client.post(address, typed)
    assert re.search(r"2 patients lose \d+ sessions in all", shown.text)
    assert re.search(r"1 patient gains \d+ sessions", shown.text)
    assert shown.text.count(" checked") == 1
    seen = re.search(r'name="seen" value="(\w+)"', shown.text)
    assert seen is not None
    client.post(address, typed | {"seen": seen[1]})
    clinic.track.refresh_from_db()
    assert clinic.track.status == TrackStatus.RETIRED
    assert Enrollment.objects.get(track=clinic.evening).continues == clinic.enrollments[0]


@pytest.mark.parametrize(("patients", "queries"), [(1, 27), (3, 27 + 2 * 12)])
def test_each_listed_patient_takes_the_queries_of_one_search(
    client: Client, monkeypatch: pytest.MonkeyPatch, patients: int, queries: int, django_assert_num_queries: Any
) -> None:
    """The page runs one search for each patient. This is acceptable, because tracks seldom end."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    clinic = Clinic(patients)
    client.force_login(clinic.by)
    typed = {"last_day": FRIDAY.isoformat(), "to": clinic.evening.pk}
    with django_assert_num_queries(queries):
        assert client.post(reverse("track-end", args=[clinic.track.pk]), typed).status_code == 200


def test_an_administrator_cannot_end_a_track(client: Client, clinic: Clinic) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, clinic.site))
    assert client.get(reverse("track-end", args=[clinic.track.pk])).status_code == 403
    assert "track-end" not in client.get(reverse("track", args=[clinic.track.pk])).text
