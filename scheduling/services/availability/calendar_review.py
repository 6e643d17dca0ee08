"""Keeping what was understood of a calendar file: looked at first, then kept, and replaced by the next one.

What a patient sends waits when it runs into what is booked, as every other change of their life does: a coordinator decides.
Reading a file takes seconds and is no part of a transaction.
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
from scheduling.services.availability.conflicts import BookingConflict, booking_conflicts
from scheduling.services.availability.imported_calendars import calendar_times
from scheduling.services.availability.proposals import AlreadyDecided
from scheduling.services.reasons import ReasonRequired
from scheduling.services.rosters import lock_site
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.reasons import Reason, Refused, refuse_if_any

DAY = timedelta(days=1)
BATCH = 500


@dataclass(frozen=True, slots=True)
class AllDayChoiceMissing(Reason):
    """There are days with an entry without a time, and nobody has said whether they are taken."""


@dataclass(frozen=True, kw_only=True)
class CalendarValues:
    """What is said of a file: whose time it takes, and as of any commitment the way and by how much it could move."""

    kind: str
    travel_before: int = 0
    travel_after: int = 0
    movable_minutes: int = 0


def parse_calendar(*, patient: Patient, data: bytes, now: datetime) -> ParsedCalendar:
    """When the patient is not free by the file, from today on. Raises Refused for a file that can't be imported."""
    first = now.astimezone(patient.site.zone).date()
    found = read_calendar_file(
        data, zone=patient.site.time_zone, first=first, until=first + timedelta(weeks=WEEKS_AHEAD)
    )
    if isinstance(found, Reason):
        raise Refused([found])
    return found


@transaction.atomic
def save_calendar_preview(
    *, patient: Patient, values: CalendarValues, understood: ParsedCalendar, by: User, now: datetime
) -> ImportedCalendar:
    """What was understood, to be looked at and kept. It takes the place of what the person looked at of that kind before."""
    lock_site(patient.site_id)
    first = now.astimezone(patient.site.zone).date()
    looked_at = ImportedCalendar.objects.filter(patient=patient, state=CalendarState.UNDERSTOOD)
    looked_at.filter(kind=values.kind, uploaded_by=by).delete()
    looked_at.expired(now).delete()
    calendar = ImportedCalendar.objects.create(
        patient=patient,
        **vars(values),
        first=first,
        until=first + timedelta(weeks=WEEKS_AHEAD),
        events=understood.events,
        occurrences=understood.occurrences,
        cancelled=understood.cancelled,
        free=understood.free,
        whole_days=len(understood.whole_days),
        remarks=[[each.notice.value, each.number] for each in understood.notices],
        uploaded_at=now,
        uploaded_by=by,
    )
    CalendarInterval.objects.bulk_create(_rows(calendar, understood), batch_size=BATCH)
    record(calendar, by=by, action=Action.IMPORTED, at=now, detail="read, to be looked at")
    return calendar


def _rows(calendar: ImportedCalendar, understood: ParsedCalendar) -> Iterable[CalendarInterval]:
    zone = calendar.patient.site.zone
    for each in understood.busy:
        yield CalendarInterval(calendar=calendar, starts=each.start, ends=each.end)
    for day in understood.whole_days:
        starts, ends = (at_wall_clock(on, time(), zone) for on in (day, day + DAY))
        if starts < ends:
            yield CalendarInterval(calendar=calendar, starts=starts, ends=ends, is_whole_day=True)


@transaction.atomic
def save_calendar(
    *, calendar: ImportedCalendar, whole_days_count: bool | None = None, by: User, now: datetime
) -> ImportedCalendar:
    """The patient is not free by it from now on, and by the one of its kind before no longer. What is booked stays booked.

    What the patient keeps waits instead when it runs into a booking that the one before leaves alone. Raises Refused when
    nobody has said whether whole days count, and when it is decided, or forgotten.
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
    """Leaves everything as it is, tells the patient why, and forgets the times.

    Raises Refused without a reason, and unless it waits.
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
    """The patient is free again by all that it says. Raises Refused when somebody removed it in the meantime."""
    lock_site(calendar.patient.site_id)
    found = ImportedCalendar.objects.filter(pk=calendar.pk).select_related("patient").first()
    if found is None:
        raise Refused([AlreadyDecided()])
    record(found, by=by, action=Action.DELETED, at=now, detail=_date_range(found))
    found.delete()


def new_conflicts(*, calendar: ImportedCalendar, now: datetime) -> tuple[BookingConflict, ...]:
    """The bookings that a calendar runs into and the kept one of its kind does not."""
    site, patient = calendar.patient.site, calendar.patient
    calendars = [calendar]
    if (before := calendar_to_replace(calendar)) is not None:
        calendars.append(before)
    busy = [each for _, times in calendar_times(calendars) for each in times.on_dates(site.zone)]
    own = f"calendar-{calendar.pk}-"
    found = booking_conflicts(patient=patient, busy=busy, now=now)
    known = {clash.booking.pk for clash in found if not str(clash.busy.key).startswith(own)}
    return tuple(clash for clash in found if str(clash.busy.key).startswith(own) and clash.booking.pk not in known)


def calendar_to_replace(calendar: ImportedCalendar) -> ImportedCalendar | None:
    """The calendar that it would take the place of."""
    kept = ImportedCalendar.objects.saved_for([calendar.patient_id]).filter(kind=calendar.kind)
    return kept.exclude(pk=calendar.pk).first()


def all_times(calendar: ImportedCalendar) -> CalendarTimes:
    """With its whole days, whether they count or not."""
    rows = calendar.intervals.values_list("starts", "ends")
    return calendar.as_times(Interval(starts, ends) for starts, ends in rows)


def _lock_undecided(calendar: ImportedCalendar) -> ImportedCalendar:
    """As it stands, held with its site. Raises Refused when it is decided, replaced or forgotten."""
    lock_site(calendar.patient.site_id)
    calendars = ImportedCalendar.objects.select_for_update(of=("self",), no_key=True).select_related("patient__site")
    found = calendars.filter(pk=calendar.pk, decided_at=None).first()
    if found is None:
        raise Refused([AlreadyDecided()])
    return found


def _replace(calendar: ImportedCalendar, state: CalendarState, by: User, now: datetime) -> None:
    """Another of its kind in that state is no more."""
    others = ImportedCalendar.objects.filter(patient=calendar.patient_id, kind=calendar.kind, state=state)
    for other in others.exclude(pk=calendar.pk).select_related("patient"):
        record(other, by=by, action=Action.ENDED, at=now, detail=f"replaced, {_date_range(other)}")
        other.delete()


def _decide(calendar: ImportedCalendar, state: CalendarState, by: User, now: datetime) -> None:
    calendar.state, calendar.decided_at, calendar.decided_by = state, now, by
    calendar.save(update_fields=["state", "decided_at", "decided_by", "reason"])


def _date_range(calendar: ImportedCalendar) -> str:
    return f"{calendar.first:%Y-%m-%d} to {calendar.until - DAY:%Y-%m-%d}"
