"""A week as a picture: seven columns of blocks, laid out here so that a template only draws rectangles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

COLUMN, GAP, LEFT, TOP = 92, 4, 36, 20
MINUTES_A_UNIT = 4
"""Minutes of the day to one unit of height."""
QUIET_START, QUIET_END = 8 * 60, 18 * 60
"""The hours of the day shown at least."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of one day in minutes from midnight. `kind` is treatment, life or travel."""

    weekday: int
    starts: int
    ends: int
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Rectangle:
    x: int
    y: int
    width: int
    height: int
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    hour: int
    y: int


@dataclass(frozen=True, slots=True)
class Column:
    """One day: its number (Monday is 0), its date when the week has one, and its blocks for the table."""

    weekday: int
    on: date | None
    x: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class WeekPicture:
    columns: tuple[Column, ...]
    rectangles: tuple[Rectangle, ...]
    ticks: tuple[Tick, ...]
    width: int
    height: int


def draw(blocks: Iterable[Block], dates: Sequence[date] = ()) -> WeekPicture:
    """Lays the blocks out from the first to the last hour that any of them touches. `dates` are the seven days, if any."""
    kept = sorted(blocks, key=lambda block: (block.weekday, block.starts, block.ends, block.kind))
    first = min([QUIET_START, *(block.starts // 60 * 60 for block in kept)])
    last = max([QUIET_END, *(-(-block.ends // 60) * 60 for block in kept)])

    def height_at(minute: int) -> int:
        return TOP + (minute - first) // MINUTES_A_UNIT

    rectangles = tuple(
        Rectangle(
            x=LEFT + block.weekday * (COLUMN + GAP),
            y=height_at(block.starts),
            width=COLUMN,
            height=max(2, height_at(block.ends) - height_at(block.starts)),
            kind=block.kind,
            label=block.label,
        )
        for block in sorted(kept, key=lambda block: block.kind == "treatment")
    )
    columns = tuple(
        Column(
            weekday=day,
            on=dates[day] if dates else None,
            x=LEFT + day * (COLUMN + GAP),
            blocks=tuple(block for block in kept if block.weekday == day and block.kind != "travel"),
        )
        for day in range(7)
    )
    ticks = tuple(Tick(minute // 60, height_at(minute)) for minute in range(first, last + 1, 120))
    return WeekPicture(columns, rectangles, ticks, LEFT + 7 * (COLUMN + GAP), height_at(last) + 8)
