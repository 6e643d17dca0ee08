"""When patients are on leave."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from scheduling.models import LeaveOfAbsence
from timekeeping.intervals import Interval


def leave_days(episode_ids: Collection[int], first: date, until: date) -> Mapping[int, list[Interval[date]]]:
    """Under each episode its leaves with a day in the half-open range; one query."""
    found: dict[int, list[Interval[date]]] = defaultdict(list)
    for leave in LeaveOfAbsence.objects.filter(episode__in=episode_ids).overlapping(first, until):
        found[leave.episode_id].append(leave.as_interval())
    return found


def is_on_leave(stretches: Iterable[Interval[date]], day: date) -> bool:
    """Whether the day lies in one of them."""
    return any(stretch.contains(day) for stretch in stretches)
