"""The published weekly timetables of twenty real programs are imported and checked against the hours rule."""

import csv
import re
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from clinic_import.clinic import import_clinic
from clinic_import.reading.faults import ImportFailed
from scheduling.domain.hours.reasons import TooFewDays, TooFewMinutes
from scheduling.models import Meeting, Session, Site, Track, TrackStatus
from scheduling.services.rulebook import RuleBook
from scheduling.services.timetable.tracks import publish_track, track_verdict
from tests.integration.clinic_import.test_import_workbooks import Cell, write_xlsx
from tests.paths import PROJECT
from timekeeping.occurrences import expand_pattern
from timekeeping.reasons import Refused

SOURCE = PROJECT / "tests" / "data" / "timetables.csv"
ZONE = ZoneInfo("America/New_York")
FIRST = date(2026, 10, 5)
"""The tests cover eight weeks from this Monday on, including the end of daylight saving time and a closure."""
UNTIL = FIRST + timedelta(weeks=8)
NOW = datetime(2026, 10, 5, 4, 30, tzinfo=UTC)
CLOSED = (date(2026, 11, 26), date(2026, 11, 27))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# Minutes per week (breaks subtracted), days per week, and the reasons against publishing, all worked out by hand.
VERDICTS = {
    "P02a": (1000, 5, ()),
    "P02b": (750, 5, ()),
    "P03a": (480, 3, (TooFewMinutes(480, 540),)),
    "P03b": (480, 3, (TooFewMinutes(480, 540),)),
    "P05": (780, 3, ()),
    "P06a": (900, 5, ()),
    "P06b": (720, 4, ()),
    "P09a": (810, 3, ()),
    "P09b": (720, 4, ()),
    "P09c": (180, 1, (TooFewMinutes(180, 540), TooFewDays(1, 3))),
    "P12": (675, 3, ()),
    "P17": (420, 3, (TooFewMinutes(420, 540),)),
    "P26a": (900, 5, ()),
    "P26b": (900, 5, ()),
    "P30": (1500, 5, ()),
    "P32a": (720, 4, ()),
    "P32b": (720, 4, ()),
    "P33": (1350, 5, ()),
    "P35": (1200, 5, ()),
    "P36": (1100, 5, ()),
}


def programs() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    with SOURCE.open(encoding="utf-8", newline="") as file:
        for slot in csv.DictReader(file):
            found[slot["program_code"]].append(slot)
    return found


def write_clinic(folder: Path, status: str = "draft", individual_minutes: int = 0) -> Path:
    """Write the timetables as CSV files for the import. Each program becomes a track with its meetings."""
    tracks = ["site,code,name,population,status,individual_minutes"]
    meetings = ["site,code,name,tracks,weekday,starts,ends,break_minutes,modality,places,runs_from"]
    for code, slots in programs().items():
        tracks.append(f"S,{code},{slots[0]['kind']} {code},{slots[0]['population']},{status},{individual_minutes}")
        for number, slot in enumerate(slots):
            modality = slot["modality"].replace("not_stated", "")
            meetings.append(
                f"S,{code}-{number},{slot['label']},{code},{slot['weekday']},{slot['starts']},{slot['ends']},"
                f"{slot['break_minutes']},{modality},12,2026-09-07"
            )
    (folder / "sites.csv").write_text("code,name,time_zone\nS,Program,America/New_York\n")
    (folder / "tracks.csv").write_text("\n".join(tracks))
    (folder / "meetings.csv").write_text("\n".join(meetings))
    (folder / "closures.csv").write_text(f"site,first_day,last_day,reason\nS,{CLOSED[0]},{CLOSED[1]},Thanksgiving\n")
    return folder


def as_workbook(folder: Path) -> Path:
    """Write the CSV files of the folder as sheets of one workbook, with the dates and times as typed cells."""
    sheets: dict[str, list[list[Cell]]] = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="") as lines:
            sheets[file.stem.title()] = [[typed_cell(text) for text in row] for row in csv.reader(lines)]
    return write_xlsx(folder / "timetables.xlsx", sheets)


