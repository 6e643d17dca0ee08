"""At sites that mix tracks, an enrollment can include groups of other tracks.

If one of these groups changes or ends, the enrollment changes too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from patients.models import Episode
from scheduling.domain.search.mixed_tracks import MoreOfAnotherTrack
from scheduling.models import Booking, Enrollment, Meeting, Site, Track, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.checks import NotRunning
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.end_track import end_track
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.preview.preview import preview_impact
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.timetable.meetings import change_meeting, end_meeting
from scheduling.services.timetable.values import MeetingValues
from tests.confirmation import preview_and_confirm
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
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
TODAY = date(2026, 11, 22)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
LATER = MONDAY + 2 * WEEK
WEEKS = 12


@pytest.fixture(autouse=True)
def sunday_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@dataclass
class Clinic:
    """A clinic with a morning track and an evening track, where Rosa attends two mornings and the Thursday evening group."""

    site: Site
    by: User
    mornings: Track
    evenings: Track
    episode: Episode
    enrollment: Enrollment | None = None

    @property
    def said(self) -> dict[str, Any]:
        return {"by": self.by, "now": NOW}

    def choice(self, mornings: tuple[int, ...], evenings: tuple[int, ...]) -> list[Meeting]:
        chosen = [(self.mornings, mornings), (self.evenings, evenings)]
        return [meeting for track, days in chosen for meeting in track.meetings.filter(weekday__in=days)]

    def enroll(
        self, mornings: tuple[int, ...] = (0, 2), evenings: tuple[int, ...] = (3,), track: Track | None = None
    ) -> Enrollment:
        extend_horizon(site=self.site, now=NOW)
        meetings = self.choice(mornings, evenings)
        self.enrollment = enroll_patient(
            episode=self.episode, track=track or self.mornings, meetings=meetings, starts=MONDAY, **self.said
        )
        return self.enrollment

    @property
    def visited(self) -> Meeting:
        return self.evenings.meetings.get(weekday=3)

    def booked(self) -> list[tuple[str, date]]:
        """Return the name and date of each of Rosa's booked sessions in the first and fourth weeks."""
        weeks = Booking.objects.active().filter(week__in=[MONDAY, MONDAY + 3 * WEEK])
        return list(weeks.order_by("starts").values_list("session__name", "session__on"))


@pytest.fixture
def clinic() -> Clinic:
    site = make_site(mixes_tracks=True)
    mornings = [make_meeting(site, day, name=f"Morning {day}") for day in range(5)]
    evenings = [make_meeting(site, day, "18:00", "21:00", name=f"Evening {day}") for day in range(4)]
    return Clinic(
        site=site,
        by=make_staff(Role.COORDINATOR, site),
        mornings=make_track(site, mornings, name="Mornings"),
        evenings=make_track(site, evenings, name="Evenings"),
        episode=admit(make_patient(site)),
    )


def week(first: date, *groups: tuple[int, str]) -> list[tuple[str, date]]:
    return [(f"{name} {day}", first + day * DAY) for day, name in groups]


def refusal(act: Any, *args: Any, **said: Any) -> tuple[Any, ...]:
    with pytest.raises(Refused) as refused:
        act(*args, **said)
    return refused.value.reasons


def test_one_enrollment_has_meetings_of_two_tracks_and_books_all(clinic: Clinic) -> None:
    enrollment = clinic.enroll()
    assert Enrollment.objects.get() == enrollment
    assert enrollment.track == clinic.mornings
    assert sorted(enrollment.meetings.values_list("name", flat=True)) == ["Evening 3", "Morning 0", "Morning 2"]
    groups = ((0, "Morning"), (2, "Morning"), (3, "Evening"))
    assert clinic.booked() == [*week(MONDAY, *groups), *week(MONDAY + 3 * WEEK, *groups)]
    assert enrollment.bookings.count() == 3 * WEEKS
    after = NOW + WEEK
    assert extend_horizon(site=clinic.site, now=after).bookings == 3, "every night as any other"


