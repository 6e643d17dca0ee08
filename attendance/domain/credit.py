"""Compute how many minutes of a session are credited toward the weekly hours."""

from datetime import datetime, timedelta
from enum import StrEnum

from timekeeping.intervals import Interval, in_utc


class AttendanceOutcome(StrEnum):
    """Whether the patient attended a booked session and, if not, why. The values are the same as in `Attendance.status`."""

    PRESENT = "present"
    PARTIAL = "partial"
    EXCUSED = "excused"
    UNEXCUSED = "unexcused"
    NO_SHOW = "no_show"
    CANCELLED_BY_PROGRAM = "cancelled_by_program"

    @property
    def attended(self) -> bool:
        """Whether the patient was present for all or part of the session."""
        return self in {AttendanceOutcome.PRESENT, AttendanceOutcome.PARTIAL}


def credited_minutes(
    *,
    status: AttendanceOutcome,
    session: Interval[datetime],
    pause: Interval[datetime] | None = None,
    arrived: datetime | None = None,
    left: datetime | None = None,
    countable: bool = True,
    breaks_count: bool = False,
) -> int:
    """Return how many minutes of a session are credited to a patient: the time attended, rounded down to whole minutes.

    All times are aware datetimes. If `arrived` is None, the patient came at the start of the session. If `left` is
    None, the patient stayed to the end. Time before the start or after the end is not credited. The break (`pause`) is
    credited only if the site's RuleSet says so (`breaks_count`). Nothing is credited if the patient did not attend, or
    if the session is not countable.

    Billing and state rules credit the time delivered, not the time scheduled.

    Raises ValueError if the patient left before arriving, came after the end, or left before the start. Also raises
    ValueError for partial attendance if neither time is given.
    """
    came, went = in_utc(arrived or session.start), in_utc(left or session.end)
    if came >= went or came >= session.end or went <= session.start:
        raise ValueError(f"nobody can attend from {came} to {went} in {session.start}..{session.end}")
    if status == AttendanceOutcome.PARTIAL and arrived is None and left is None:
        raise ValueError("partial attendance needs the time of arrival or of leaving")
    if not status.attended or not countable:
        return 0
    attended = Interval(max(came, session.start), min(went, session.end))
    missed = attended.intersection(pause) if pause and not breaks_count else None
    delivered = attended.end - attended.start
    if missed:
        delivered -= missed.end - missed.start
    return delivered // timedelta(minutes=1)
