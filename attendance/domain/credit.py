"""What a patient's time in a session is worth toward the week's hours."""

from datetime import datetime, timedelta
from enum import StrEnum

from timekeeping.intervals import Interval, in_utc


class AttendanceOutcome(StrEnum):
    PRESENT = "present"
    PARTIAL = "partial"
    EXCUSED = "excused"
    UNEXCUSED = "unexcused"
    NO_SHOW = "no_show"
    CANCELLED_BY_PROGRAM = "cancelled_by_program"

    @property
    def attended(self) -> bool:
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
    """Whole minutes credited: the time really attended within the session, less the break's part of it.

    Instants are aware. Coming early and leaving late add nothing, seconds are not rounded up, and those who were not there
    or whose session does not count get 0. `arrived` or `left` None is the session's own start or end. Billing and state
    rules credit time delivered, not time scheduled; that breaks do not count is the default that a RuleSet can change.
    Raises ValueError when someone left before arriving, came only after the end or left before the start, and for an
    attendance in part that says neither from nor until when.
    """
    came, went = in_utc(arrived or session.start), in_utc(left or session.end)
    if came >= went or came >= session.end or went <= session.start:
        raise ValueError(f"nobody can attend from {came} to {went} in {session.start}..{session.end}")
    if status == AttendanceOutcome.PARTIAL and arrived is None and left is None:
        raise ValueError("who was there in part arrived late or left early: one of the two times is needed")
    if not status.attended or not countable:
        return 0
    attended = Interval(max(came, session.start), min(went, session.end))
    missed = attended.intersection(pause) if pause and not breaks_count else None
    delivered = attended.end - attended.start
    if missed:
        delivered -= missed.end - missed.start
    return delivered // timedelta(minutes=1)
