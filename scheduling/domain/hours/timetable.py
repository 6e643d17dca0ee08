"""The weekly-hours rule over time: judge a changing timetable for each period in which the same meetings run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from scheduling.domain.hours.rules import HoursRules, Verdict, WeeklyMeeting, assess_track
from timekeeping.intervals import Interval
from timekeeping.weeks import is_within

DAY = timedelta(days=1)
MeetingSwitch = tuple[date, WeeklyMeeting]
"""A date on which a meeting begins or has ended."""


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open range of dates in which the same meetings run, and their verdict. `until` None is open."""

    first: date
    until: date | None
    verdict: Verdict


def assess_timetable(
    meetings: Sequence[WeeklyMeeting],
    rules: HoursRules,
    *,
    first: date,
    individual_minutes: int = 0,
    others: Sequence[WeeklyMeeting] = (),
) -> tuple[Period, ...]:
    """Judge each period from `first` on in which the same meetings run; the last period is open.

    Groups that begin or end in the same week count as changing together: a track whose Monday group runs from a Monday and
    whose Friday group runs from that Friday has no short first days. The days before the first meeting begins and after the
    last has ended are left out. The other arguments are those of `assess_track`.
    """
    meetings = [each for each in meetings if each.runs_on_or_after(first)]
    aligned = _align_boundaries(meetings, first)
    periods: list[Period] = []
    for begin, until in pairwise([*sorted({first, *aligned.values()}), None]):
        assert begin is not None
        running = [each for each in meetings if _runs(each, begin, aligned)]
        not_yet, no_more = not periods and until is not None, bool(periods) and until is None
        if not running and (not_yet or no_more):
            continue
        beside = [each for each in others if each.runs_on_or_after(begin, until)]
        verdict = assess_track(running, rules, individual_minutes=individual_minutes, others=beside)
        periods.append(Period(begin, until, verdict))
    return tuple(periods)


def _runs(meeting: WeeklyMeeting, day: date, aligned: dict[MeetingSwitch, date]) -> bool:
    begins, ends = meeting.runs_from, meeting.runs_until
    return is_within(
        day, begins and aligned.get((begins, meeting), begins), ends and aligned.get((ends, meeting), ends)
    )


def _align_boundaries(meetings: Collection[WeeklyMeeting], first: date) -> dict[MeetingSwitch, date]:
    """Map each beginning or end after `first` to an equivalent date, so that there are as few dates as possible.

    A Friday group that runs from a Monday is held on the same dates as one that runs from the Friday after. Taking the change
    with the earliest deadline, and every other change that can be on its date, finds the fewest dates.
    """
    changes = [(day, each) for each in meetings for day in (each.runs_from, each.runs_until) if day and day > first]
    left = sorted(((_leeway(day, each), day, each) for day, each in changes), key=lambda change: change[0].end)
    aligned: dict[MeetingSwitch, date] = {}
    while left:
        last = left[0][0].end - DAY
        together = [change for change in left if change[0].contains(last)]
        earliest = max(leeway.start for leeway, _, _ in together)
        given = [day for _, day, _ in together if earliest <= day <= last]
        on = first if earliest <= first else min(given, default=last)
        aligned |= {(day, each): on for _, day, each in together}
        left = [change for change in left if not change[0].contains(last)]
    return aligned


def _leeway(day: date, meeting: WeeklyMeeting) -> Interval[date]:
    """Return the days to which a beginning or end on `day` could move without changing the dates of the meeting.

    A meeting held every other week does not count toward the hours, so its change stays on the given day.
    """
    if meeting.anchor is not None:
        return Interval(day, day + DAY)
    following = day + timedelta(days=(meeting.weekday - day.weekday()) % 7)
    return Interval(following - 6 * DAY, following + DAY)
