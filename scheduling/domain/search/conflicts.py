"""What a weekly meeting runs into in a patient's life, and what of it would have to give way.

A commitment that lasts is in the way, unless it can give way at one end by as much as is needed. One that passes, which is
dated or ends within the horizon, may cost a few sessions instead: at most one in six of the meeting's dates (the product's own
choice: two of twelve weeks). Other treatment is always in the way.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need
from scheduling.domain.search.obstacles import CommitmentConflict
from timekeeping.intervals import Interval
from timekeeping.weeks import MINUTES_A_DAY, BusyTime, Occasion, OnDates, minute_of

SESSIONS_PER_MISSED_SESSION = 6
TIGHT_GAP_MINUTES = 15
"""Less than this between treatment and a commitment, travel aside, is cut fine."""

ConflictKey = tuple[int, int]
"""The number of a busy time, and how many days after it began the meeting is that it runs into."""


NO_CONFLICTS: frozenset[ConflictKey] = frozenset()
NO_MISSED_DATES: frozenset[date] = frozenset()


class Conflict(NamedTuple):
    """What a meeting asks of a busy time: to end so many minutes earlier, or to begin so much later; and how much it may."""

    earlier: int
    later: int
    movable: int

    @property
    def minutes(self) -> int:
        return min(self.earlier, self.later)


@dataclass(frozen=True, slots=True)
class MeetingConflicts:
    """All that a meeting runs into: what it asks of each, and on which dates; it is `held` so many times in the horizon."""

    asks: Mapping[ConflictKey, Conflict]
    dates: Mapping[ConflictKey, Sequence[date]]
    held: int
    is_close: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentMove:
    """What would have to move for a meeting: a commitment ends so many minutes earlier, or begins so much later."""

    busy: BusyTime
    weekday: int
    ends_earlier: bool
    minutes: int
    passes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictResolution:
    """How a meeting stands to a life: what is in its way, what has to give way for it, which of its dates would be missed.

    `is_close` says that little time is left between it and a commitment.
    """

    blocking: frozenset[ConflictKey]
    gives: tuple[CommitmentMove, ...]
    missed: tuple[date, ...]
    is_close: bool


def temporary_numbers(need: Need) -> frozenset[int]:
    """The numbers of what is an exception in the patient's weeks: on dates alone, or over within the horizon. Treatment never
    is.
    """
    if "passing" not in need.remembered:
        need.remembered["temporary_numbers"] = frozenset(
            number for number, busy in enumerate(need.busy) if is_temporary(busy, need)
        )
    found: frozenset[int] = need.remembered["temporary_numbers"]
    return found


def is_temporary(busy: BusyTime, need: Need) -> bool:
    """Whether it is an exception in the patient's weeks: on dates alone, or over within the horizon. Treatment never is."""
    if busy.is_treatment:
        return False
    if isinstance(busy.recurrence, OnDates):
        return True
    return busy.recurrence.valid_until is not None and busy.recurrence.valid_until <= need.until


def resolve_meeting(meeting: WeeklyMeeting, need: Need) -> ConflictResolution:
    """How the meeting stands to everything in the patient's life on its dates in the horizon."""
    slot = ("stance", *_slot_key(meeting))
    if slot not in need.remembered:
        need.remembered[slot] = _resolve_meeting(meeting, need)
    found: ConflictResolution = need.remembered[slot]
    return found


def find_conflicts(meeting: WeeklyMeeting, need: Need) -> MeetingConflicts:
    """What the meeting meets in the patient's life on its dates in the horizon, whatever may give way."""
    slot = ("encounter", *_slot_key(meeting))
    if slot not in need.remembered:
        need.remembered[slot] = _find_conflicts(meeting, need)
    found: MeetingConflicts = need.remembered[slot]
    return found


def _slot_key(meeting: WeeklyMeeting) -> tuple[Hashable, ...]:
    return meeting.weekday, meeting.starts, meeting.ends, meeting.anchor, meeting.runs_from, meeting.runs_until


def missed_dates(meeting: WeeklyMeeting, need: Need) -> tuple[date, ...]:
    """The dates on which the patient will not be there although the meeting fits, in order."""
    found = resolve_meeting(meeting, need)
    return () if found.blocking else found.missed


def _resolve_meeting(meeting: WeeklyMeeting, need: Need) -> ConflictResolution:
    found = find_conflicts(meeting, need)
    blocking, giving, missed = resolve_conflicts(found, found.asks, need)
    gives = tuple(
        CommitmentMove(
            busy=need.busy[hit[0]],
            weekday=(meeting.weekday - hit[1]) % 7,
            ends_earlier=found.asks[hit].earlier <= found.asks[hit].later,
            minutes=found.asks[hit].minutes,
            passes=hit[0] in temporary_numbers(need),
        )
        for hit in giving
    )
    return ConflictResolution(blocking=blocking, gives=gives, missed=tuple(sorted(missed)), is_close=found.is_close)


