"""What stands against a meeting as it was stated, or against changing one, apart from the hours rule of its tracks."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from scheduling.models import Meeting, Session, Site
from scheduling.services.reasons import AlreadyEnded, TooFewPlaces
from scheduling.services.sessions.slots import check_opening_hours, check_room_capacity
from scheduling.services.timetable.values import MeetingValues
from timekeeping.intervals import Interval, max_simultaneous
from timekeeping.reasons import EndDateBeforeStart, Reason


def check_meeting(values: MeetingValues, site: Site, meeting: Meeting | None = None) -> Iterator[Reason]:
    """Hours outside the site's, and more places than the room holds. What `meeting` has already is not asked about again."""
    if meeting is None or (meeting.starts, meeting.ends) != (values.starts, values.ends):
        yield from check_opening_hours(values.starts, values.ends, site)
    room = values.room.pk if values.room else None
    if meeting is None or (meeting.room_id, meeting.places) != (room, values.places):
        yield from check_room_capacity(values.room, values.places)


def check_meeting_change(
    meeting: Meeting, values: MeetingValues, *, begins: date, since: date | None, now: datetime
) -> Iterator[Reason]:
    """Against the meeting's being so from the day `begins` on. The sessions that are written anew are those of the dates from
    `since` on, None for all to come."""
    yield from _check_places(meeting, values.places, begins, since, now)
    if values.runs_until is not None and values.runs_until <= begins:
        yield EndDateBeforeStart(begins, values.runs_until - timedelta(days=1))
    over = meeting.runs_until
    if over is not None and meeting.continued_by.exists() and (values.runs_until is None or values.runs_until > over):
        yield AlreadyEnded(meeting.name, over - timedelta(days=1))
    yield from check_meeting(values, meeting.site, meeting)


def _check_places(meeting: Meeting, places: int, begins: date, since: date | None, now: datetime) -> Iterable[Reason]:
    """More patients in it than places: booked on some dates, or standing in it at one time that is not planned yet."""
    to_come = Session.objects.filter(meeting=meeting, departed_at=None, booked__gt=places).to_come(now)
    if since is not None:
        to_come = to_come.filter(pattern_date__gte=since)
    booked = dict(to_come.order_by("on").values_list("on", "booked"))
    most = max([_peak_enrollment(meeting, begins), *booked.values()])
    if most > places:
        yield TooFewPlaces(meeting.name, places, most, tuple(booked))


def _peak_enrollment(meeting: Meeting, day: date) -> int:
    """The most patients who stand in the meeting at one time on the day or later."""
    rows = meeting.enrollment_meetings.values_list("starts", "ends")
    stretches = [(max(starts, day), ends or date.max) for starts, ends in rows]
    return max_simultaneous(Interval(starts, ends) for starts, ends in stretches if starts < ends)
