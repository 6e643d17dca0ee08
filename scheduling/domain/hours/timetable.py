"""The hours rule over time: a timetable that changes is judged for every stretch in which the same meetings run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from scheduling.domain.hours.rules import HoursRules, Verdict, WeeklyMeeting, assess_track
from timekeeping.intervals import Interval

DAY = timedelta(days=1)
MeetingSwitch = tuple[date, WeeklyMeeting]


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open dates on which the same meetings run, and what they add up to. `until` None is open."""

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
    """The verdict for each stretch from `first` on in which the same meetings run; the last one is open.

    Groups that begin or end within one round of the week change together: a track whose Monday group runs from a Monday
    and whose Friday group runs from that Friday has no short first days. Days on which nothing runs yet, before the first
    meeting begins, or any more, after the last has ended, are left out.
    """
    running = [each for each in meetings if each.runs_on_or_after(first)]
    settled = _align_boundaries(running, first)
    periods: list[Period] = []
    for begin, until in pairwise([*sorted({first, *settled.values()}), None]):
        assert begin is not None
        now_running = [each for each in running if _runs(each, begin, settled)]
        not_yet, no_more = not periods and until is not None, bool(periods) and until is None
        if not now_running and (not_yet or no_more):
            continue
        beside = [each for each in others if each.runs_on_or_after(begin, until)]
        verdict = assess_track(now_running, rules, individual_minutes=individual_minutes, others=beside)
        periods.append(Period(begin, until, verdict))
    return tuple(periods)


def _runs(meeting: WeeklyMeeting, day: date, settled: dict[MeetingSwitch, date]) -> bool:
    begins, ends = meeting.runs_from, meeting.runs_until
    return (begins is None or settled.get((begins, meeting), begins) <= day) and (
        ends is None or day < settled.get((ends, meeting), ends)
    )


def _align_boundaries(meetings: Collection[WeeklyMeeting], first: date) -> dict[MeetingSwitch, date]:
    """For each meeting's beginning or end after `first` a day on which it might as well be, so that these are few.

    A Friday group that runs from a Monday or from the Friday after is held on the same dates. Taking the change that must
    come first, and with it all that can come on its day, finds the fewest.
    """
    changes = [(day, each) for each in meetings for day in (each.runs_from, each.runs_until) if day and day > first]
    left = sorted(((_leeway(day, each), day, each) for day, each in changes), key=lambda change: change[0].end)
    settled: dict[MeetingSwitch, date] = {}
    while left:
        last = left[0][0].end - DAY
        together = [change for change in left if change[0].contains(last)]
        earliest = max(leeway.start for leeway, _, _ in together)
        named = [day for _, day, _ in together if earliest <= day <= last]
        on = first if earliest <= first else min(named, default=last)
        settled |= {(day, each): on for _, day, each in together}
        left = [change for change in left if not change[0].contains(last)]
    return settled


def _leeway(day: date, meeting: WeeklyMeeting) -> Interval[date]:
    """The days to which a beginning or end on `day` could be moved without a change to the dates of the meeting.

    What is held every other week is no part of the hours, and changes on the day that was given.
    """
    if meeting.anchor is not None:
        return Interval(day, day + DAY)
    following = day + timedelta(days=(meeting.weekday - day.weekday()) % 7)
    return Interval(following - 6 * DAY, following + DAY)
