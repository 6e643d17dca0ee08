"""Reading calendar files: known pitfalls, and every test file of the libraries icalendar and recurring_ical_events."""

import re
import time as clocks
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from icalendar.timezone import tzp

from patients.calendar_import.parser import parse_calendar
from patients.calendar_import.time_zones import is_known
from patients.calendar_import.wire_format import calendar_to_json, result_from_json
from patients.domain.calendar_files import (
    MAX_BYTES,
    CalendarNotice,
    CalendarTooLarge,
    CalendarTooOld,
    CalendarTruncated,
    NotACalendar,
    ParsedCalendar,
)
from tests.hostile_calendars import ZONE_TEMPLATE, calendar, event
from tests.unit.calendars.plain_reader import read_plainly
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, Refused

NEW_YORK = ZoneInfo("America/New_York")
FIRST = date(2026, 11, 23)
UNTIL = FIRST + timedelta(weeks=26)
MOST_SECONDS = 5


@pytest.fixture(autouse=True)
def fresh_zones() -> Iterator[None]:
    """Forget the time zones of other files. Outside tests, each file is read in a new process."""
    tzp.use_default()
    is_known.cache_clear()
    yield
    tzp.use_default()
    is_known.cache_clear()


def read(*parts: str, zone: ZoneInfo = NEW_YORK, first: date = FIRST) -> ParsedCalendar:
    return parse_calendar(calendar(*parts), zone=zone, first=first, until=first + timedelta(weeks=26))


def refusal(data: bytes) -> Reason:
    with pytest.raises(Refused) as refused:
        parse_calendar(data, zone=NEW_YORK, first=FIRST, until=UNTIL)
    [reason] = refused.value.reasons
    return reason


def shown(calendar_read: ParsedCalendar, zone: ZoneInfo = NEW_YORK) -> list[str]:
    """Format each busy time on the wall clock of the zone, as "24 Nov 09:00-10:00"."""
    return [
        f"{each.start.astimezone(zone):%d %b %H:%M}-{each.end.astimezone(zone):%H:%M}" for each in calendar_read.busy
    ]


def at(starts: str, ends: str, *lines: str) -> str:
    """Return a calendar entry with the given start and end on the wall clock of New York."""
    name = "TZID=America/New_York"
    return event(*lines, starts=f"DTSTART;{name}:{starts}00", ends=f"DTEND;{name}:{ends}00")


def notices(calendar_read: ParsedCalendar) -> dict[CalendarNotice, int]:
    return {each.notice: each.number for each in calendar_read.notices}


DAY = at("20261124T0900", "20261124T1000")


