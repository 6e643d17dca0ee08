"""The weekly-hours rule: count the hours and days of a week's meetings, and find every rule that they break.

An intensive outpatient program has at least 9 hours a week (ASAM level 2.1). With 20 hours a week or more, a track is
in the higher band (ASAM level 2.5, partial hospitalization). The maximum of 25 hours and the spread over 3 to 5 days
are common practice among payers and programs. All bounds are inclusive and come from the RuleSet in force.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
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
from timekeeping.occurrences import MeetingPattern
from timekeeping.reasons import Key, Reason
from timekeeping.weeks import minute_of, week_start

HIGHER_BAND_MINUTES = 1200


class Band(StrEnum):
    """The band of a track: higher if the track has at least 20 hours a week, otherwise standard."""

    STANDARD = "standard"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursRules:
    """The weekly-hours rules in force: inclusive minimums and maximums in minutes and days per week.

    `week_starts` is the weekday on which the week begins (Monday is 0). Raises ValueError if a minimum is above its
    maximum, or if a value is out of range.
    """

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
            raise ValueError(f"minutes a day can't be negative: {self.minimum_minutes_per_day}")
        if self.week_starts not in range(7):
            raise ValueError(f"a weekday is 0 to 6: {self.week_starts}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyMeeting(MeetingPattern):
    """A weekly meeting with its time slot, room, facilitators and spots.

    Its minutes count toward weekly hours only if `countable` is True.
    """

    key: Key
    name: str
    room: Key | None = None
    facilitators: frozenset[Key] = frozenset()
    countable: bool = True
    places: int = 1

    def __post_init__(self) -> None:
        # dataclass(slots=True) creates a new class, so super() without arguments would fail here.
        MeetingPattern.__post_init__(self)
        if self.runs_from and self.runs_until and self.runs_from >= self.runs_until:
            raise ValueError(f"a meeting must run for a day: {self.runs_from}..{self.runs_until}")

    @property
    def span(self) -> Interval[int]:
        """The interval from the meeting's start to its end, in minutes since midnight. It includes the break."""
        return Interval(minute_of(self.starts), minute_of(self.ends))

    @property
    def week_order(self) -> tuple[int, int, int, str]:
        """A sort key that orders meetings by weekday and time. No two meetings have the same key."""
        return self.weekday, minute_of(self.starts), minute_of(self.ends), str(self.key)

    def counted(self, rules: HoursRules) -> tuple[Interval[int], ...]:
        """Return the intervals of the meeting that count toward weekly hours, in minutes since midnight.

        The break is left out unless the rules count breaks. A meeting that is not countable has no such intervals.
        """
        if not self.countable:
            return ()
        if self.break_starts is None or self.break_ends is None or rules.breaks_count:
            return (self.span,)
        return subtract([self.span], [Interval(minute_of(self.break_starts), minute_of(self.break_ends))])

    def minutes(self, rules: HoursRules) -> int:
        """Return the meeting's countable minutes."""
        return covered_minutes(self.counted(rules))

    def runs_on_or_after(self, first: date, until: date | None = None) -> bool:
        """Whether the meeting runs on any day in [first, until). None for `until` means no end."""
        return (self.runs_until is None or first < self.runs_until) and (
            until is None or self.runs_from is None or self.runs_from < until
        )

    def overlaps(self, other: "WeeklyMeeting") -> bool:
        """Whether the two meetings are held at the same time on at least one date."""
        return self.weekday == other.weekday and self.span.overlaps(other.span) and _share_a_date(self, other)


