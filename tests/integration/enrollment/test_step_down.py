"""The step-down plan finds a schedule for each ordered level of care, and links to the form that books the schedule."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from patients.models import Episode, LevelOfCare, LevelOfCareSpan, Patient
from scheduling.domain.step_down import ChangedDays
from scheduling.models import CohortStart, Enrollment, Meeting, RuleSet, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.step_down import LevelPlan, plan_step_down
from scheduling.services.search.need import NoEpisode
from tests.factories import (
    MONDAY,
    admit,
    enroll,
    make_commitment,
    make_meeting,
    make_patient,
    make_patient_user,
    make_site,
    make_staff,
    make_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 14, tzinfo=UTC)
WEEK = timedelta(weeks=1)
STEP = MONDAY + 3 * WEEK
LATER = MONDAY + 6 * WEEK
BEYOND = STEP + 10 * WEEK
"""The search for the next level of care covers this date. The search for the current level ends before."""


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def rosa(site: Site) -> Patient:
    """A patient with 15 hours on 5 days a week.

    A step down to 9 hours on 3 days is ordered, and begins in the fourth week.
    """
    patient = make_patient(site, code="P001")
    state(admit(patient, minutes=900, days=5), STEP)
    return patient


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def desk(coordinator: User) -> Client:
    client = Client()
    client.force_login(coordinator)
    return client


@pytest.fixture
def evenings(site: Site) -> Track:
    return weekday_track(site, "Evenings", "18:00", "21:00")


def state(episode: Episode, starts: date, minutes: int = 540, days: int = 3) -> LevelOfCareSpan:
    """Order another level of care, which begins on the date `starts`.

    The day before is the last day of the current level of care.
    """
    episode.spans.filter(ends=None).update(ends=starts)
    return LevelOfCareSpan.objects.create(
        episode=episode,
        level=LevelOfCare.INTENSIVE,
        prescribed_minutes=minutes,
        prescribed_days=days,
        starts=starts,
        stated_by="Dr. Imani Cole, MD",
    )


def weekday_track(
    site: Site, name: str, starts: str, ends: str, days: Sequence[int] = range(5), **fields: Any
) -> Track:
    return make_track(
        site, [make_meeting(site, day, starts, ends, name=f"{name} {day}") for day in days], name, **fields
    )


def looked(patient: Patient, from_day: date = TODAY) -> tuple[LevelPlan, ...]:
    episodes = Episode.objects.select_related("site", "patient").prefetch_related("spans")
    return plan_step_down(episode=episodes.get(patient=patient), from_day=from_day, now=NOW)


def days(ahead: LevelPlan) -> list[int]:
    return [each.weekday for each in ahead.stage.meetings]


def of_days(track: Track, *days: int) -> list[Meeting]:
    return list(track.meetings.filter(weekday__in=days))


def stands(patient: Patient, track: Track, meetings: Sequence[Meeting], by: User, starts: date = TODAY) -> Enrollment:
    return enroll_patient(episode=patient.episodes.get(), track=track, meetings=meetings, starts=starts, by=by, now=NOW)


def page_of(client: Client, patient: Patient) -> Any:
    return client.get(reverse("step-down", args=[patient.pk]))


# The step-down plan itself


def test_each_level_is_planned_from_its_first_day_with_its_own_prescription_and_rules(
    rosa: Patient, evenings: Track
) -> None:
    RuleSet.objects.create(site=rosa.site, starts=STEP, maximum_days=4)
    first, second = looked(rosa)
    assert (first.starts, first.need.prescribed_minutes, first.need.rules.maximum_days) == (TODAY, 900, 5)
    assert (second.starts, second.need.prescribed_minutes, second.need.rules.maximum_days) == (STEP, 540, 4)
    assert (days(first), days(second)) == ([0, 1, 2, 3, 4], [0, 1, 2])
    assert second.stage.difference is not None
    assert second.stage.difference.days == (ChangedDays("kept", (0, 1, 2)), ChangedDays("dropped", (3, 4)))


def test_the_schedule_that_keeps_more_meetings_comes_first(rosa: Patient, evenings: Track) -> None:
    weekday_track(rosa.site, "Mornings", "09:00", "12:00")
    make_commitment(rosa, range(5), "08:00", "16:00", valid_from=BEYOND)
    first, second = looked(rosa)
    assert {column.stage.schedule.offer.name for column in (first, second) if column.stage.schedule} == {"Evenings"}


def test_attended_meetings_settle_the_current_level_and_are_kept_at_the_next_one(
    rosa: Patient, evenings: Track, coordinator: User
) -> None:
    weekday_track(rosa.site, "Mornings", "09:00", "12:00")
    enrollment = stands(rosa, evenings, of_days(evenings, 0, 1, 2, 3, 4), coordinator)
    first, second = looked(rosa)
    assert (first.stage.step.is_settled, first.stage.schedule) == (True, None)
    assert second.stage.schedule is not None
    assert (second.stage.schedule.offer.key, days(second)) == (evenings.pk, [0, 1, 2])
    assert second.enrollments_then == (enrollment,)


def test_a_full_group_that_the_patient_attends_is_available_to_them(rosa: Patient, coordinator: User) -> None:
    small = make_track(rosa.site, [make_meeting(rosa.site, day, places=1) for day in range(5)], "Small")
    stands(rosa, small, list(small.meetings.all()), coordinator)
    extend_horizon(site=rosa.site, now=NOW)
    _, second = looked(rosa)
    assert days(second) == [0, 1, 2]
    other = make_patient(rosa.site)
    state(admit(other, minutes=900, days=5), STEP)
    assert [days(column) for column in looked(other)] == [[], []]


def test_a_change_saved_for_the_start_of_the_next_level_settles_that_level(
    rosa: Patient, evenings: Track, coordinator: User
) -> None:
    enrollment = stands(rosa, evenings, of_days(evenings, 0, 1, 2, 3, 4), coordinator)
    change_meetings(enrollment=enrollment, meetings=of_days(evenings, 1, 3, 4), from_day=STEP, by=coordinator, now=NOW)
    first, second = looked(rosa)
    assert (first.stage.step.is_settled, second.stage.step.is_settled) == (True, True)
    assert (days(second), second.stage.schedule) == ([1, 3, 4], None)


def test_a_level_is_searched_if_the_attended_meetings_are_not_enough(rosa: Patient, evenings: Track) -> None:
    enrollment = enroll(rosa.episodes.get(), evenings, starts=MONDAY)
    enrollment.enrollment_meetings.filter(meeting__weekday__gte=3).delete()
    first, _ = looked(rosa)
    assert [reason.code for reason in first.stage.step.arranged_reasons] == [
        "below_prescribed_minutes",
        "below_prescribed_days",
    ]
    assert days(first) == [0, 1, 2, 3, 4]
    assert first.stage.difference is not None
    assert first.stage.difference.days == (ChangedDays("kept", (0, 1, 2)), ChangedDays("added", (3, 4)))


def test_an_enrollment_that_starts_later_settles_the_level_of_that_time(
    rosa: Patient, evenings: Track, coordinator: User
) -> None:
    stands(rosa, evenings, of_days(evenings, 0, 1, 2, 3, 4), coordinator, starts=MONDAY + WEEK)
    first, second = looked(rosa)
    assert first.stage.step.is_settled
    assert days(second) == [0, 1, 2]


def test_an_enrollment_that_ends_is_not_kept(rosa: Patient, evenings: Track, coordinator: User) -> None:
    enrollment = stands(rosa, evenings, of_days(evenings, 0, 1, 2, 3, 4), coordinator)
    end_enrollment(enrollment=enrollment, last_day=STEP - timedelta(days=1), by=coordinator, now=NOW)
    first, second = looked(rosa)
    assert first.stage.step.is_settled
    assert (second.enrollments_then, days(second)) == ((), [0, 1, 2])


def test_a_patient_in_a_track_needs_no_start_date_to_stay(rosa: Patient, coordinator: User) -> None:
    cohort = weekday_track(rosa.site, "Cohort", "09:00", "12:00", entry="cohort")
    CohortStart.objects.create(track=cohort, on=MONDAY)
    enrollment = enroll(rosa.episodes.get(), cohort, starts=MONDAY)
    _, second = looked(rosa)
    assert days(second) == [0, 1, 2]
    enrollment.delete()
    assert [days(column) for column in looked(rosa)] == [[], []]


def test_a_group_that_changes_from_a_date_stays_the_same_group(
    rosa: Patient, evenings: Track, coordinator: User
) -> None:
    monday = evenings.meetings.get(weekday=0)
    values = {
        field: getattr(monday, field)
        for field in ("name", "weekday", "anchor", "starts", "ends", "places", "modality", "service_type", "room")
    }
    later = Meeting.objects.create(
        site=rosa.site,
        code=monday.code,
        continues=monday,
        runs_from=STEP,
        **values | {"starts": "18:15", "ends": "21:15"},
    )
    Meeting.objects.filter(pk=monday.pk).update(runs_until=STEP)
    evenings.meetings.add(later)
    _, second = looked(rosa)
    assert second.stage.difference is not None
    assert later.pk in [each.key for each in second.stage.difference.kept]


def test_if_nothing_fits_every_track_has_reasons(rosa: Patient, evenings: Track) -> None:
    make_commitment(rosa, range(3), "17:00", "22:00", valid_from=BEYOND)
    first, second = looked(rosa)
    assert (len(days(first)), days(second)) == (5, [])
    [fit] = second.fits
    assert [reason.code for reason in fit.obstacles][:1] == ["clash"]


def test_an_episode_without_a_level_is_refused(rosa: Patient) -> None:
    Episode.objects.update(ends=STEP)
    with pytest.raises(Refused) as refused:
        looked(rosa, STEP)
    assert refused.value.reasons == (NoEpisode(STEP),)
    LevelOfCareSpan.objects.all().delete()
    with pytest.raises(Refused):
        looked(rosa)


# The page of the step-down plan


def test_the_page_has_a_column_for_each_level_that_shows_which_meetings_are_kept(
    desk: Client, rosa: Patient, evenings: Track
) -> None:
    response = page_of(desk, rosa)
    assert response.status_code == 200
    first, second = response.context["columns"]
    assert (first.total.minutes, second.total.minutes) == (900, 540)
    for words in (
        "Level 2.1 now",
        "Until Sun, Dec 13",
        "Level 2.1 from Mon, Dec 14",
        "Same groups on Mon–Wed",
        "No more groups on Thu, Fri",
    ):
        assert words in response.text
    assert "Enroll for the earlier level first." in response.text
    assert "Enroll from Tue, Nov 24" in response.text
    event = AuditEvent.objects.get(detail="step-down ahead")
    assert event.patient_key == rosa.pk


def test_the_link_of_a_column_opens_with_the_day_and_the_meetings(
    desk: Client, rosa: Patient, evenings: Track, coordinator: User
) -> None:
    first, _ = page_of(desk, rosa).context["columns"]
    assert first.action_url.startswith(reverse("enroll", args=[rosa.pk, evenings.pk]) + "?from=2026-11-24&meetings=")
    enrollment = stands(rosa, evenings, of_days(evenings, 0, 1, 2, 3, 4), coordinator)
    first, second = page_of(desk, rosa).context["columns"]
    assert first.action_url == ""
    assert second.action_url.startswith(
        reverse("enrollment-change", args=[enrollment.pk]) + "?from=2026-12-14&meetings="
    )

    form = desk.get(second.action_url)
    others = f"{reverse('enrollment-transfer', args=[enrollment.pk])}?from=2026-12-14"
    assert others in page_of(desk, rosa).text

    assert form.context["form"].initial["starts"] == STEP
    chosen = [option.meeting.weekday for option in form.context["options"] if option.is_chosen]
    assert chosen == [0, 1, 2]


def test_another_track_at_the_next_level_links_to_a_transfer(
    desk: Client, rosa: Patient, evenings: Track, coordinator: User
) -> None:
    mornings = weekday_track(rosa.site, "Mornings", "09:00", "12:00")
    enrollment = stands(rosa, evenings, of_days(evenings, 0, 1, 2, 3, 4), coordinator)
    make_commitment(rosa, range(5), "17:00", "22:00", label="Late shift", valid_from=BEYOND)
    response = page_of(desk, rosa)
    _, second = response.context["columns"]
    move = reverse("enrollment-transfer-to", args=[enrollment.pk, mornings.pk])
    assert second.action_url.startswith(f"{move}?from=2026-12-14&meetings=")
    assert "Move to Mornings from Mon, Dec 14" in response.text
    assert "Different times on Mon–Wed" in response.text
    form = desk.get(second.action_url)
    assert [option.meeting.weekday for option in form.context["options"] if option.is_chosen] == [0, 1, 2]


def test_invalid_meetings_in_the_url_select_nothing(desk: Client, rosa: Patient, evenings: Track) -> None:
    address = reverse("enroll", args=[rosa.pk, evenings.pk])
    assert desk.get(address, {"meetings": "soon,999999"}).status_code == 200


def test_a_single_level_shows_how_to_plan_the_next(desk: Client, site: Site, evenings: Track) -> None:
    patient = make_patient(site)
    admit(patient)
    response = page_of(desk, patient)
    assert len(response.context["columns"]) == 1
    assert "No later level is ordered yet." in response.text
    assert reverse("level-new", args=[patient.pk]) in response.text


def test_a_level_without_a_fit_shows_the_reasons(desk: Client, rosa: Patient, evenings: Track) -> None:
    make_commitment(rosa, range(3), "17:00", "22:00", label="Late shift", valid_from=BEYOND)
    response = page_of(desk, rosa)
    for words in ("Nothing fits", "What would help:", "Why Evenings doesn’t fit"):
        assert words in response.text
    assert "Late shift" in response.text
    assert f"{reverse('find-schedule', args=[rosa.pk])}?from=2026-12-14" in response.text


def test_suggestions_are_shown(desk: Client, rosa: Patient, evenings: Track) -> None:
    make_commitment(rosa, [1], "12:00", "18:10", label="Late shift", movable_minutes=30)
    assert "Late shift would have to end 10 min earlier, at 6:00 PM, on Tue" in page_of(desk, rosa).text


def test_a_patient_without_an_episode_has_no_plan(desk: Client, site: Site) -> None:
    patient = make_patient(site)
    assert "has no current episode of care" in page_of(desk, patient).text
    admit(patient).spans.all().delete()
    assert "There is no episode of care with an ordered level" in page_of(desk, patient).text


def test_the_chart_and_the_search_link_to_the_plan(desk: Client, rosa: Patient) -> None:
    for page in ("patient", "find-schedule"):
        assert reverse("step-down", args=[rosa.pk]) in desk.get(reverse(page, args=[rosa.pk])).text


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMINISTRATOR])
def test_users_who_may_not_see_commitments_may_not_see_the_plan(site: Site, rosa: Patient, role: Role) -> None:
    client = Client()
    client.force_login(make_staff(role, site))
    assert page_of(client, rosa).status_code == 403
    assert not AuditEvent.objects.exists()


def test_patients_and_staff_of_other_sites_get_404(rosa: Patient) -> None:
    for user in (make_patient_user(rosa), make_staff(Role.COORDINATOR, make_site("Elsewhere"))):
        client = Client()
        client.force_login(user)
        assert page_of(client, rosa).status_code in (403, 404)


def queries_of_looking_ahead(levels: int) -> tuple[int, int]:
    """Return how many queries the service and the page run for a patient with `levels` levels of care."""
    site = make_site()
    patient = make_patient(site)
    episode = admit(patient, minutes=900, days=5)
    for number in range(levels):
        weekday_track(site, f"Track {number}", "09:00", "12:00", code=f"T{number}")
        make_commitment(patient, [5], "06:00", "07:00")
        if number:
            state(episode, MONDAY + 3 * number * WEEK, minutes=900 - 180 * number, days=5 - number)
    track = Track.objects.filter(site=site)[0]
    user = make_staff(Role.COORDINATOR, site)
    stands(patient, track, list(track.meetings.all()), user)
    extend_horizon(site=site, now=NOW)
    client = Client()
    client.force_login(user)
    with CaptureQueriesContext(connection) as page:
        assert len(page_of(client, patient).context["columns"]) == levels
    episode = Episode.objects.select_related("site", "patient").prefetch_related("spans").get(pk=episode.pk)
    with CaptureQueriesContext(connection) as service:
        assert len(plan_step_down(episode=episode, from_day=TODAY, now=NOW)) == levels
    return len(service), len(page)


def test_one_level_takes_as_many_queries_as_three() -> None:
    assert [queries_of_looking_ahead(1), queries_of_looking_ahead(3)] == [(13, 23), (13, 23)]


def test_each_of_three_levels_keeps_meetings_of_the_level_before(site: Site, evenings: Track) -> None:
    patient = make_patient(site)
    episode = admit(patient, minutes=900, days=5)
    state(episode, STEP, minutes=720, days=4)
    state(episode, LATER)
    assert [days(each) for each in looked(patient)] == [[0, 1, 2, 3, 4], [0, 1, 2, 3], [0, 1, 2]]
