"""The small pictures of a patient's recent weeks on the chart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.domain.ledger import BookedSession
from attendance.services.ledgers import LedgerRow, recent_weeks
from patients.models import Episode
from scheduling.services.rulebook import RuleBook
from scheduling.week_picture import ATTENDED, MISSED, TO_COME, Block, WeekPicture, draw_week
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import MINUTES_A_DAY, minute_of

SHOWN_WEEKS = 6


@dataclass(frozen=True, slots=True)
class RecentWeek:
    """A treatment week with its ledger, and a picture of its sessions by attendance."""

    row: LedgerRow
    picture: WeekPicture
    is_current: bool

    @property
    def attended(self) -> int:
        """Number of sessions with credited time."""
        return sum(_kind(each) == ATTENDED for each in self.row.booked)

    @property
    def missed(self) -> int:
        return sum(_kind(each) == MISSED for each in self.row.booked)


def list_recent_weeks(
    *, episode: Episode, now: datetime, book: RuleBook | None = None, busy: Sequence[BusyTime] | None = None
) -> list[RecentWeek]:
    """Return the episode's last weeks, newest first. `book` and `busy` save queries, as in `recent_weeks`."""
    zone = episode.site.zone
    today = now.astimezone(zone).date()
    rows = recent_weeks(episode=episode, now=now, weeks=SHOWN_WEEKS, book=book, busy=busy)
    booked = [session for row in rows for session in row.booked]
    return [
        RecentWeek(row, draw_attendance(row.booked, row.week, zone, booked), row.week <= today < row.until)
        for row in rows
    ]


def draw_attendance(
    booked: Iterable[BookedSession], week: date, zone: ZoneInfo, other_weeks: Iterable[BookedSession] = ()
) -> WeekPicture:
    """Draw the sessions of the treatment week that begins on `week`, with room for the hours of those of `other_weeks`.

    Canceled sessions and sessions that don't count toward the weekly hours are left out.
    """
    dates = [week + timedelta(days=number) for number in range(7)]
    return draw_week(_attendance_blocks(booked, zone), dates, other_weeks=_attendance_blocks(other_weeks, zone))


def _attendance_blocks(booked: Iterable[BookedSession], zone: ZoneInfo) -> Iterator[Block]:
    for each in booked:
        kind = _kind(each)
        starts = minute_of(each.time.start.astimezone(zone).time())
        ends = minute_of(each.time.end.astimezone(zone).time()) or MINUTES_A_DAY
        if kind and starts < ends:  # can be false if clocks are set back during the session
            yield Block(each.on.weekday(), starts, ends, kind, "")


def _kind(booked: BookedSession) -> str | None:
    """Return the kind of block for a session, or None if the picture leaves the session out."""
    if booked.cancelled or not booked.countable_minutes:
        return None
    if booked.credited_minutes is None:
        return TO_COME
    return ATTENDED if booked.credited_minutes else MISSED
