"""Writes calendars that every calendar app reads alike, and that tell a stranger nothing.

One VEVENT for each session, in UTC: no recurrence rules, no time zone definitions. Everything comes from the values
given, so that the same entries are the same bytes at any time and on any machine.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unicodedata import category

from icalendar import Calendar, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One session as a calendar shows it. Instants are aware; `stamp` is when it was last changed."""

    uid: str
    starts: datetime
    ends: datetime
    summary: str
    stamp: datetime
    sequence: int = 0
    private: bool = True

    def __post_init__(self) -> None:
        if self.starts.tzinfo is None or self.ends.tzinfo is None or self.stamp.tzinfo is None:
            raise ValueError("a calendar entry needs aware instants")
        if self.starts >= self.ends:
            raise ValueError(f"a calendar entry must end after it starts: {self.starts}..{self.ends}")


def strip_control_characters(text: str) -> str:
    """Without control characters and line separators, which calendar apps choke on."""
    return "".join(letter for letter in text if category(letter) not in {"Cc", "Zl", "Zp"})


def write_calendar(*, name: str, time_zone: str, entries: Iterable[FeedEvent]) -> bytes:
    """A calendar as UTF-8 bytes, its entries in order of time. An empty one is a calendar without events."""
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", "-//Calendar//EN")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("X-WR-CALNAME", strip_control_characters(name))
    calendar.add("X-WR-TIMEZONE", time_zone)
    calendar.add("REFRESH-INTERVAL", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT1H")
    for entry in sorted(entries, key=lambda entry: (entry.starts, entry.uid)):
        calendar.add_component(_vevent(entry))
    written: bytes = calendar.to_ical()
    return written


def _vevent(entry: FeedEvent) -> Event:
    event = Event()
    event.add("UID", entry.uid)
    event.add("DTSTAMP", entry.stamp.astimezone(UTC))
    event.add("LAST-MODIFIED", entry.stamp.astimezone(UTC))
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTART", entry.starts.astimezone(UTC))
    event.add("DTEND", entry.ends.astimezone(UTC))
    event.add("SUMMARY", strip_control_characters(entry.summary))
    event.add("TRANSP", "OPAQUE")
    if entry.private:
        event.add("CLASS", "PRIVATE")
    return event
