"""Whether meetings can give the hours: every sum of minutes and days that a week of them can have, as bits of a number.

Where the search asks for the best week, this asks only whether there is one, which takes a small part of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need


@dataclass(frozen=True, slots=True)
class WeeklyLimits:
    """What a week must have, in minutes and days, and a day of it, all inclusive."""

    least_minutes: int
    most_minutes: int
    least_days: int
    most_days: int
    least_of_a_day: int

    @classmethod
    def of(cls, need: Need, individual_minutes: int) -> "WeeklyLimits":
        """Of the groups, beside which there are so many individual minutes."""
        rules = need.rules
        return cls(
            least_minutes=max(need.prescribed_minutes, rules.minimum_minutes) - individual_minutes,
            most_minutes=rules.maximum_minutes - individual_minutes,
            least_days=max(need.prescribed_days, rules.minimum_days, 1),
            most_days=rules.maximum_days,
            least_of_a_day=rules.minimum_minutes_per_day,
        )


class ReachableHours:
    """The weeks that can be made of some meetings. Which of these are open is said by bits."""

    def __init__(self, meetings: Sequence[WeeklyMeeting], need: Need) -> None:
        self.by_day: list[list[tuple[int, int, int, int]]] = [[] for _ in range(7)]
        self.bits_of_day = [0] * 7
        for number, each in enumerate(meetings):
            span = each.span
            self.by_day[each.weekday].append((span.end, span.start, each.minutes(need.rules), 1 << number))
            self.bits_of_day[each.weekday] |= 1 << number
        for today in self.by_day:
            today.sort()
        self.sums: dict[tuple[int, int], int] = {}
        self.known: dict[tuple[int, WeeklyLimits], bool] = {}

    def gives(self, is_open: int, bounds: WeeklyLimits) -> bool:
        """Whether some of the open meetings, no two at one time, are a week within the bounds."""
        key = (is_open, bounds)
        if key not in self.known:
            self.known[key] = self._gives(is_open, bounds)
        return self.known[key]

    def _gives(self, is_open: int, bounds: WeeklyLimits) -> bool:
        if bounds.most_minutes < max(bounds.least_minutes, 0) or bounds.most_days < bounds.least_days:
            return False
        within = (1 << bounds.most_minutes + 1) - 1
        long_enough = within >> max(bounds.least_of_a_day, 1) << max(bounds.least_of_a_day, 1)
        sums = [today & long_enough for day in range(7) if (today := self._sums(day, is_open) & long_enough)]
        longest = sorted((today.bit_length() - 1 for today in sums), reverse=True)
        if len(sums) < bounds.least_days or sum(longest[: bounds.most_days]) < bounds.least_minutes:
            return False
        reached = [1, *[0] * bounds.most_days]
        for today in sums:
            for days in range(bounds.most_days, 0, -1):
                if before := reached[days - 1]:
                    reached[days] |= _pairwise_sums(before, today) & within
        enough = within >> max(bounds.least_minutes, 0) << max(bounds.least_minutes, 0)
        return any(reached[days] & enough for days in range(bounds.least_days, bounds.most_days + 1))

    def _sums(self, day: int, is_open: int) -> int:
        """The minutes that can be had of the day, as bits: of each sum whether some that are open and apart have it."""
        key = (day, is_open & self.bits_of_day[day])
        if key not in self.sums:
            until: list[tuple[int, int]] = [(0, 1)]
            for end, start, minutes, bit in self.by_day[day]:
                if bit & is_open:
                    before = next(sums for ended, sums in reversed(until) if ended <= start)
                    until.append((end, until[-1][1] | before << minutes))
            self.sums[key] = until[-1][1]
        return self.sums[key]


def _pairwise_sums(one: int, two: int) -> int:
    """Every sum of a number of the one with a number of the other."""
    if one.bit_count() < two.bit_count():
        one, two = two, one
    found = 0
    while two:
        lowest = two & -two
        found |= one << lowest.bit_length() - 1
        two ^= lowest
    return found
