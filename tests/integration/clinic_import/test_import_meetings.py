"""Importing changed meetings: past sessions stay, and enrollments continue in the new meeting."""

from datetime import date, time, timedelta
from pathlib import Path

import pytest

from accounts.models import User
from clinic_import.reading.faults import ImportFailed
from patients.models import Episode
from scheduling.models import Booking, Enrollment, Meeting, Session, Track
from scheduling.services.enrollment.enroll import enroll_patient
from tests.spreadsheets import CLINIC, NOW, clinic_with, import_files

pytestmark = pytest.mark.django_db

TODAY = NOW.date()


@pytest.fixture
def enrollment(tmp_path: Path) -> Enrollment:
    """Enrollment of an imported patient in the three groups of the imported track."""
    import_files(tmp_path)
    track = Track.objects.get(code="AM")
    return enroll_patient(
        episode=Episode.objects.get(patient__code="P1"),
        track=track,
        meetings=list(track.meetings.all()),
        starts=TODAY,
        by=User.objects.get(code="BEN"),
        now=NOW,
    )


def booked(enrollment: Enrollment) -> set[tuple[str, date, int]]:
    """Return the active bookings of the enrollment: the code of the group, the date, and the starting hour in UTC."""
    bookings = Booking.objects.active().filter(enrollment=enrollment).select_related("session__meeting")
    return {
        (booking.session.meeting.code, booking.session.on, booking.starts.hour)
        for booking in bookings
        if booking.session.meeting is not None
    }


def test_a_group_changes_from_a_future_day_on(tmp_path: Path, enrollment: Enrollment) -> None:
    files = clinic_with("meetings", "Wed,9:00,12:00,BIG,ADA,10,2026-01-05", "Wed,13:00,16:00,BIG,ADA,10,2026-10-07")
    (change,) = import_files(tmp_path, files).changes
    assert [field.column for field in change.fields] == ["starts", "ends", "runs_from"]
    before, after = Meeting.objects.filter(code="W1").order_by("runs_from")
    assert (before.runs_until, after.runs_from, after.starts) == (date(2026, 10, 7), date(2026, 10, 7), time(13))
    hours = {on: hour for code, on, hour in booked(enrollment) if code == "W1"}
    assert hours[date(2026, 9, 30)] == 13, "9:00 in New York in summer"
    assert hours[date(2026, 10, 7)] == 17
    assert import_files(tmp_path, files).changes == ()


def test_two_rows_with_one_code_are_one_group_with_two_timetables(tmp_path: Path, enrollment: Enrollment) -> None:
    head, *rows = CLINIC["meetings"].splitlines()
    summer = [f"{row},2026-10-06" if ",F1," in row else f"{row}," for row in rows]
    winter = "NORTH,F1,Winter group,AM,Fri,10:00,13:00,BIG,ADA,10,2026-10-07,"
    files = {**CLINIC, "meetings": "\n".join([f"{head},last_day", *summer, winter])}
    (change,) = import_files(tmp_path, files).changes
    assert (change.row, change.is_new) == (5, False)
    before, after = Meeting.objects.filter(code="F1").order_by("runs_from")
    assert (before.runs_until, after.continues, after.name) == (date(2026, 10, 7), before, "Winter group")
    hours = {on: hour for code, on, hour in booked(enrollment) if code == "F1"}
    assert (hours[date(2026, 10, 2)], hours[date(2026, 10, 9)]) == (13, 14), "the enrollment carries on"
    assert import_files(tmp_path, files).changes == ()


def test_patients_of_the_first_timetable_go_on_in_the_second(tmp_path: Path) -> None:
    """The rows are in the file from the start, the later timetable first."""
    head, *rows = CLINIC["meetings"].splitlines()
    term = [f"{row},2026-09-18" for row in rows]
    summer = [row.replace("9:00,12:00", "13:00,16:00").replace("2026-01-05", "2026-09-19") + "," for row in rows]
    files = {**CLINIC, "meetings": "\n".join([f"{head},last_day", *summer, *term])}
    import_files(tmp_path, files)
    track = Track.objects.get(code="AM")
    enrolled = enroll_patient(
        episode=Episode.objects.get(patient__code="P1"),
        track=track,
        meetings=list(track.meetings.filter(runs_until=date(2026, 9, 19))),
        starts=TODAY,
        by=User.objects.get(code="BEN"),
        now=NOW,
    )
    hours = {on: hour for _code, on, hour in booked(enrolled)}
    assert hours[date(2026, 9, 18)] == 13, "9:00 in New York in summer"
    assert hours[date(2026, 9, 30)] == 17
    assert import_files(tmp_path, files).changes == ()


