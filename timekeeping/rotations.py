"""Parse and format shift rotations as people write them, such as “4 on, 3 off” or 2-2-3-2-2-3."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from timekeeping.reasons import Reason, Refused

MIN_CYCLE_DAYS, MAX_CYCLE_DAYS = 2, 56
"""Shortest and longest rotation cycle in days (product rule). The longest shift plans in use repeat within eight weeks."""

ON_WORDS, OFF_WORDS = {"on", "trabajo"}, {"off", "descanso", "libre", "libres"}
"""Words after a number of days, in English and in Spanish."""
RUN = re.compile(
    r"(?P<days>\d{1,3})\s*(?:d(?:ay|ía|ia)s?\s*)?(?:de\s+)?(?P<word>on|off|trabajo|descanso|libres?)?", re.IGNORECASE
)
SEPARATOR = re.compile(r"[\s,;/+–-]*(?:then|and|luego|y)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UnreadableRotation(Reason):
    """The text is not a rotation."""

    written: str


@dataclass(frozen=True, slots=True)
class RotationOutOfTurn(Reason):
    """The text does not alternate days on and days off, or it starts with days off."""

    written: str


@dataclass(frozen=True, slots=True)
class EmptyRotationPart(Reason):
    """A part of the rotation has 0 days."""

    written: str


def parse_runs(text: str) -> tuple[int, ...]:
    """Parse a shift rotation into alternating numbers of days on and off: “4 on, 3 off” and “4-3” give (4, 3).

    The words may be Spanish: “4 de trabajo, 3 de descanso”. Raises Refused if the text is not a rotation. The length of
    the cycle is not checked.
    """
    written = text.strip()
    runs: list[int] = []
    position = 0
    while found := RUN.match(written, position):
        expected = OFF_WORDS if len(runs) % 2 else ON_WORDS
        if found["word"] and found["word"].lower() not in expected:
            raise Refused([RotationOutOfTurn(written)])
        if int(found["days"]) == 0:
            raise Refused([EmptyRotationPart(written)])
        runs.append(int(found["days"]))
        if gap := SEPARATOR.match(written, found.end()):
            position = gap.end()
    if not runs or position < len(written):
        raise Refused([UnreadableRotation(written)])
    return tuple(runs)


def runs_to_bits(runs: Iterable[int]) -> int:
    """Encode one cycle of a rotation as bits, where a 1 is a day on. The lowest bit is the first day."""
    bits, day = 0, 0
    for number, days in enumerate(runs):
        if number % 2 == 0:
            bits |= ((1 << days) - 1) << day
        day += days
    return bits


def bits_to_days_on(cycle_days: int, bits: int) -> frozenset[int]:
    """Return which days of the cycle are days on, as day numbers. The first day of the cycle is 0."""
    return frozenset(day for day in range(cycle_days) if bits >> day & 1)


def bits_to_runs(cycle_days: int, bits: int) -> tuple[int, ...]:
    """Return a cycle as alternating numbers of days on and days off. The first day must be a day on.

    Inverse of `runs_to_bits`.
    """
    return tuple(len(list(run)) for _, run in groupby(bits >> day & 1 for day in range(cycle_days)))


def format_runs(runs: Iterable[int]) -> str:
    """Format a rotation as text that people and `parse_runs` can read: “4 on, 3 off”."""
    return ", ".join(f"{days} {'off' if number % 2 else 'on'}" for number, days in enumerate(runs))
