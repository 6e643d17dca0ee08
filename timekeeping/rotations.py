"""Shift patterns as people write them: runs of days on and off in turn, such as “4 on, 3 off” or 2-2-3-2-2-3."""

import re
from collections.abc import Iterable
from itertools import groupby

MIN_CYCLE_DAYS, MAX_CYCLE_DAYS = 2, 56
"""How long one round can be, in days: eight weeks hold the longest shift plans in use. (The product's own choice.)"""

RUN = re.compile(r"(?P<days>\d{1,3})\s*(?:days?\s*)?(?P<word>on|off)?", re.IGNORECASE)
SEPARATOR = re.compile(r"[\s,;/+–-]*(?:then|and)?\s*", re.IGNORECASE)


def parse_runs(text: str) -> tuple[int, ...]:
    """Lengths in days of the runs on, off, on … in turn, beginning with one on: “4 on, 3 off” is (4, 3), and so is 4-3.

    Raises ValueError with a sentence about what was written. Whether there are days off, or too many, is not asked.
    """
    written = text.strip()
    runs: list[int] = []
    place = 0
    while found := RUN.match(written, place):
        word = "off" if len(runs) % 2 else "on"
        if found["word"] and found["word"].lower() != word:
            raise ValueError(f"“{written}” must be days on and days off in turn, days on first: 4 on, 3 off.")
        if int(found["days"]) == 0:
            raise ValueError(f"“{written}” has a run of no days; leave it out.")
        runs.append(int(found["days"]))
        if gap := SEPARATOR.match(written, found.end()):
            place = gap.end()
    if not runs or place < len(written):
        raise ValueError(f"“{written}” is no shift pattern; write 4 on, 3 off or 2-2-3-2-2-3.")
    return tuple(runs)


def runs_to_bits(runs: Iterable[int]) -> int:
    """The days on of one round as bits; the first day is 1."""
    bits, day = 0, 0
    for number, days in enumerate(runs):
        if number % 2 == 0:
            bits |= ((1 << days) - 1) << day
        day += days
    return bits


def bits_to_days_on(cycle_days: int, bits: int) -> frozenset[int]:
    """The numbers of the days on in a round, from 0."""
    return frozenset(day for day in range(cycle_days) if bits >> day & 1)


def bits_to_runs(cycle_days: int, bits: int) -> tuple[int, ...]:
    """The runs of a round that begins with a day on: what `read_runs` and `bits_of` made bits of."""
    return tuple(len(list(run)) for _, run in groupby(bits >> day & 1 for day in range(cycle_days)))


def format_runs(runs: Iterable[int]) -> str:
    """As a person writes it and `read_runs` reads it: “4 on, 3 off”."""
    return ", ".join(f"{days} {'off' if number % 2 else 'on'}" for number, days in enumerate(runs))
