"""Each track is marked with a letter that no other track has. When tracks are added, the others keep their letters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.domain.track_marks import COLORS, marks_for
from tests.unit.pages.test_colors import STYLESHEETS

LETTERS = [
    pytest.param(["Morning IOP", "Evening IOP"], ["M", "E"], id="the first letter"),
    pytest.param(["Evening IOP", "Early small group"], ["E", "S"], id="taken: the next word's"),
    pytest.param(["Men", "Mothers", "Mornings"], ["M", "O", "R"], id="taken: a letter of the word"),
    pytest.param(["Track 1", "Track 2"], ["T", "2"], id="a number is as good"),
    pytest.param(["A", "A", "A"], ["A", "B", "C"], id="no letter of its own left: the alphabet's first"),
    pytest.param(["", "–"], ["A", "B"], id="a name without letters"),
    pytest.param(["éveil"], ["É"], id="other alphabets"),
]


@pytest.mark.parametrize(("names", "letters"), LETTERS)
def test_a_track_gets_a_free_letter_of_its_name_or_of_the_alphabet(names: list[str], letters: list[str]) -> None:
    assert [mark.letters for mark in marks_for(names)] == letters


@given(st.lists(st.text(alphabet="AEMT ", max_size=8), max_size=70))
def test_no_letters_are_used_twice(names: list[str]) -> None:
    letters = [mark.letters for mark in marks_for(names)]
    assert len(set(letters)) == len(names)


@given(st.lists(st.text(max_size=8), max_size=12), st.text(max_size=8))
def test_a_new_track_does_not_change_other_marks(names: list[str], another: str) -> None:
    assert marks_for([*names, another])[:-1] == marks_for(names)


def test_the_first_tracks_have_different_colors_and_then_colors_repeat() -> None:
    colors = [mark.color for mark in marks_for(["Track"] * 10)]
    assert len(set(colors[:8])) == 8
    assert colors[8:] == colors[:2]


def test_the_stylesheet_has_every_color() -> None:
    assert set(re.findall(r"--track-([a-z])-ink:", "".join(STYLESHEETS))) == set(COLORS)
