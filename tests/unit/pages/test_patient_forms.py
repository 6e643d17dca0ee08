"""How the forms of a patient's record convert typed text to values."""

from datetime import date, time

import pytest
from django.utils import translation

from patients.forms.availability.commitments import CommitmentForm
from patients.forms.care.episodes import DurationField, LastDayForm, LevelForm
from patients.models import Commitment
from patients.services.availability.commitments import CommitmentValues

WEEKLY = {
    "kind": "work",
    "label": "Night shift",
    "pattern": "every",
    "weekdays": ["0", "2"],
    "starts": "22:00",
    "ends": "6:00",
    "travel_before_minutes": "25",
}


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        pytest.param("9", 540, id="whole hours"),
        pytest.param(" 9 ", 540, id="with blanks around"),
        pytest.param("9:30", 570, id="as on a clock"),
        pytest.param("9 h 30 min", 570, id="as the pages say it"),
        pytest.param("9h05", 545, id="without blanks"),
        pytest.param("9 h", 540, id="hours with their unit"),
        pytest.param("9 h 30 min", 570, id="minutes with their unit"),
        pytest.param("10.5", 630, id="a decimal point"),
        pytest.param("10,5", 630, id="a decimal comma"),
        pytest.param("168", 10080, id="a whole week"),
    ],
)
def test_hours_are_read_as_people_write_them(written: str, minutes: int) -> None:
    assert DurationField().clean(written) == minutes


@pytest.mark.parametrize("written", ["", "nine", "9:75", "-3", "0", "168:01", "9.5:30", "1e3", "9 30"])
def test_other_text_is_refused_as_hours(written: str) -> None:
    form = LevelForm({"prescribed_minutes": written})

    assert form.errors["prescribed_minutes"]


def test_refused_hours_stay_in_the_field_as_typed() -> None:
    form = LevelForm({"prescribed_minutes": "nine hours"})

    assert form["prescribed_minutes"].value() == "nine hours"
    assert "nine hours" in form.errors["prescribed_minutes"][0]


def test_a_weekly_commitment_becomes_its_values() -> None:
    form = CommitmentForm(WEEKLY | {"anchor": "2026-11-24", "on": "2026-11-25", "last_day": "2026-12-18"})

    assert form.is_valid()
    assert form.values() == CommitmentValues(
        kind="work",
        label="Night shift",
        starts=time(22),
        ends=time(6),
        weekdays=0b101,
        travel_before_minutes=25,
        travel_after_minutes=25,
        valid_until=date(2026, 12, 19),
    )


def test_every_other_week_keeps_a_date_in_one_of_its_weeks() -> None:
    form = CommitmentForm(WEEKLY | {"pattern": "other", "anchor": "2026-11-24"})

    assert form.is_valid()
    assert form.values().anchor == date(2026, 11, 24)


def test_a_rotating_shift_becomes_the_days_on_of_its_cycle() -> None:
    form = CommitmentForm(
        WEEKLY
        | {"pattern": "rotation", "rotation": "4 on, 3 off", "round_from": "2026-11-02", "last_day": "2026-12-18"}
    )

    assert form.is_valid()
    assert form.values() == CommitmentValues(
        kind="work",
        label="Night shift",
        starts=time(22),
        ends=time(6),
        anchor=date(2026, 11, 2),
        cycle_days=7,
        cycle_mask=0b1111,
        travel_before_minutes=25,
        travel_after_minutes=25,
        valid_until=date(2026, 12, 19),
    )


@pytest.mark.parametrize(
    ("language", "shown"), [pytest.param("en", "4 on, 3 off", id="English"), pytest.param("es", "4-3", id="Spanish")]
)
def test_a_rotation_is_shown_for_editing_as_the_readers_language_explains_it(language: str, shown: str) -> None:
    shifts = Commitment(cycle_days=7, cycle_mask=0b1111, starts=time(22), ends=time(6), anchor=date(2026, 11, 2))
    with translation.override(language):
        initial = CommitmentForm(commitment=shifts).initial
        form = CommitmentForm(WEEKLY | {"pattern": "rotation", "rotation": shown, "round_from": "2026-11-02"})
    assert initial["rotation"] == shown
    assert form.is_valid()
    assert form.values().cycle_mask == 0b1111


