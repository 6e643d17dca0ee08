"""How values can be written in import files, how the import reads them, and which values it refuses."""

from collections.abc import Callable
from datetime import date, time

import pytest

from accounts.permissions import Role
from clinic_import.reading.cells import (
    read_code,
    read_email,
    read_hours,
    read_number,
    read_phone,
    read_text,
    read_time_zone,
    read_yes_no,
    refuse_broken_cell,
)
from clinic_import.reading.dates_and_times import (
    DateOrder,
    read_birth_date,
    read_date,
    read_day_and_time,
    read_time,
    read_weekday,
    read_weekdays,
    split_time_range,
)
from clinic_import.rows.clinic_rows import read_roles


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("2026-11-23", date(2026, 11, 23)),
        ("2026-1-5", date(2026, 1, 5)),
        ("2026-01-05 00:00:00", date(2026, 1, 5)),
        ("11/23/2026", date(2026, 11, 23)),
        ("1/5/2026", date(2026, 1, 5)),
        ("2/29/2028", date(2028, 2, 29)),
        ("Nov 23, 2026", date(2026, 11, 23)),
        ("September 1 2026", date(2026, 9, 1)),
        ("23-Nov-2026", date(2026, 11, 23)),
        ("1 sept 2026", date(2026, 9, 1)),
    ],
)
def test_dates_can_be_written_in_iso_or_us_format_or_with_the_months_name(cell: str, meant: date) -> None:
    assert read_date(cell) == meant


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2026-11-23", None),
        ("Nov 23, 2026", None),
        ("2026-11-23 14:05", time(14, 5)),
        ("2026-11-23T14:05:59.120", time(14, 5)),
        ("11/23/2026 2:05 PM", time(14, 5)),
        ("Nov 23, 2026, 2:05p", time(14, 5)),
        ("23-Nov-2026 0:00", time(0)),
    ],
)
def test_a_date_can_have_a_time(cell: str, at: time | None) -> None:
    assert read_day_and_time(cell) == (date(2026, 11, 23), at)


@pytest.mark.parametrize("cell", ["2026-11-23 25:00", "2026-13-01 9:00", "14:05", "2026-11-23 9", "soon 9:00"])
def test_other_text_is_refused_as_a_date_with_a_time(cell: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (date|time)|not on the calendar"):
        read_day_and_time(cell)


@pytest.mark.parametrize(
    "cell", ["23/11/2026", "2026-13-01", "2/29/2026", "11/23/26", "0206-11-23", "23.11.2026", "today", "46349"]
)
def test_other_text_is_refused_as_a_date(cell: str) -> None:
    with pytest.raises(ValueError, match=cell):
        read_date(cell)


@pytest.mark.parametrize(
    ("cell", "order", "meant"),
    [
        ("1/5/26", DateOrder.MONTH_FIRST, date(2026, 1, 5)),
        ("1/5/26", DateOrder.DAY_FIRST, date(2026, 5, 1)),
        ("23.11.2026", DateOrder.DAY_FIRST, date(2026, 11, 23)),
        ("5-1-2026", DateOrder.DAY_FIRST, date(2026, 1, 5)),
        ("5-Jan-26", DateOrder.MONTH_FIRST, date(2026, 1, 5)),
    ],
)
def test_the_order_of_dates_can_be_stated(cell: str, order: DateOrder, meant: date) -> None:
    assert read_date(cell, order) == meant


def test_two_digits_are_not_enough_for_a_year_of_birth() -> None:
    with pytest.raises(ValueError, match="two centuries"):
        read_birth_date("5/17/90", DateOrder.MONTH_FIRST)
    assert read_birth_date("5/17/1990", DateOrder.MONTH_FIRST) == date(1990, 5, 17)


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("9:00-12:00", ("9:00", "12:00")),
        ("9-12", ("9:00", "12:00")),
        ("9-12pm", ("9:00 am", "12pm")),
        ("1 to 3 PM", ("1:00 Pm", "3 PM")),
        ("11-1p", ("11:00 am", "1p")),
        ("10pm-6am", ("10pm", "6am")),
        ("17:30 – 20:30", ("17:30", "20:30")),
        ("9 AM – 12:30 PM", ("9 AM", "12:30 PM")),
    ],
)
def test_a_range_of_times_can_stand_in_one_cell(cell: str, parts: tuple[str, str]) -> None:
    assert split_time_range(cell) == parts
    for part in parts:
        read_time(part)


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("9:00", time(9)),
        ("09:00", time(9)),
        ("9:00 AM", time(9)),
        ("9 am", time(9)),
        ("9am", time(9)),
        ("9:05 p.m.", time(21, 5)),
        ("12:00 PM", time(12)),
        ("12:30 AM", time(0, 30)),
        ("21:30", time(21, 30)),
        ("17:30:00", time(17, 30)),
        ("0:00", time(0)),
        ("5:30p", time(17, 30)),
        ("9 a", time(9)),
    ],
)
def test_times_can_be_written_in_twelve_or_twenty_four_hours(cell: str, meant: time) -> None:
    assert read_time(cell) == meant


