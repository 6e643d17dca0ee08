"""Assign each track a letter and a color, so that calendars are readable with and without colors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

COLORS = "abcdefgh"
"""Names of the colors in the stylesheet. Colors repeat when there are more tracks than colors."""


@dataclass(frozen=True, slots=True)
class TrackLabel:
    """The label of a track in a calendar: a letter and one of `COLORS`.

    When all letters are taken, a number follows the letter."""

    letters: str
    color: str


def marks_for(names: Sequence[str]) -> tuple[TrackLabel, ...]:
    """Return a label for each track name, in order. Adding a name at the end does not change the labels before it.

    No two labels have the same letters. The initials of the name's words are tried first, then all letters of the name,
    then the alphabet.
    """
    taken: set[str] = set()
    marks = []
    for number, name in enumerate(names):
        letters = next(each for each in _letter_candidates(name) if each not in taken)
        taken.add(letters)
        marks.append(TrackLabel(letters, COLORS[number % len(COLORS)]))
    return tuple(marks)


def _letter_candidates(name: str) -> Iterator[str]:
    words = "".join(letter if letter.isalnum() else " " for letter in name.upper()).split()
    yield from (word[0] for word in words)
    yield from "".join(words)
    yield from ascii_uppercase
    yield from (f"{letter}{number}" for number in count(2) for letter in ascii_uppercase)
