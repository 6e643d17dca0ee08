"""The conflicts between a weekly meeting and a patient's busy times, and which of them rule the meeting out.

A permanent commitment rules a meeting out unless it can move by as many minutes as needed. A temporary one, which happens on
single dates or ends within the horizon, may cost a few sessions instead: at most one in six of the meeting's dates (product
rule: two of twelve weeks). Other treatment always rules a meeting out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from typing import ClassVar, NamedTuple

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.horizon import BusySpan, Horizon
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason
from timekeeping.weeks import BusyTime, OnDates, minute_of

SESSIONS_PER_MISSED_SESSION = 6
TIGHT_GAP_MINUTES = 15
"""Less time than this between a meeting and a commitment, travel aside, is tight."""

NO_DATES: frozenset[date] = frozenset()


class Conflict(NamedTuple):
    """A busy time that overlaps a weekly meeting, travel included, by how much and on which dates.

    `number` is the index of the busy time among the patient's. It starts on `weekday`, `days_before` days before the meeting's
    date. There would be no conflict if it ended `minutes_earlier` or started `minutes_later`.
    """

    busy: BusyTime
    number: int
    days_before: int
    weekday: int
    minutes_earlier: int
    minutes_later: int
    movable_minutes: int
    is_temporary: bool
    dates: tuple[date, ...]

    @property
    def minutes(self) -> int:
        """The fewest minutes by which the busy time would have to move."""
        return min(self.minutes_earlier, self.minutes_later)

    @property
    def ends_earlier(self) -> bool:
        """Whether it would move by ending earlier, rather than by starting later."""
        return self.minutes_earlier <= self.minutes_later

    @property
    def can_move(self) -> bool:
        """Whether the busy time can move by as much as needed."""
        return self.minutes_earlier <= self.movable_minutes or self.minutes_later <= self.movable_minutes

    @property
    def date_order(self) -> tuple[date, int, int]:
        """Sort key: by first date, then in the order of the busy times, then the one that started earlier."""
        return self.dates[0], self.number, -self.days_before


class NearConflict(NamedTuple):
    """A permanent commitment that leaves only a few `minutes`, travel aside, `before` a meeting or after it."""

    busy: BusyTime
    minutes: int
    before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingConflicts:
    """All conflicts of a weekly meeting, and what follows from them.

    `sessions` is the number of its dates in the horizon. If no conflict is `blocking`, the meeting can be attended: then the
    busy times in `moves` have to move, and the sessions on the dates `missed` are missed. `near` are commitments that leave
    little time, by first date.
    """

    conflicts: tuple[Conflict, ...]
    sessions: int
    near: tuple[NearConflict, ...]
    blocking: tuple[Conflict, ...]
    moves: tuple[Conflict, ...]
    missed: tuple[date, ...]

    @property
    def is_tight(self) -> bool:
        """Whether little time is left between the meeting and a permanent commitment."""
        return bool(self.near)


class Resolution(NamedTuple):
    """What rules a meeting out, which busy times have to move for it, and which of its dates are missed."""

    blocking: tuple[Conflict, ...]
    moves: tuple[Conflict, ...]
    missed: frozenset[date]


NO_CONFLICTS = Resolution((), (), NO_DATES)


def is_temporary(busy: BusyTime, until: date) -> bool:
    """Whether a commitment is on single dates only, or ends by `until`, the end of the horizon. Treatment never is."""
    if busy.is_treatment:
        return False
    if isinstance(busy.recurrence, OnDates):
        return True
    return busy.recurrence.valid_until is not None and busy.recurrence.valid_until <= until


def resolve_conflicts(conflicts: Iterable[Conflict], sessions: int) -> Resolution:
    """Decide which of a meeting's conflicts block it, when it has so many `sessions` in the horizon.

    Temporary conflicts block once they would cost more than one session in six (product rule). No date is missed of a meeting
    that is blocked.
    """
    blocking: list[Conflict] = []
    temporary: list[Conflict] = []
    moves: list[Conflict] = []
    for conflict in conflicts:
        if conflict.can_move:
            moves.append(conflict)
        elif conflict.is_temporary:
            temporary.append(conflict)
        else:
            blocking.append(conflict)
    missed = frozenset(on for conflict in temporary for on in conflict.dates)
    if len(missed) * SESSIONS_PER_MISSED_SESSION > sessions:
        blocking += temporary
    return Resolution(tuple(blocking), tuple(moves), NO_DATES if blocking else missed)


SlotKey = tuple[int, time, time, date | None, date | None, date | None]


class ConflictFinder:
    """Finds the conflicts of weekly meetings with busy times, and remembers them by the meetings' times.

    What it knows depends on the horizon and the busy times alone, so needs that differ in anything else can share one. Without
    arguments it is empty, for a need that shares nothing.
    """

    def __init__(self, horizon: Horizon | None = None, busy: tuple[BusyTime, ...] = ()) -> None:
        self.horizon = horizon or Horizon(date.min, 0, ())
        self.busy = busy
        self._known: dict[SlotKey, MeetingConflicts] = {}

    def adapted_to(
        self, from_day: date, weeks: int, closed: tuple[Interval[date], ...], busy: tuple[BusyTime, ...]
    ) -> "ConflictFinder":
        """Return a finder for these values that shares what holds for both: itself if nothing differs."""
        horizon = self.horizon
        if (horizon.from_day, horizon.weeks, horizon.closed) != (from_day, weeks, closed):
            return ConflictFinder(Horizon(from_day, weeks, closed), busy)
        return self if busy is self.busy or busy == self.busy else ConflictFinder(horizon, busy)

    @cached_property
    def temporary(self) -> frozenset[int]:
        """The numbers of the temporary commitments among the busy times."""
        until = self.horizon.until
        return frozenset(number for number, busy in enumerate(self.busy) if is_temporary(busy, until))

    @cached_property
    def spans_by_weekday(self) -> tuple[tuple[tuple[int, BusySpan], ...], ...]:
        """For each weekday the spans of the busy times, each with its busy time's number."""
        found: list[list[tuple[int, BusySpan]]] = [[] for _ in range(7)]
        for number, busy in enumerate(self.busy):
            for span in self.horizon.spans_of(busy):
                found[span.weekday].append((number, span))
        return tuple(map(tuple, found))

    def conflicts_with(self, meeting: WeeklyMeeting) -> MeetingConflicts:
        """Find what the meeting overlaps on its dates in the horizon."""
        key = (
            meeting.weekday,
            meeting.starts,
            meeting.ends,
            meeting.anchor,
            meeting.runs_from,
            meeting.runs_until,
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._find(meeting)
        return known

    def _find(self, meeting: WeeklyMeeting) -> MeetingConflicts:
        starts, ends = minute_of(meeting.starts), minute_of(meeting.ends)
        held = self.horizon.dates_of(meeting)
        is_always_held = held is self.horizon.open_days[meeting.weekday]
        conflicts: list[Conflict] = []
        near: list[tuple[tuple[date, int, int], NearConflict]] = []
        for number, span in self.spans_by_weekday[meeting.weekday]:
            earlier, later = span.end - starts, ends - span.start
            if earlier <= -TIGHT_GAP_MINUTES or later <= -TIGHT_GAP_MINUTES:
                continue
            dates = span.dates if is_always_held else tuple(on for on in span.dates if on in held)
            if not dates:
                continue
            busy, temporary = self.busy[number], number in self.temporary
            if earlier > 0 and later > 0:
                weekday = (meeting.weekday - span.days_before) % 7
                conflicts.append(
                    Conflict(
                        busy,
                        number,
                        span.days_before,
                        weekday,
                        earlier,
                        later,
                        busy.movable_minutes,
                        temporary,
                        dates,
                    )
                )
            elif not busy.is_treatment and not temporary:
                before = earlier <= 0
                order = (dates[0], number, -span.days_before)
                near.append((order, NearConflict(busy, -earlier if before else -later, before)))
        resolution = resolve_conflicts(conflicts, len(held)) if conflicts else NO_CONFLICTS
        return MeetingConflicts(
            conflicts=tuple(conflicts),
            sessions=len(held),
            near=tuple(each for _, each in sorted(near, key=lambda one: one[0])),
            blocking=resolution.blocking,
            moves=resolution.moves,
            missed=tuple(sorted(resolution.missed)),
        )


@dataclass(frozen=True, slots=True)
class CommitmentConflict(Reason):
    """A meeting and a busy time overlap, or the travel between them does not fit.

    `minutes` is how much time is missing, travel included; `overlap_minutes` is the part of it that is not travel.
    `gap_minutes` is the time between the two, 0 when they overlap. `before` tells whether the busy time starts before the
    meeting. `dates` is the number of dates with the conflict, `first_date` the first of them.
    """

    code: ClassVar[str] = "clash"
    meeting: WeeklyMeeting
    busy: BusyTime
    minutes: int
    overlap_minutes: int
    gap_minutes: int
    before: bool
    first_date: date
    dates: int

    @classmethod
    def between(cls, meeting: WeeklyMeeting, conflict: Conflict) -> "CommitmentConflict":
        """Build the reason from one of the meeting's conflicts.

        When only travel overlaps, the minutes that are missing can exceed the length of the meeting.
        """
        busy, held = conflict.busy, meeting.span
        padded_start, padded_end = held.end - conflict.minutes_later, held.start + conflict.minutes_earlier
        start, end = padded_start + busy.travel_before, padded_end - busy.travel_after
        overlap = max(0, min(end, held.end) - max(start, held.start))
        before = start < held.start
        if overlap:
            gap, minutes = 0, min(padded_end, held.end) - max(padded_start, held.start)
        elif before:
            gap, minutes = held.start - end, conflict.minutes_earlier
        else:
            gap, minutes = start - held.end, conflict.minutes_later
        return cls(
            meeting=meeting,
            busy=busy,
            minutes=minutes,
            overlap_minutes=overlap,
            gap_minutes=gap,
            before=before,
            first_date=conflict.dates[0],
            dates=len(conflict.dates),
        )

    @property
    def travel_minutes(self) -> int:
        """Minutes of travel between the two."""
        return self.busy.travel_after if self.before else self.busy.travel_before