@pytest.mark.parametrize(
    "cell", ["9", "24:00", "9:60", "13:00 PM", "0:30 AM", "9:00 x", "9.30", "9:00:30", "noon", "-1:00"]
)
def test_other_text_is_refused_as_a_time(cell: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        read_time(cell)


@pytest.mark.parametrize(("cell", "minutes"), [("9", 540), ("9.5", 570), ("9:30", 570), ("12.25", 735), ("0.1", 6)])
def test_hours_are_read_as_whole_minutes(cell: str, minutes: int) -> None:
    assert read_hours(0, 10080)(cell) == minutes


@pytest.mark.parametrize("cell", ["9,5", "9:75", "9.333", "nine", "169", "-3"])
def test_impossible_weekly_hours_are_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=cell):
        read_hours(0, 10080)(cell)


@pytest.mark.parametrize(
    ("cell", "days"),
    [
        ("Mon", (0,)),
        ("Mon, Wed", (0, 2)),
        ("Monday; thursday", (0, 3)),
        ("Mon-Fri", (0, 1, 2, 3, 4)),
        ("Mon – Wed, Sat", (0, 1, 2, 5)),
        ("Sat-Mon", (0, 5, 6)),
        ("Tue/Thu", (1, 3)),
        ("Tues Thurs", (1, 3)),
        ("Sun & Sat", (5, 6)),
        ("M/W/F", (0, 2, 4)),
        ("MWF", (0, 2, 4)),
        ("TTh", (1, 3)),
        ("T, Th", (1, 3)),
        ("M-F", (0, 1, 2, 3, 4)),
        ("MTWThF", (0, 1, 2, 3, 4)),
        ("Th", (3,)),
        ("Sa/Su", (5, 6)),
        ("weekdays", (0, 1, 2, 3, 4)),
        ("Mon and Wed", (0, 2)),
    ],
)
def test_weekdays_are_written_as_names_or_ranges(cell: str, days: tuple[int, ...]) -> None:
    assert read_weekdays(cell) == days


REFUSED: list[tuple[Callable[[str], object], str]] = [
    (read_weekday, "Mo"),
    (read_weekday, "someday"),
    (read_weekdays, "Mon-"),
    (read_weekdays, "T"),
    (read_weekdays, "S"),
    (read_weekdays, "MTF"),
    (read_code, "1E+05"),
    (read_phone, "2.07556E+09"),
    (read_phone, "banana"),
    (read_phone, "911"),
    (read_text(80), "Rosa\nLindqvist"),
    (refuse_broken_cell, "#REF!"),
    (refuse_broken_cell, "#N/A"),
    (refuse_broken_cell, "########"),
    (refuse_broken_cell, "=A1"),
    (read_weekdays, "Mon;;X"),
    (read_yes_no, "maybe"),
    (read_number(1, 9), "10"),
    (read_number(1, 9), "1.5"),
    (read_number(1, 9), "many"),
    (read_text(3), "four"),
    (read_email, "ada.park"),
    (read_time_zone, "Eastern"),
    (read_roles, "coordinator"),
    (read_roles, "doctor@NORTH"),
]


@pytest.mark.parametrize(("read", "cell"), REFUSED)
def test_invalid_cells_are_refused_with_a_sentence(read: Callable[[str], object], cell: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        read(cell)


def test_codes_have_no_invisible_characters() -> None:
    assert read_code("P\u200b1\u00a0 A") == "P1 A"


@pytest.mark.parametrize(
    "cell", ["(207) 555-0142", "+1 207 555 0142", "207.555.0142 x12", "555-0142", "207-555-0142 ext. 7"]
)
def test_phone_numbers_are_written_in_many_ways(cell: str) -> None:
    assert read_phone(cell) == cell


@pytest.mark.parametrize(("cell", "meant"), [("Yes", True), ("y", True), ("TRUE", True), ("no", False), ("0", False)])
def test_yes_and_no_have_several_spellings(cell: str, meant: bool) -> None:
    assert read_yes_no(cell) is meant


def test_a_person_has_roles_at_sites() -> None:
    assert read_roles("clinician@SOUTH; Coordinator@NORTH; administrator") == (
        (Role.ADMINISTRATOR, ""),
        (Role.CLINICIAN, "SOUTH"),
        (Role.COORDINATOR, "NORTH"),
    )