def typed_cell(text: str) -> Cell:
    if re.fullmatch(r"\d\d:\d\d", text):
        return time.fromisoformat(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return int(text) if text.isdecimal() else text


def expected_sessions(slot: dict[str, str]) -> list[tuple[datetime, datetime, int]]:
    """Return the start and end (in UTC) and the countable minutes of each session that the slot has in eight weeks."""
    break_minutes = int(slot["break_minutes"] or 0)
    found = []
    for days in range(8 * 7):
        on = FIRST + timedelta(days=days)
        if WEEKDAYS[on.weekday()] != slot["weekday"] or on in CLOSED:
            continue
        behind_utc = timedelta(hours=4 if on < date(2026, 11, 1) else 5)
        starts, ends = (
            datetime.combine(on, time.fromisoformat(slot[name]), UTC) + behind_utc for name in ("starts", "ends")
        )
        found.append((starts, ends, int((ends - starts).total_seconds() // 60) - break_minutes))
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("is_workbook", [False, True], ids=["a folder", "a workbook"])
def test_all_twenty_timetables_are_imported_and_published_or_refused_by_the_hours_rule(
    tmp_path: Path, is_workbook: bool
) -> None:
    folder = write_clinic(tmp_path)
    import_clinic(as_workbook(folder) if is_workbook else folder, by=None, now=NOW)
    assert set(programs()) == set(VERDICTS)
    book = RuleBook.of(Site.objects.get())
    for track in Track.objects.all():
        minutes, days, reasons = VERDICTS[track.code]
        verdict = track_verdict(track=track, on=FIRST, book=book)
        assert (verdict.minutes, verdict.days, verdict.reasons) == (minutes, days, reasons), track.code
        refused: tuple[object, ...] = ()
        try:
            publish_track(track=track, by=None, now=NOW)
        except Refused as refusal:
            refused = refusal.reasons
        assert refused == reasons, track.code
        track.refresh_from_db()
        assert track.status == (TrackStatus.DRAFT if reasons else TrackStatus.PUBLISHED)


@pytest.mark.django_db
def test_each_timetable_expands_to_the_right_sessions_for_eight_weeks(tmp_path: Path) -> None:
    import_clinic(write_clinic(tmp_path), by=None, now=NOW)
    closed = [closure.as_interval() for closure in Site.objects.get().closures.all()]
    for code, slots in programs().items():
        for number, slot in enumerate(slots):
            meeting = Meeting.objects.get(code=f"{code}-{number}")
            sessions = expand_pattern(meeting.as_pattern(), FIRST, UNTIL, zone=ZONE, closed=closed)
            assert [(each.starts, each.ends, each.countable_minutes) for each in sessions] == expected_sessions(slot)


@pytest.mark.django_db
def test_publishing_writes_the_expected_sessions(tmp_path: Path) -> None:
    import_clinic(write_clinic(tmp_path), by=None, now=NOW)
    for track in Track.objects.filter(code__in=[code for code, verdict in VERDICTS.items() if not verdict[2]]):
        publish_track(track=track, by=None, now=NOW)
    for code, slots in programs().items():
        written = Session.objects.filter(meeting__tracks__code=code).between(FIRST, UNTIL)
        found = sorted(written.values_list("meeting__code", "starts", "ends", "countable_minutes"))
        expected = sorted(
            (f"{code}-{number}", *each) for number, slot in enumerate(slots) for each in expected_sessions(slot)
        )
        assert found == ([] if VERDICTS[code][2] else expected), code


@pytest.mark.django_db
@pytest.mark.parametrize("is_workbook", [False, True], ids=["a folder", "a workbook"])
def test_an_import_of_published_tracks_names_those_that_break_the_hours_rule(tmp_path: Path, is_workbook: bool) -> None:
    folder = write_clinic(tmp_path, status="published")
    with pytest.raises(ImportFailed) as found:
        import_clinic(as_workbook(folder) if is_workbook else folder, by=None, now=NOW)
    assert {fault.file for fault in found.value.faults} == {"timetables.xlsx, Tracks" if is_workbook else "tracks.csv"}
    faults = {list(VERDICTS)[fault.row - 2]: fault.sentence for fault in found.value.faults}
    assert faults == {
        "P03a": "8 h a week is 1 h less than the 9 h required.",
        "P03b": "8 h a week is 1 h less than the 9 h required.",
        "P09c": "3 h a week is 6 h less than the 9 h required. 1 day a week is too few. At least 3 are required.",
        "P17": "7 h a week is 2 h less than the 9 h required.",
    }
    assert not Track.objects.exists()


@pytest.mark.django_db
def test_a_workbook_of_the_timetables_and_the_folder_mean_the_same(tmp_path: Path) -> None:
    folder = write_clinic(tmp_path)
    book = as_workbook(folder)
    import_clinic(folder, by=None, now=NOW)
    assert not import_clinic(book, by=None, now=NOW).changes


@pytest.mark.django_db
def test_two_individual_hours_raise_seven_group_hours_to_nine(tmp_path: Path) -> None:
    import_clinic(write_clinic(tmp_path, individual_minutes=120), by=None, now=NOW)
    track = publish_track(track=Track.objects.get(code="P17"), by=None, now=NOW)
    assert track.status == TrackStatus.PUBLISHED