def test_a_group_can_end(tmp_path: Path) -> None:
    head, *rows = CLINIC["meetings"].splitlines()
    extra = "NORTH,T1,Skills,AM,Thu,9:00,11:00,BIG,ADA,10,2026-01-05"
    import_files(tmp_path, {**CLINIC, "meetings": "\n".join([head, *rows, extra])})
    ended = "\n".join([f"{head},last_day", *(f"{row}," for row in rows), f"{extra},2026-09-10"])
    (change,) = import_files(tmp_path, {**CLINIC, "meetings": ended}).changes
    assert [(field.column, field.before, field.after) for field in change.fields] == [
        ("last_day", "nothing", "2026-09-10")
    ]
    assert [session.on for session in Session.objects.filter(meeting__code="T1").order_by("on")] == [
        date(2026, 9, 3),
        date(2026, 9, 10),
    ]
    later = NOW + timedelta(weeks=3)
    assert import_files(tmp_path, {**CLINIC, "meetings": ended}, now=later).changes == ()
    with pytest.raises(ImportFailed, match="row 5, runs_from: This group ended on Sep 10, 2026"):
        import_files(tmp_path, {**CLINIC, "meetings": ended.replace("Thu,9:00", "Thu,8:00")}, now=later)


def test_adding_a_track_to_a_group_changes_no_booking(tmp_path: Path, enrollment: Enrollment) -> None:
    places = booked(enrollment)
    tracks = CLINIC["tracks"] + "NORTH,LONG,Long,draft\n"
    files = {**clinic_with("meetings", "M1,Group,AM", "M1,Group,AM; LONG"), "tracks": tracks}
    changes = import_files(tmp_path, files).changes
    assert [(change.table, change.label, change.is_new) for change in changes] == [
        ("tracks", "NORTH LONG", True),
        ("meetings", "NORTH M1 2026-01-05", False),
    ]
    assert Meeting.objects.filter(code="M1").count() == 1
    assert booked(enrollment) == places


def test_fewer_spots_than_patients_are_refused(tmp_path: Path, enrollment: Enrollment) -> None:
    Meeting.objects.filter(code="M1").update(places=10)
    other = Episode.objects.create(
        patient=Episode.objects.get().patient.site.patients.get(code="P2"), site=enrollment.episode.site, starts=TODAY
    )
    meeting = Meeting.objects.get(code="M1")
    second = Enrollment.objects.create(episode=other, track=enrollment.track, starts=TODAY)
    second.enrollment_meetings.create(meeting=meeting, starts=TODAY)
    with pytest.raises(
        ImportFailed, match=r"meetings\.csv, row 2: 2 patients are enrolled in “Group”\. Enter at least 2 spots"
    ):
        import_files(tmp_path, clinic_with("meetings", "Mon,9:00,12:00,BIG,ADA,10", "Mon,9:00,12:00,BIG,ADA,1"))


def test_a_biweekly_group_with_a_break_in_minutes_is_imported(tmp_path: Path) -> None:
    text = (
        "site,code,name,weekday,weeks,anchor,starts,ends,break_minutes,service_type,places,modality,runs_from\n"
        "NORTH,FAM,Family night,Wed,Every other week,2026-09-02,6 pm,8:30 PM,15,family,10,In person,2026-09-01\n"
    )
    import_files(tmp_path, {"sites": CLINIC["sites"], "meetings": text})
    meeting = Meeting.objects.get()
    assert (meeting.starts, meeting.break_starts, meeting.break_ends, meeting.ends) == (
        time(18), time(19, 5), time(19, 20), time(20, 30),
    )  # fmt: skip
    assert (meeting.anchor, meeting.service_type.code) == (date(2026, 9, 2), "family")
    again = text.replace("Every other week,2026-09-02", "every,")
    (change,) = import_files(tmp_path, {"meetings": again}).changes
    assert [(field.before, field.after) for field in change.fields] == [("every_other, 2026-09-02", "every")]