def _find_conflicts(meeting: WeeklyMeeting, need: Need) -> MeetingConflicts:
    begins, ends = minute_of(meeting.starts), minute_of(meeting.ends)
    held = need.dates_of(meeting)
    is_every = held is need.open_days[meeting.weekday]
    asks: dict[ConflictKey, Conflict] = {}
    hit_on: dict[ConflictKey, Sequence[date]] = {}
    is_close = False
    for around in need.week[meeting.weekday]:
        earlier, later = around.end - begins, ends - around.start
        if earlier <= -TIGHT_GAP_MINUTES or later <= -TIGHT_GAP_MINUTES:
            continue
        dates = around.dates if is_every else tuple(on for on in around.dates if on in held)
        if not dates:
            continue
        busy = need.busy[around.number]
        if earlier > 0 and later > 0:
            hit = (around.number, around.days_before)
            asks[hit] = Conflict(earlier, later, busy.movable_minutes)
            hit_on[hit] = dates
        else:
            is_close = is_close or (not busy.is_treatment and around.number not in temporary_numbers(need))
    return MeetingConflicts(asks, hit_on, len(held), is_close)


def resolve_conflicts(
    found: MeetingConflicts, asks: Mapping[ConflictKey, Conflict], need: Need
) -> tuple[frozenset[ConflictKey], tuple[ConflictKey, ...], frozenset[date]]:
    """Of what a meeting runs into, if it asks so much: what is in its way, what gives way for it, and the dates it is missed.

    What passes is in the way too once it costs too many sessions; then none is missed.
    """
    if not asks:
        return NO_CONFLICTS, (), NO_MISSED_DATES
    blocking: set[ConflictKey] = set()
    exceptions: set[ConflictKey] = set()
    giving: list[ConflictKey] = []
    numbers = temporary_numbers(need)
    for hit, (earlier, later, movable) in asks.items():
        if earlier <= movable or later <= movable:
            giving.append(hit)
        elif hit[0] in numbers:
            exceptions.add(hit)
        else:
            blocking.add(hit)
    if not exceptions:
        return frozenset(blocking), tuple(giving), NO_MISSED_DATES
    missed = frozenset(on for hit in exceptions for on in found.dates[hit])
    if len(missed) * SESSIONS_PER_MISSED_SESSION > found.held:
        return frozenset(blocking | exceptions), tuple(giving), NO_MISSED_DATES
    return frozenset(blocking), tuple(giving), missed


def blocking_conflicts(meeting: WeeklyMeeting, need: Need) -> tuple[CommitmentConflict, ...]:
    """What is in the way of the meeting: one for each busy time and side of it, with the first date and on how many."""
    blocking = resolve_meeting(meeting, need).blocking
    return tuple(clash for hit, clash in _dated_conflicts(meeting, need).items() if hit in blocking) if blocking else ()


def _dated_conflicts(meeting: WeeklyMeeting, need: Need) -> dict[ConflictKey, CommitmentConflict]:
    """All that it runs into. On the wall clock it is the same every time."""
    dates: dict[ConflictKey, int] = {}
    clash: dict[ConflictKey, CommitmentConflict] = {}
    held = meeting.span
    for on in need.dates_of(meeting):
        day = (on - need.from_day).days
        span = Interval(day * MINUTES_A_DAY + held.start, day * MINUTES_A_DAY + held.end)
        for number, occasion in need.occasions_by_day.get(day, ()):
            if occasion.padded.overlaps(span):
                hit = (number, (on - occasion.on).days)
                if hit not in clash:
                    clash[hit] = _dated_conflict(meeting, need.busy[number], occasion, span, on)
                dates[hit] = dates.get(hit, 0) + 1
    return {hit: replace(found, dates=dates[hit]) for hit, found in clash.items()}


def _dated_conflict(
    meeting: WeeklyMeeting, busy: BusyTime, occasion: Occasion, span: Interval[int], on: date
) -> CommitmentConflict:
    """Of one date. Where only the way is too long, what it lacks may be more than the whole meeting lasts."""
    before = occasion.bare.start < span.start
    overlap, shared = occasion.bare.intersection(span), occasion.padded.intersection(span)
    if overlap and shared:
        gap, minutes = 0, shared.end - shared.start
    elif before:
        gap = span.start - occasion.bare.end
        minutes = busy.travel_after - gap
    else:
        gap = occasion.bare.start - span.end
        minutes = busy.travel_before - gap
    return CommitmentConflict(
        meeting=meeting,
        busy=busy,
        minutes=minutes,
        overlap_minutes=overlap.end - overlap.start if overlap else 0,
        gap_minutes=gap,
        before=before,
        first_date=on,
        dates=1,
    )
