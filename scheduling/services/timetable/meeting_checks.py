"""Check the values of a new or changed meeting, apart from the hours rule of its tracks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from scheduling.models import Meeting, Session, Site
from scheduling.services.sessions.session_changes import LeadsAndAssists
from scheduling.services.sessions.slots import (
    EndTimeBeforeStart,
    check_opening_hours,
    check_room_capacity,
    check_room_in_use,
)
from scheduling.services.timetable.values import MeetingValues
from timekeeping.intervals import Interval, max_simultaneous
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason


@dataclass(frozen=True, slots=True)
class TooFewPlaces(Reason):
    """The meeting would have fewer spots than patients booked into it.

    `enrolled` is the largest number of patients on any date, including patients who make up a session. `dates` are the
    dates of existing sessions that would be overbooked.
    """

    meeting: str
    places: int
    enrolled: int
    dates: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakOutsideMeeting(Reason):
    """The break has only a start or only an end, or does not lie within the meeting."""


@dataclass(frozen=True, slots=True)
class MeetingCodeTaken(Reason):
    """Another meeting of the site has the same code and the same first day."""

    site: str
    taken_code: str


def check_meeting_values(values: MeetingValues) -> Iterator[Reason]:
    """Yield contradictions within the values: reversed times, an invalid break, or a lead who also assists."""
    break_times = (values.break_starts, values.break_ends)
    if values.starts >= values.ends:
        yield EndTimeBeforeStart(values.starts, values.ends)
    elif break_times != (None, None) and not _lies_inside(break_times, values.starts, values.ends):
        yield BreakOutsideMeeting()
    if values.lead is not None and values.lead in values.assistants:
        yield LeadsAndAssists(str(values.lead))


def _lies_inside(pause: tuple[time | None, time | None], starts: time, ends: time) -> bool:
    break_starts, break_ends = pause
    return break_starts is not None and break_ends is not None and starts < break_starts < break_ends < ends


def check_new_meeting(values: MeetingValues, site: Site) -> Iterator[Reason]:
    """Yield the reasons why the site can't have a new meeting with these values."""
    yield from check_meeting_values(values)
    if values.runs_until is not None and values.runs_until <= values.runs_from:
        yield EndDateBeforeStart(values.runs_from, values.runs_until - timedelta(days=1))
    yield from check_code(site, values.code, values.runs_from)
    yield from check_meeting(values, site)


def check_code(site: Site, code: str, runs_from: date, meeting: Meeting | None = None) -> Iterator[Reason]:
    """Yield MeetingCodeTaken if a meeting other than `meeting` has the same code and the same first day."""
    taken_by = set(Meeting.objects.filter(site=site, code=code, runs_from=runs_from).values_list("pk", flat=True))
    if taken_by - {meeting.pk if meeting else None}:
        yield MeetingCodeTaken(str(site), code)


def check_meeting(values: MeetingValues, site: Site, meeting: Meeting | None = None) -> Iterator[Reason]:
    """Yield reasons against the times and the room of the meeting: OutsideHours, RoomTooSmall and RoomRetired.

    For an existing `meeting`, the opening hours are checked only if the times change, and the size of the room only if
    the room or the number of spots changes.
    """
    if meeting is None or (meeting.starts, meeting.ends) != (values.starts, values.ends):
        yield from check_opening_hours(values.starts, values.ends, site)
    room_id = values.room.pk if values.room else None
    if meeting is None or (meeting.room_id, meeting.places) != (room_id, values.places):
        yield from check_room_capacity(values.room, values.places)
    yield from check_room_in_use(values.room, values.runs_until)


def check_meeting_change(
    meeting: Meeting, values: MeetingValues, *, begins: date, since: date | None, now: datetime
) -> Iterator[Reason]:
    """Yield the reasons why the meeting can't have these values from the day `begins` on.

    The change recreates the meeting's future sessions. If `since` is given, it recreates only the sessions on that day
    or later.
    """
    yield from check_meeting_values(values)
    yield from _check_places(meeting, values.places, begins, since, now)
    if values.runs_until is not None and values.runs_until <= begins:
        yield EndDateBeforeStart(begins, values.runs_until - timedelta(days=1))
    until = meeting.runs_until
    is_longer = until is not None and (values.runs_until is None or values.runs_until > until)
    if until is not None and is_longer and meeting.continued_by.exists():
        yield AlreadyEnded(meeting.name, until - timedelta(days=1))
    yield from check_code(meeting.site, values.code, begins, meeting)
    yield from check_meeting(values, meeting.site, meeting)


def _check_places(meeting: Meeting, places: int, begins: date, since: date | None, now: datetime) -> Iterable[Reason]:
    """Yield TooFewPlaces if the meeting needs more than `places` spots.

    A future session needs a spot for each booked patient. If `since` is given, earlier sessions are not checked. On each
    day from `begins` on, the meeting needs a spot for each enrolled patient.
    """
    overbooked = Session.objects.filter(meeting=meeting, departed_at=None, booked__gt=places).to_come(now)
    if since is not None:
        overbooked = overbooked.filter(pattern_date__gte=since)
    booked = dict(overbooked.order_by("on").values_list("on", "booked"))
    most = max([_peak_enrollment(meeting, begins), *booked.values()])
    if most > places:
        yield TooFewPlaces(meeting.name, places, most, tuple(booked))


def _peak_enrollment(meeting: Meeting, day: date) -> int:
    """Return the largest number of patients enrolled in the meeting at the same time, on `day` or later."""
    rows = meeting.enrollment_meetings.values_list("starts", "ends")
    periods = [(max(starts, day), ends or date.max) for starts, ends in rows]
    return max_simultaneous(Interval(starts, ends) for starts, ends in periods if starts < ends)