def test_most_of_the_chosen_meetings_must_be_of_the_track(clinic: Clinic) -> None:
    assert refusal(clinic.enroll, (0,), (1, 3)) == (MoreOfAnotherTrack("Evenings"),)
    assert clinic.enroll((0,), (1, 3), track=clinic.evenings).track == clinic.evenings


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"level": "2.1"}, id="for another level"),
        pytest.param({"from_age": 18}, id="for other ages"),
        pytest.param({"individual_minutes": 30}, id="with time of one's own"),
        pytest.param({"entry": "cohort"}, id="for a cohort"),
        pytest.param({"status": TrackStatus.DRAFT, "published_at": None}, id="not on offer"),
    ],
)
def test_groups_of_a_track_that_cannot_be_mixed_in_are_refused(clinic: Clinic, fields: dict[str, Any]) -> None:
    extend_horizon(site=clinic.site, now=NOW)
    Track.objects.filter(pk=clinic.evenings.pk).update(**fields)
    assert NotRunning("Evening 3", MONDAY) in refusal(clinic.enroll)


def test_meetings_of_tracks_that_do_not_mix_are_refused(clinic: Clinic) -> None:
    Site.objects.update(mixes_tracks=False)
    assert NotRunning("Evening 3", MONDAY) in refusal(clinic.enroll)


def test_a_change_can_mix_tracks_and_can_keep_visited_groups_after_tracks_no_longer_mix(clinic: Clinic) -> None:
    enrollment = clinic.enroll()
    Site.objects.update(mixes_tracks=False)
    change_meetings(enrollment=enrollment, meetings=clinic.choice((0, 4), (3,)), from_day=LATER, **clinic.said)
    changed_week = ((0, "Morning"), (3, "Evening"), (4, "Morning"))
    assert clinic.booked()[3:] == week(MONDAY + 3 * WEEK, *changed_week)
    new_visit = clinic.choice((0, 4), (1,))
    reasons = refusal(change_meetings, enrollment=enrollment, meetings=new_visit, from_day=LATER + DAY, **clinic.said)
    assert NotRunning("Evening 1", LATER + DAY) in reasons
    Site.objects.update(mixes_tracks=True)
    change_meetings(enrollment=enrollment, meetings=new_visit, from_day=LATER, **clinic.said)
    assert clinic.booked()[3:] == week(MONDAY + 3 * WEEK, (0, "Morning"), (1, "Evening"), (4, "Morning"))
    mostly = clinic.choice((0,), (1, 3))
    reasons = refusal(change_meetings, enrollment=enrollment, meetings=mostly, from_day=LATER, **clinic.said)
    assert reasons == (MoreOfAnotherTrack("Evenings"),)


def values_of(meeting: Meeting, **changes: Any) -> MeetingValues:
    names = ("code", "name", "weekday", "starts", "ends", "service_type", "places", "runs_from", "room", "modality")
    values = {name: getattr(meeting, name) for name in names} | {"tracks": tuple(meeting.tracks.all())}
    return MeetingValues(**(values | changes))


@pytest.mark.parametrize("mixes", [True, False], ids=["while tracks mix", "although they do no more"])
def test_a_visitor_of_a_group_that_changes_attends_the_new_one(clinic: Clinic, mixes: bool) -> None:
    enrollment = clinic.enroll()
    Site.objects.update(mixes_tracks=mixes)
    later = values_of(clinic.visited, name="Late", starts=time(19), ends=time(22), runs_from=LATER, code="LATE")
    changed = change_meeting(meeting=clinic.visited, values=later, **clinic.said)
    assert clinic.booked()[3:] == [
        *week(MONDAY + 3 * WEEK, (0, "Morning"), (2, "Morning")), ("Late", MONDAY + 3 * WEEK + 3 * DAY)
    ]  # fmt: skip
    assert enrollment.enrollment_meetings.get(meeting=changed).starts == LATER


def test_the_preview_lists_visitors_of_a_group_that_leaves_its_track(clinic: Clinic) -> None:
    clinic.enroll()
    replacement = make_meeting(clinic.site, 4, "18:00", "21:00", name="Evening 4")
    replacement.tracks.add(clinic.evenings)
    values = values_of(clinic.visited, runs_from=LATER, tracks=(clinic.mornings,), code="M")

    def act() -> Meeting:
        return change_meeting(meeting=clinic.visited, values=values, **clinic.said)

    impact = preview_impact(act, scope=SnapshotScope(clinic.site, TODAY), now=NOW)
    assert not impact.bookings, "it is their own track's by now"
    act()
    assert clinic.booked()[5] == ("Evening 3", MONDAY + 3 * WEEK + 3 * DAY)

    values = values_of(
        clinic.mornings.meetings.get(code="M"), runs_from=LATER + WEEK, tracks=(clinic.evenings,), code="E"
    )
    meeting = clinic.mornings.meetings.get(code="M")

    def take_away() -> Meeting:
        return change_meeting(meeting=meeting, values=values, **clinic.said)

    impact = preview_impact(take_away, scope=SnapshotScope(clinic.site, TODAY), now=NOW)
    assert {change.kind for change in impact.bookings} == {"lost"}
    assert {(drop.minutes_after, drop.missing_minutes) for drop in impact.shortfalls} == {(360, 180)}


