"""When clocks change, meetings keep their wall-clock times. Credited minutes are the minutes that really passed."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.permissions import Role
from attendance.models import Attendance, AttendanceStatus
from attendance.services.marks import Mark, mark_booking, mark_everyone_present
from attendance.services.roster import ANY
from scheduling.models import Booking, Session
from scheduling.services.bookings.horizon import extend_horizon
from tests.factories import admit, enroll, make_meeting, make_patient, make_site, make_staff, make_track

pytestmark = pytest.mark.django_db

NEW_YORK, PHOENIX = "America/New_York", "America/Phoenix"
LORD_HOWE, LONDON = "Australia/Lord_Howe", "Europe/London"

NIGHTS = [
    # Time zone, a Sunday, and the credited minutes of a group on that Sunday.
    # The group meets from 0:30 to 3:30, with a break of 10 minutes.
    pytest.param(NEW_YORK, date(2026, 3, 8), 110, id="New York, forward by an hour"),
    pytest.param(NEW_YORK, date(2026, 11, 1), 230, id="New York, back by an hour"),
    pytest.param(PHOENIX, date(2026, 3, 8), 170, id="Phoenix, which keeps its time in March"),
    pytest.param(PHOENIX, date(2026, 11, 1), 170, id="Phoenix, which keeps its time in November"),
    pytest.param(LORD_HOWE, date(2026, 10, 4), 140, id="Lord Howe, forward by half an hour"),
    pytest.param(LORD_HOWE, date(2026, 4, 5), 200, id="Lord Howe, back by half an hour"),
    pytest.param(LONDON, date(2026, 3, 29), 110, id="London, forward by an hour"),
    pytest.param(LONDON, date(2026, 10, 25), 230, id="London, back by an hour"),
]
WALL = {"day": (time(9), time(12, 15)), "night": (time(0, 30), time(3, 30))}
USUAL = {"day": 180, "night": 170}


@pytest.mark.parametrize(("zone", "sunday", "that_night"), NIGHTS)
def test_meetings_keep_their_wall_clock_time_and_count_elapsed_minutes(
    zone: str, sunday: date, that_night: int
) -> None:
    site = make_site(time_zone=zone)
    first = sunday - timedelta(weeks=2)
    meetings = [make_meeting(site, day, "09:00", "12:15", name="day", break_starts=time(10, 30), break_ends=time(10, 45),
                             runs_from=first) for day in range(7)]  # fmt: skip
    meetings += [make_meeting(site, day, "00:30", "03:30", name="night", break_starts=time(0, 40), break_ends=time(0, 50),
                              runs_from=first) for day in range(7)]  # fmt: skip
    track = make_track(site, meetings)
    now = datetime.combine(first, time(0), ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=2)
    enroll(admit(make_patient(site), starts=first), track, starts=first)
    extend_horizon(site=site, now=now)
    sessions = Session.objects.between(first, sunday + timedelta(weeks=2)).select_related("site")
    assert sessions.count() == 28 * 2
    for session in sessions:
        starts, ends = session.local_starts(), session.local_ends()
        assert (starts.date(), starts.time(), ends.time()) == (session.on, *WALL[session.name])
        usual = not (session.on == sunday and session.name == "night")
        assert session.countable_minutes == (USUAL[session.name] if usual else that_night)
        assert Booking.objects.get(session=session).countable_minutes == session.countable_minutes
    lead = make_staff(Role.CLINICIAN, site)
    for session in sessions:
        mark_everyone_present(session=session, by=lead, now=session.ends + timedelta(minutes=5))
    credited = dict(Attendance.objects.values_list("booking__session", "credited_minutes"))
    assert credited == dict(sessions.values_list("pk", "countable_minutes"))


@pytest.mark.parametrize(("zone", "sunday", "that_night"), NIGHTS)
def test_a_patient_who_leaves_early_that_night_is_credited_elapsed_minutes(
    zone: str, sunday: date, that_night: int
) -> None:
    """The credited minutes are those that really passed between the start of the group and the time of leaving."""
    site = make_site(time_zone=zone)
    first = sunday - timedelta(days=6)
    track = make_track(site, [make_meeting(site, 6, "00:30", "03:30", runs_from=first)])
    enroll(admit(make_patient(site), starts=first), track, starts=first)
    extend_horizon(site=site, now=datetime.combine(first, time(12), UTC) - timedelta(days=2))
    booking = Booking.objects.get(session__on=sunday)
    left = booking.starts + timedelta(minutes=75)
    lead = make_staff(Role.CLINICIAN, site)
    mark = mark_booking(
        booking=booking, mark=Mark(AttendanceStatus.PARTIAL, left=left), by=lead, now=booking.ends, seen_at=ANY
    )
    assert mark.credited_minutes == 75
    assert booking.countable_minutes == that_night + 10
