"""Generate a clinic from published timetables, and patients with made-up commitments. The same seed gives the same data."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from random import Random

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from timekeeping.busy_times import BusyTime
from timekeeping.occurrences import centered_break
from timekeeping.weeks import OnDates, Recurrence, Rotation

TIMETABLES = Path(__file__).parents[1] / "tests" / "data" / "timetables.csv"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FROM = date(2026, 11, 2)
FACILITATORS = 20
LEADERS_PER_TRACK = 4
PARALLEL_SHARE, FULL_SHARE = 0.6, 0.05
"""Fraction of groups that have a parallel group at the same time, and fraction of groups that are full on one date."""


def timetables() -> dict[str, list[WeeklyMeeting]]:
    """Return the published weekly timetables of real programs, by program code."""
    found: dict[str, list[WeeklyMeeting]] = defaultdict(list)
    with TIMETABLES.open(newline="") as file:
        for row in csv.DictReader(file):
            starts, ends = time.fromisoformat(row["starts"]), time.fromisoformat(row["ends"])
            minutes = int(row["break_minutes"] or 0)
            pause = centered_break(starts, ends, minutes) if minutes else (None, None)
            found[row["program_code"]].append(
                WeeklyMeeting(
                    key="",
                    name=row["label"],
                    weekday=WEEKDAYS.index(row["weekday"]),
                    starts=starts,
                    ends=ends,
                    break_starts=pause[0],
                    break_ends=pause[1],
                )
            )
    return found


def clinic(random: Random, meetings: int) -> tuple[Offer, ...]:
    """Return tracks that can be mixed. All tracks together have `meetings` weekly meetings.

    Each track follows the timetable of a published program. Some groups have a parallel group at the same time.
    """
    programs = list(timetables().values())
    random.shuffle(programs)
    offers: list[Offer] = []
    left = meetings
    while left:
        leaders = random.sample(range(FACILITATORS), LEADERS_PER_TRACK)
        groups = list(_groups(random, programs[len(offers) % len(programs)], leaders, len(offers)))[:left]
        left -= len(groups)
        offers.append(Offer(key=len(offers), name=f"Track {len(offers):02}", meetings=tuple(groups), mixes=True))
    return tuple(offers)


def _groups(random: Random, program: list[WeeklyMeeting], leaders: list[int], track: int) -> Iterator[OfferedMeeting]:
    for number, group in enumerate(program):
        for side in range(1 + (random.random() < PARALLEL_SHARE)):
            full = (FROM + timedelta(days=7 + group.weekday),) if random.random() < FULL_SHARE else ()
            leaders_of_group = frozenset({random.choice(leaders)})
            meeting = replace(group, key=f"{track:02}-{number:02}-{side}", facilitators=leaders_of_group)
            yield OfferedMeeting(meeting=meeting, full_on=full)


def needs(random: Random, patients: int) -> Iterator[Need]:
    """Yield the needs of random patients. Each has two to four commitments and a typical prescription."""
    for _ in range(patients):
        minutes, days = random.choice(((540, 3), (540, 3), (720, 4), (900, 5)))
        busy = random.sample(list(_commitments(random)), random.choice((2, 3, 4)))
        yield Need(prescribed_minutes=minutes, prescribed_days=days, from_day=FROM, busy=tuple(busy))


def _commitments(random: Random) -> Iterator[BusyTime]:
    travel = random.choice((10, 15, 30, 45))
    half = random.choice((0, 30))
    weekdays = Recurrence(weekdays=frozenset(range(5)))
    other_weeks = Recurrence(weekdays=frozenset(range(5)), anchor=FROM)
    rotation = Rotation(
        cycle_days=7, days_on=frozenset({0, 1, 2, 3}), first=FROM + timedelta(days=random.randint(0, 6))
    )
    dates = OnDates(frozenset(FROM + timedelta(days=random.randint(0, 83)) for _ in range(3)))
    yield _busy(1, "Day shift", weekdays, time(7, half), time(15, half), travel, movable=random.choice((0, 30)))
    yield _busy(2, "Late shift", rotation, time(14, half), time(22, half), travel)
    yield _busy(3, "Night shift", Recurrence(weekdays=frozenset({0, 1, 2})), time(22), time(6), travel)
    yield _busy(4, "School run", weekdays, time(14, 30), time(15, 15), 10, movable=15)
    yield _busy(5, "Class", Recurrence(weekdays=frozenset({1, 3})), time(18), time(20), travel)
    yield _busy(6, "Dialysis", Recurrence(weekdays=frozenset({0, 2, 4})), time(6), time(10), travel)
    yield _busy(7, "Every other week", other_weeks, time(16), time(20), travel)
    yield _busy(8, "Court", dates, time(9), time(12), travel)


def _busy(
    key: int,
    label: str,
    pattern: Recurrence | Rotation | OnDates,
    starts: time,
    ends: time,
    travel: int,
    movable: int = 0,
) -> BusyTime:
    return BusyTime(
        key=key,
        label=label,
        kind="work",
        recurrence=pattern,
        starts=starts,
        ends=ends,
        travel_before=travel,
        travel_after=travel,
        movable_minutes=movable,
    )
