"""Find the conflicts between a weekly meeting and a patient's busy times, and decide which ones block the meeting.

- Treatment that the patient already has blocks the meeting.
- A permanent commitment blocks the meeting, unless the commitment can move far enough.
- Temporary commitments that can't move far enough block the meeting if the patient would miss more than one in six of
  its sessions (product rule: at most two in twelve weeks).

A commitment is temporary if it is on single dates or ends within the horizon. All other commitments are permanent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from typing import ClassVar, NamedTuple

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.horizon import BusySpan, Horizon
from timekeeping.busy_times import BusyTime, treatment_key
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason
from timekeeping.weeks import OnDates, Recurrence, minute_of

SESSIONS_PER_MISSED_SESSION = 6
TIGHT_GAP_MINUTES = 15
"""The gap between a meeting and a commitment is tight if fewer minutes than this remain after travel."""

NO_DATES: frozenset[date] = frozenset()


class Conflict(NamedTuple):
    """A busy time that overlaps a weekly meeting, travel included.

    `number` is the index of the busy time in the patient's list. The busy time starts on `weekday`, which is
    `days_before` days before the meeting. The busy time would not overlap the meeting if it ended `minutes_earlier`
    minutes earlier or started `minutes_later` minutes later. `dates` are the meeting's dates with an overlap.
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
        """The fewest minutes by which the busy time must move in order not to overlap the meeting."""
        return min(self.minutes_earlier, self.minutes_later)

    @property
    def ends_earlier(self) -> bool:
        """Whether the smaller move is an earlier end, not a later start. True if both moves are equal."""
        return self.minutes_earlier <= self.minutes_later

    @property
    def can_move(self) -> bool:
        """Whether the busy time can move far enough to avoid the meeting."""
        return self.minutes_earlier <= self.movable_minutes or self.minutes_later <= self.movable_minutes

    @property
    def date_order(self) -> tuple[date, int, int]:
        """Sort key: by first date, then by the index of the busy time, then by the day on which it starts."""
        return self.dates[0], self.number, -self.days_before


class NearConflict(NamedTuple):
    """A permanent commitment that leaves little time before or after a meeting.

    `minutes` is the time that remains after travel. `before` is whether the commitment comes before the meeting.
    """

    busy: BusyTime
    minutes: int
    before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingConflicts:
    """All conflicts of a weekly meeting, and their consequences.

    `sessions` is the number of sessions that the meeting has in the horizon. If `blocking` is empty, the patient can
    attend the meeting, but must move the busy times in `moves` and miss the sessions on the dates in `missed`. `near`
    has the commitments that leave little time before or after the meeting, sorted by first date.
    """

    conflicts: tuple[Conflict, ...]
    sessions: int
    near: tuple[NearConflict, ...]
    blocking: tuple[Conflict, ...]
    moves: tuple[Conflict, ...]
    missed: tuple[date, ...]

    @property
    def is_tight(self) -> bool:
        """Whether a permanent commitment leaves little time before or after the meeting."""
        return bool(self.near)


class Resolution(NamedTuple):
    """The outcome of a meeting's conflicts: which ones block it, which busy times must move, and which dates are missed."""

    blocking: tuple[Conflict, ...]
    moves: tuple[Conflict, ...]
    missed: frozenset[date]


NO_CONFLICTS = Resolution((), (), NO_DATES)


def is_temporary(busy: BusyTime, until: date) -> bool:
    """Whether a commitment is only on single dates or ends by `until`. Treatment never counts as temporary."""
    if busy.is_treatment:
        return False
    if isinstance(busy.recurrence, OnDates):
        return True
    return busy.recurrence.valid_until is not None and busy.recurrence.valid_until <= until


