"""Brings a week's rows to the picture of it."""

from collections.abc import Iterable
from datetime import date, timedelta

from patients.models import Commitment
from scheduling.domain.hours import WeeklyMeeting
from scheduling.domain.week import MINUTES_A_DAY, BusyTime, minute_of
from scheduling.models import Booking, Site
from scheduling.week_picture import TREATMENT, Block, WeekPicture, busy_blocks, draw


def picture_of_week(
    *, site: Site, week: date, bookings: Iterable[Booking], commitments: Iterable[Commitment]
) -> WeekPicture:
    """A patient's real week: sessions booked, and what else is in it, read `with_travel`. The week begins on a Monday here."""
    monday = week - timedelta(days=week.weekday())
    blocks = list(busy_blocks((each.as_busy_time(site=site) for each in commitments), monday))
    for booking in bookings:
        starts, ends = booking.starts.astimezone(site.zone), booking.ends.astimezone(site.zone)
        first, until = minute_of(starts.time()), minute_of(ends.time()) or MINUTES_A_DAY
        if first < until:  # else the clocks are set back within it
            blocks.append(Block(starts.weekday(), first, until, TREATMENT, booking.session.name))
    return draw(blocks, [monday + timedelta(days=number) for number in range(7)])


def picture_of_choice(*, choice: Iterable[WeeklyMeeting], busy: Iterable[BusyTime], from_day: date) -> WeekPicture:
    """Meetings around a patient's life as it is in the first whole week from the day on; no dates, as it goes on."""
    monday = from_day + timedelta(days=-from_day.weekday() % 7)
    return draw([*busy_blocks(busy, monday), *meeting_blocks(choice)])


def meeting_blocks(meetings: Iterable[WeeklyMeeting]) -> list[Block]:
    return [Block(each.weekday, each.span.start, each.span.end, TREATMENT, each.name) for each in meetings]
