"""Parse and format shift rotations as people write them: days on and off in turn, such as “4 on, 3 off” or 2-2-3-2-2-3."""

import re
from collections.abc import Iterable
from itertools import groupby

MIN_CYCLE_DAYS, MAX_CYCLE_DAYS = 2, 56
"""Shortest and longest rotation cycle in days (product rule). The longest shift plans in use repeat within eight weeks."""

RUN = re.compile(r"(?P<days>\d{1,3})\s*(?:days?\s*)?(?P<word>on|off)?", re.IGNORECASE)
SEPARATOR = re.compile(r"[\s,;/+–-]*(?:then|and)?\s*", re.IGNORECASE)


def parse_runs(text: str) -> tuple[int, ...]:
    """Parse a shift rotation into alternating numbers of days on and off: “4 on, 3 off” and “4-3” give (4, 3).

    Raises ValueError with a message for the person who typed the text. Does not check how long the cycle is, and does
    not check that the rotation has days off.
    """
    written = text.strip()
    runs: list[int] = []
    position = 0
    while found := RUN.match(written, position):
        expected = "off" if len(runs) % 2 else "on"
        if found["word"] and found["word"].lower() != expected:
            raise ValueError(
                f"“{written}” is not a rotation. Alternate days on and days off, starting with days on: 4 on, 3 off."
            )
        if int(found["days"]) == 0:
            raise ValueError(f"“{written}” has a part with 0 days. Remove it.")
        runs.append(int(found["days"]))
        if gap := SEPARATOR.match(written, found.end()):
            position = gap.end()
    if not runs or position < len(written):
        raise ValueError(f"“{written}” is not a rotation. Write it as 4 on, 3 off or as 2-2-3-2-2-3.")
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
