"""Draw pictures of weeks from bookings, commitments and meetings."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from patients.models import Commitment
from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.need import Need
from scheduling.domain.search.schedules import Schedule
from scheduling.models import Booking, Site
from scheduling.week_picture import TREATMENT, Block, WeekPicture, busy_blocks, draw_week
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import MINUTES_A_DAY, Recurrence, minute_of


def picture_of_week(
    *,
    site: Site,
    week: date,
    bookings: Iterable[Booking],
    commitments: Iterable[Commitment] = (),
    busy: Iterable[BusyTime] = (),
) -> WeekPicture:
    """Draw a patient's week, Monday to Sunday: bookings, commitments and other busy times.

    `week` is any date in the week. The caller must load the commitments using `with_travel()`.
    """
    monday = week - timedelta(days=week.weekday())
    blocks = blocks_of_week(site=site, monday=monday, bookings=bookings, commitments=commitments, busy=busy)
    return draw_week(blocks, [monday + timedelta(days=number) for number in range(7)])


def blocks_of_week(
    *,
    site: Site,
    monday: date,
    bookings: Iterable[Booking],
    commitments: Iterable[Commitment],
    busy: Iterable[BusyTime] = (),
) -> list[Block]:
    """Return the blocks of a week's picture: bookings, commitments and other busy times.

    The caller must load the commitments using `with_travel()`.
    """
    blocks = list(busy_blocks([*(each.as_busy_time(site=site) for each in commitments), *busy], monday))
    for booking in bookings:
        starts, ends = booking.starts.astimezone(site.zone), booking.ends.astimezone(site.zone)
        first, until = minute_of(starts.time()), minute_of(ends.time()) or MINUTES_A_DAY
        # If clocks are set back, a session can end at an earlier clock time than it starts.
        if first < until:
            uncounted = max(0, until - first - booking.countable_minutes)
            blocks.append(Block(starts.weekday(), first, until, TREATMENT, booking.session.name, uncounted))
    return blocks


def picture_of_choice(*, choice: Iterable[WeeklyMeeting], need: Need, from_day: date) -> WeekPicture:
    """Draw a week without dates: the meetings, and the busy times of the first full week on or after `from_day`."""
    monday = from_day + timedelta(days=-from_day.weekday() % 7)
    return draw_week([*busy_blocks(need.busy, monday), *meeting_blocks(choice, need.rules)])


def picture_of_schedule(schedule: Schedule) -> WeekPicture:
    """Draw the first full week of a schedule. If part of a commitment has to move, that part is left out."""
    monday = schedule.starts + timedelta(days=-schedule.starts.weekday() % 7)
    moves = schedule.moves
    busy = (
        part
        for each in schedule.need.busy
        for part in (_dates_after_moves(each, moves, monday) if any(move.busy == each for move in moves) else (each,))
    )
    return draw_week([*busy_blocks(busy, monday), *meeting_blocks(schedule.meetings, schedule.need.rules)])


def _dates_after_moves(busy: BusyTime, gives: Iterable[Conflict], monday: date) -> Iterable[BusyTime]:
    """Yield a separate busy time for each date of `busy` in or near the week.

    `gives` are the conflicts for which a busy time has to end earlier or start later. The yielded times have their new
    starts and ends.
    """
    for on in busy.recurrence.dates(monday - timedelta(days=3), monday + timedelta(days=10)):
        begins, ends = datetime.combine(on, busy.starts), datetime.combine(on, busy.ends)
        for move in gives:
            if move.busy == busy and move.weekday == on.weekday():
                ends -= timedelta(minutes=move.minutes if move.ends_earlier else 0)
                begins += timedelta(minutes=0 if move.ends_earlier else move.minutes)
        yield replace(busy, recurrence=Recurrence.once(on), starts=begins.time(), ends=ends.time())


def meeting_blocks(meetings: Iterable[WeeklyMeeting], rules: HoursRules) -> list[Block]:
    return [
        Block(
            weekday=each.weekday,
            starts=each.span.start,
            ends=each.span.end,
            kind=TREATMENT,
            label=each.name,
            uncounted=_uncounted(each, rules),
            every_other_week=each.anchor is not None,
        )
        for each in meetings
    ]


def _uncounted(meeting: WeeklyMeeting, rules: HoursRules) -> int:
    return meeting.span.end - meeting.span.start - meeting.minutes(rules)