def _share_a_date(one: WeeklyMeeting, two: WeeklyMeeting) -> bool:
    """Whether two meetings on the same weekday share a date.

    Meetings are held weekly or every other week, so it is enough to compare two weeks.
    """
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
    """The result of judging a week's meetings: countable minutes and days, and every reason against the meetings.

    `minutes` includes the minutes of individual sessions. `days` and `minutes_by_weekday` do not.
    """

    minutes: int
    days: int
    minutes_by_weekday: tuple[int, ...]
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether there is no reason against the meetings."""
        return not self.reasons

    @property
    def band(self) -> Band:
        """The higher band if the week has at least 20 countable hours, otherwise the standard band."""
        return Band.HIGHER if self.minutes >= HIGHER_BAND_MINUTES else Band.STANDARD


@dataclass(frozen=True, slots=True)
class WeeklyTotals:
    """The totals of a week: countable minutes, and the number of days on which meetings have countable minutes.

    `minutes` includes individual sessions. `by_weekday` has the meetings' countable minutes for each day, Monday first.
    """

    minutes: int
    days: int
    by_weekday: tuple[int, ...]


def minutes_of_day(meetings: Sequence[WeeklyMeeting], rules: HoursRules) -> int:
    """Return the countable minutes of one weekday's meetings. Time during which meetings overlap counts once.

    Meetings that overlap are alternatives: a patient attends only one of them. Without breaks, 9:00-12:00 and
    11:00-13:00 count 240 minutes. Of two meetings with the same start and end, the one with the shorter break counts.
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
    """Return the countable minutes and days of the meetings in a week. Meetings held every other week don't count.

    Time during which meetings overlap counts once. `individual_minutes` (per week) are added to the minutes, but not to
    the days.
    """
    weekly = [each for each in meetings if each.anchor is None]
    by_weekday = tuple(minutes_of_day([each for each in weekly if each.weekday == day], rules) for day in range(7))
    return WeeklyTotals(sum(by_weekday) + individual_minutes, sum(1 for minutes in by_weekday if minutes), by_weekday)


def _check_bounds(total: WeeklyTotals, rules: HoursRules) -> Iterable[Reason]:
    if total.minutes < rules.minimum_minutes:
        yield TooFewMinutes(total.minutes, rules.minimum_minutes)
    if total.minutes > rules.maximum_minutes:
        yield TooManyMinutes(total.minutes, rules.maximum_minutes)
    if total.days < rules.minimum_days:
        yield TooFewDays(total.days, rules.minimum_days)
    if total.days > rules.maximum_days:
        yield TooManyDays(total.days, rules.maximum_days)
    for weekday, minutes in enumerate(total.by_weekday):
        if 0 < minutes < rules.minimum_minutes_per_day:
            yield ShortDay(weekday, minutes, rules.minimum_minutes_per_day)


def find_double_bookings(meetings: Sequence[WeeklyMeeting], others: Iterable[WeeklyMeeting] = ()) -> Iterable[Reason]:
    """Yield a reason for each room and each facilitator that two meetings need at the same time.

    Each meeting in `meetings` is compared with all other meetings. The meetings in `others` are not compared with each
    other.
    """
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
    """Judge whether meetings that run in the same weeks make a valid track under the rules.

    The weekly hours and days must be within the bounds, and no room or facilitator may be double-booked. Meetings that
    overlap are alternatives, so the time during which they overlap counts once. `individual_minutes` are the weekly
    minutes that the track arranges with each patient individually. `others` are the site's other meetings.
    """
    total = add_up(meetings, rules, individual_minutes)
    reasons: list[Reason] = [] if meetings else [NoMeetings()]
    reasons += _check_bounds(total, rules)
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
    """Judge whether a patient can attend these meetings every week.

    No two meetings may overlap. The days and minutes per week must reach the prescription, and be within the bounds of
    the rules. `individual_minutes` (per week) are added to the minutes of the meetings.
    """
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
        for reason in _check_bounds(total, rules)
        if not _is_implied_by_prescription(reason, prescribed_minutes, prescribed_days)
    )
    return Verdict(minutes=total.minutes, days=total.days, minutes_by_weekday=total.by_weekday, reasons=tuple(reasons))


def _is_implied_by_prescription(reason: Reason, prescribed_minutes: int, prescribed_days: int) -> bool:
    """Whether the reason only repeats that the prescription is not met.

    For example, if 600 minutes are prescribed, TooFewMinutes with 400 minutes and a minimum of 540 says nothing new.
    """
    return (isinstance(reason, TooFewMinutes) and reason.minutes < prescribed_minutes >= reason.minimum) or (
        isinstance(reason, TooFewDays) and reason.days < prescribed_days >= reason.minimum
    )
