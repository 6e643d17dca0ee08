"""The weekly-hours rule: what a track or a patient's choice of meetings adds up to, and every reason against it.

An intensive outpatient program is 9 hours a week or more (ASAM level 2.1); 20 hours or more is the higher band (ASAM level
2.5, partial hospitalization). That it is spread over 3 to 5 days, and the upper bound of 25 hours, are payers' and programs'
common practice. All bounds come from the RuleSet in force and are inclusive.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from itertools import combinations, pairwise

from scheduling.domain.hours.reasons import (
    BelowPrescribedDays,
    BelowPrescribedMinutes,
    FacilitatorDoubleBooked,
    NoMeetings,
    OverlappingMeetings,
    RoomDoubleBooked,
    ShortDay,
    TooFewDays,
    TooFewMinutes,
    TooManyDays,
    TooManyMinutes,
)
from timekeeping.intervals import Interval, covered_minutes, subtract
from timekeeping.reasons import Key, Reason
from timekeeping.weeks import Recurrence, minute_of, week_start

HIGHER_BAND_MINUTES = 1200


class Band(StrEnum):
    STANDARD = "standard"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursRules:
    """The weekly-hours policy in force: inclusive bounds in minutes and days a week."""

    minimum_minutes: int = 540
    maximum_minutes: int = 1500
    minimum_days: int = 3
    maximum_days: int = 5
    minimum_minutes_per_day: int = 0
    breaks_count: bool = False
    week_starts: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.minimum_minutes <= self.maximum_minutes:
            raise ValueError(f"minutes must be a range: {self.minimum_minutes}..{self.maximum_minutes}")
        if not 0 < self.minimum_days <= self.maximum_days <= 7:
            raise ValueError(f"days must be a range within a week: {self.minimum_days}..{self.maximum_days}")
        if self.minimum_minutes_per_day < 0:
            raise ValueError(f"a day can't need less than nothing: {self.minimum_minutes_per_day}")
        if self.week_starts not in range(7):
            raise ValueError(f"a weekday is 0 to 6: {self.week_starts}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyMeeting:
    """One weekly slot within one day. With an `anchor` it is held every other week; dates are half-open."""

    key: Key
    name: str
    weekday: int
    starts: time
    ends: time
    break_starts: time | None = None
    break_ends: time | None = None
    room: Key | None = None
    facilitators: frozenset[Key] = frozenset()
    anchor: date | None = None
    countable: bool = True
    runs_from: date | None = None
    runs_until: date | None = None
    places: int = 1

    def __post_init__(self) -> None:
        if self.weekday not in range(7):
            raise ValueError(f"a weekday is 0 to 6: {self.weekday}")
        if self.starts >= self.ends:
            raise ValueError(f"a meeting must end after it starts: {self.starts}..{self.ends}")
        if (self.break_starts is None) != (self.break_ends is None):
            raise ValueError("a break needs both its start and its end")
        if self.break_starts and self.break_ends and not self.starts < self.break_starts < self.break_ends < self.ends:
            raise ValueError(f"the break must lie inside the meeting: {self.break_starts}..{self.break_ends}")
        if self.runs_from and self.runs_until and self.runs_from >= self.runs_until:
            raise ValueError(f"a meeting must run for a day: {self.runs_from}..{self.runs_until}")

    @property
    def span(self) -> Interval[int]:
        """Minutes of the day from its start to its end."""
        return Interval(minute_of(self.starts), minute_of(self.ends))

    @property
    def recurrence(self) -> Recurrence:
        """The dates on which it is held, closures aside."""
        return Recurrence(
            weekdays=frozenset({self.weekday}),
            anchor=self.anchor,
            valid_from=self.runs_from,
            valid_until=self.runs_until,
        )

    def counted(self, rules: HoursRules) -> tuple[Interval[int], ...]:
        """The minutes of the day that count: without the break unless breaks count, none if the service does not."""
        if not self.countable:
            return ()
        if self.break_starts is None or self.break_ends is None or rules.breaks_count:
            return (self.span,)
        return subtract([self.span], [Interval(minute_of(self.break_starts), minute_of(self.break_ends))])

    def minutes(self, rules: HoursRules) -> int:
        return covered_minutes(self.counted(rules))

    def runs_on_or_after(self, first: date, until: date | None = None) -> bool:
        """Whether it runs on some day of the half-open range."""
        return (self.runs_until is None or first < self.runs_until) and (
            until is None or self.runs_from is None or self.runs_from < until
        )

    def overlaps(self, other: "WeeklyMeeting") -> bool:
        """Whether both are held at the same time on any date."""
        return self.weekday == other.weekday and self.span.overlaps(other.span) and _share_a_date(self, other)


def _share_a_date(one: WeeklyMeeting, two: WeeklyMeeting) -> bool:
    """Of two meetings of one weekday; what repeats every fortnight shows all it does in one."""
    starts = [day for day in (one.runs_from, two.runs_from) if day]
    ends = [day for day in (one.runs_until, two.runs_until) if day]
    if starts and ends:
        first = max(starts)
        fortnight = one.recurrence.dates(first, min(*ends, first + timedelta(weeks=2)))
        return any(two.recurrence.happens_on(day) for day in fortnight)
    if one.anchor is None or two.anchor is None:
        return True
    return (week_start(one.anchor) - week_start(two.anchor)).days % 14 == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What meetings add up to in a week, and every reason against them."""

    minutes: int
    days: int
    minutes_by_weekday: tuple[int, ...]
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.reasons

    @property
    def band(self) -> Band:
        return Band.HIGHER if self.minutes >= HIGHER_BAND_MINUTES else Band.STANDARD


