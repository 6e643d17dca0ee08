"""The week that a patient's chart shows: its picture, its weekly hours, and the links to other weeks."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from patients.models import Patient
from patients.views.record.chart import Chart
from scheduling.models import Enrollment, Site
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_commitment,
    make_patient,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

WEEK = timedelta(weeks=1)


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 24, 14, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def desk(site: Site) -> Client:
    client = Client()
    client.force_login(make_staff(Role.COORDINATOR, site))
    return client


def chart_of(desk: Client, patient: Patient, week: date | str = "") -> Chart:
    chart = desk.get(reverse("patient", args=[patient.pk]), {"week": str(week)} if week else {}).context["chart"]
    assert isinstance(chart, Chart)
    return chart


def shown_blocks(chart: Chart) -> set[str]:
    return {block.label for column in chart.picture.columns for block in column.blocks}


def test_a_chart_shows_any_week_and_links_to_its_neighbors(desk: Client, site: Site) -> None:
    rosa = make_patient(site)
    enrollment = enroll(admit(rosa, MONDAY - 2 * WEEK), make_weekday_track(site), MONDAY - 2 * WEEK)
    meeting = enrollment.track.meetings.get(weekday=2)
    book(make_session(meeting, MONDAY - WEEK + timedelta(days=2)), enrollment)
    make_commitment(rosa, [0], "13:00", "15:00", "Old job", valid_until=MONDAY - timedelta(days=3))
    make_commitment(rosa, [0], "13:00", "15:00", "New job", valid_from=MONDAY)

    now, before = chart_of(desk, rosa), chart_of(desk, rosa, MONDAY - timedelta(days=4))

    assert (now.week, now.is_this_week, shown_blocks(now)) == (MONDAY, True, {"New job"})
    assert (before.week, before.is_this_week, shown_blocks(before)) == (MONDAY - WEEK, False, {"Old job", meeting.name})
    assert [each.commitment.label for each in before.commitments] == ["New job"]
    page = desk.get(reverse("patient", args=[rosa.pk]), {"week": str(MONDAY - WEEK)}).text
    assert "Week of Mon, Nov 16 – Sun, Nov 22" in " ".join(page.split())
    assert f"?week={MONDAY - 2 * WEEK}#" in page
    assert f"?week={MONDAY}#" in page


@pytest.mark.parametrize("typed", ["", "soon", "2026-02-30", "9999-01-01"])
def test_without_a_valid_week_the_chart_shows_this_week(desk: Client, site: Site, typed: str) -> None:
    assert chart_of(desk, make_patient(site), typed).week == MONDAY


def test_somebody_who_starts_next_week_sees_that_week(desk: Client, site: Site) -> None:
    rosa = make_patient(site)
    enroll(admit(rosa, MONDAY + WEEK), make_weekday_track(site), MONDAY + WEEK)

    coming, this = chart_of(desk, rosa), chart_of(desk, rosa, MONDAY)

    assert (coming.week, coming.scheduled.minutes, coming.scheduled.days) == (MONDAY + WEEK, 540, 3)
    assert (this.week, this.scheduled.minutes, this.is_less_than_prescribed) == (MONDAY, 0, False)


def test_after_a_move_each_week_has_the_hours_of_its_own_track(desk: Client, site: Site) -> None:
    rosa = make_patient(site)
    episode = admit(rosa, MONDAY - WEEK)
    old = enroll(episode, make_weekday_track(site, name="Mornings"), MONDAY - WEEK)
    moves_on = MONDAY + WEEK
    Enrollment.objects.filter(pk=old.pk).update(ends=moves_on)
    old.enrollment_meetings.update(ends=moves_on)
    enroll(episode, make_weekday_track(site, days=(1, 3), name="Evenings"), moves_on)

    this, coming = chart_of(desk, rosa), chart_of(desk, rosa, moves_on)
    later = chart_of(desk, rosa, moves_on + WEEK)

    assert (this.scheduled.minutes, this.scheduled.days, this.is_less_than_prescribed) == (540, 3, False)
    assert (coming.scheduled.minutes, coming.scheduled.days, coming.is_less_than_prescribed) == (360, 2, True)
    assert later.scheduled == coming.scheduled
    assert [each.enrollment.track.name for each in this.enrollments] == ["Mornings", "Evenings"]


def test_a_group_every_other_week_counts_in_the_weeks_in_which_it_meets(desk: Client, site: Site) -> None:
    rosa = make_patient(site)
    track = make_weekday_track(site)
    enroll(admit(rosa, MONDAY), track, MONDAY)
    track.meetings.filter(weekday=2).update(anchor=MONDAY)

    this, coming = chart_of(desk, rosa), chart_of(desk, rosa, MONDAY + WEEK)

    weekly = this.scheduled.minutes // this.scheduled.days
    assert coming.scheduled.minutes == this.scheduled.minutes - weekly
    assert coming.scheduled.days == this.scheduled.days - 1


def test_an_enrollment_that_is_over_is_shown_in_its_weeks_without_actions(desk: Client, site: Site) -> None:
    rosa = make_patient(site)
    old = enroll(admit(rosa, MONDAY - 2 * WEEK), make_weekday_track(site, name="Mornings"), MONDAY - 2 * WEEK)
    Enrollment.objects.filter(pk=old.pk).update(ends=MONDAY)
    old.enrollment_meetings.update(ends=MONDAY)

    before = desk.get(reverse("patient", args=[rosa.pk]), {"week": str(MONDAY - WEEK)})

    assert before.context["chart"].scheduled.minutes == 540
    assert "Mornings" in before.text
    assert reverse("enrollment-end", args=[old.pk]) not in before.text
    assert not chart_of(desk, rosa).enrollments


@pytest.mark.parametrize(("role", "is_free"), [(Role.COORDINATOR, True), (Role.REVIEWER, False)])
def test_time_is_called_free_only_if_commitments_are_shown(site: Site, role: Role, is_free: bool) -> None:
    patient = make_patient(site, code="P001")
    enrollment = enroll(admit(patient), make_weekday_track(site))
    book(make_session(enrollment.track.meetings.get(weekday=2), MONDAY + timedelta(days=2)), enrollment)
    client = Client()
    client.force_login(make_staff(role, site, "Sam Lee"))

    page = client.get(reverse("patient", args=[patient.pk])).text

    assert ("</svg> Free</li>" in page) == is_free
    assert ("Your role can’t see commitments, so the patient may be busy at times that look free." in page) != is_free
