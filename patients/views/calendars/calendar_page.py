"""What a page shows of an imported calendar: what was understood, and what is otherwise in it than in the one before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from accounts.models import User
from patients.domain.calendar_files import Remarked
from patients.domain.calendar_times import CalendarChange, CalendarTimes, change_between
from patients.models import CalendarState, ImportedCalendar
from scheduling.models import Booking
from scheduling.services.availability.calendar_review import every_time, kept_before, new_clashes
from scheduling.services.availability.conflicts import BookedClash
from scheduling.views.week_pictures import blocks_of_week
from scheduling.week_picture import TREATMENT, WeekPicture, draw
from timekeeping.intervals import Interval
from timekeeping.weeks import BusyTime, OnDates, week_start

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Told:
    """A busy time, and the dates on which alone it is, in order, if it is such."""

    busy: BusyTime
    dates: Sequence[date]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPage:
    calendar: ImportedCalendar
    weekly: Sequence[Told]
    dated: Sequence[Told]
    number: int
    """How many times were understood, whole days aside."""
    whole_days: Sequence[date]
    remarks: Sequence[Remarked]
    picture: WeekPicture
    today: date
    week: date
    previous: date | None
    following: date | None
    before: ImportedCalendar | None
    change: CalendarChange
    added: Sequence[Told]
    gone: Sequence[Told]
    clashes: Sequence[BookedClash]


def page_of(
    calendar: ImportedCalendar, user: User, now: datetime, asked_week: date | None, *, discreet: bool = False
) -> CalendarPage:
    """Reads the page in a fixed number of queries. `discreet` on pages that others may look at."""
    zone = calendar.patient.site.zone
    rows = list(calendar.intervals.values_list("starts", "ends", "is_whole_day"))
    timed = calendar.as_times(Interval(starts, ends) for starts, ends, is_whole_day in rows if not is_whole_day)
    days = [starts.astimezone(zone).date() for starts, _, is_whole_day in rows if is_whole_day]
    every = every_time(calendar)
    is_open = calendar.state != CalendarState.KEPT
    before = kept_before(calendar) if is_open else None
    change = change_between(every_time(before), every, zone) if before else CalendarChange((), ())
    told = _told(timed, zone)
    shown = every if calendar.whole_days_count in (None, True) else timed
    first = min((each.start.astimezone(zone).date() for each in shown.intervals), default=calendar.first)
    week = week_start(min(max(asked_week or first, calendar.first), calendar.until - timedelta(days=1)))
    return CalendarPage(
        calendar=calendar,
        weekly=[each for each in told if not each.dates],
        dated=sorted((each for each in told if each.dates), key=lambda each: (each.dates[0], each.busy.starts)),
        number=len(timed.intervals),
        whole_days=days,
        remarks=calendar.remarked,
        picture=_picture(calendar, shown.on_dates(zone), user, week, discreet),
        today=now.astimezone(zone).date(),
        week=week,
        previous=week - WEEK if week > calendar.first else None,
        following=week + WEEK if week + WEEK < calendar.until else None,
        before=before,
        change=change,
        added=_told(replace(every, intervals=change.added), zone),
        gone=_told(replace(every, intervals=change.gone), zone),
        clashes=new_clashes(calendar=calendar, now=now) if is_open else (),
    )


def _told(times: CalendarTimes, zone: tzinfo) -> Sequence[Told]:
    return [
        Told(each, sorted(each.recurrence.days) if isinstance(each.recurrence, OnDates) else ())
        for each in times.in_weeks(zone)
    ]


def _picture(
    calendar: ImportedCalendar, busy: Sequence[BusyTime], user: User, week: date, discreet: bool
) -> WeekPicture:
    """The week with its times beside what is booked."""
    bookings = (
        Booking.objects.visible_to(user)
        .standing()
        .of_patient(calendar.patient_id)
        .filter(session__on__gte=week, session__on__lt=week + WEEK)
        .select_related("session")
    )
    blocks = blocks_of_week(site=calendar.patient.site, monday=week, bookings=bookings, commitments=(), busy=busy)
    if discreet:
        blocks = [replace(each, label="Appointment") if each.kind == TREATMENT else each for each in blocks]
    return draw(blocks, [week + timedelta(days=number) for number in range(7)])
