"""Importing enrollments: current ones are checked and booked, past ones are recorded, and faulty rows are reported."""

from datetime import date
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent
from clinic_import.reading.faults import ImportFailed
from patients.models import Episode
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    Modality,
    Priority,
    Session,
    Track,
    WaitingEntry,
)
from tests.spreadsheets import CLINIC, NOW, import_files

pytestmark = pytest.mark.django_db

TITLES = "patient,track,starts,groups,modality,last_day,end_reason\n"
PATIENTS = (
    "site,code,first_name,last_name,birth_date,admitted,level,prescribed_hours,prescribed_days,stated_by\n"
    'NORTH,P1,Rosa,Lindqvist,1990-05-17,2026-07-01,2.1,9,3,"Dr. Cole, MD"\n'
    'NORTH,P2,Emil,Hart,1988-07-03,2026-08-03,2.1,9,3,"Dr. Cole, MD"\n'
)
AFTERNOON = "".join(
    f"NORTH,{code},Afternoon,PM,{day},13:00,16:00,SMALL,BEN,1,2026-01-05\n"
    for code, day in (("PM-MON", "Mon"), ("PM-WED", "Wed"), ("PM-FRI", "Fri"))
)
FILES = {
    **CLINIC,
    "patients": PATIENTS,
    "tracks": CLINIC["tracks"] + "NORTH,PM,Afternoon,published\n",
    "meetings": CLINIC["meetings"] + AFTERNOON,
    "commitments": "patient,code,kind,label,weekdays,starts,ends\nP1,C1,work,Night shift,Sun-Thu,22:00,6:00\n",
}


def with_enrollments(rows: str, titles: str = TITLES, **files: str) -> dict[str, str]:
    return {**FILES, **files, "enrollments": titles + rows}


def test_a_current_enrollment_is_booked_up_to_the_horizon_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    files = with_enrollments("p1,am,2026-07-06,,,,\nP2,PM,2026-09-07,pm-mon; PM-WED; PM-FRI,telehealth,,\n")
    outcome = import_files(tmp_path, files)
    assert [change.label for change in outcome.changes if change.table == "enrollments"] == [
        "P1 am 2026-07-06",
        "P2 PM 2026-09-07",
    ]
    first, second = Enrollment.objects.order_by("starts")
    assert (first.track.code, first.ends, first.modality) == ("AM", None, Modality.IN_PERSON)
    assert (second.track.code, second.modality) == ("PM", Modality.TELEHEALTH)
    assert {(row.meeting.code, row.starts, row.ends) for row in first.enrollment_meetings.all()} == {
        (code, date(2026, 7, 6), None) for code in ("M1", "W1", "F1")
    }
    # From Wednesday, September 2 to Monday, November 23, without the closed Friday: 12 Mondays, 12 Wednesdays, 12 Fridays
    sessions = Session.objects.filter(meeting__code__in=["M1", "W1", "F1"])
    assert Booking.objects.active().filter(enrollment=first).count() == sessions.count() == 36
    assert not sessions.exclude(booked=1).exists()
    booked = Booking.objects.active().filter(enrollment=second).order_by("starts")
    assert booked[0].session.on == date(2026, 9, 7)
    assert AuditEvent.objects.filter(subject_kind="enrollment", action=Action.IMPORTED).count() == 2
    assert import_files(tmp_path, files).changes == ()
    assert Booking.objects.count() == sessions.count() + booked.count()


def test_a_past_enrollment_is_recorded_without_bookings_even_if_it_breaks_todays_rules(tmp_path: Path) -> None:
    files = with_enrollments("P1,AM,2026-07-06,M1,,2026-08-14,Moved away\n")
    import_files(tmp_path, files)
    enrollment = Enrollment.objects.get()
    assert (enrollment.starts, enrollment.ends, enrollment.end_reason) == (
        date(2026, 7, 6),
        date(2026, 8, 15),
        "Moved away",
    )
    row = EnrollmentMeeting.objects.get()
    assert (row.meeting.code, row.starts, row.ends) == ("M1", date(2026, 7, 6), date(2026, 8, 15))
    assert not Booking.objects.exists()
    assert import_files(tmp_path, files).changes == ()


