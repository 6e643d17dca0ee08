"""Shift rotations such as "4 on, 3 off": parsing, formatting, and which days of a cycle are days on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timekeeping.reasons import Refused
from timekeeping.rotations import (
    EmptyRotationPart,
    RotationOutOfTurn,
    UnreadableRotation,
    bits_to_days_on,
    bits_to_runs,
    format_runs,
    parse_runs,
    runs_to_bits,
)

RUNS = st.lists(st.integers(1, 9), min_size=2, max_size=6)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        pytest.param("4 on, 3 off", (4, 3), id="in words"),
        pytest.param("4 on 3 off", (4, 3), id="without a comma"),
        pytest.param("4on3off", (4, 3), id="without blanks"),
        pytest.param(" 4 days on, then 3 days off ", (4, 3), id="in a sentence"),
        pytest.param("4-3", (4, 3), id="with a dash"),
        pytest.param("4/3", (4, 3), id="with a stroke"),
        pytest.param("4 ON, 3 OFF", (4, 3), id="in capitals"),
        pytest.param("2-2-3-2-2-3", (2, 2, 3, 2, 2, 3), id="a pattern for two crews"),
        pytest.param("2 on, 2 off, 3 on, 2 off, 2 on, 3 off", (2, 2, 3, 2, 2, 3), id="the same in words"),
        pytest.param("4 de trabajo, 3 de descanso", (4, 3), id="in Spanish"),
        pytest.param("4 días de trabajo y 3 días libres", (4, 3), id="in a Spanish sentence"),
        pytest.param("4 trabajo 3 libres", (4, 3), id="in Spanish without small words"),
        pytest.param("14, 14", (14, 14), id="two weeks each"),
        pytest.param("5", (5,), id="only days on, which is not checked here"),
    ],
)
def test_runs_are_read_as_people_write_them(text: str, runs: tuple[int, ...]) -> None:
    assert parse_runs(text) == runs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", UnreadableRotation, id="nothing"),
        pytest.param("days", UnreadableRotation, id="no number"),
        pytest.param("4 on, 3 of", UnreadableRotation, id="a typing error"),
        pytest.param("4 on; 3 off tonight", UnreadableRotation, id="something more"),
        pytest.param("4 on, 3 on", RotationOutOfTurn, id="on and on"),
        pytest.param("3 off, 4 on", RotationOutOfTurn, id="days off first"),
        pytest.param("3 de descanso, 4 de trabajo", RotationOutOfTurn, id="days off first, in Spanish"),
        pytest.param("4 on, 0 off", EmptyRotationPart, id="no days off"),
        pytest.param("-4 on, 3 off", UnreadableRotation, id="less than none"),
    ],
)
def test_an_invalid_rotation_is_refused_with_its_reason(
    text: str, reason: type[UnreadableRotation | RotationOutOfTurn | EmptyRotationPart]
) -> None:
    with pytest.raises(Refused) as refused:
        parse_runs(text)
    assert refused.value.reasons == (reason(text),)


def test_days_on_are_bits_from_the_first_day() -> None:
    assert runs_to_bits((4, 3)) == 0b0001111
    assert bits_to_days_on(14, runs_to_bits((2, 2, 3, 2, 2, 3))) == {0, 1, 4, 5, 6, 9, 10}


@given(RUNS)
def test_formatted_runs_are_parsed_to_the_same_runs(runs: list[int]) -> None:
    shown = bits_to_runs(sum(runs), runs_to_bits(runs))
    assert shown == tuple(runs)
    assert parse_runs(format_runs(shown)) == tuple(runs)
