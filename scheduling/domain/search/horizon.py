"""The dates for which schedules are checked (the horizon), and the parts of busy times that fall on these dates."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

from scheduling.domain.hours.rules import WeeklyMeeting
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import MINUTES_A_DAY, minute_of


class BusySpan(NamedTuple):
    """A busy time as seen from one of the weekdays on which a part of it falls.

    `start` and `end` are those of the whole busy time, with travel, in minutes from midnight of that weekday. They can be
    negative or more than 1440. `days_before` is how many days earlier the busy time starts, without travel. `dates` are
    the dates of that weekday on which it recurs.

    22:00 to 2:00 gives two spans: `start=1320, end=1560, days_before=0`, and on the next day `start=-120, end=120,
    days_before=1`. On a day that has only the travel to a busy time, `days_before` is -1.
    """

    weekday: int
    days_before: int
    start: int
    end: int
    dates: tuple[date, ...]


class Horizon:
    """The dates on which the site is open, in the `weeks` weeks that begin on `from_day`.

    The spans of each busy time are computed once and cached.
    """

    def __init__(self, from_day: date, weeks: int, closed: tuple[Interval[date], ...]) -> None:
        self.from_day = from_day
        self.weeks = weeks
        self.closed = closed
        self.until = from_day + timedelta(weeks=weeks)
        self._spans: dict[BusyTime, tuple[BusySpan, ...]] = {}

    @cached_property
    def open_days(self) -> tuple[tuple[date, ...], ...]:
        """For each weekday, the dates in the horizon on which the site is open."""
        found: list[list[date]] = [[] for _ in range(7)]
        for number in range((self.until - self.from_day).days):
            on = self.from_day + timedelta(days=number)
            if not any(closure.contains(on) for closure in self.closed):
                found[on.weekday()].append(on)
        return tuple(map(tuple, found))

    def dates_of(self, meeting: WeeklyMeeting) -> Sequence[date]:
        """Return the dates in the horizon on which the meeting is held, in order."""
        days = self.open_days[meeting.weekday]
        if meeting.anchor is None and meeting.runs_from is None and meeting.runs_until is None:
            return days
        recurrence = meeting.recurrence
        return tuple(on for on in days if recurrence.happens_on(on))

    def spans_of(self, busy: BusyTime) -> tuple[BusySpan, ...]:
        """Return the spans of a busy time. A busy time that runs past midnight has separate spans for each day."""
        if busy not in self._spans:
            self._spans[busy] = tuple(self._find_spans(busy))
        return self._spans[busy]

    def _find_spans(self, busy: BusyTime) -> Iterator[BusySpan]:
        start = minute_of(busy.starts) - busy.travel_before
        end = minute_of(busy.starts) + busy.minutes + busy.travel_after
        is_open = set().union(*self.open_days)
        for days_before in range(start // MINUTES_A_DAY, (end - 1) // MINUTES_A_DAY + 1):
            later = timedelta(days=days_before)
            found: list[list[date]] = [[] for _ in range(7)]
            for started in busy.recurrence.dates(self.from_day - later, self.until - later):
                if (on := started + later) in is_open:
                    found[on.weekday()].append(on)
            shift = days_before * MINUTES_A_DAY
            for weekday, dates in enumerate(found):
                if dates:
                    yield BusySpan(weekday, days_before, start - shift, end - shift, tuple(dates))
