"""Choose the one obstacle that best explains why a track does not fit. Used in lists that have one line per track."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import (
    AlreadyEnrolled,
    Fit,
    MeetingFull,
    NoStartDateLeft,
    NotAStartDate,
    OutsideAges,
    WrongLevel,
)
from timekeeping.busy_times import TREATMENT
from timekeeping.reasons import Key, Reason

TRACK_REASONS = (AlreadyEnrolled, NotAStartDate, NoStartDateLeft, WrongLevel, OutsideAges)
"""Reasons against the track as a whole. Changing a commitment does not remove them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedGroups:
    """Groups of a track that the patient can't attend, all for the same cause: one busy time, or no free spots.

    - `commitment`: label of the busy time, or "" if the groups are full.
    - `blocked`, `groups`: number of blocked groups, and of all groups of the track.
    - `weekdays`: days on which the blocked groups meet.
    - `dates`, `first_date`: number of blocked dates, and the first one. A date with two blocked groups counts twice.
    - `more`: number of other causes that block groups of the track.

    The other fields are about the busy time. They are False or 0 if the groups are full.

    - `is_enrollment`: whether the busy time is treatment. The groups in which the patient is enrolled count as one busy
      time.
    - `is_attended`: whether the patient already attends all of the blocked groups.
    - `every_other_week`: whether the groups are blocked only every other week.
    - `is_always`: whether the groups are blocked on every date. False if `every_other_week` is True.
    - `is_every_week`: whether the groups are blocked on every date, and all of them are held every week.
    - `sessions`: number of sessions that the blocked groups have in the horizon.
    - `minutes`: overlap of the busy time, travel included, with one session. The group with the longest overlap counts.
    """

    commitment: str
    blocked: int
    groups: int
    weekdays: tuple[int, ...]
    is_always: bool
    is_every_week: bool
    every_other_week: bool
    dates: int
    first_date: date
    sessions: int = 0
    minutes: int = 0
    is_enrollment: bool = False
    is_attended: bool = False
    more: int = 0

    @property
    def is_all(self) -> bool:
        """Whether all groups of the track are blocked."""
        return self.blocked == self.groups


def nearest_obstacle(fit: Fit) -> BlockedGroups | Reason | None:
    """Return the obstacle that a user would have to remove first, or None if the track has no obstacles.

    The result is the first of these that exists:

    1. A reason against the whole track.
    2. The cause that blocks the most groups: a commitment, or the lack of spots. Ties go to the cause that blocks more
       dates.
    3. A reason about the hours.
    """
    whole = [reason for reason in fit.obstacles if isinstance(reason, TRACK_REASONS)]
    if whole:
        return whole[0]
    return _most_blocking(fit) or next(iter(fit.obstacles), None)


def _most_blocking(fit: Fit) -> BlockedGroups | None:
    by_commitment: dict[object, list[CommitmentConflict]] = {}
    for reason in fit.obstacles:
        if isinstance(reason, CommitmentConflict):
            key = TREATMENT if reason.busy.is_treatment else reason.busy.key
            by_commitment.setdefault(key, []).append(reason)
    found = [_blocked_by_commitment(conflicts, fit) for conflicts in by_commitment.values()]
    full = [reason for reason in fit.obstacles if isinstance(reason, MeetingFull)]
    if full:
        found.append(_full_groups(full, fit))
    if not found:
        return None
    return replace(max(found, key=lambda each: (each.blocked, each.dates)), more=len(found) - 1)


def _blocked_by_commitment(conflicts: Sequence[CommitmentConflict], fit: Fit) -> BlockedGroups:
    is_biweekly = all(conflict.every_other_week for conflict in conflicts)
    is_always = not is_biweekly and all(conflict.is_always for conflict in conflicts)
    by_meeting: dict[Key, list[CommitmentConflict]] = {}
    for conflict in conflicts:
        by_meeting.setdefault(conflict.meeting.key, []).append(conflict)
    return BlockedGroups(
        commitment=conflicts[0].busy.label,
        blocked=len(by_meeting),
        groups=len(fit.offer.meetings),
        weekdays=_weekdays(conflicts),
        is_always=is_always,
        is_every_week=is_always and all(conflict.meeting.anchor is None for conflict in conflicts),
        every_other_week=is_biweekly,
        dates=sum(max(conflict.dates for conflict in of_one) for of_one in by_meeting.values()),
        first_date=min(conflict.first_date for conflict in conflicts),
        sessions=sum(of_one[0].sessions for of_one in by_meeting.values()),
        minutes=max(sum(conflict.minutes for conflict in of_one) for of_one in by_meeting.values()),
        is_enrollment=conflicts[0].busy.is_treatment,
        is_attended=all(conflict.is_attended for conflict in conflicts),
    )


def _full_groups(full: Sequence[MeetingFull], fit: Fit) -> BlockedGroups:
    return BlockedGroups(
        commitment="",
        blocked=len(full),
        groups=len(fit.offer.meetings),
        weekdays=_weekdays(full),
        is_always=False,
        is_every_week=False,
        every_other_week=False,
        dates=sum(reason.dates for reason in full),
        first_date=min(reason.first_date for reason in full),
    )


def _weekdays(reasons: Iterable[CommitmentConflict | MeetingFull]) -> tuple[int, ...]:
    return tuple(sorted({reason.meeting.weekday for reason in reasons}))
