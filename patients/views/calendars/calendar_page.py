"""Build the page of an imported calendar: its busy times, and how it differs from the calendar that it replaces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from django.utils.translation import gettext as _

from accounts.models import User
from patients.domain.calendar_files import CountedNotice
from patients.domain.calendar_times import CalendarChange, CalendarTimes, change_between
from patients.models import CalendarState, ImportedCalendar
from scheduling.models import Booking
from scheduling.services.availability.booking_conflicts import BookingConflict
from scheduling.services.availability.calendar_review import all_times, calendar_to_replace, new_conflicts
from scheduling.views.week_pictures import blocks_of_week
from scheduling.week_picture import TREATMENT, WeekPicture, draw_week
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import OnDates, week_start

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class BusyTimeRow:
    """A weekly busy time, or a busy time on single dates. `dates` has the single dates in order."""

    busy: BusyTime
    dates: Sequence[date]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPage:
    calendar: ImportedCalendar
    weekly: Sequence[BusyTimeRow]
    dated: Sequence[BusyTimeRow]
    number: int
    """How many busy times the file has. All-day entries don't count."""
    whole_days: Sequence[date]
    remarks: Sequence[CountedNotice]
    picture: WeekPicture
    today: date
    week: date
    previous: date | None
    following: date | None
    before: ImportedCalendar | None
    change: CalendarChange
    added: Sequence[BusyTimeRow]
    gone: Sequence[BusyTimeRow]
    conflicts: Sequence[BookingConflict]


def build_calendar_page(
    calendar: ImportedCalendar, user: User, now: datetime, asked_week: date | None, *, discreet: bool = False
) -> CalendarPage:
    """Build the data of the page in a fixed number of queries.

    If `discreet` is true, sessions are shown without their names. Pass True for a patient's screen, because other
    people may see it.
    """
    zone = calendar.patient.site.zone
    rows = list(calendar.intervals.values_list("starts", "ends", "is_whole_day"))
    timed = calendar.as_times(Interval(starts, ends) for starts, ends, is_whole_day in rows if not is_whole_day)
    every = all_times(calendar)
    shown = every if calendar.whole_days_count in (None, True) else timed
    listed = _list_times(timed, zone)
    week = _shown_week(calendar, shown, asked_week)
    is_open = calendar.state != CalendarState.KEPT
    before, change = _change_since_previous(calendar, every) if is_open else (None, CalendarChange((), ()))
    return CalendarPage(
        calendar=calendar,
        weekly=[each for each in listed if not each.dates],
        dated=sorted((each for each in listed if each.dates), key=lambda each: (each.dates[0], each.busy.starts)),
        number=len(timed.intervals),
        whole_days=[starts.astimezone(zone).date() for starts, _, is_whole_day in rows if is_whole_day],
        remarks=calendar.notices,
        picture=_draw_calendar_week(calendar, shown.on_dates(zone), user, week, discreet),
        today=now.astimezone(zone).date(),
        week=week,
        previous=week - WEEK if week > calendar.first else None,
        following=week + WEEK if week + WEEK < calendar.until else None,
        before=before,
        change=change,
        added=_list_times(replace(every, intervals=change.added), zone),
        gone=_list_times(replace(every, intervals=change.gone), zone),
        conflicts=new_conflicts(calendar=calendar, now=now) if is_open else (),
    )


def _change_since_previous(
    calendar: ImportedCalendar, every: CalendarTimes
) -> tuple[ImportedCalendar | None, CalendarChange]:
    """Return the calendar that the given calendar would replace (or None), and how the busy times of the two differ."""
    before = calendar_to_replace(calendar)
    if before is None:
        return None, CalendarChange((), ())
    return before, change_between(all_times(before), every, calendar.patient.site.zone)


def _shown_week(calendar: ImportedCalendar, shown: CalendarTimes, asked: date | None) -> date:
    """Return the Monday of the requested week, or of the nearest week that the calendar covers.

    The default is the first week with a busy time.
    """
    zone = calendar.patient.site.zone
    first = min((each.start.astimezone(zone).date() for each in shown.intervals), default=calendar.first)
    return week_start(min(max(asked or first, calendar.first), calendar.until - timedelta(days=1)))


def _list_times(times: CalendarTimes, zone: tzinfo) -> Sequence[BusyTimeRow]:
    return [
        BusyTimeRow(each, sorted(each.recurrence.days) if isinstance(each.recurrence, OnDates) else ())
        for each in times.in_weeks(zone)
    ]


def _draw_calendar_week(
    calendar: ImportedCalendar, busy: Sequence[BusyTime], user: User, week: date, discreet: bool
) -> WeekPicture:
    """Draw a week that shows the calendar's busy times and the patient's bookings."""
    bookings = (
        Booking.objects.visible_to(user)
        .active()
        .of_patient(calendar.patient_id)
        .filter(session__on__gte=week, session__on__lt=week + WEEK)
        .select_related("session")
    )
    blocks = blocks_of_week(site=calendar.patient.site, monday=week, bookings=bookings, commitments=(), busy=busy)
    if discreet:
        blocks = [replace(each, label=_("Appointment")) if each.kind == TREATMENT else each for each in blocks]
    return draw_week(blocks, [week + timedelta(days=number) for number in range(7)])