def test_a_group_with_two_timetables_is_attended_in_both(tmp_path: Path) -> None:
    old = "NORTH,M1,Group,AM,Mon,9:00,12:00,BIG,ADA,10,2026-01-05\n"
    two = (
        "NORTH,M1,Group,AM,Mon,9:00,12:00,BIG,ADA,10,2026-01-05,2026-07-31\n"
        "NORTH,M1,Group,AM,Mon,9:30,12:30,BIG,ADA,10,2026-08-01,\n"
    )
    titles, *rows = CLINIC["meetings"].replace(old, "").splitlines()
    meetings = "\n".join([f"{titles},last_day", *(f"{row}," for row in rows)]) + "\n" + two
    files = with_enrollments("P1,AM,2026-07-06,,,,\n", meetings=meetings, tracks=CLINIC["tracks"])
    import_files(tmp_path, files)
    attended = EnrollmentMeeting.objects.filter(meeting__code="M1").order_by("starts")
    assert [(row.starts, row.ends) for row in attended] == [
        (date(2026, 7, 6), date(2026, 8, 1)),
        (date(2026, 8, 1), None),
    ]
    assert import_files(tmp_path, files).changes == ()


def test_a_later_import_ends_an_enrollment_and_releases_its_bookings(tmp_path: Path) -> None:
    import_files(tmp_path, with_enrollments("P1,AM,2026-07-06,,,,\n"))
    files = with_enrollments("P1,AM,2026-07-06,,,2026-09-11,Completed\n")
    outcome = import_files(tmp_path, files)
    (change,) = outcome.changes
    assert [(field.column, field.before, field.after) for field in change.fields] == [
        ("last_day", "nothing", "2026-09-11"),
        ("end_reason", "nothing", "Completed"),
    ]
    assert Booking.objects.active().order_by("starts").last().session.on == date(2026, 9, 11)
    assert import_files(tmp_path, files).changes == ()
    (change,) = import_files(tmp_path, with_enrollments("P1,AM,2026-07-06,,,2026-09-11,Done\n")).changes
    assert Enrollment.objects.get().end_reason == "Done"


def test_an_enrollment_takes_the_patient_off_the_waitlist(tmp_path: Path) -> None:
    import_files(tmp_path, FILES)
    episode = Episode.objects.get(patient__code="P1")
    entry = WaitingEntry.objects.create(
        episode=episode,
        track=Track.objects.get(code="AM"),
        priority=Priority.values[0],
        from_day=date(2026, 9, 1),
        requested_at=NOW,
    )
    import_files(tmp_path, with_enrollments("P1,AM,2026-09-07,,,,\n"))
    entry.refresh_from_db()
    assert entry.enrollment == Enrollment.objects.get()


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        pytest.param(
            "P9,AM,2026-07-06,,,,\n",
            "row 2, patient: “P9” is not a code in patients.csv or in the database.",
            id="unknown patient",
        ),
        pytest.param(
            "P1,XX,2026-07-06,,,,\n",
            "row 2, track: “XX” is not a code in tracks.csv or in the database.",
            id="unknown track",
        ),
        pytest.param(
            "P1,AM,2026-06-29,,,,\n",
            "row 2, starts: P1 is not in care on Jun 29, 2026. Enter the admission in episodes.csv.",
            id="before the admission",
        ),
        pytest.param(
            "P1,AM,2026-07-06,PM-MON,,,\n",
            "row 2, groups: “PM-MON” is not the code of a group in the track AM.",
            id="a group of another track",
        ),
        pytest.param(
            "P1,AM,2026-07-06,,,2026-07-01,\n",
            "row 2, last_day: The last day, Jul 1, 2026, is before the first day, Jul 6, 2026.",
            id="ends before it starts",
        ),
        pytest.param(
            "P1,AM,2026-07-06,,,,Moved\n",
            "row 2, end_reason: An end reason needs a last day. Enter the last day, or leave this blank.",
            id="a reason without an end",
        ),
        pytest.param(
            "P1,AM,2026-07-06,,,2026-08-14,\nP1,AM,2026-08-10,,,2026-08-21,\n",
            "row 3: The patient has been enrolled in Morning since Mon, Jul 6. End that enrollment first.",
            id="overlaps another one in the track",
        ),
        pytest.param(
            "P1,AM,2026-07-06,M1; W1,,,\n",
            "row 2: 6 h a week is 3 h less than the 9 h prescribed. 2 days a week are too few. 3 are prescribed.",
            id="too few hours from today on",
        ),
        pytest.param(
            "P1,PM,2026-07-06,,,,\nP2,PM,2026-09-07,,,,\n",
            "row 3: Monday’s “Afternoon” is full on 12 dates, first on Mon, Sep 7. ",
            id="the last spot is taken",
        ),
    ],
)
def test_a_faulty_row_is_reported(tmp_path: Path, rows: str, fault: str) -> None:
    with pytest.raises(ImportFailed) as failed:
        import_files(tmp_path, with_enrollments(rows))
    (found,) = failed.value.faults
    assert str(found).startswith(f"enrollments.csv, {fault}"), str(found)
    assert not Enrollment.objects.exists()


