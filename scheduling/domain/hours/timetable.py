"""Apply the weekly-hours rules to a timetable that changes over time.

The timetable is divided into periods. Throughout a period, the same meetings run. Each period gets its own verdict.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from scheduling.domain.hours.rules import HoursRules, Verdict, WeeklyMeeting, assess_track
from timekeeping.intervals import Interval
from timekeeping.weeks import is_within

DAY = timedelta(days=1)
MeetingSwitch = tuple[date, WeeklyMeeting]
"""A date on which a meeting starts or ends, and the meeting. An end date is the day after the meeting's last day."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period during which the same meetings run, and the verdict on these meetings.

    `until` is the day after the last day of the period, or None if the period has no end.
    """

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
    """Divide the time from the date `first` on into periods during which the same meetings run.

    Return each period with the verdict on its meetings. Days before the first meeting starts are left out, and so are
    days after all meetings have ended. The last period has no end, unless all meetings end.

    Meetings that start or end in the same week change together. If a Monday group starts on Monday and a Friday group
    on Friday, the days between are not a separate period. The other arguments are those of `assess_track`.
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
    """Move the start and end dates of meetings after `first`, so that as few different dates as possible are left.

    The result maps each date and meeting to the new date. Each meeting is still held on the same days: a Friday group
    can start on Monday instead of Friday.
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
    """Return the dates on which the meeting could start or end instead of `day`, and still be held on the same days.

    For a meeting held every other week, return only `day`, because the meeting doesn't count toward the hours.
    """
    if meeting.anchor is not None:
        return Interval(day, day + DAY)
    following = day + timedelta(days=(meeting.weekday - day.weekday()) % 7)
    return Interval(following - 6 * DAY, following + DAY)
