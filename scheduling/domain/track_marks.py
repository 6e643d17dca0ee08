"""A letter and a color for each track, so that calendars can be read with and without colors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

COLORS = "abcdefgh"
"""The names of the colors in the stylesheet. They repeat when all are taken; letters never do."""


@dataclass(frozen=True, slots=True)
class TrackLabel:
    """The mark of a track: one letter or digit (more once all are taken), and one of `COLORS`."""

    letters: str
    color: str


def marks_for(names: Sequence[str]) -> tuple[TrackLabel, ...]:
    """Return a mark for each name, in order. A name that is added at the end does not change the marks before it.

    The letter is the first free one of the initials of the name's words, then of all its letters, then of the alphabet.
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
