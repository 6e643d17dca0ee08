"""Benchmark the import of a 1 MB work calendar. The baseline only calls the calendar libraries.

    .venv/bin/python -m bench.calendar_import [--tiny]

The import starts a separate process to read the file, as the pages do. The baseline reads the file in this process,
with icalendar and recurring_ical_events. It loads both libraries before the timing starts. The import and the baseline
must find the same busy times. Each round runs both, and the reported times are medians.
"""

import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from bench.command_line import parse_tiny
from patients.calendar_import.child_process import read_calendar_file
from patients.domain.calendar_files import WEEKS_AHEAD, ParsedCalendar
from tests.unit.calendars.plain_reader import read_plainly
from timekeeping.intervals import Interval

EVENTS, ROUNDS = 1979, 7
TINY_EVENTS, TINY_ROUNDS = 40, 1
FIRST = date(2026, 11, 23)
UNTIL = FIRST + timedelta(weeks=WEEKS_AHEAD)
ZONE = ZoneInfo("America/New_York")
MAX_RATIO = 1.3
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
HEAD = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
METHOD:PUBLISH
BEGIN:VTIMEZONE
TZID:Eastern Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""
ENTRY = """BEGIN:VEVENT
UID:{number}-040000008200E00074C5B7101A82E008@work.example
DTSTAMP:20261101T000000Z
DTSTART;TZID=Eastern Standard Time:{starts:%Y%m%dT%H%M%S}
DTEND;TZID=Eastern Standard Time:{ends:%Y%m%dT%H%M%S}
{rule}SUMMARY:Meeting {number} with somebody\\, about something
LOCATION:Room {room}
DESCRIPTION:{agenda}
ORGANIZER;CN=Somebody Else:mailto:somebody@work.example
STATUS:{status}
TRANSP:{transparency}
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
"""


def work_calendar(random: Random, events: int) -> bytes:
    """Generate a calendar file with `events` meetings over eight months.

    One meeting in twenty repeats for a few weeks.
    """
    parts = [HEAD]
    for number in range(events):
        day = FIRST + timedelta(days=random.randrange(-60, WEEKS_AHEAD * 7))
        starts = datetime(day.year, day.month, day.day, random.randrange(7, 18), random.choice((0, 15, 30, 45)))  # noqa: DTZ001
        repeats = f"RRULE:FREQ=WEEKLY;COUNT={random.randrange(2, 12)};BYDAY={DAYS[day.weekday()]}\n"
        parts.append(
            ENTRY.format(
                number=number,
                starts=starts,
                ends=starts + timedelta(minutes=random.choice((15, 30, 60, 90))),
                rule=repeats if number % 20 == 0 else "",
                room=number % 30,
                agenda="Agenda and how to dial in " * 4,
                status="CANCELLED" if number % 40 == 1 else "CONFIRMED",
                transparency="TRANSPARENT" if number % 30 == 2 else "OPAQUE",
            )
        )
    return "".join((*parts, "END:VCALENDAR\n")).replace("\n", "\r\n").encode()


def import_calendar(data: bytes) -> tuple[Interval[datetime], ...]:
    calendar = read_calendar_file(data, zone=ZONE.key, first=FIRST, until=UNTIL)
    assert isinstance(calendar, ParsedCalendar)
    return calendar.busy


def read_with_libraries(data: bytes) -> tuple[Interval[datetime], ...]:
    return read_plainly(data, ZONE, FIRST, UNTIL).busy


def time_rounds(data: bytes, rounds: int, *functions: Callable[[bytes], object]) -> list[float]:
    """Return each function's median run time in seconds, in the order of the functions.

    Each round runs every function once.
    """
    seconds: dict[Callable[[bytes], object], list[float]] = {function: [] for function in functions}
    for _ in range(rounds):
        for function in functions:
            started = perf_counter()
            function(data)
            seconds[function].append(perf_counter() - started)
    return [median(seconds[function]) for function in functions]


def main() -> None:
    tiny = parse_tiny(__doc__)
    events, rounds = (TINY_EVENTS, TINY_ROUNDS) if tiny else (EVENTS, ROUNDS)
    data = work_calendar(Random(1), events)
    busy = import_calendar(data)
    assert busy == read_with_libraries(data), "both must find the same"
    ours, theirs = time_rounds(data, rounds, import_calendar, read_with_libraries)
    report = (
        f"{events} entries, {len(data) / 1_000_000:.2f} MB, {len(busy)} busy times in {WEEKS_AHEAD} weeks:"
        f" {ours * 1000:.0f} ms with all protections",
        f"  ratio to the libraries alone: {ours / theirs:.2f} (at most {MAX_RATIO}); they take {theirs * 1000:.0f} ms",
    )
    sys.stdout.write("\n".join(report) + "\n")
    if ours > MAX_RATIO * theirs and not tiny:  # in a tiny run, starting the process takes most of the time
        sys.exit("Too slow.")


if __name__ == "__main__":
    main()
