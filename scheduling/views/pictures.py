"""Brings a week's rows to the picture of it."""

from collections.abc import Iterable
from datetime import date, timedelta

from patients.models import Commitment
from scheduling.domain.fit import Need
from scheduling.domain.hours import WeeklyMeeting
from scheduling.domain.interval import Interval
from scheduling.domain.week import MINUTES_A_DAY, BusyTime, minute_of
from scheduling.models import Booking, Site
from scheduling.week_picture import Block, WeekPicture, draw


def _busy_blocks(busy: Iterable[BusyTime], week: date) -> Iterable[Block]:
    """Life and the way around it, cut at midnight."""
    for each in busy:
        for occasion in each.occasions(week, week + timedelta(weeks=1)):
            yield from _cut(occasion.bare, "life", each.label)
            if occasion.padded.start < occasion.bare.start:
                yield from _cut(Interval(occasion.padded.start, occasion.bare.start), "travel", f"To {each.label}")
            if occasion.bare.end < occasion.padded.end:
                yield from _cut(Interval(occasion.bare.end, occasion.padded.end), "travel", f"From {each.label}")


def _cut(stretch: Interval[int], kind: str, label: str) -> Iterable[Block]:
    for day in range(7):
        today = stretch.intersection(Interval(day * MINUTES_A_DAY, (day + 1) * MINUTES_A_DAY))
        if today is not None:
            yield Block(day, today.start - day * MINUTES_A_DAY, today.end - day * MINUTES_A_DAY, kind, label)


def picture_of_week(
    *, site: Site, week: date, bookings: Iterable[Booking], commitments: Iterable[Commitment]
) -> WeekPicture:
    """A patient's real week: sessions booked, and what else is in it. The week begins on a Monday here."""
    monday = week - timedelta(days=week.weekday())
    blocks = list(_busy_blocks((each.as_busy_time() for each in commitments), monday))
    for booking in bookings:
        starts, ends = booking.starts.astimezone(site.zone), booking.ends.astimezone(site.zone)
        name = booking.session.name
        blocks.append(Block(starts.weekday(), minute_of(starts.time()), minute_of(ends.time()), "treatment", name))
    return draw(blocks)


def picture_of_choice(*, choice: Iterable[WeeklyMeeting], need: Need, busy: Iterable[BusyTime]) -> WeekPicture:
    """A track's meetings around a patient's life in the first whole week."""
    monday = need.from_day + timedelta(days=-need.from_day.weekday() % 7)
    return draw([*_busy_blocks(busy, monday), *meeting_blocks(choice)])


def meeting_blocks(meetings: Iterable[WeeklyMeeting]) -> list[Block]:
    return [Block(each.weekday, each.span.start, each.span.end, "treatment", each.name) for each in meetings]