@dataclass(frozen=True, slots=True)
class WeeklyTotals:
    minutes: int
    days: int
    by_weekday: tuple[int, ...]


def minutes_of_day(meetings: Sequence[WeeklyMeeting], rules: HoursRules) -> int:
    """What meetings of one weekday add up to. Those that overlap are alternatives, and the minutes they share count once.

    A stretch that several share counts as in the one that counts most of it: of two groups side by side each has its
    break, also when they take it at different times, and nobody attends the work of both.
    """
    if len(meetings) == 1:
        return meetings[0].minutes(rules)
    counted = [each.counted(rules) for each in meetings]
    edges = sorted({edge for each in meetings for edge in (each.span.start, each.span.end)})
    total = 0
    for stretch in (Interval(start, end) for start, end in pairwise(edges)):
        total += max(
            covered_minutes(shared for part in parts if (shared := part.intersection(stretch))) for parts in counted
        )
    return total


def add_up(meetings: Collection[WeeklyMeeting], rules: HoursRules, individual_minutes: int = 0) -> WeeklyTotals:
    """Minutes a week and distinct days of meetings held every week; those of every other week come on top, uncounted.

    The minutes that overlapping meetings share count once. Individual minutes count toward the minutes, not the days.
    """
    weekly = [each for each in meetings if each.anchor is None]
    by_weekday = tuple(minutes_of_day([each for each in weekly if each.weekday == day], rules) for day in range(7))
    return WeeklyTotals(sum(by_weekday) + individual_minutes, sum(1 for minutes in by_weekday if minutes), by_weekday)


def _within_bounds(sum_: WeeklyTotals, rules: HoursRules) -> Iterable[Reason]:
    if sum_.minutes < rules.minimum_minutes:
        yield TooFewMinutes(sum_.minutes, rules.minimum_minutes)
    if sum_.minutes > rules.maximum_minutes:
        yield TooManyMinutes(sum_.minutes, rules.maximum_minutes)
    if sum_.days < rules.minimum_days:
        yield TooFewDays(sum_.days, rules.minimum_days)
    if sum_.days > rules.maximum_days:
        yield TooManyDays(sum_.days, rules.maximum_days)
    for weekday, minutes in enumerate(sum_.by_weekday):
        if 0 < minutes < rules.minimum_minutes_per_day:
            yield ShortDay(weekday, minutes, rules.minimum_minutes_per_day)


def find_double_bookings(meetings: Sequence[WeeklyMeeting], others: Iterable[WeeklyMeeting] = ()) -> Iterable[Reason]:
    """Rooms and facilitators that `meetings` need in two places at once, among themselves or with `others`."""
    own = {each.key for each in meetings}
    pairs = list(combinations(meetings, 2))
    pairs += [(one, two) for one in meetings for two in others if two.key not in own]
    for one, two in pairs:
        if not one.overlaps(two):
            continue
        if one.room is not None and one.room == two.room:
            yield RoomDoubleBooked(one.room, one.weekday, one.name, two.name)
        for facilitator in sorted(one.facilitators & two.facilitators, key=str):
            yield FacilitatorDoubleBooked(facilitator, one.weekday, one.name, two.name)


def assess_track(
    meetings: Sequence[WeeklyMeeting],
    rules: HoursRules,
    *,
    individual_minutes: int = 0,
    others: Sequence[WeeklyMeeting] = (),
) -> Verdict:
    """Whether meetings that run in the same weeks make a track: enough hours, not too many, nobody in two places.

    Meetings that overlap are alternatives, of which a patient attends one: the minutes they share count once. `others` are
    the site's other running meetings, with which rooms and facilitators are shared.
    """
    total = add_up(meetings, rules, individual_minutes)
    reasons: list[Reason] = [] if meetings else [NoMeetings()]
    reasons += _within_bounds(total, rules)
    reasons += find_double_bookings(meetings, others)
    return Verdict(minutes=total.minutes, days=total.days, minutes_by_weekday=total.by_weekday, reasons=tuple(reasons))


def assess_choice(
    meetings: Sequence[WeeklyMeeting],
    rules: HoursRules,
    *,
    prescribed_minutes: int,
    prescribed_days: int,
    individual_minutes: int = 0,
) -> Verdict:
    """Whether a patient can attend these meetings: never two at once, as much as was prescribed, within the RuleSet."""
    total = add_up(meetings, rules, individual_minutes)
    reasons: list[Reason] = [] if meetings else [NoMeetings()]
    for one, two in combinations(meetings, 2):
        if one.overlaps(two):
            shared = one.span.intersection(two.span)
            reasons.append(
                OverlappingMeetings(one.name, two.name, one.weekday, covered_minutes([shared] if shared else []))
            )
    if total.minutes < prescribed_minutes:
        reasons.append(BelowPrescribedMinutes(total.minutes, prescribed_minutes))
    if total.days < prescribed_days:
        reasons.append(BelowPrescribedDays(total.days, prescribed_days))
    reasons += (
        reason
        for reason in _within_bounds(total, rules)
        if not _is_implied_by_prescription(reason, prescribed_minutes, prescribed_days)
    )
    return Verdict(minutes=total.minutes, days=total.days, minutes_by_weekday=total.by_weekday, reasons=tuple(reasons))


def _is_implied_by_prescription(reason: Reason, prescribed_minutes: int, prescribed_days: int) -> bool:
    """The prescription was missed too, and asks for as much or more: one sentence is enough."""
    return (isinstance(reason, TooFewMinutes) and reason.minutes < prescribed_minutes >= reason.minimum) or (
        isinstance(reason, TooFewDays) and reason.days < prescribed_days >= reason.minimum
    )