def test_the_preview_lists_visitors_of_a_group_that_ends(clinic: Clinic) -> None:
    enrollment = clinic.enroll()

    def act() -> Meeting:
        return end_meeting(meeting=clinic.visited, last_day=LATER, **clinic.said)

    impact = preview_impact(act, scope=SnapshotScope(clinic.site, TODAY), now=NOW)
    assert {change.kind for change in impact.bookings} == {"lost"}
    assert impact.shortfalls
    act()
    assert enrollment.enrollment_meetings.get(meeting=clinic.visited).ends == LATER + DAY
    assert AuditEvent.objects.filter(
        patient_key=clinic.episode.patient_id, detail__startswith="Evening 3 until"
    ).exists()


def test_visitors_of_a_track_that_ends_lose_only_its_groups_and_the_page_says_so(
    clinic: Clinic, client: Client
) -> None:
    enrollment = clinic.enroll()
    client.force_login(clinic.by)
    typed = {"last_day": LATER.isoformat(), "to": ""}
    shown = preview_and_confirm(client, reverse("track-end", args=[clinic.evenings.pk]), typed)
    assert [str(person.patient) for person in shown.context["impact"].people] == ["Rosa Lindqvist"]
    assert "Patients from other tracks in these groups" in shown.text
    enrollment.refresh_from_db()
    assert enrollment.ends is None
    assert clinic.booked() == [
        *week(MONDAY, (0, "Morning"), (2, "Morning"), (3, "Evening")),
        *week(MONDAY + 3 * WEEK, (0, "Morning"), (2, "Morning")),
    ]


def test_when_the_track_of_an_enrollment_ends_its_visited_groups_end_too(clinic: Clinic) -> None:
    enrollment = clinic.enroll()
    end_track(track=clinic.mornings, last_day=LATER, **clinic.said)
    enrollment.refresh_from_db()
    assert enrollment.ends == LATER + DAY
    assert len(clinic.booked()) == 3
    assert clinic.visited.runs_until is None


def test_transfers_and_ends_include_visited_groups(clinic: Clinic) -> None:
    enrollment = clinic.enroll()
    moved = transfer_enrollment(
        enrollment=enrollment, track=clinic.evenings, meetings=clinic.choice((0,), (1, 3)), starts=LATER, **clinic.said
    )
    assert moved.track == clinic.evenings
    assert clinic.booked()[3:] == week(MONDAY + 3 * WEEK, (0, "Morning"), (1, "Evening"), (3, "Evening"))
    end_enrollment(enrollment=moved, last_day=LATER + WEEK - DAY, **clinic.said)
    assert len(clinic.booked()) == 3


def test_a_group_that_changes_soon_is_booked_before_and_after(clinic: Clinic) -> None:
    extend_horizon(site=clinic.site, now=NOW)
    later = values_of(clinic.visited, name="Late", starts=time(19), ends=time(22), runs_from=LATER, code="LATE")
    earlier = clinic.visited
    changed = change_meeting(meeting=earlier, values=later, **clinic.said)
    meetings = [*clinic.choice((0, 2), ()), earlier]
    enrollment = enroll_patient(
        episode=clinic.episode, track=clinic.mornings, meetings=meetings, starts=MONDAY, **clinic.said
    )
    assert enrollment.enrollment_meetings.get(meeting=earlier).ends == LATER
    assert enrollment.enrollment_meetings.get(meeting=changed).starts == LATER
    assert enrollment.bookings.count() == 3 * WEEKS


# The pages that show enrollments in mixed tracks


@pytest.fixture
def desk(clinic: Clinic, client: Client) -> Client:
    client.force_login(clinic.by)
    return client


