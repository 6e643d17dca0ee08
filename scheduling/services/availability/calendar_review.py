"""Import a calendar file: read it, preview it, save it, and replace the calendar before it.

A calendar that a patient sends waits for a coordinator if it conflicts with a booking, as other changes of commitments do.
Reading a file takes seconds, so it is not part of a transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.calendar_import.reader import read_calendar_file
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
    """The file has all-day entries, and nobody has said whether the patient is busy on these days."""


@dataclass(frozen=True, kw_only=True)
class CalendarValues:
    """What is entered about a file: the kind of commitment, minutes of travel, and by how many minutes it could move."""

    kind: str
    travel_before: int = 0
    travel_after: int = 0
    movable_minutes: int = 0


def parse_calendar(*, patient: Patient, data: bytes, now: datetime) -> ParsedCalendar:
    """Read from a calendar file when the patient is busy from today on. Raises Refused if it can't be imported."""
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
    """Store a calendar for its preview, in place of those of the kind that the same person previewed before."""
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
    """Save a previewed or waiting calendar in place of the saved one of its kind; bookings stay as they are.

    If the patient saves it and it conflicts with a booking that the calendar before does not conflict with, it waits for a
    coordinator instead. Return it as it is then.

    Raises Refused if nobody has said whether all-day entries count, and if the calendar is decided already or has expired.
    """
    calendar = _lock_undecided(calendar)
    if calendar.state == CalendarState.UNDERSTOOD:
        refuse_if_any([AllDayChoiceMissing()] if calendar.whole_days and whole_days_count is None else [])
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
    """Decline a calendar that waits: its times are deleted, and the patient is told why.

    Raises Refused without a reason, and if the calendar does not wait.
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
    """Delete a calendar with its times. Raises Refused if somebody else has deleted it in the meantime."""
    lock_site(calendar.patient.site_id)
    found = ImportedCalendar.objects.filter(pk=calendar.pk).select_related("patient").first()
    if found is None:
        raise Refused([AlreadyDecided()])
    record(found, by=by, action=Action.DELETED, at=now, detail=_date_range(found))
    found.delete()


def new_conflicts(*, calendar: ImportedCalendar, now: datetime) -> tuple[BookingConflict, ...]:
    """Return the conflicts of a calendar with bookings that the saved one of its kind does not conflict with."""
    site, patient = calendar.patient.site, calendar.patient
    calendars = [calendar]
    if (before := calendar_to_replace(calendar)) is not None:
        calendars.append(before)
    busy = [each for _, times in calendar_times(calendars) for each in times.on_dates(site.zone)]
    own = f"calendar-{calendar.pk}-"
    found = booking_conflicts(patient=patient, busy=busy, now=now)
    known = {conflict.booking.pk for conflict in found if not str(conflict.busy.key).startswith(own)}
    return tuple(
        conflict for conflict in found if str(conflict.busy.key).startswith(own) and conflict.booking.pk not in known
    )


def calendar_to_replace(calendar: ImportedCalendar) -> ImportedCalendar | None:
    """Return the saved calendar of the same kind and patient, which this one would replace."""
    kept = ImportedCalendar.objects.saved_for([calendar.patient_id]).filter(kind=calendar.kind)
    return kept.exclude(pk=calendar.pk).first()


def all_times(calendar: ImportedCalendar) -> CalendarTimes:
    """Return the busy times of a calendar with its all-day entries, whether they count or not."""
    rows = calendar.intervals.values_list("starts", "ends")
    return calendar.as_times(Interval(starts, ends) for starts, ends in rows)


def _lock_undecided(calendar: ImportedCalendar) -> ImportedCalendar:
    """Lock the calendar and its site, and return it as it is. Raises Refused if it is decided, replaced or expired."""
    lock_site(calendar.patient.site_id)
    calendars = ImportedCalendar.objects.select_for_update(of=("self",), no_key=True).select_related("patient__site")
    found = calendars.filter(pk=calendar.pk, decided_at=None).first()
    if found is None:
        raise Refused([AlreadyDecided()])
    return found


def _replace(calendar: ImportedCalendar, state: CalendarState, by: User, now: datetime) -> None:
    """Delete the patient's other calendars of the kind in that state."""
    others = ImportedCalendar.objects.filter(patient=calendar.patient_id, kind=calendar.kind, state=state)
    for other in others.exclude(pk=calendar.pk).select_related("patient"):
        record(other, by=by, action=Action.ENDED, at=now, detail=f"replaced, {_date_range(other)}")
        other.delete()


def _decide(calendar: ImportedCalendar, state: CalendarState, by: User, now: datetime) -> None:
    calendar.state, calendar.decided_at, calendar.decided_by = state, now, by
    calendar.save(update_fields=["state", "decided_at", "decided_by", "reason"])


def _date_range(calendar: ImportedCalendar) -> str:
    return f"{calendar.first:%Y-%m-%d} to {calendar.until - DAY:%Y-%m-%d}"
