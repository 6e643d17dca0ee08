"""Patients who wait for a spot come in with the time of their request, and keep their place in line."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import Action, AuditEvent, User
from clinic_import.reading.faults import ImportFailed
from patients.models import Episode
from scheduling.models import Priority, Track, WaitingEntry
from scheduling.services.enrollment.waitlist import leave_waitlist
from tests.factories import enroll
from tests.spreadsheets import CLINIC, NOW, import_files

pytestmark = pytest.mark.django_db

HEAD = "patient,track,priority,from_day,note,requested\n"
PATIENTS = CLINIC["patients"].replace("7/3/1988,,,,,", "7/3/1988,2026-08-31,2.1,9,3,Dr. Cole")
WAITING = HEAD + "P1,am,Routine,2026-09-14,Only before noon,2026-08-28 9:15\nP2,AM,routine,2026-09-07,,2026-08-27\n"


def clinic(waitlist: str) -> dict[str, str]:
    return {**CLINIC, "patients": PATIENTS, "waitlist": waitlist}


def faults_of(folder: Path, waitlist: str, *, tracks: str = CLINIC["tracks"]) -> list[str]:
    with pytest.raises(ImportFailed) as found:
        import_files(folder, {**clinic(waitlist), "tracks": tracks})
    return [str(fault) for fault in found.value.faults]


def test_the_waitlist_comes_in_with_its_order_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    import_files(tmp_path, clinic(WAITING))
    entries = WaitingEntry.objects.in_order()
    assert [*entries.values_list("episode__patient__code", "priority", "from_day", "note", "requested_at")] == [
        ("P2", Priority.ROUTINE, date(2026, 9, 7), "", datetime(2026, 8, 27, 4, tzinfo=UTC)),
        ("P1", Priority.ROUTINE, date(2026, 9, 14), "Only before noon", datetime(2026, 8, 28, 13, 15, tzinfo=UTC)),
    ]
    assert AuditEvent.objects.filter(action=Action.IMPORTED, subject_kind="waitingentry").count() == 2
    assert not import_files(tmp_path, clinic(WAITING), now=NOW + timedelta(days=1)).changes


def test_an_entry_changes_and_keeps_what_the_file_lacks(tmp_path: Path) -> None:
    import_files(tmp_path, clinic(WAITING))
    short = "patient,track,priority,from_day\nP1,AM,urgent,2026-09-14\nP2,AM,routine,2026-09-07\n"
    (change,) = import_files(tmp_path, clinic(short)).changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [("priority", "Routine", "Urgent")]
    first = WaitingEntry.objects.in_order()[0]
    assert (first.note, first.requested_at) == ("Only before noon", datetime(2026, 8, 28, 13, 15, tzinfo=UTC))
    moved = WAITING.replace("P2,AM,routine,2026-09-07,,2026-08-27", "P2,AM,routine,2026-09-07,,2026-08-29")
    (_urgent, change) = import_files(tmp_path, clinic(moved)).changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [
        ("requested", "2026-08-27", "2026-08-29")
    ]


def test_current_records_that_the_files_do_not_mention_are_listed_whatever_the_case_of_their_codes(
    tmp_path: Path,
) -> None:
    afternoon = [
        row.replace(",AM,", ",PM,").replace("1,Group", "2,Group").replace("9:00,12:00,BIG,ADA", "13:00,16:00,BIG,BEN")
        for row in CLINIC["meetings"].splitlines()[1:]
    ]
    files = {
        **clinic(HEAD + "P2,am,soon,2026-09-07,,\n"),
        "tracks": CLINIC["tracks"] + "NORTH,PM,Afternoon,published\n",
        "meetings": CLINIC["meetings"] + "\n".join(afternoon),
        "enrollments": "patient,track,starts,site\nP1,am,2026-09-02,north\n",
    }
    missing = import_files(tmp_path, files).missing
    assert (missing["enrollments"].number, missing["waitlist"].number) == (0, 0)
    ended = {**files, "enrollments": "patient,track,starts,site,last_day\nP1,PM,2026-08-31,NORTH,2026-08-31\n"}
    assert import_files(tmp_path, ended).missing["enrollments"].labels == ["P1 AM"]


def test_a_request_without_a_time_is_made_now(tmp_path: Path) -> None:
    import_files(tmp_path, clinic("patient,track,priority,from_day\nP1,AM,soon,2026-09-14\n"))
    assert WaitingEntry.objects.get().requested_at == NOW


def test_an_entry_that_was_closed_since_stays_closed(tmp_path: Path) -> None:
    import_files(tmp_path, clinic(WAITING))
    entry = WaitingEntry.objects.get(episode__patient__code="P1")
    leave_waitlist(entry=entry, reason="Moved away", by=User.objects.get(code="BEN"), now=NOW)
    assert not import_files(tmp_path, clinic(WAITING), now=NOW + timedelta(days=1)).changes
    assert WaitingEntry.objects.open().count() == 1


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        pytest.param(
            "P1,PM,soon,2026-09-14,,", "row 2, track: “PM” is not a code in tracks.csv or in the database.",
            id="an unknown track",
        ),
        pytest.param(
            "P9,AM,soon,2026-09-14,,", "row 2, patient: “P9” is not a code in patients.csv or in the database.",
            id="an unknown patient",
        ),
        pytest.param(
            "P1,AM,now,2026-09-14,,",
            "row 2, priority: “now” is not one of the options. Use one of these: urgent, soon, routine.",
            id="an unknown priority",
        ),
        pytest.param(
            "P1,AM,soon,2026-08-14,,",
            "row 2, from_day: P1 is not in care on Aug 14, 2026. Enter the admission in episodes.csv.",
            id="before the admission",
        ),
        pytest.param(
            "P1,AM,soon,2026-09-14,,2026-09-02", "row 2, requested: The request, Sep 2, 2026, is in the future.",
            id="requested tomorrow",
        ),
        pytest.param(
            "P1,AM,soon,2026-09-14,,2026-08-28\nP1,am,soon,2026-09-14,,2026-08-28",
            "row 3, track: Row 2 has the same patient and track.",
            id="twice on the waitlist",
        ),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_one_fault(tmp_path: Path, row: str, sentence: str) -> None:
    assert faults_of(tmp_path, f"{HEAD}{row}\n") == [f"waitlist.csv, {sentence}"]
    assert not WaitingEntry.objects.exists()


def test_the_rules_of_the_waitlist_apply(tmp_path: Path) -> None:
    import_files(tmp_path, {**CLINIC, "patients": PATIENTS})
    enroll(Episode.objects.get(patient__code="P1"), Track.objects.get(), date(2026, 9, 7))
    (sentence,) = faults_of(tmp_path, WAITING)
    assert sentence.startswith("waitlist.csv, row 2: ")
    drafts = CLINIC["tracks"] + "NORTH,PM,Evening,draft\n"
    (sentence,) = faults_of(tmp_path, HEAD + "P2,PM,soon,2026-09-07,,\n", tracks=drafts)
    assert sentence.startswith("waitlist.csv, row 2: ")
