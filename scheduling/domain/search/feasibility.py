"""Check whether meetings can provide the required weekly hours, without finding the best week.

The totals of minutes and days that a week can reach are stored as bits of integers. This makes the check much faster
than the search for the best week.
"""

from collections.abc import Sequence

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need, WeeklyLimits


class ReachableHours:
    """Computes which totals of minutes and days are possible in a week of the given meetings.

    In the argument `is_open` of the methods, bit n is set if the patient can attend meeting n.
    """

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

    def allow(self, is_open: int, limits: WeeklyLimits) -> bool:
        """Whether some open meetings that do not overlap add up to a week within the limits."""
        key = (is_open, limits)
        if key not in self.known:
            self.known[key] = self._allow(is_open, limits)
        return self.known[key]

    def _allow(self, is_open: int, limits: WeeklyLimits) -> bool:
        if limits.max_minutes < max(limits.min_minutes, 0) or limits.max_days < limits.min_days:
            return False
        within = (1 << limits.max_minutes + 1) - 1
        shortest = max(limits.min_minutes_per_day, 1)
        long_enough = within >> shortest << shortest
        sums = [today for day in range(7) if (today := self._sums(day, is_open) & long_enough)]
        longest = sorted((today.bit_length() - 1 for today in sums), reverse=True)
        if len(sums) < limits.min_days or sum(longest[: limits.max_days]) < limits.min_minutes:
            return False
        reached = [1, *[0] * limits.max_days]
        for today in sums:
            for days in range(limits.max_days, 0, -1):
                if before := reached[days - 1]:
                    reached[days] |= _pairwise_sums(before, today) & within
        enough = within >> max(limits.min_minutes, 0) << max(limits.min_minutes, 0)
        return any(reached[days] & enough for days in range(limits.min_days, limits.max_days + 1))

    def _sums(self, day: int, is_open: int) -> int:
        """Return the possible totals of minutes on a day, as the bits of an integer.

        Bit m is set if some open meetings that do not overlap add up to m minutes.
        """
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
    """Return every sum of a number in the set `one` and a number in the set `two`.

    Both sets and the returned set are stored as integers: bit n is set if the number n is in the set.
    """
    if one.bit_count() < two.bit_count():
        one, two = two, one
    found = 0
    while two:
        lowest = two & -two
        found |= one << lowest.bit_length() - 1
        two ^= lowest
    return found
