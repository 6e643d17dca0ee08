"""A clinic is imported from its files, and a second import writes only the differences."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from clinic_import.clinic import import_clinic
from clinic_import.reading.faults import ImportFailed
from patients.models import Commitment, Episode, LevelOfCareSpan, Patient
from scheduling.models import Closure, Meeting, Room, RuleSet, Session, SessionStatus, Site, Track, TrackStatus
from scheduling.services.documents.feeds import create_feed, find_feed
from scheduling.services.timetable.closures import close_site
from tests.factories import make_staff
from tests.paths import PROJECT
from tests.spreadsheets import CLINIC, NOW, clinic_with, import_files, write_files

pytestmark = pytest.mark.django_db

DEMO = PROJECT / "demo"


def test_all_files_are_imported(tmp_path: Path) -> None:
    outcome = import_files(tmp_path)
    assert outcome.rows.total() == len(outcome.changes) == 14
    site = Site.objects.get(code="NORTH")
    assert (site.neutral_name, site.time_zone) == ("Appointment", "America/New_York")
    assert RuleSet.objects.get(site=site).as_rules().minimum_minutes == 540
    ben = User.objects.get(code="BEN")
    assert {role.role for role in ben.role_assignments.all()} == {Role.COORDINATOR, Role.CLINICIAN}
    assert not ben.has_usable_password()
    track = Track.objects.get(code="AM")
    assert track.status == TrackStatus.PUBLISHED
    meeting = Meeting.objects.get(code="M1")
    assert (meeting.weekday, meeting.starts, meeting.ends, meeting.places) == (0, time(9), time(12), 10)
    assert meeting.leader == User.objects.get(code="ADA")
    assert list(meeting.tracks.all()) == [track]
    closure = Closure.objects.get()
    assert (closure.starts, closure.ends) == (date(2026, 11, 26), date(2026, 11, 28))
    span = LevelOfCareSpan.objects.get()
    assert (span.prescribed_minutes, span.prescribed_days, span.stated_by) == (540, 3, "Dr. Cole, MD")
    assert span.episode.patient.birth_date == date(1990, 5, 17)
    night, hearing = Commitment.objects.order_by("patient__code")
    assert night.weekday_numbers == (0, 1, 2, 3, 6)
    assert (hearing.on, hearing.starts, hearing.ends) == (date(2026, 10, 5), time(9), time(10, 30))
    assert Session.objects.filter(meeting=meeting).count() == 12
    assert not Session.objects.filter(on=date(2026, 11, 27)).exists(), "the site is closed"


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    import_files(tmp_path)
    events = AuditEvent.objects.count()
    outcome = import_files(tmp_path)
    assert outcome.changes == ()
    assert outcome.unchanged == 14
    assert AuditEvent.objects.count() == events


def test_a_second_import_of_the_demo_clinic_changes_nothing() -> None:
    output = StringIO()
    call_command("import_clinic", DEMO, stdout=output)
    assert "Rows: 210 new, 0 changed, 0 unchanged." in output.getvalue()
    output = StringIO()
    call_command("import_clinic", DEMO, stdout=output)
    assert output.getvalue() == "Nothing to change: 210 rows are up to date.\n"


def test_a_dry_run_says_what_would_change_and_writes_nothing(tmp_path: Path) -> None:
    output = StringIO()
    call_command("import_clinic", write_files(tmp_path, CLINIC), "--dry-run", stdout=output)
    assert "tracks.csv, row 2 (NORTH AM): new" in output.getvalue()
    assert output.getvalue().endswith("Rows: 14 new, 0 changed, 0 unchanged.\nThis was a dry run. Nothing was saved.\n")
    for model in (Site, Room, User, Track, Meeting, Session, Patient, Episode, Commitment, Closure, AuditEvent):
        assert not model.objects.exists()


@pytest.mark.parametrize(
    ("table", "old", "new", "row", "column", "before", "after"),
    [
        ("sites", "Harbor Street", "Pier Street", 2, "name", "Harbor Street", "Pier Street"),
        ("rooms", "Small room,6", "Small room,8", 3, "places", "6", "8"),
        ("staff", "Ben Cho,,", "Ben Cho,LCSW,", 3, "credential", "nothing", "LCSW"),
        ("staff", "coordinator@NORTH; ", "", 3, "roles", "clinician@NORTH; coordinator@NORTH", "clinician@NORTH"),
        ("tracks", "Morning", "Early", 2, "name", "Morning", "Early"),
        ("meetings", "W1,Group", "W1,Skills", 3, "name", "Group", "Skills"),
        ("patients", "Emil", "Emile", 3, "first_name", "Emil", "Emile"),
        ("patients", "Dr. Cole, MD", "Dr. Lee, MD", 2, "stated_by", "Dr. Cole, MD", "Dr. Lee, MD"),
        ("commitments", "Sun-Thu", "Sun-Wed", 2, "weekdays", "Mon; Tue; Wed; Thu; Sun", "Mon; Tue; Wed; Sun"),
        ("closures", "2026-11-27", "2026-11-29", 2, "last_day", "2026-11-27", "2026-11-29"),
    ],
)
def test_changes_are_reported_by_row_and_column(
    tmp_path: Path, table: str, old: str, new: str, row: int, column: str, before: str, after: str
) -> None:
    import_files(tmp_path)
    make_staff(Role.COORDINATOR, Site.objects.get())  # an import may not remove a site's last coordinator
    (change,) = import_files(tmp_path, clinic_with(table, old, new)).changes
    (field,) = change.fields
    assert (change.table, change.row, change.is_new) == (table, row, False)
    assert (field.column, field.before, field.after) == (column, before, after)
    assert import_files(tmp_path, clinic_with(table, old, new)).changes == ()


def test_the_last_coordinator_of_a_site_stays(tmp_path: Path) -> None:
    import_files(tmp_path)
    for old, new in (("coordinator@NORTH; ", ""), ("Ben Cho,,coordinator", "Ben Cho,,reviewer")):
        with pytest.raises(ImportFailed) as failed:
            import_files(tmp_path, clinic_with("staff", old, new))
        (fault,) = failed.value.faults
        assert (fault.row, fault.column) == (3, "roles")
        assert "Harbor Street would have no coordinator." in fault.sentence
    swapped = CLINIC["staff"].replace("coordinator@NORTH; ", "").replace("LADC,", "LADC,coordinator@NORTH; ")
    assert len(import_files(tmp_path, {**CLINIC, "staff": swapped}).changes) == 2


def test_the_last_coordinator_who_can_sign_in_stays(tmp_path: Path) -> None:
    import_files(tmp_path)
    ben, ada = User.objects.get(code="BEN"), User.objects.get(code="ADA")
    ben.set_password("a long password for tests")
    ben.save()
    swapped = CLINIC["staff"].replace("coordinator@NORTH; ", "").replace("LADC,", "LADC,coordinator@NORTH; ")
    with pytest.raises(ImportFailed) as failed:
        import_files(tmp_path, {**CLINIC, "staff": swapped})
    assert "Harbor Street would have no coordinator who can sign in." in failed.value.faults[0].sentence
    ada.set_password("a long password for tests")
    ada.save()
    assert len(import_files(tmp_path, {**CLINIC, "staff": swapped}).changes) == 2


def test_an_import_that_turns_an_account_off_ends_its_sessions_and_calendar_links(tmp_path: Path) -> None:
    import_files(tmp_path)
    user = User.objects.get(code="ADA")
    user.set_password("a long password for tests")
    user.save()
    _, token = create_feed(facilitator=user, by=user, now=NOW)
    off = (
        CLINIC["staff"]
        .replace("roles\n", "roles,active\n")
        .replace("LADC,clinician@NORTH\n", "LADC,clinician@NORTH,no\n")
        .replace("coordinator@NORTH; clinician@NORTH\n", "coordinator@NORTH; clinician@NORTH,yes\n")
    )
    meetings = CLINIC["meetings"].replace("ADA", "BEN")
    import_files(tmp_path, {**CLINIC, "staff": off, "meetings": meetings})
    user.refresh_from_db()
    assert (user.is_active, user.has_usable_password()) == (False, False)
    assert find_feed(token) is None


LIVES = """patient,code,kind,label,weekdays,rotation,anchor,starts,ends,on,last_on,movable_minutes,travel_minutes,travel_after
P1,C1,work,Shift,,"4 on, 3 off",2026-11-02,7:00,19:00,,,30,,45
P1,C2,family,Away,,,,0:00,0:00,2027-01-12,2027-01-16,,20,
P2,C1,school,Course,Mon,,,9:00,12:00,2026-11-02,2026-11-20,,,
"""


def test_rotations_date_ranges_and_travel_are_imported_once(tmp_path: Path) -> None:
    import_files(tmp_path, {**CLINIC, "commitments": LIVES})

    shift, trip, course = Commitment.objects.order_by("patient__code", "code")
    assert (shift.rotation, shift.anchor, shift.movable_minutes) == ("4 on, 3 off", date(2026, 11, 2), 30)
    assert (shift.travel_before_minutes, shift.travel_after_minutes) == (0, 45)
    assert (trip.is_whole_day, trip.on, trip.last_on) == (True, date(2027, 1, 12), date(2027, 1, 16))
    assert (trip.weekdays, trip.travel_before_minutes, trip.travel_after_minutes) == (127, 20, 20)
    assert (course.weekday_numbers, course.until) == ((0,), date(2026, 11, 21))
    assert import_files(tmp_path, {**CLINIC, "commitments": LIVES}).changes == ()


def test_a_changed_rotation_is_reported_in_the_notation_of_the_file(tmp_path: Path) -> None:
    import_files(tmp_path, {**CLINIC, "commitments": LIVES})

    (change,) = import_files(tmp_path, {**CLINIC, "commitments": LIVES.replace("4 on, 3 off", "2-2-3")}).changes

    assert [(field.column, field.before, field.after) for field in change.fields] == [
        ("rotation", "4 on, 3 off from 2026-11-02", "2 on, 2 off, 3 on from 2026-11-02")
    ]


def test_a_changed_meeting_ends_and_a_new_one_starts(tmp_path: Path) -> None:
    import_files(tmp_path)
    later = NOW + timedelta(weeks=3)
    files = clinic_with("meetings", "Wed,9:00,12:00", "Wed,10:00 AM,1:00 PM")
    (change,) = import_files(tmp_path, files, now=later).changes
    assert [field.column for field in change.fields] == ["starts", "ends"]
    before, after = Meeting.objects.filter(code="W1").order_by("runs_from")
    assert (before.starts, before.runs_until, after.starts, after.continues) == (
        time(9), later.date(), time(10), before,
    )  # fmt: skip
    held = Session.objects.filter(meeting=before, on__lt=later.date())
    assert held.count() == 3, "the past is not rewritten"
    assert import_files(tmp_path, files, now=later).changes == (), "the file's row means the meeting as it is now"
    assert Track.objects.get().status == TrackStatus.PUBLISHED


def test_a_change_that_breaks_the_hours_rule_writes_nothing(tmp_path: Path) -> None:
    import_files(tmp_path)
    with pytest.raises(ImportFailed) as refused:
        import_files(tmp_path, clinic_with("meetings", "Fri,9:00,12:00", "Fri,9:00,11:30"))
    assert [str(fault) for fault in refused.value.faults] == [
        "meetings.csv, row 4: 8 h 30 min a week is 30 min less than the 9 h required."
    ]
    assert Meeting.objects.get(code="F1").ends == time(12)


def test_meetings_can_swap_their_weekdays_in_one_import(tmp_path: Path) -> None:
    """If the meetings moved one after the other, the first move would double-book a room or break the hours rule."""
    import_files(tmp_path)
    text = CLINIC["meetings"].replace("Mon,9", "X,9").replace("Wed,9", "Mon,9").replace("X,9", "Wed,9")
    changes = import_files(tmp_path, {**CLINIC, "meetings": text}).changes
    assert [(change.row, change.fields[0].after) for change in changes] == [(2, "Wednesday"), (3, "Monday")]


@pytest.mark.parametrize(
    ("typed", "names", "shown"),
    [
        pytest.param("P2,Emil,,", ("Emil", ""), "Emil", id="only a first name"),
        pytest.param("P2,,Hart,", ("", "Hart"), "Hart", id="only a last name"),
    ],
)
def test_a_single_name_is_enough(tmp_path: Path, typed: str, names: tuple[str, str], shown: str) -> None:
    import_files(tmp_path, clinic_with("patients", "P2,Emil,Hart,", typed))
    patient = Patient.objects.get(code="P2")
    assert ((patient.first_name, patient.last_name), str(patient)) == (names, shown)


def test_a_file_without_a_column_for_last_names_keeps_them(tmp_path: Path) -> None:
    import_files(tmp_path)
    import_files(tmp_path, {**CLINIC, "patients": "site,code,first_name,birth_date\nNORTH,P2,Emilio,7/3/1988\n"})
    assert str(Patient.objects.get(code="P2")) == "Emilio Hart"


def test_columns_that_are_missing_from_a_file_keep_their_values(tmp_path: Path) -> None:
    import_files(tmp_path)
    files = {"meetings": "site,code,name,weekday,starts,ends,runs_from\nNORTH,M1,Group,Mon,9:00,12:00,1/5/2026\n"}
    assert import_files(tmp_path, files).changes == ()
    meeting = Meeting.objects.get(code="M1")
    assert (meeting.places, meeting.room, meeting.tracks.count()) == (10, Room.objects.get(code="BIG"), 1)


def test_rules_can_change_from_a_date_on(tmp_path: Path) -> None:
    import_files(tmp_path)
    files = {"sites": "code,name,time_zone,maximum_hours\nNORTH,Harbor Street,America/New_York,20\n"}
    with pytest.raises(ImportFailed, match="rules_from: These rules differ from those in effect since Jan 3, 2000"):
        import_files(tmp_path, files)
    with_date = {"sites": files["sites"].replace("hours\n", "hours,rules_from\n").replace(",20\n", ",20,2026-10-05\n")}
    import_files(tmp_path, with_date)
    assert [rules.maximum_minutes for rules in RuleSet.objects.order_by("starts")] == [1500, 1200]
    assert import_files(tmp_path, with_date).changes == ()


def test_an_imported_level_with_a_later_date_becomes_the_next_level(tmp_path: Path) -> None:
    import_files(tmp_path)
    text = (
        CLINIC["patients"].replace("admitted,", "admitted,level_from,").replace("2026-08-31,", "2026-08-31,2026-09-14,")
    )
    text = text.replace(",9,3,", ",15,5,").replace("7/3/1988,,", "7/3/1988,,,")
    import_files(tmp_path, {"patients": text})
    first, second = LevelOfCareSpan.objects.order_by("starts")
    assert (first.prescribed_minutes, first.ends) == (540, date(2026, 9, 14))
    assert (second.prescribed_minutes, second.starts, second.ends) == (900, date(2026, 9, 14), None)
    assert import_files(tmp_path, {"patients": text}).changes == ()
    assert import_files(tmp_path).changes == (), "the first file still says what was stated first"


def test_each_change_is_audited_with_its_actor(tmp_path: Path) -> None:
    import_files(tmp_path)
    User.objects.filter(code="BEN").update(is_active=True)
    call_command(
        "import_clinic", write_files(tmp_path, clinic_with("patients", "Emil", "Emile")), "--by", "Ben@clinic.example"
    )
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.action, event.actor_label, event.patient_key) == (
        Action.IMPORTED, "Ben Cho", Patient.objects.get(code="P2").pk,
    )  # fmt: skip
    with pytest.raises(CommandError, match=r"No user has the email address who@clinic\.example\."):
        call_command("import_clinic", tmp_path, "--by", "who@clinic.example")


def test_sessions_on_newly_closed_days_are_canceled_and_counted(tmp_path: Path) -> None:
    import_files(tmp_path)
    text = CLINIC["closures"] + "NORTH,2026-10-05,,Staff training\n"
    outcome = import_files(tmp_path, {"closures": text})
    assert outcome.notices == ("closures.csv, row 3: 1 session on these days is canceled.",)
    session = Session.objects.get(on=date(2026, 10, 5))
    assert (session.status, session.cancel_reason) == (SessionStatus.CANCELLED, "Staff training")
    assert import_files(tmp_path, {"closures": text}).changes == ()
    longer = text.replace("2026-10-05,,", "2026-10-05,2026-10-09,")
    assert import_files(tmp_path, {"closures": longer}).notices == (
        "closures.csv, row 3: 3 sessions on these days are canceled.",
    )
    import_files(tmp_path, {"closures": text})
    held = Session.objects.filter(on__gte=date(2026, 10, 5), on__lt=date(2026, 10, 12))
    assert list(held.values_list("on", "status")) == [
        (date(2026, 10, 5), SessionStatus.CANCELLED),
        (date(2026, 10, 7), SessionStatus.SCHEDULED),
        (date(2026, 10, 9), SessionStatus.SCHEDULED),
    ]


def test_a_day_that_was_closed_by_hand_is_not_closed_again(tmp_path: Path) -> None:
    import_files(tmp_path)
    close_site(
        site=Site.objects.get(),
        first_day=date(2026, 10, 5),
        last_day=date(2026, 10, 7),
        reason="Snow",
        by=None,
        now=NOW,
    )
    with pytest.raises(ImportFailed) as refused:
        import_files(tmp_path, {"closures": CLINIC["closures"] + "NORTH,2026-10-07,,Staff training\n"})
    assert [str(fault) for fault in refused.value.faults] == [
        "closures.csv, row 3, first_day: The site is already closed Mon, Oct 5 – Wed, Oct 7 (Snow). Choose other days."
    ]


def test_a_shortened_closure_makes_room_for_another_in_any_row_order(tmp_path: Path) -> None:
    head = "site,first_day,last_day,reason\n"
    import_files(tmp_path, {**CLINIC, "closures": head + "NORTH,2026-10-05,2026-10-09,Snow\n"})
    import_files(tmp_path, {"closures": head + "NORTH,2026-10-08,2026-10-09,Ice\nNORTH,2026-10-05,2026-10-06,Snow\n"})
    week = Session.objects.filter(on__gte=date(2026, 10, 5), on__lt=date(2026, 10, 12))
    assert list(week.values_list("on", "status")) == [
        (date(2026, 10, 7), SessionStatus.SCHEDULED),
        (date(2026, 10, 9), SessionStatus.CANCELLED),
    ]


PLACE = "code,name,time_zone,opens,closes,country,state\nNORTH,Harbor Street,America/New_York,6:30,10 PM,us,ME\n"


def test_a_site_has_its_opening_hours_and_region(tmp_path: Path) -> None:
    import_files(tmp_path, {**CLINIC, "sites": PLACE})
    site = Site.objects.get()
    assert (site.opens, site.closes, site.country, site.state) == (time(6, 30), time(22), "US", "ME")
    assert import_files(tmp_path, {**CLINIC, "sites": PLACE}).changes == ()
    assert import_files(tmp_path).changes == (), "a file without the columns leaves them as they are"
    (change,) = import_files(tmp_path, {"sites": PLACE.replace("6:30", "").replace("ME", "NH")}).changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [
        ("opens", "06:30", "nothing"),
        ("state", "ME", "NH"),
    ]


def test_a_site_may_be_in_a_region_without_known_holidays(tmp_path: Path) -> None:
    import_files(tmp_path, {"sites": PLACE.replace("us,ME", "xx,East")})
    assert (Site.objects.get().country, Site.objects.get().state) == ("XX", "East")


def test_opening_hours_are_checked_together_with_existing_ones(tmp_path: Path) -> None:
    import_files(tmp_path, {"sites": PLACE})
    with pytest.raises(ImportFailed) as refused:
        import_files(tmp_path, {"sites": "code,name,time_zone,opens\nNORTH,Harbor Street,America/New_York,22:00\n"})
    assert [str(fault) for fault in refused.value.faults] == [
        "sites.csv, row 2, closes: The site closes at 10:00 PM, which is not after it opens at 10:00 PM."
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encodings_separators_and_line_endings_of_spreadsheet_programs_are_recognized(
    tmp_path: Path, encoding: str, separator: str, ending: str
) -> None:
    cells = [["Code", "NAME", "Time zone"], ["S1", "Café Größe", "America/Chicago"], ["", "", ""]]
    text = ending.join(separator.join(row) for row in cells)
    (tmp_path / "Sites.CSV").write_bytes(text.encode(encoding))
    import_clinic(tmp_path, by=None, now=NOW)
    assert Site.objects.get().name == "Café Größe"


def test_thousands_of_patients_take_few_queries(
    tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    write_files(tmp_path, {"sites": CLINIC["sites"]})
    people = [f"NORTH,P{n},First{n},Last{n},1990-01-01,2026-08-31,2.1,9,3,Dr. Cole" for n in range(2000)]
    head = "site,code,first_name,last_name,birth_date,admitted,level,prescribed_hours,prescribed_days,stated_by"
    times = [f"P{n},C{k},work,Shift,Mon-Fri,{8 + k}:00,16:00" for n in range(2000) for k in range(3)]
    files = {
        "patients": "\n".join([head, *people]),
        "commitments": "\n".join(["patient,code,kind,label,weekdays,starts,ends", *times]),
    }
    progress: list[tuple[str, int, int]] = []
    with django_assert_max_num_queries(150):
        import_clinic(write_files(tmp_path, files), by=None, now=NOW, progress=lambda *each: progress.append(each))
    assert Commitment.objects.count() == 6000
    assert ("commitments", 250, 6000) in progress
    with django_assert_max_num_queries(60):
        assert import_clinic(tmp_path, by=None, now=datetime(2026, 9, 2, tzinfo=UTC)).changes == ()


def test_staff_who_are_missing_from_the_file_keep_their_roles(tmp_path: Path) -> None:
    superuser = User.objects.create_superuser("boss@clinic.example", name="Boss")
    import_files(tmp_path)
    assert RoleAssignment.objects.filter(user=superuser, role=Role.ADMINISTRATOR, site=None).exists()
