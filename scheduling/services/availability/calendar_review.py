"""Import a patient's calendar file: parse it, preview it, save it, or have a coordinator review it.

A calendar that a patient uploads waits for a coordinator if it conflicts with a booking. Parsing a file takes seconds,
so parsing does not happen inside a transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.calendar_import.child_process import read_calendar_file
from patients.domain.calendar_files import WEEKS_AHEAD, ParsedCalendar
from patients.domain.calendar_times import CalendarTimes
from patients.models import CalendarInterval, CalendarState, ImportedCalendar, Patient
from scheduling.services.availability.booking_conflicts import BookingConflict, booking_conflicts
from scheduling.services.availability.imported_calendars import calendar_times
from scheduling.services.availability.proposals import AlreadyDecided
from scheduling.services.locks import lock_site
from scheduling.services.reasons import ReasonRequired
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.reasons import Reason, Refused, refuse_if_any

DAY = timedelta(days=1)
BATCH = 500


@dataclass(frozen=True, slots=True)
class AllDayChoiceMissing(Reason):
    """The file has all-day entries, but the user has not chosen whether the patient is busy on those days.

    `is_own` tells whether the user is the patient.
    """

    is_own: bool


@dataclass(frozen=True, kw_only=True)
class CalendarValues:
    """The values that a user enters along with a calendar file.

    `kind` is the kind of commitment. The travel fields are minutes before and after each event. Each event can start
    later or end earlier by up to `movable_minutes`.
    """

    kind: str
    travel_before: int = 0
    travel_after: int = 0
    movable_minutes: int = 0


def parse_calendar(*, patient: Patient, data: bytes, now: datetime) -> ParsedCalendar:
    """Read a calendar file, and return the busy times from today on. Raises Refused if the file can't be imported."""
    first = patient.site.today_at(now)
    found = read_calendar_file(
        data, zone=patient.site.time_zone, first=first, until=first + timedelta(weeks=WEEKS_AHEAD)
    )
    if isinstance(found, Reason):
        raise Refused([found])
    return found


@transaction.atomic
def save_calendar_preview(
    *, patient: Patient, values: CalendarValues, parsed: ParsedCalendar, by: User, now: datetime
) -> ImportedCalendar:
    """Save a parsed calendar as a preview. It replaces the user's earlier previews of this kind for the patient.

    The patient's expired previews are deleted too.
    """
    lock_site(patient.site_id)
    first = patient.site.today_at(now)
    previews = ImportedCalendar.objects.filter(patient=patient, state=CalendarState.UNDERSTOOD)
    previews.filter(kind=values.kind, uploaded_by=by).delete()
    previews.expired(now).delete()
    calendar = ImportedCalendar.objects.create(
        patient=patient,
        **vars(values),
        first=first,
        until=first + timedelta(weeks=WEEKS_AHEAD),
        events=parsed.events,
        occurrences=parsed.occurrences,
        cancelled=parsed.cancelled,
        free=parsed.free,
        whole_days=len(parsed.whole_days),
        remarks=[[each.notice.value, each.number] for each in parsed.notices],
        uploaded_at=now,
        uploaded_by=by,
    )
    CalendarInterval.objects.bulk_create(_rows(calendar, parsed), batch_size=BATCH)
    record(calendar, by=by, action=Action.IMPORTED, at=now, detail="read, to be looked at")
    return calendar


def _rows(calendar: ImportedCalendar, parsed: ParsedCalendar) -> Iterable[CalendarInterval]:
    zone = calendar.patient.site.zone
    for each in parsed.busy:
        yield CalendarInterval(calendar=calendar, starts=each.start, ends=each.end)
    for day in parsed.whole_days:
        starts, ends = (at_wall_clock(on, time(), zone) for on in (day, day + DAY))
        if starts < ends:
            yield CalendarInterval(calendar=calendar, starts=starts, ends=ends, is_whole_day=True)


@transaction.atomic
def save_calendar(
    *, calendar: ImportedCalendar, whole_days_count: bool | None = None, by: User, now: datetime
) -> ImportedCalendar:
    """Save a previewed or waiting calendar in place of the patient's saved calendar of the same kind.

    Bookings do not change. If `by` is the patient and there are `new_conflicts`, the new calendar is not saved but
    waits for a coordinator. Return the new calendar with its state.

    Raises Refused if the calendar has already been decided on or no longer exists. Also raises Refused if the calendar
    has all-day entries and `whole_days_count` is None.
    """
    calendar = _lock_undecided(calendar)
    if calendar.state == CalendarState.UNDERSTOOD:
        is_own = calendar.patient.user_id == by.pk
        is_missing = calendar.whole_days and whole_days_count is None
        refuse_if_any([AllDayChoiceMissing(is_own)] if is_missing else [])
        calendar.whole_days_count = whole_days_count if calendar.whole_days else None
        calendar.save(update_fields=["whole_days_count"])
    if calendar.patient.user_id == by.pk and new_conflicts(calendar=calendar, now=now):
        _replace(calendar, CalendarState.WAITING, by, now)
        calendar.state = CalendarState.WAITING
        calendar.save(update_fields=["state"])
        record(calendar, by=by, action=Action.CREATED, at=now, detail="waits for the clinic")
        return calendar
    _replace(calendar, CalendarState.KEPT, by, now)
    if calendar.uploaded_by_id == calendar.patient.user_id:
        _replace(calendar, CalendarState.WAITING, by, now)
    _decide(calendar, CalendarState.KEPT, by, now)
    record(calendar, by=by, action=Action.CREATED, at=now, detail=_date_range(calendar))
    return calendar


