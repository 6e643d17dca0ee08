"""A letter and a colour for each track, so that a calendar is read with and without colours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

COLOURS = "abcdefgh"
"""The stylesheet's names of colours. When every one is taken they begin again: letters are never given twice."""


@dataclass(frozen=True, slots=True)
class TrackLabel:
    """`letters` is one letter or digit, or more once all are taken; `colour` is one of `COLOURS`."""

    letters: str
    colour: str


def marks_for(names: Sequence[str]) -> tuple[TrackLabel, ...]:
    """A mark for each name, in order; a name added at the end changes none of those before it.

    A name's letter is the initial of one of its words, else any of its letters, whichever is first still free.
    """
    taken: set[str] = set()
    marks = []
    for number, name in enumerate(names):
        letters = next(each for each in _letter_candidates(name) if each not in taken)
        taken.add(letters)
        marks.append(TrackLabel(letters, COLOURS[number % len(COLOURS)]))
    return tuple(marks)


def _letter_candidates(name: str) -> Iterator[str]:
    words = "".join(letter if letter.isalnum() else " " for letter in name.upper()).split()
    yield from (word[0] for word in words)
    yield from "".join(words)
    yield from ascii_uppercase
    yield from (f"{letter}{number}" for number in count(2) for letter in ascii_uppercase)
