"""The form for all weekly commitments of a patient. If a row is faulty, the page says why and saves no row."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Commitment, Patient
from scheduling.models import Site
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_commitment,
    make_patient,
    make_place,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

TUESDAY = datetime(2026, 11, 24, 15, tzinfo=UTC)
SHIFT = {"kind": "work", "label": "Shift", "weekdays": ["0", "1"], "starts": "13:00", "ends": "21:00"}


@pytest.fixture(autouse=True)
def on_tuesday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: TUESDAY)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def rosa(site: Site) -> Patient:
    return make_patient(site)


@pytest.fixture
def coordinator(client: Client, site: Site) -> Client:
    client.force_login(make_staff(Role.COORDINATOR, site))
    return client


def typed(rows: Iterable[dict[str, Any]], total: int | None = None) -> dict[str, Any]:
    """Return the rows as form data, followed by an empty row."""
    rows = list(rows)
    sent: dict[str, Any] = {"rows-TOTAL_FORMS": str(total or len(rows) + 1), "rows-INITIAL_FORMS": "0"}
    for number, row in enumerate([*rows, {"kind": "work"}]):
        sent |= {f"rows-{number}-{name}": value for name, value in row.items()}
    return sent


def as_row(commitment: Commitment, **fields: Any) -> dict[str, Any]:
    row = {
        "commitment": str(commitment.pk),
        "kind": commitment.kind,
        "label": commitment.label,
        "weekdays": [str(day) for day in commitment.weekday_numbers],
        "starts": f"{commitment.starts:%H:%M}",
        "ends": f"{commitment.ends:%H:%M}",
    }
    return row | fields


def address(patient: Patient) -> str:
    return reverse("commitment-week", args=[patient.pk])


def acts() -> list[tuple[str, str, str]]:
    events = AuditEvent.objects.exclude(action=Action.VIEWED).order_by("pk")
    return list(events.values_list("action", "subject_label", "detail"))


def test_a_week_is_added_changed_and_ended_at_once(coordinator: Client, rosa: Patient) -> None:
    kept = make_commitment(rosa, [3], "08:00", "10:00", "Course")
    moved = make_commitment(rosa, [4], "08:00", "10:00", "Gym", travel_minutes=20)
    ended = make_commitment(rosa, [5], "08:00", "10:00", "Market")
    rows = [as_row(kept), as_row(moved, ends="11:00"), as_row(ended, DELETE="on"), SHIFT]

    response = coordinator.post(address(rosa), typed(rows), follow=True)

    messages = [str(message) for message in response.context["messages"]]
    assert messages == ["1 commitment added. 1 commitment changed. 1 commitment ended."]
    assert acts() == [
        (Action.CHANGED, "Gym", "ends"),
        (Action.ENDED, "Market", "after 2026-11-23"),
        (Action.CREATED, "Shift", ""),
    ]
    moved.refresh_from_db()
    assert (moved.ends, moved.travel_before_minutes) == (time(11), 20)


def test_an_unchanged_week_writes_nothing(coordinator: Client, rosa: Patient) -> None:
    response = coordinator.post(
        address(rosa), typed([as_row(make_commitment(rosa, [3], "08:00", "10:00"))]), follow=True
    )

    assert [str(message) for message in response.context["messages"]] == ["There was nothing to change."]
    assert acts() == []


def test_equal_times_on_several_days_are_one_commitment(coordinator: Client, rosa: Patient) -> None:
    rows = [SHIFT, SHIFT | {"weekdays": ["3"]}, SHIFT | {"weekdays": ["4"], "label": "Other shift"}]

    coordinator.post(address(rosa), typed(rows))

    made = Commitment.objects.order_by("label").values_list("label", "weekdays")
    assert list(made) == [("Other shift", 0b10000), ("Shift", 0b1011)]


def test_a_row_without_a_name_is_named_after_its_kind(coordinator: Client, rosa: Patient) -> None:
    coordinator.post(address(rosa), typed([SHIFT | {"label": "", "kind": "school", "movable_minutes": "30"}]))

    made = Commitment.objects.get()
    assert (made.label, made.kind, made.movable_minutes) == ("School", "school", 30)


def test_nights_and_whole_days_are_rows_too(coordinator: Client, rosa: Patient) -> None:
    night, whole_day = {"starts": "22:00", "ends": "06:00"}, {"starts": "00:00", "ends": "00:00", "weekdays": ["6"]}

    coordinator.post(address(rosa), typed([SHIFT | night, SHIFT | whole_day]))

    assert [each.is_whole_day for each in Commitment.objects.order_by("-starts")] == [False, True]


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        pytest.param({"weekdays": []}, "weekdays", "Choose at least one day.", id="no day"),
        pytest.param({"ends": "13:00"}, "ends", "The start and the end are the same.", id="no time"),
        pytest.param({"starts": ""}, "starts", "Enter the start time.", id="no start"),
        pytest.param({"movable_minutes": "480"}, "movable_minutes", "it can’t move by 8 h", id="moves away"),
        pytest.param({"movable_minutes": "3"}, "movable_minutes", "Enter 5 or more", id="hardly moves"),
        pytest.param({"commitment": "40404"}, None, "in the meantime", id="of somebody else"),
    ],
)
def test_a_reason_is_shown_beside_its_row_and_nothing_is_written_or_lost(
    coordinator: Client, rosa: Patient, wrong: dict[str, Any], field: str | None, words: str
) -> None:
    valid = SHIFT | {"label": "Fine", "weekdays": ["5"]}

    response = coordinator.post(address(rosa), typed([valid, SHIFT | wrong]))

    assert response.status_code == 422
    valid_form, refused = response.context["rows"].forms[:2]
    assert not valid_form.errors
    assert words in " ".join(refused.errors.get(field or "__all__", []))
    assert words in response.text
    assert {name: refused[name].value() for name in SHIFT | wrong} == SHIFT | wrong
    assert valid_form["label"].value() == "Fine"
    assert not Commitment.objects.exists()
    assert acts() == []


def test_a_row_of_another_patients_commitment_is_refused(coordinator: Client, site: Site, rosa: Patient) -> None:
    foreign = make_commitment(make_patient(site), [0], "08:00", "10:00")

    assert coordinator.post(address(rosa), typed([as_row(foreign, DELETE="on")])).status_code == 422

    foreign.refresh_from_db()
    assert foreign.valid_until is None


def test_a_row_that_is_removed_is_not_checked(coordinator: Client, rosa: Patient) -> None:
    ended = make_commitment(rosa, [5], "08:00", "10:00", valid_from=date(2026, 12, 5))

    coordinator.post(
        address(rosa), typed([as_row(ended, DELETE="on", starts="", weekdays=[]), SHIFT | {"DELETE": "on"}])
    )

    assert not Commitment.objects.exists()
    assert acts() == [(Action.DELETED, "Day shift", "")]


def test_too_many_rows_are_refused_with_an_explanation(coordinator: Client, rosa: Patient) -> None:
    assert coordinator.post(address(rosa), typed([SHIFT], total=200)).status_code == 422
    assert coordinator.post(address(rosa), {"rows-TOTAL_FORMS": "x"}).status_code == 422


def test_a_commitment_that_is_not_weekly_is_shown_and_left_alone(coordinator: Client, rosa: Patient) -> None:
    make_commitment(rosa, [], "07:00", "19:00", "Rounds", anchor=MONDAY, cycle_days=7, cycle_mask=0b1111)
    make_commitment(rosa, [0], "07:00", "19:00", "Alternate", anchor=MONDAY)
    make_commitment(rosa, [], "07:00", "19:00", "Hearing", on=MONDAY)
    enrollment = enroll(admit(rosa), make_weekday_track(rosa.site))
    book(make_session(enrollment.track.meetings.get(weekday=2), date(2026, 11, 25)), enrollment)

    response = coordinator.get(address(rosa))

    assert {each.label for each in response.context["others"]} == {"Rounds", "Alternate", "Hearing"}
    assert [form["label"].value() for form in response.context["rows"].forms] == [None, None]
    assert '"day": 2, "starts": 540, "ends": 720' in response.context["blocks"]


def test_a_week_that_conflicts_with_bookings_is_saved_with_a_warning(coordinator: Client, rosa: Patient) -> None:
    enrollment = enroll(admit(rosa), make_weekday_track(rosa.site))
    book(make_session(enrollment.track.meetings.get(weekday=2), date(2026, 11, 25)), enrollment)

    response = coordinator.post(address(rosa), typed([SHIFT | {"weekdays": ["2"], "starts": "11:00"}]), follow=True)

    messages = [str(message) for message in response.context["messages"]]
    assert messages[1] == "The week conflicts with 1 booked session, listed below."


@pytest.mark.parametrize("number", [pytest.param(1, id="one"), pytest.param(3, id="three")])
def test_the_week_takes_as_many_queries_for_three_as_for_one(
    coordinator: Client, rosa: Patient, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        place = make_place(rosa, {rosa.site: (10, 20)}, f"Place {each}")
        make_commitment(rosa, [each], "08:00", "11:00", place=place)
        make_commitment(rosa, [], "08:00", "11:00", on=MONDAY, place=place)

    with django_assert_num_queries(16):
        response = coordinator.get(address(rosa))

    assert len(response.context["others"]) == number
