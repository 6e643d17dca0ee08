"""The small pictures of a patient's recent weeks on the chart."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from patients.models import Episode, Patient
from patients.views.record.chart import Chart
from patients.views.record.chart_weeks import SHOWN_WEEKS
from tests.clinic import THURSDAY_NOON, WEDNESDAY, Clinic, booking_of, client_for, make_clinic
from tests.factories import MONDAY, admit, make_patient

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_thursday")]

WEEK = timedelta(weeks=1)


@pytest.fixture
def on_thursday() -> Iterator[None]:
    with time_machine.travel(THURSDAY_NOON, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def desk(clinic: Clinic) -> Client:
    return client_for(clinic.coordinator)


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    """A patient who missed Monday, attended Wednesday and is booked on Friday."""
    rosa = clinic.admit("Rosa", starts=MONDAY)
    clinic.mark(booking_of(rosa), "no_show")
    clinic.mark(booking_of(rosa, WEDNESDAY))
    return rosa


def chart_of(desk: Client, patient: Patient) -> Chart:
    chart = desk.get(reverse("patient", args=[patient.pk])).context["chart"]
    assert isinstance(chart, Chart)
    return chart


def kinds_by_day(chart: Chart, week: int = 0) -> dict[date | None, list[str]]:
    columns = chart.weeks[week].picture.columns
    return {column.on: [block.kind for block in column.blocks] for column in columns if column.blocks}


def test_each_session_is_drawn_by_its_attendance(desk: Client, clinic: Clinic, rosa: Episode) -> None:
    chart = chart_of(desk, rosa.patient)

    friday = MONDAY + timedelta(days=4)
    assert kinds_by_day(chart) == {MONDAY: ["missed"], WEDNESDAY: ["attended"], friday: ["to_come"]}
    assert (chart.weeks[0].attended, chart.weeks[0].missed) == (1, 1)
    assert chart.attendance_kinds == ["attended", "to_come", "missed"]


def test_a_canceled_session_is_neither_missed_nor_attended(desk: Client, clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa, WEDNESDAY), "cancelled_by_program")

    chart = chart_of(desk, rosa.patient)

    assert WEDNESDAY not in kinds_by_day(chart)
    assert (chart.weeks[0].attended, chart.weeks[0].missed) == (0, 1)


def test_each_picture_says_its_standing_and_hours_and_leads_to_its_week(desk: Client, rosa: Episode) -> None:
    html = " ".join(desk.get(reverse("patient", args=[rosa.patient_id])).text.split())

    link = html[html.index('class="recent-week"') :]
    link = link[: link.index("</a>")]
    assert f'href="{reverse("patient-week", args=[rosa.patient_id, MONDAY])}"' in link
    assert "This week" in link
    assert "#x-octagon-fill" in link
    assert "Can’t be met" in link
    assert "3 h of 9 h" in link


def test_only_the_last_weeks_are_shown_newest_first(desk: Client, clinic: Clinic) -> None:
    episode = admit(make_patient(clinic.site, "Wen"), MONDAY - 9 * WEEK)

    chart = chart_of(desk, episode.patient)

    assert [each.row.week for each in chart.weeks] == [MONDAY - number * WEEK for number in range(SHOWN_WEEKS)]
    assert [each.is_current for each in chart.weeks] == [True] + [False] * (SHOWN_WEEKS - 1)


@pytest.mark.parametrize("weeks", [1, 6])
def test_six_weeks_take_as_many_queries_as_one(
    desk: Client, clinic: Clinic, weeks: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    episode = admit(make_patient(clinic.site, "Wen"), MONDAY - (weeks - 1) * WEEK)
    with django_assert_num_queries(21):
        assert len(chart_of(desk, episode.patient).weeks) == weeks


def test_a_chart_without_an_episode_has_no_recent_weeks(desk: Client, clinic: Clinic) -> None:
    assert "Recent weeks" not in desk.get(reverse("patient", args=[make_patient(clinic.site).pk])).text
