"""Extract the few lines about busy times from the bytes of a calendar file, and drop all other lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from patients.domain.calendar_files import (
    MAX_BYTES,
    MAX_DATES,
    MAX_EVENTS,
    CalendarTooLarge,
    CalendarTooOld,
    CalendarTruncated,
    NotACalendar,
    RuleNotAllowed,
    TooManyDates,
    TooManyEvents,
)
from timekeeping.reasons import Refused

FOLD = re.compile(r"(?<!\n)\n+[ \t]")
"""Matches the line breaks before a continuation line, and the space or tab with which that line begins.

If several breaks follow each other, a match can start only at the first. This rule keeps the search fast even for a
million breaks.
"""
PROPERTY_NAME = re.compile(r"[ \t]*([A-Za-z0-9-]+)[ \t]*[;:]")
EVENT_PROPERTIES = frozenset(
    {
        "UID", "SEQUENCE", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE", "STATUS", "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS",
    }
)  # fmt: skip
DATE_LIST_PROPERTIES = {"RDATE", "EXDATE"}
OTHER_COMPONENTS = {"VTODO", "VJOURNAL", "VFREEBUSY"}
MAX_LINE_LENGTH = 2_000
"""Maximum length in characters of a line about times. Lists of dates may be longer."""
MAX_DEPTH = 8
"""Maximum depth of nested components. Real calendars need little depth: events in the calendar, alarms in an event."""


@dataclass(slots=True)
class RawCalendar:
    """One calendar of a file: the name of its time zone, the lines of its events, and its time zone definitions.

    `no_events` is the number of components other than events, such as tasks.
    """

    zone_name: str = ""
    events: list[list[str]] = field(default_factory=list)
    zones: list[list[str]] = field(default_factory=list)
    no_events: int = 0


def split_calendars(data: bytes) -> list[RawCalendar]:
    """Return the calendars in a file. Raises Refused if the file is too large, incomplete or not a calendar."""
    if len(data) > MAX_BYTES:
        raise Refused([CalendarTooLarge()])
    return _LineParser(_unfolded_lines(_decode(data))).calendars


def _decode(data: bytes) -> str:
    """Decode a file from UTF-16, UTF-8 or cp1252.

    A file with a UTF-16 byte order mark is UTF-16. Any other file is read as UTF-8 or, if that fails, as cp1252.
    cp1252 may decode some letters wrongly. This does no harm, because only titles and similar texts contain letters
    outside ASCII, and all such texts are dropped.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _unfolded_lines(text: str) -> Iterator[str]:
    unfolded = FOLD.sub("", text.replace("\r\n", "\n"))
    yield from unfolded.split("\n" if "\n" in unfolded else "\r")


class _LineParser:
    """A parser that reads the lines in one pass and keeps a stack of the open components."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.calendars: list[RawCalendar] = []
        self._open: list[tuple[str, list[str] | None]] = []
        self._events = self._dates = 0
        for line in lines:
            named = PROPERTY_NAME.match(line) if line else None
            if named is None:
                continue
            name = named[1].upper()
            if name == "BEGIN":
                self._begin(line[named.end() :].strip().upper())
            elif name == "END":
                self._end()
            elif self._open:
                self._add_property(name, line, named.end())
        if not self.calendars:
            raise Refused([NotACalendar()])
        if self._open:
            raise Refused([CalendarTruncated()])

    def _begin(self, component: str) -> None:
        if len(self._open) == MAX_DEPTH or (not self._open and component != "VCALENDAR"):
            raise Refused([NotACalendar()])
        kept: list[str] | None = None
        if component == "VCALENDAR":
            self.calendars.append(RawCalendar())
        elif component == "VEVENT":
            self._events += 1
            if self._events > MAX_EVENTS:
                raise Refused([TooManyEvents()])
            kept = []
            self.calendars[-1].events.append(kept)
        elif component == "VTIMEZONE":
            kept = [f"BEGIN:{component}"]
            self.calendars[-1].zones.append(kept)
        elif self._in_zone:
            kept = self._open[-1][1]
            if kept is not None:
                kept.append(f"BEGIN:{component}")
        elif component in OTHER_COMPONENTS:
            self.calendars[-1].no_events += 1
        self._open.append((component, kept))

    def _end(self) -> None:
        """Close the innermost open component. The name in the END line is ignored."""
        if not self._open:
            raise Refused([NotACalendar()])
        in_zone = self._in_zone
        component, kept = self._open.pop()
        if in_zone and kept is not None:
            kept.append(f"END:{component}")

    @property
    def _in_zone(self) -> bool:
        return any(component == "VTIMEZONE" for component, _ in self._open)

    def _add_property(self, name: str, line: str, value_start: int) -> None:
        component, kept = self._open[-1]
        if component == "VCALENDAR":
            if name == "VERSION" and line[value_start:].strip().startswith("1"):
                raise Refused([CalendarTooOld()])
            if name == "X-WR-TIMEZONE":
                self.calendars[-1].zone_name = line[value_start:].strip()
        elif kept is not None and (name in EVENT_PROPERTIES or component != "VEVENT"):
            self._keep_line(name, line, kept)

    def _keep_line(self, name: str, line: str, kept: list[str]) -> None:
        if name in DATE_LIST_PROPERTIES:
            self._dates += line.count(",") + 1
            if self._dates > MAX_DATES:
                raise Refused([TooManyDates()])
        elif len(line) > MAX_LINE_LENGTH:
            if name == "RRULE":
                raise Refused([RuleNotAllowed()])
            return
        kept.append(line)