def resolve_conflicts(conflicts: Iterable[Conflict], sessions: int) -> Resolution:
    """Decide which conflicts block a meeting. `sessions` is the number of sessions that the meeting has in the horizon.

    Temporary conflicts block the meeting if the patient would miss more than one in six sessions because of them
    (product rule). If the meeting is blocked, no dates are returned as missed.
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
    """Finds the conflicts of weekly meetings with a patient's busy times, and caches them by the times of the meeting.

    Needs with the same horizon and the same busy times can share a finder. A finder created without arguments is empty.
    Its method `adapted_to` returns a finder with dates and busy times.
    """

    def __init__(self, horizon: Horizon | None = None, busy: tuple[BusyTime, ...] = ()) -> None:
        self.horizon = horizon or Horizon(date.min, 0, ())
        self.busy = busy
        self._known: dict[SlotKey, MeetingConflicts] = {}

    def adapted_to(
        self, from_day: date, weeks: int, closed: tuple[Interval[date], ...], busy: tuple[BusyTime, ...]
    ) -> "ConflictFinder":
        """Return a finder with the given values: this finder if it already has them, otherwise a new one.

        If only the busy times differ, the new finder reuses the horizon.
        """
        horizon = self.horizon
        if (horizon.from_day, horizon.weeks, horizon.closed) != (from_day, weeks, closed):
            return ConflictFinder(Horizon(from_day, weeks, closed), busy)
        return self if busy is self.busy or busy == self.busy else ConflictFinder(horizon, busy)

    @cached_property
    def temporary(self) -> frozenset[int]:
        """Indexes of the temporary commitments in `busy`."""
        until = self.horizon.until
        return frozenset(number for number, busy in enumerate(self.busy) if is_temporary(busy, until))

    @cached_property
    def spans_by_weekday(self) -> tuple[tuple[tuple[int, BusySpan], ...], ...]:
        """For each weekday, the spans of the busy times on that day, each with the index of its busy time in `busy`."""
        found: list[list[tuple[int, BusySpan]]] = [[] for _ in range(7)]
        for number, busy in enumerate(self.busy):
            for span in self.horizon.spans_of(busy):
                found[span.weekday].append((number, span))
        return tuple(map(tuple, found))

    def conflicts_with(self, meeting: WeeklyMeeting) -> MeetingConflicts:
        """Return the conflicts between the meeting and the busy times, on the meeting's dates in the horizon."""
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
        meeting_dates = self.horizon.dates_of(meeting)
        is_always_held = meeting_dates is self.horizon.open_days[meeting.weekday]
        conflicts: list[Conflict] = []
        near: list[tuple[tuple[date, int, int], NearConflict]] = []
        for number, span in self.spans_by_weekday[meeting.weekday]:
            earlier, later = span.end - starts, ends - span.start
            if earlier <= -TIGHT_GAP_MINUTES or later <= -TIGHT_GAP_MINUTES:
                continue
            dates = span.dates if is_always_held else tuple(on for on in span.dates if on in meeting_dates)
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
        resolution = resolve_conflicts(conflicts, len(meeting_dates)) if conflicts else NO_CONFLICTS
        return MeetingConflicts(
            conflicts=tuple(conflicts),
            sessions=len(meeting_dates),
            near=tuple(each for _, each in sorted(near, key=lambda one: one[0])),
            blocking=resolution.blocking,
            moves=resolution.moves,
            missed=tuple(sorted(resolution.missed)),
        )


@dataclass(frozen=True, slots=True)
class CommitmentConflict(Reason):
    """The meeting overlaps a busy time, or there is not enough time to travel between the two.

    - `overlap_minutes`: overlap of the meeting with the busy time alone.
    - `gap_minutes`: time between the busy time and the meeting, or 0 if they overlap.
    - `minutes`: overlap of the meeting with the busy time and its travel. If only the travel overlaps the meeting,
      these are the minutes that are missing for the travel.
    - `before`: whether the busy time starts before the meeting.
    - `sessions`: number of sessions that the meeting has in the horizon.
    - `dates`, `first_date`: number of these sessions with the conflict, and the date of the first one.
    - `every_other_week`: whether the meeting or the busy time takes place only every other week.
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
    sessions: int
    every_other_week: bool

    @classmethod
    def between(cls, meeting: WeeklyMeeting, conflict: Conflict, sessions: int) -> "CommitmentConflict":
        """Return a conflict of the meeting as a reason.

        `sessions` is the number of sessions that the meeting has in the horizon.
        """
        busy, span = conflict.busy, meeting.span
        padded_start, padded_end = span.end - conflict.minutes_later, span.start + conflict.minutes_earlier
        start, end = padded_start + busy.travel_before, padded_end - busy.travel_after
        overlap = max(0, min(end, span.end) - max(start, span.start))
        before = start < span.start
        if overlap:
            gap, minutes = 0, min(padded_end, span.end) - max(padded_start, span.start)
        elif before:
            gap, minutes = span.start - end, conflict.minutes_earlier
        else:
            gap, minutes = start - span.end, conflict.minutes_later
        return cls(
            meeting=meeting,
            busy=busy,
            minutes=minutes,
            overlap_minutes=overlap,
            gap_minutes=gap,
            before=before,
            first_date=conflict.dates[0],
            dates=len(conflict.dates),
            sessions=sessions,
            every_other_week=meeting.anchor is not None or _is_every_other_week(busy),
        )

    @property
    def travel_minutes(self) -> int:
        """Minutes of travel between the busy time and the meeting."""
        return self.busy.travel_after if self.before else self.busy.travel_before

    @property
    def is_attended(self) -> bool:
        """Whether the busy time is the meeting itself, because the patient already attends it."""
        return self.busy.is_treatment and self.busy.key == treatment_key(self.meeting.key)

    @property
    def is_always(self) -> bool:
        """Whether the conflict happens on every date of the meeting."""
        return self.dates == self.sessions


def _is_every_other_week(busy: BusyTime) -> bool:
    return isinstance(busy.recurrence, Recurrence) and busy.recurrence.anchor is not None