@pytest.mark.parametrize(
    ("parts", "times"),
    [
        pytest.param([DAY], ["24 Nov 09:00-10:00"], id="once"),
        pytest.param([at("20261124T2200", "20261125T0600")], ["24 Nov 22:00-06:00"], id="over midnight"),
        pytest.param(
            [event(starts="DTSTART:20261124T0900" + "00", ends="DURATION:PT90M")], ["24 Nov 09:00-10:30"], id="floating"
        ),
        pytest.param(
            [at("20261124T0900", "20261124T1000", "RRULE:FREQ=WEEKLY;UNTIL=20261208")],
            ["24 Nov 09:00-10:00", "01 Dec 09:00-10:00", "08 Dec 09:00-10:00"],
            id="until a date has that day",
        ),
        pytest.param(
            [at("20261124T1900", "20261124T2000", "RRULE:FREQ=WEEKLY;UNTIL=20261201T190000")],
            ["24 Nov 19:00-20:00", "01 Dec 19:00-20:00"],
            id="until a local time has that time",
        ),
        pytest.param(
            [
                event(
                    "RRULE:FREQ=WEEKLY;UNTIL=20261202T000000Z",
                    starts="DTSTART:20261124T190000",
                    ends="DTEND:20261124T200000",
                )
            ],
            ["24 Nov 19:00-20:00", "01 Dec 19:00-20:00"],
            id="a floating entry until an instant",
        ),
        pytest.param(
            [at("20261124T0900", "20261124T1000", "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;TZID=America/New_York:20261201T090000")],
            ["24 Nov 09:00-10:00", "08 Dec 09:00-10:00"],
            id="one left out",
        ),
        pytest.param(
            [at("20261124T0900", "20261124T1000", "RRULE:FREQ=DAILY;COUNT=2;UNTIL=99991231T235959Z")],
            ["24 Nov 09:00-10:00", "25 Nov 09:00-10:00"],
            id="until the end of all days",
        ),
        pytest.param(
            [DAY.replace("BEGIN:VEVENT", "BEGIN:VEVENT\nUID:1"), at("20261126T0900", "20261126T1000", "UID:1")],
            ["24 Nov 09:00-10:00", "26 Nov 09:00-10:00"],
            id="two entries of one id are both busy",
        ),
        pytest.param(
            [
                at("20261124T0900", "20261124T1000", "UID:1", "SEQUENCE:0"),
                at("20261124T1100", "20261124T1200", "UID:1", "SEQUENCE:1"),
            ],
            ["24 Nov 11:00-12:00"],
            id="a revision takes the place of what it revises",
        ),
        pytest.param(
            [at("20261126T1300", "20261126T1400", "UID:1", "RECURRENCE-ID;TZID=America/New_York:20261126T090000")],
            ["26 Nov 13:00-14:00"],
            id="a change of what is not in the file is busy",
        ),
        pytest.param(
            [
                at("20261124T0900", "20261124T1000", "UID:1", "RRULE:FREQ=DAILY;COUNT=3"),
                at(
                    "20261125T0900", "20261125T1000", "UID:1", "STATUS:CANCELLED",
                    "RECURRENCE-ID;TZID=America/New_York:20261125T090000",
                ),
            ],
            ["24 Nov 09:00-10:00", "26 Nov 09:00-10:00"],
            id="a cancelled occurrence does not come back as the usual one",
        ),
        pytest.param(
            [
                at("20261124T0900", "20261124T1000", "UID:1", "TRANSP:TRANSPARENT", "RRULE:FREQ=DAILY;COUNT=2"),
                at("20261125T0900", "20261125T1000", "UID:1", "RECURRENCE-ID;TZID=America/New_York:20261125T090000"),
            ],
            ["25 Nov 09:00-10:00"],
            id="one busy occurrence of what is free",
        ),
        pytest.param(
            [DAY, at("20261125T0900", "20261125T1000", "X-MICROSOFT-CDO-BUSYSTATUS:FREE")],
            ["24 Nov 09:00-10:00"],
            id="free as Outlook says it",
        ),
        pytest.param([at("20261120T0900", "20261201T1000")], ["23 Nov 00:00-10:00"], id="cut to the dates"),
        pytest.param([at("20270313T0230", "20270313T0330")], ["13 Mar 02:30-03:30"], id="the day before clocks change"),
        pytest.param([at("20270314T0230", "20270314T0300")], ["14 Mar 03:30-04:00"], id="begins in an hour that is skipped"),
        pytest.param([at("20270314T0230", "20270314T0330")], ["14 Mar 03:30-04:30"], id="skipped, and as long as is written"),
        pytest.param([at("20270314T0130", "20270314T0330")], ["14 Mar 01:30-03:30"], id="over an hour that is skipped"),
        pytest.param(
            [event(starts="DTSTART;TZID=Eastern Standard Time:20261124T090000", ends="DURATION:PT1H")],
            ["24 Nov 09:00-10:00"],
            id="Windows' name of a zone",
        ),
        pytest.param(
            ["X-WR-TIMEZONE:Europe/Berlin", event(starts="DTSTART:20261124T150000", ends="DURATION:PT1H")],
            ["24 Nov 09:00-10:00"],
            id="floating in the calendar's zone",
        ),
        pytest.param(
            [
                ZONE_TEMPLATE.format(rule="FREQ=YEARLY"),
                event(starts="DTSTART;TZID=Nowhere:20261124T090000", ends="DURATION:PT1H"),
            ],
            ["24 Nov 09:00-10:00"],
            id="a zone that the file defines",
        ),
        pytest.param(
            [
                ZONE_TEMPLATE.format(rule="FREQ=YEARLY").replace("Nowhere", "America/New_York").replace("-0500", "+0900"),
                at("20261124T0900", "20261124T1000"),
            ],
            ["24 Nov 09:00-10:00"],
            id="a false definition of a zone that is known",
        ),
        pytest.param([event("SUMMARY:END:VEVENT\n BEGIN:VEVENT")], ["24 Nov 09:00-10:00"], id="folded lines"),
    ],
)  # fmt: skip
def test_busy_times_are_those_in_the_file(parts: list[str], times: list[str]) -> None:
    assert shown(read(*parts)) == times