def test_consecutive_dates_without_times_are_whole_days() -> None:
    away = {"pattern": "range", "weekdays": [], "first_on": "2027-01-12", "last_on": "2027-01-16", "whole_day": "on"}
    form = CommitmentForm(WEEKLY | away | {"starts": "", "ends": "", "travel_after_minutes": "40"})

    assert form.is_valid()
    assert form.values() == CommitmentValues(
        kind="work",
        label="Night shift",
        starts=time(0),
        ends=time(0),
        weekdays=0b1111111,
        on=date(2027, 1, 12),
        until=date(2027, 1, 17),
        travel_before_minutes=25,
        travel_after_minutes=40,
    )


@pytest.mark.parametrize(
    ("could_move", "minutes"), [pytest.param("yes", 30, id="could move"), pytest.param("no", 0, id="must stay")]
)
def test_only_a_flexible_commitment_has_movable_minutes(could_move: str, minutes: int) -> None:
    form = CommitmentForm(WEEKLY | {"could_move": could_move, "movable_minutes": "30"})

    assert form.is_valid()
    assert form.values().movable_minutes == minutes


def test_a_commitment_on_a_single_date_has_neither_weekdays_nor_an_end() -> None:
    form = CommitmentForm(
        WEEKLY | {"pattern": "once", "on": "2026-11-25", "last_day": "2026-12-18", "valid_from": "2026-11-01"}
    )

    assert form.is_valid()
    values = form.values()
    assert (values.on, values.weekdays, values.valid_from, values.valid_until) == (date(2026, 11, 25), 0, None, None)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        pytest.param({"weekdays": []}, "weekdays", id="on no day"),
        pytest.param({"weekdays": ["9"]}, "weekdays", id="on a day that is none"),
        pytest.param({"pattern": "other"}, "anchor", id="every other week, but in which"),
        pytest.param({"pattern": "once"}, "on", id="on one date, but which"),
        pytest.param(
            {"pattern": "rotation", "round_from": "2026-11-02"}, "rotation", id="a rotation, but of how many days"
        ),
        pytest.param(
            {"pattern": "rotation", "round_from": "2026-11-02", "rotation": "four on"}, "rotation", id="no rotation"
        ),
        pytest.param({"pattern": "rotation", "rotation": "4-3"}, "round_from", id="a rotation, but since when"),
        pytest.param({"pattern": "range", "first_on": "2026-11-02"}, "last_on", id="dates in a row, but until when"),
        pytest.param({"ends": ""}, "ends", id="no end, and not the whole day"),
        pytest.param({"could_move": "yes"}, "movable_minutes", id="it could move, but by how much"),
        pytest.param({"could_move": "yes", "movable_minutes": "3"}, "movable_minutes", id="it could hardly move"),
        pytest.param({"starts": "25:00"}, "starts", id="a time that is none"),
        pytest.param({"travel_before_minutes": "481"}, "travel_before_minutes", id="more than eight hours on the way"),
        pytest.param({"travel_after_minutes": "-5"}, "travel_after_minutes", id="less than no time on the way"),
        pytest.param({"label": ""}, "label", id="without a name"),
        pytest.param({"kind": "sleep"}, "kind", id="of no kind that is known"),
        pytest.param({"last_day": "soon"}, "last_day", id="a date that is none"),
    ],
)
def test_an_error_is_shown_beside_its_field(typed: dict[str, object], field: str) -> None:
    form = CommitmentForm(WEEKLY | typed)

    assert not form.is_valid()
    assert list(form.errors) == [field]


def test_a_last_day_must_be_a_date() -> None:
    assert list(LastDayForm({"last_day": "2026-02-30"}).errors) == ["last_day"]
