"""A week as a picture: seven columns of blocks, laid out here so that a template only draws rectangles. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from timekeeping.intervals import Interval, covered_minutes
from timekeeping.weeks import MINUTES_A_DAY, BusyTime

PIXELS_PER_HOUR = 30
FIRST_HOUR, LAST_HOUR = 8, 18
"""The hours of the day shown at least, so that weeks side by side look alike."""
MAX_HOURLY_TICKS = 12

TREATMENT, COMMITMENT, TRAVEL = KINDS = ("treatment", "life", "travel")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of one day (Monday is 0) in minutes from midnight. `kind` is treatment, life or travel."""

    weekday: int
    starts: int
    ends: int
    kind: str
    label: str

    def __post_init__(self) -> None:
        if not 0 <= self.starts < self.ends <= MINUTES_A_DAY:
            raise ValueError(f"a block lies within one day: {self.starts}..{self.ends}")
        if self.kind not in KINDS or not 0 <= self.weekday <= 6:
            raise ValueError(f"a block is of one of {KINDS}, on a weekday from 0 to 6: {self.kind}, {self.weekday}")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Where a block is drawn: `x` and `width` as percentages of the picture's width, `y` and `height` in pixels.

    `lanes` is among how many it shares its day's width.
    """

    block: Block
    x: str
    width: str
    y: int
    height: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Tick:
    hour: int
    y: int


@dataclass(frozen=True, slots=True)
class DayColumn:
    """One day: its number (Monday is 0), its date when the week has one, its left edge, and its blocks for the table."""

    weekday: int
    on: date | None
    x: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class WeekPicture:
    columns: tuple[DayColumn, ...]
    rectangles: tuple[Rectangle, ...]
    ticks: tuple[Tick, ...]
    height: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that occur, for the legend."""
        found = {rectangle.block.kind for rectangle in self.rectangles}
        return tuple(kind for kind in KINDS if kind in found)

    @property
    def treatment_minutes(self) -> int:
        """Minutes with treatment in them; groups side by side count once."""
        return sum(covered_minutes(_treatment_intervals(column)) for column in self.columns)

    @property
    def treatment_days(self) -> int:
        return sum(any(_treatment_intervals(column)) for column in self.columns)


def _treatment_intervals(column: DayColumn) -> Iterator[Interval[int]]:
    return (Interval(block.starts, block.ends) for block in column.blocks if block.kind == TREATMENT)


def _percent(part: float) -> str:
    return f"{part * 100:.3f}%"


def draw_week(blocks: Iterable[Block], dates: Sequence[date] = ()) -> WeekPicture:
    """Lays the blocks out on whole hours that hold them all; what overlaps lies side by side.

    `dates` are the week's seven days in order, if it is a dated one; else it runs from Monday.
    """
    if dates and len(dates) != 7:
        raise ValueError(f"a week has seven days, not {len(dates)}")
    kept = sorted(blocks, key=lambda block: (block.starts, block.ends, block.kind, block.label))
    first_hour = min([FIRST_HOUR, *(block.starts // 60 for block in kept)])
    last_hour = max([LAST_HOUR, *(-(-block.ends // 60) for block in kept)])

    def y(minute: int) -> int:
        return (minute - first_hour * 60) * PIXELS_PER_HOUR // 60

    columns = tuple(
        DayColumn(
            weekday=(dates[0].weekday() + number) % 7 if dates else number,
            on=dates[number] if dates else None,
            x=_percent(number / 7),
            blocks=tuple(
                block for block in kept if block.weekday == ((dates[0].weekday() + number) % 7 if dates else number)
            ),
        )
        for number in range(7)
    )
    rectangles = tuple(
        Rectangle(
            block=lane.block,
            x=_percent((number + lane.number / lane.lanes) / 7),
            width=_percent(1 / lane.lanes / 7),
            y=y(lane.block.starts),
            height=max(2, y(lane.block.ends) - y(lane.block.starts)),
            lanes=lane.lanes,
        )
        for number, column in enumerate(columns)
        for lane in assign_lanes(column.blocks)
    )
    step = 2 if last_hour - first_hour > MAX_HOURLY_TICKS else 1
    ticks = tuple(Tick(hour, y(hour * 60)) for hour in range(first_hour, last_hour, step))
    return WeekPicture(columns, rectangles, ticks, y(last_hour * 60))


@dataclass(frozen=True, slots=True)
class Lane:
    """A block's place among those it overlaps: lane `number` (from 0) of `lanes` side by side."""

    block: Block
    number: int
    lanes: int


def assign_lanes(blocks: Iterable[Block]) -> tuple[Lane, ...]:
    """Lanes for the blocks of one day, so that none covers another; blocks that only touch can share one."""
    placed: list[Lane] = []
    group: list[tuple[Block, int]] = []
    lane_ends: list[int] = []

    def close_group() -> None:
        placed.extend(Lane(block, number, len(lane_ends)) for block, number in group)
        group.clear()
        lane_ends.clear()

    for block in sorted(blocks, key=lambda each: (each.starts, -each.ends)):
        if lane_ends and block.starts >= max(lane_ends):
            close_group()
        free = next((number for number, ends in enumerate(lane_ends) if ends <= block.starts), None)
        if free is None:
            lane_ends.append(block.ends)
            free = len(lane_ends) - 1
        else:
            lane_ends[free] = block.ends
        group.append((block, free))
    close_group()
    return tuple(placed)


def busy_blocks(busy: Iterable[BusyTime], first: date) -> Iterator[Block]:
    """What a person's busy times take of the week that begins on `first`, with the travel before and after each.

    What crosses midnight becomes a block on either day, and what lies outside the week is left out.
    """
    for each in busy:
        for occasion in each.occasions(first, first + timedelta(days=7)):
            bare, padded = occasion.bare, occasion.padded
            yield from _split_by_day(bare.start, bare.end, COMMITMENT, each.label, first)
            yield from _split_by_day(padded.start, bare.start, TRAVEL, f"To {each.label}", first)
            yield from _split_by_day(bare.end, padded.end, TRAVEL, f"From {each.label}", first)


def _split_by_day(starts: int, ends: int, kind: str, label: str, first: date) -> Iterator[Block]:
    for number in range(7):
        midnight = number * MINUTES_A_DAY
        begins, stops = max(starts - midnight, 0), min(ends - midnight, MINUTES_A_DAY)
        if begins < stops:
            yield Block((first.weekday() + number) % 7, begins, stops, kind, label)
