"""Write iCalendar files that every calendar app reads the same way. The files contain only times and the given titles.

Each session is one VEVENT in UTC, without recurrence rules or time zone definitions. Nothing depends on the current time or the
machine, so the same events always give the same bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unicodedata import category

from icalendar import Calendar, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One session as shown in a calendar. Datetimes are aware; `stamp` is when the session was last changed.

    Raises ValueError for naive datetimes, or if the event does not end after it starts.
    """

    uid: str
    starts: datetime
    ends: datetime
    summary: str
    stamp: datetime
    sequence: int = 0
    private: bool = True

    def __post_init__(self) -> None:
        if self.starts.tzinfo is None or self.ends.tzinfo is None or self.stamp.tzinfo is None:
            raise ValueError("a calendar event needs aware datetimes")
        if self.starts >= self.ends:
            raise ValueError(f"a calendar event must end after it starts: {self.starts}..{self.ends}")


def strip_control_characters(text: str) -> str:
    """Remove control characters and line separators, which some calendar apps can't read."""
    return "".join(letter for letter in text if category(letter) not in {"Cc", "Zl", "Zp"})


def write_calendar(*, name: str, time_zone: str, events: Iterable[FeedEvent]) -> bytes:
    """Return the events as an iCalendar file in UTF-8, in chronological order. `time_zone` is an IANA name."""
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", "-//Calendar//EN")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("X-WR-CALNAME", strip_control_characters(name))
    calendar.add("X-WR-TIMEZONE", time_zone)
    calendar.add("REFRESH-INTERVAL", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT1H")
    for event in sorted(events, key=lambda event: (event.starts, event.uid)):
        calendar.add_component(_vevent(event))
    body: bytes = calendar.to_ical()
    return body


def _vevent(event: FeedEvent) -> Event:
    component = Event()
    component.add("UID", event.uid)
    component.add("DTSTAMP", event.stamp.astimezone(UTC))
    component.add("LAST-MODIFIED", event.stamp.astimezone(UTC))
    component.add("SEQUENCE", event.sequence)
    component.add("DTSTART", event.starts.astimezone(UTC))
    component.add("DTEND", event.ends.astimezone(UTC))
    component.add("SUMMARY", strip_control_characters(event.summary))
    component.add("TRANSP", "OPAQUE")
    if event.private:
        component.add("CLASS", "PRIVATE")
    return component