def test_a_group_at_the_time_of_work_is_one_fault_in_words(tmp_path: Path) -> None:
    busy = "patient,code,kind,label,weekdays,starts,ends\nP1,C1,work,Day shift,Mon-Fri,8:00,17:00\n"
    with pytest.raises(ImportFailed) as failed:
        import_files(tmp_path, with_enrollments("P1,AM,2026-07-06,,,,\n", commitments=busy))
    (fault,) = failed.value.faults
    assert "Day shift" in fault.sentence


def test_groups_at_the_same_time_must_be_chosen(tmp_path: Path) -> None:
    meetings = FILES["meetings"] + "NORTH,M2,Other group,AM,Mon,10:00,13:00,SMALL,BEN,6,2026-01-05\n"
    with pytest.raises(ImportFailed) as failed:
        import_files(tmp_path, with_enrollments("P1,AM,2026-07-06,,,,\n", meetings=meetings))
    assert [str(fault) for fault in failed.value.faults] == [
        "enrollments.csv, row 2, groups: M1 and M2 are at the same time. Enter the groups that the patient attends."
    ]
    import_files(tmp_path, with_enrollments("P1,AM,2026-07-06,M2; W1; F1,,,\n", meetings=meetings))


def test_what_an_import_does_not_change_is_a_fault(tmp_path: Path) -> None:
    import_files(tmp_path, with_enrollments("P1,AM,2026-07-06,,,2026-08-14,\n"))
    for row, column in (
        ("P1,AM,2026-07-06,M1; W1,,2026-08-14,\n", "groups"),
        ("P1,AM,2026-07-06,,telehealth,2026-08-14,\n", "modality"),
        ("P1,AM,2026-07-06,,,,\n", "last_day"),
        ("P1,AM,2026-07-06,,,2026-08-21,\n", "last_day"),
    ):
        with pytest.raises(ImportFailed) as failed:
            import_files(tmp_path, with_enrollments(row))
        assert [fault.column for fault in failed.value.faults] == [column]


def test_the_queries_do_not_grow_with_the_number_of_patients(
    tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    numbers = {}
    for people in (1, 8):
        more = "".join(
            f'NORTH,X{people}{number},Ann{number},Other{people},1990-05-17,2026-07-01,2.1,9,3,"Dr. Cole, MD"\n'
            for number in range(people)
        )
        rows = "".join(f"X{people}{number},AM,2026-07-06,,,,\n" for number in range(people))
        import_files(tmp_path, {**FILES, "patients": PATIENTS + more})
        with django_assert_max_num_queries(500) as captured:
            import_files(tmp_path, with_enrollments(rows, patients=PATIENTS + more))
        numbers[people] = len(captured)
    assert numbers[8] <= numbers[1] + 1, "at most one more batch of bookings"
