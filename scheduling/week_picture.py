"""Lay out the picture of a week: seven day columns with blocks, as rectangles for a template to draw.

The layout is computed from values alone; nothing is read from the database.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval, covered_minutes
from timekeeping.weeks import MINUTES_A_DAY

PIXELS_PER_HOUR = 30
FIRST_HOUR, LAST_HOUR = 8, 18
"""Every picture shows at least the time between these hours. This makes pictures side by side easy to compare."""
MAX_HOURLY_TICKS = 12

TREATMENT, CURRENT_TREATMENT, COMMITMENT, TRAVEL, ATTENDED, TO_COME, MISSED = KINDS = (
    "treatment",
    "current",
    "life",
    "travel",
    "attended",
    "to_come",
    "missed",
)
"""The kinds of blocks.

The second stands for groups that the patient already attends, in pictures of a new schedule. The last three stand for
sessions in pictures that show attendance.
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A colored block on one weekday (Monday is 0). `kind` is one of `KINDS`.

    `starts` and `ends` are minutes since midnight. `uncounted` is how many of these minutes are not treatment, such as
    a break. In a week without dates, `every_other_week` marks a group that is held only every other week. The week's
    totals do not include the group.

    Raises ValueError if the block is not within one day, or for an unknown kind or weekday.
    """

    weekday: int
    starts: int
    ends: int
    kind: str
    label: str
    uncounted: int = 0
    every_other_week: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.starts < self.ends <= MINUTES_A_DAY:
            raise ValueError(f"a block lies within one day: {self.starts}..{self.ends}")
        if self.kind not in KINDS or not 0 <= self.weekday <= 6:
            raise ValueError(f"a block is of one of {KINDS}, on a weekday from 0 to 6: {self.kind}, {self.weekday}")


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The position of a block: `x` and `width` in percent of the picture's width, `y` and `height` in pixels.

    `lanes` is the number of side-by-side blocks that share the width of the day.
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
    """One day of the picture: its weekday (Monday is 0), its date or None, its left edge `x`, and its blocks."""

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
        """The kinds of blocks in the picture, for the legend."""
        kinds = {rectangle.block.kind for rectangle in self.rectangles}
        return tuple(kind for kind in KINDS if kind in kinds)

    @property
    def every_other_week(self) -> tuple[str, ...]:
        """The names of the groups that are held every other week, each once."""
        labels = (block.label for column in self.columns for block in column.blocks if block.every_other_week)
        return tuple(dict.fromkeys(labels))

    @property
    def treatment_minutes(self) -> int:
        """Minutes of treatment in the week, without breaks. Overlapping groups count once."""
        covered = sum(covered_minutes(_treatment_intervals(column)) for column in self.columns)
        weekly = (block for column in self.columns for block in column.blocks if not block.every_other_week)
        return covered - sum(block.uncounted for block in weekly)

    @property
    def treatment_days(self) -> int:
        return sum(any(_treatment_intervals(column)) for column in self.columns)


def _treatment_intervals(column: DayColumn) -> Iterator[Interval[int]]:
    treatment = (block for block in column.blocks if block.kind == TREATMENT and not block.every_other_week)
    return (Interval(block.starts, block.ends) for block in treatment)


def _percent(part: float) -> str:
    return f"{part * 100:.3f}%"


def draw_week(blocks: Iterable[Block], dates: Sequence[date] = (), *, other_weeks: Iterable[Block] = ()) -> WeekPicture:
    """Lay out the blocks in day columns that cover whole hours. Overlapping blocks are drawn side by side.

    `dates` are the seven dates of a week in order. Without dates, the week starts on Monday. The picture has room for the
    hours of the blocks of `other_weeks`, too, so that the pictures of several weeks have the same scale. Raises ValueError
    for any other number of dates.
    """
    if dates and len(dates) != 7:
        raise ValueError(f"a week has seven days, not {len(dates)}")
    ordered = sorted(blocks, key=lambda block: (block.starts, block.ends, block.kind, block.label))
    hours_of = [*ordered, *other_weeks]
    first_hour = min([FIRST_HOUR, *(block.starts // 60 for block in hours_of)])
    last_hour = max([LAST_HOUR, *(-(-block.ends // 60) for block in hours_of)])

    def y(minute: int) -> int:
        return (minute - first_hour * 60) * PIXELS_PER_HOUR // 60

    first_weekday = dates[0].weekday() if dates else 0
    columns = tuple(
        DayColumn(
            weekday=weekday,
            on=dates[number] if dates else None,
            x=_percent(number / 7),
            blocks=tuple(block for block in ordered if block.weekday == weekday),
        )
        for number, weekday in enumerate((first_weekday + number) % 7 for number in range(7))
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
    """A block and the number of its lane. The width of the day is divided into `lanes` lanes, numbered from 0."""

    block: Block
    number: int
    lanes: int


def assign_lanes(blocks: Iterable[Block]) -> tuple[Lane, ...]:
    """Assign lanes to the blocks of one day so that none covers another. Blocks that only touch can share a lane."""
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
    """Yield blocks for the busy times, and for the travel before and after them, in the week that begins on `first`.

    A busy time across midnight becomes a block on each day. Parts outside the week are left out.
    """
    for each in busy:
        names = {"label": each.label}
        for occasion in each.occasions(first, first + timedelta(days=7)):
            own, whole = occasion.without_travel, occasion.with_travel
            kind = CURRENT_TREATMENT if each.is_treatment else COMMITMENT
            yield from _split_by_day(own.start, own.end, kind, each.label, first)
            yield from _split_by_day(whole.start, own.start, TRAVEL, _("Travel to %(label)s") % names, first)
            yield from _split_by_day(own.end, whole.end, TRAVEL, _("Travel from %(label)s") % names, first)


def _split_by_day(starts: int, ends: int, kind: str, label: str, first: date) -> Iterator[Block]:
    for number in range(7):
        midnight = number * MINUTES_A_DAY
        begins, stops = max(starts - midnight, 0), min(ends - midnight, MINUTES_A_DAY)
        if begins < stops:
            yield Block((first.weekday() + number) % 7, begins, stops, kind, label)
