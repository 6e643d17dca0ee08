"""Choose which of a track's meetings to attend, by an exact search.

The meetings of a choice never overlap. Meetings on different days cannot overlap, so the combinations of each day are
found separately. The days are then combined by their totals of minutes and days.
"""

from collections.abc import Iterable, Sequence
from datetime import time

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting, add_up, minutes_of_day
from scheduling.domain.search.need import WeeklyLimits

Choice = tuple[WeeklyMeeting, ...]


def day_choices(meetings: Sequence[WeeklyMeeting]) -> list[Choice]:
    """Return every set of these meetings in which no two overlap, smaller sets first. All meetings must be on one day."""
    found: list[Choice] = [()]
    for each in reversed(meetings):
        found = [(each, *chosen) for chosen in found if not any(each.overlaps(other) for other in chosen)] + found
    return sorted(found, key=len)


def as_much_as_possible(meetings: Sequence[WeeklyMeeting], rules: HoursRules) -> Choice:
    """Return the choice with the most minutes that count toward the weekly hours.

    Ties go to the choice with the most meetings, then the earliest.
    """

    def weight(choice: Choice) -> tuple[int, int]:
        return minutes_of_day([each for each in choice if each.anchor is None], rules), len(choice)

    return tuple(meeting for today in _by_day(meetings) for meeting in max(day_choices(today), key=weight))


def is_whole_track(chosen: Sequence[WeeklyMeeting], meetings: Sequence[WeeklyMeeting], rules: HoursRules) -> bool:
    """Whether `chosen` is as large as a choice of a track's `meetings` can be.

    `chosen` must have as many meetings, minutes and days as the largest choice in which no two meetings overlap.
    """
    most = as_much_as_possible(meetings, rules)
    return len(chosen) == len(most) and add_up(chosen, rules) == add_up(most, rules)


def counts_toward_hours(meeting: WeeklyMeeting) -> bool:
    """Whether the meeting adds to the weekly hours: it is held every week, and its service counts.

    Meetings that do not count are scheduled only as part of a whole track.
    """
    return meeting.anchor is None and meeting.countable


def just_enough(meetings: Sequence[WeeklyMeeting], rules: HoursRules, limits: WeeklyLimits) -> Choice | None:
    """Return the choice with the fewest minutes within the limits, or None if no choice is within them.

    Ties go to the choice with the fewest days, then the fewest meetings, then the earliest. Meetings that do not count
    toward the weekly hours are left out.
    """
    counting = [each for each in meetings if counts_toward_hours(each)]
    reached: dict[tuple[int, int], Choice] = {(0, 0): ()}
    for today in _by_day(counting):
        options = _best_by_minutes(today, rules)
        following: dict[tuple[int, int], Choice] = {}
        for (sum_minutes, sum_days), chosen in reached.items():
            for day_minutes, option in options.items():
                total = (sum_minutes + day_minutes, sum_days + (1 if day_minutes else 0))
                longer = chosen + option
                if total[0] > limits.max_minutes or total[1] > limits.max_days:
                    continue
                if total not in following or _rank(longer) < _rank(following[total]):
                    following[total] = longer
        reached = following
    enough = [total for total in reached if total[0] >= limits.min_minutes and total[1] >= limits.min_days]
    return reached[min(enough)] if enough else None


def _rank(choice: Choice) -> tuple[int, list[tuple[int, time]]]:
    """Sort key: fewer meetings come first, then earlier meetings."""
    return len(choice), [(meeting.weekday, meeting.starts) for meeting in choice]


def _by_day(meetings: Sequence[WeeklyMeeting]) -> Iterable[list[WeeklyMeeting]]:
    for weekday in range(7):
        today = [each for each in meetings if each.weekday == weekday]
        if today:
            yield sorted(today, key=lambda meeting: (meeting.starts, meeting.ends, str(meeting.key)))


def _best_by_minutes(meetings: Sequence[WeeklyMeeting], rules: HoursRules) -> dict[int, Choice]:
    """Map each possible total of minutes on the day to the choice that reaches it with the fewest meetings."""
    best: dict[int, Choice] = {}
    for chosen in day_choices(meetings):
        minutes = minutes_of_day(chosen, rules)
        if minutes == 0 or minutes >= rules.minimum_minutes_per_day:
            best.setdefault(minutes, chosen)
    return best
