"""Patients' leaves of absence, and whether a patient is on leave on a day."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from scheduling.models import LeaveOfAbsence
from timekeeping.intervals import Interval


def leave_days(episode_ids: Collection[int], first: date, until: date) -> Mapping[int, list[Interval[date]]]:
    """Map episode id to the leaves of absence that overlap [first, until). Runs one query."""
    found: dict[int, list[Interval[date]]] = defaultdict(list)
    for leave in LeaveOfAbsence.objects.filter(episode__in=episode_ids).overlapping(first, until):
        found[leave.episode_id].append(leave.as_interval())
    return found


def is_on_leave(leaves: Iterable[Interval[date]], day: date) -> bool:
    """Whether the day falls within one of the leaves of absence."""
    return any(leave.contains(day) for leave in leaves)