def test_a_repeating_entry_keeps_its_hour_across_a_clock_change() -> None:
    found = read(at("20270310T0900", "20270310T1000", "RRULE:FREQ=WEEKLY;COUNT=2"))
    assert shown(found) == ["10 Mar 09:00-10:00", "17 Mar 09:00-10:00"]
    assert [each.start.hour for each in found.busy] == [14, 13]


def test_all_day_entries_are_whole_days_and_not_busy_times() -> None:
    found = read(
        event(starts="DTSTART;VALUE=DATE:20261224", ends="DTEND;VALUE=DATE:20261227"),
        event(starts="DTSTART;VALUE=DATE:20261231", ends="DTEND;VALUE=DATE:20261231"),
        event(starts="DTSTART;VALUE=DATE:20261120", ends="DTEND;VALUE=DATE:20261124"),
        event("TRANSP:TRANSPARENT", starts="DTSTART;VALUE=DATE:20261230", ends="SUMMARY:x"),
    )
    assert found.busy == ()
    assert found.whole_days == (date(2026, 11, 23), *(date(2026, 12, day) for day in (24, 25, 26, 31)))


def test_left_out_entries_are_counted() -> None:
    found = read(
        DAY, event("STATUS:CANCELLED"), event("TRANSP:TRANSPARENT"), event("X-MICROSOFT-CDO-BUSYSTATUS:FREE"),
        event(starts="DTSTART:20200101T090000Z", ends="DTEND:20200101T100000Z"),
    )  # fmt: skip
    assert (found.events, found.occurrences, found.cancelled, found.free) == (5, 4, 1, 2)


@pytest.mark.parametrize(
    ("part", "notice", "times"),
    [
        pytest.param(
            event(starts="DTSTART;TZID=Atlantis:20261124T090000", ends="DTEND;TZID=Atlantis:20261124T100000"),
            CalendarNotice.UNKNOWN_ZONE,
            ["24 Nov 09:00-10:00"],
            id="a zone that nobody knows is the site's",
        ),
        pytest.param(event(starts="DTSTART:sometime"), CalendarNotice.UNREADABLE, [], id="no start that can be read"),
        pytest.param("BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT", CalendarNotice.UNREADABLE, [], id="no start at all"),
        pytest.param(
            event("RRULE:FREQ=SOMETIMES"), CalendarNotice.PARTLY_READ, ["24 Nov 09:00-10:00"], id="a rule that is none"
        ),
        pytest.param(
            event("RRULE:COUNT=3"), CalendarNotice.PARTLY_READ, ["24 Nov 09:00-10:00"], id="a rule without a frequency"
        ),
        pytest.param(event("EXDATE:never"), CalendarNotice.PARTLY_READ, ["24 Nov 09:00-10:00"], id="no date left out"),
        pytest.param(event(ends="SUMMARY:x"), CalendarNotice.NO_LENGTH, [], id="no end"),
        pytest.param("BEGIN:VTODO\nSUMMARY:x\nEND:VTODO", CalendarNotice.NO_EVENTS, [], id="a task"),
    ],
)
def test_unreadable_parts_give_a_notice(part: str, notice: CalendarNotice, times: list[str]) -> None:
    found = read(part)
    assert notices(found) == {notice: 1}
    assert shown(found) == times


def test_a_bad_entry_does_not_affect_others() -> None:
    found = read(event(starts="DTSTART:sometime"), DAY, event("DURATION:P99999999D", ends="SUMMARY:x"))
    assert shown(found) == ["24 Nov 09:00-10:00"]
    assert notices(found) == {CalendarNotice.UNREADABLE: 2}


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: b"\xef\xbb\xbf" + text.encode(), id="UTF-8 with a mark"),
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: text.encode("cp1252"), id="Western Windows"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), id="lines as the standard has them"),
        pytest.param(lambda text: text.replace("\n", "\r").encode(), id="lines of old"),
        pytest.param(lambda text: (text + text).encode(), id="two calendars in a row"),
    ],
)
def test_all_usual_encodings_are_read(encode: Callable[[str], bytes]) -> None:
    text = calendar("SUMMARY:Café", DAY.replace("END:VEVENT", "SUMMARY:Müller\nEND:VEVENT")).decode()
    found = parse_calendar(encode(text), zone=NEW_YORK, first=FIRST, until=UNTIL)
    assert shown(found) == ["24 Nov 09:00-10:00"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", NotACalendar(), id="empty"),
        pytest.param(b"Dear Rosa,", NotACalendar(), id="a letter"),
        pytest.param(b"/etc/hostname", NotACalendar(), id="the name of a file, which is not opened"),
        pytest.param(event().encode(), NotACalendar(), id="an entry alone"),
        pytest.param(b"BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR", NotACalendar(), id="ends twice"),
        pytest.param(calendar(DAY)[:-20], CalendarTruncated(), id="cut short"),
        pytest.param(calendar(DAY).replace(b"VERSION:2", b"VERSION:1"), CalendarTooOld(), id="vCalendar 1.0"),
        pytest.param(b" " * (MAX_BYTES + 1), CalendarTooLarge(), id="too large"),
    ],
)
def test_files_that_are_not_readable_calendars_are_refused_with_a_reason(data: bytes, reason: Reason) -> None:
    assert refusal(data) == reason