def enroll_address(clinic: Clinic, **query: str) -> str:
    address = reverse("enroll", args=[clinic.episode.patient_id, clinic.mornings.pk])
    return f"{address}?{'&'.join(f'{name}={value}' for name, value in query.items())}"


def test_a_mixed_choice_is_preselected_and_enrolled(clinic: Clinic, desk: Client) -> None:
    extend_horizon(site=clinic.site, now=NOW)
    meetings = clinic.choice((0, 2), (3,))
    listed = ",".join(str(meeting.pk) for meeting in meetings)
    page = desk.get(enroll_address(clinic, **{"from": "2026-11-23", "meetings": listed}))
    assert [option.meeting.name for option in page.context["options"] if option.is_chosen] == ["Morning 0", "Morning 2"]
    (other,) = page.context["others"]
    assert other.name == "Evenings"
    assert [option.meeting.name for option in other.options if option.is_chosen] == ["Evening 3"]
    assert '<details class="my-2" id="other-tracks" open>' in page.text
    assert (page.context["trial"].minutes, page.context["trial"].reasons) == (540, ())
    typed = {"starts": "2026-11-23", "modality": "in_person", "meetings": [meeting.pk for meeting in meetings]}
    assert desk.post(enroll_address(clinic), typed).status_code == 302
    assert clinic.episode.enrollments.get().meetings.count() == 3
    chart = desk.get(reverse("patient", args=[clinic.episode.patient_id])).text
    assert re.search(r'Evening 3\s*<span class="muted">\s*, a group of Evenings', chart)
    assert chart.count("a group of Evenings") == 1


def test_a_reason_against_another_tracks_group_is_shown_beside_it(clinic: Clinic, desk: Client) -> None:
    make_commitment(clinic.episode.patient, [1], "17:00", "19:00")
    page = desk.get(enroll_address(clinic))
    reason_counts = {option.meeting.weekday: len(option.reasons) for option in page.context["others"][0].options}
    assert reason_counts == {0: 0, 1: 1, 2: 0, 3: 0}
    assert '<details class="my-2" id="other-tracks">' in page.text


def test_invalid_meetings_in_the_url_are_ignored(clinic: Clinic, desk: Client) -> None:
    page = desk.get(enroll_address(clinic, meetings="x,,²,-1"))
    assert [option.is_chosen for option in page.context["options"]] == [True] * 5


def test_a_group_of_a_track_that_does_not_mix_is_refused(clinic: Clinic, desk: Client) -> None:
    Site.objects.update(mixes_tracks=False)
    typed: dict[str, Any] = {"starts": "2026-11-23", "modality": "in_person"}
    typed |= {"meetings": [meeting.pk for meeting in clinic.choice((0, 2), (3,))]}
    response = desk.post(enroll_address(clinic), typed)
    assert response.status_code == 422
    assert "Groups in other tracks" not in response.text
    assert not Enrollment.objects.exists()


def test_the_change_page_offers_visited_meetings(clinic: Clinic, desk: Client) -> None:
    enrollment = clinic.enroll()
    address = reverse("enrollment-change", args=[enrollment.pk])
    Site.objects.update(mixes_tracks=False)
    page = desk.get(address)
    (other,) = page.context["others"]
    assert (other.name, [option.meeting.name for option in other.options]) == ("Attended until now", ["Evening 3"])
    Site.objects.update(mixes_tracks=True)
    (other,) = desk.get(address).context["others"]
    assert [(each.meeting.name, each.is_chosen, each.is_attended) for each in other.options] == [
        ("Evening 0", False, False), ("Evening 1", False, False), ("Evening 2", False, False), ("Evening 3", True, True)
    ]  # fmt: skip
    typed = {"starts": LATER.isoformat(), "meetings": [each.pk for each in clinic.choice((0, 4), (1,))]}
    preview_and_confirm(desk, address, typed)
    assert clinic.booked()[3:] == week(MONDAY + 3 * WEEK, (0, "Morning"), (1, "Evening"), (4, "Morning"))


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_as_many_queries_for_three_tracks_as_for_one(
    clinic: Clinic, desk: Client, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for each in range(number - 1):
        make_track(clinic.site, [make_meeting(clinic.site, 5, f"{9 + each}:00".zfill(5))], name=f"Track {each}")
    with django_assert_num_queries(28):
        page = desk.get(enroll_address(clinic))
    assert len(page.context["others"]) == number