@transaction.atomic
def decline_calendar(*, calendar: ImportedCalendar, reason: str, by: User, now: datetime) -> None:
    """Decline a calendar that waits for a coordinator: delete its times and save the reason for the patient.

    Raises Refused if the reason is empty or the calendar is not waiting.
    """
    refuse_if_any([] if reason.strip() else [ReasonRequired(is_shown_to_patient=True)])
    calendar = _lock_undecided(calendar)
    refuse_if_any([] if calendar.state == CalendarState.WAITING else [AlreadyDecided()])
    calendar.intervals.all().delete()
    calendar.reason = reason.strip()
    _decide(calendar, CalendarState.DECLINED, by, now)
    record(calendar, by=by, action=Action.CHANGED, at=now, detail="declined")


@transaction.atomic
def remove_calendar(*, calendar: ImportedCalendar, by: User, now: datetime) -> None:
    """Delete a calendar and its times. Raises Refused if another user has already deleted it."""
    lock_site(calendar.patient.site_id)
    found = ImportedCalendar.objects.filter(pk=calendar.pk).select_related("patient").first()
    if found is None:
        raise Refused([AlreadyDecided()])
    record(found, by=by, action=Action.DELETED, at=now, detail=_date_range(found))
    found.delete()


def new_conflicts(*, calendar: ImportedCalendar, now: datetime) -> tuple[BookingConflict, ...]:
    """Return the calendar's conflicts with bookings.

    Bookings that already conflict with the saved calendar of the same kind are left out.
    """
    site, patient = calendar.patient.site, calendar.patient
    calendars = [calendar]
    if (before := calendar_to_replace(calendar)) is not None:
        calendars.append(before)
    busy = [each for _, times in calendar_times(calendars) for each in times.on_dates(site.zone)]
    own_prefix = f"calendar-{calendar.pk}-"
    found = booking_conflicts(patient=patient, busy=busy, now=now)
    known = {conflict.booking.pk for conflict in found if not str(conflict.busy.key).startswith(own_prefix)}
    return tuple(
        conflict
        for conflict in found
        if str(conflict.busy.key).startswith(own_prefix) and conflict.booking.pk not in known
    )


def calendar_to_replace(calendar: ImportedCalendar) -> ImportedCalendar | None:
    """Return the patient's saved calendar of the same kind, which this calendar would replace, or None."""
    kept = ImportedCalendar.objects.saved_for([calendar.patient_id]).filter(kind=calendar.kind)
    return kept.exclude(pk=calendar.pk).first()


def all_times(calendar: ImportedCalendar) -> CalendarTimes:
    """Return the times of all entries of a calendar. The user's choice about all-day entries is ignored."""
    rows = calendar.intervals.values_list("starts", "ends")
    return calendar.as_times(Interval(starts, ends) for starts, ends in rows)


def _lock_undecided(calendar: ImportedCalendar) -> ImportedCalendar:
    """Lock the calendar and its site, and re-read the calendar.

    Raises Refused if the calendar has already been decided on or no longer exists.
    """
    lock_site(calendar.patient.site_id)
    calendars = ImportedCalendar.objects.select_for_update(of=("self",), no_key=True).select_related("patient__site")
    found = calendars.filter(pk=calendar.pk, decided_at=None).first()
    if found is None:
        raise Refused([AlreadyDecided()])
    return found


def _replace(calendar: ImportedCalendar, state: CalendarState, by: User, now: datetime) -> None:
    """Delete the patient's other calendars of the same kind that are in the given state."""
    others = ImportedCalendar.objects.filter(patient=calendar.patient_id, kind=calendar.kind, state=state)
    for other in others.exclude(pk=calendar.pk).select_related("patient"):
        record(other, by=by, action=Action.ENDED, at=now, detail=f"replaced, {_date_range(other)}")
        other.delete()


def _decide(calendar: ImportedCalendar, state: CalendarState, by: User, now: datetime) -> None:
    calendar.state, calendar.decided_at, calendar.decided_by = state, now, by
    calendar.save(update_fields=["state", "decided_at", "decided_by", "reason"])


def _date_range(calendar: ImportedCalendar) -> str:
    return f"{calendar.first:%Y-%m-%d} to {calendar.until - DAY:%Y-%m-%d}"