def test_the_result_contains_no_text_of_the_file() -> None:
    found = read(at("20261124T0900", "20261124T1000", "SUMMARY:Oncology", "LOCATION:Ward 7", "UID:oncology@ward"))
    assert "ncology" not in calendar_to_json(found)
    assert "Ward" not in repr(found)


def test_a_result_written_as_json_is_read_back_unchanged() -> None:
    found = read(DAY, event("STATUS:CANCELLED"), event(starts="DTSTART;VALUE=DATE:20261224"), "BEGIN:VTODO\nEND:VTODO")
    assert result_from_json(calendar_to_json(found).encode()) == found


CORPUS = sorted(
    path
    for package, folder in ((icalendar, "tests"), (recurring_ical_events, "test"))
    for path in Path(package.__path__[0], folder).rglob("*.ics")
)
ELSEWHERE = {"issue_104_broken_calendar.ics", "parsing_error_in_UTC_offset.ics"}
"""Files that the libraries can't parse because of parts that have nothing to do with dates and times."""
NOT_COMPARED = 30
"""Maximum number of files that can't be compared, because the plain reader raises an error for them."""


def windows(data: bytes) -> list[date]:
    """Return January 1 and July 1 of each of the three earliest years in which the file has events."""
    years = sorted({int(year) for year in re.findall(rb"(?:DTSTART|RDATE)[^:\r\n]*:(\d{4})", data)} or {2026})
    return [date(max(year, 2), month, 1) for year in years[:3] for month in (1, 7)]


def without_events_without_start(data: bytes) -> bytes:
    """Remove the events that have no start. The import leaves out such events and gives a notice."""
    entries = re.compile(rb"BEGIN:VEVENT\r?\n(?:(?!END:VEVENT)[\s\S])*END:VEVENT\r?\n")
    return entries.sub(lambda found: found[0] if re.search(rb"(?m)^DTSTART", found[0]) else b"", data)


def test_every_test_file_of_the_libraries_is_refused_or_gives_the_same_times() -> None:
    assert len(CORPUS) > 200
    compared = not_compared = busy = 0
    refusals: set[str] = set()
    for path in CORPUS:
        data = path.read_bytes()
        is_compared = True
        for first in windows(data):
            until = first + timedelta(weeks=26)
            tzp.use_default()
            is_known.cache_clear()
            began = clocks.process_time()
            try:
                found = parse_calendar(data, zone=NEW_YORK, first=first, until=until)
            except Refused as refused:
                refusals.add(refused.reasons[0].code)
                continue
            assert clocks.process_time() - began < MOST_SECONDS, path.name
            tzp.use_default()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    plain = read_plainly(without_events_without_start(data), NEW_YORK, first, until)
                except (ValueError, TypeError, LookupError, AttributeError):
                    assert found.notices or path.name in ELSEWHERE, path.name
                    is_compared = False
                    continue
            compared += 1
            busy += bool(found.busy)
            assert (found.busy, found.whole_days) == (plain.busy, plain.whole_days), path.name
        not_compared += not is_compared
    assert refusals == {"not_a_calendar", "calendar_truncated"}
    assert compared > 300
    assert busy > 90
    assert not_compared <= NOT_COMPARED


def test_the_plain_reader_does_not_use_the_import() -> None:
    """The plain reader must not import the package with which its results are compared."""
    text = Path(__file__).with_name("plain_reader.py").read_text()
    assert "import patients" not in text
    assert "from patients" not in text


def test_a_time_in_utc_is_the_same_instant_at_every_site() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    found = read(event(), zone=berlin)
    assert found.busy == (Interval(datetime(2026, 11, 24, 14, tzinfo=UTC), datetime(2026, 11, 24, 15, tzinfo=UTC)),)
