"""Expand the events of a calendar into busy times between two dates."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import recurring_ical_events
from icalendar import Component

from patients.calendar_import.time_zones import PARSE_ERRORS
from patients.domain.calendar_files import MAX_OCCURRENCES, TooManyOccurrences
from timekeeping.reasons import Refused

DAY = timedelta(days=1)


class ImportedEvent(recurring_ical_events.EventAdapter):
    """A calendar event, which may be canceled or marked as free. A changed occurrence is a separate `ImportedEvent`."""

    def __init__(self, component: Component) -> None:
        super().__init__(component)
        self.is_cancelled = _has_value(component, "STATUS", "CANCELLED")
        self.is_free = _has_value(component, "TRANSP", "TRANSPARENT") or _has_value(
            component, "X-MICROSOFT-CDO-BUSYSTATUS", "FREE"
        )


def _has_value(component: Component, name: str, value: str) -> bool:
    return str(component.get(name, "")).strip().upper() == value


class EventOccurrence(recurring_ical_events.Occurrence):
    """An occurrence of an event, with a reference to the event."""

    def __init__(
        self, event: ImportedEvent, start: date | None = None, end: date | None = None, sequence: int = -1
    ) -> None:
        super().__init__(event, start, end, sequence)
        self.event = event


class EventSeries(recurring_ical_events.Series):
    """A repeating event together with its individually changed occurrences."""

    def occurrence(self, adapter: ImportedEvent, start: date | None = None, end: date | None = None) -> EventOccurrence:
        """Create an occurrence. Called by the recurring_ical_events library."""
        return EventOccurrence(adapter, start, end)


class AllEvents(recurring_ical_events.SelectComponents):
    """Collects all events of a calendar, even if several independent events share an id.

    Of the events that share an id, the recurring_ical_events library would keep only one. This class keeps each event
    with the highest revision number of the id. Events with lower numbers are older versions, and are left out.
    """

    def __init__(self) -> None:
        self.unreadable = 0

    def collect_series_from(self, source: Component, suppress_errors: Sequence[type[Exception]]) -> list[EventSeries]:
        """Return a series for each event of the calendar. Called by the recurring_ical_events library."""
        by_id: dict[str, list[ImportedEvent]] = defaultdict(list)
        for component in source.subcomponents:
            event = ImportedEvent(component)
            by_id[event.uid].append(event)
        return [series for events in by_id.values() for series in self._series_of(events)]

    def _series_of(self, events: list[ImportedEvent]) -> Iterator[EventSeries]:
        changed = [event for event in events if event.is_modification()]
        masters = [event for event in events if not event.is_modification()]
        newest = max((event.sequence for event in masters), default=0)
        current = [event for event in masters if event.sequence == newest]
        for group in ([*current[:1], *changed], *([event] for event in current[1:])):
            try:
                yield EventSeries(group)
            except PARSE_ERRORS:
                self.unreadable += len(group)


@dataclass(slots=True, kw_only=True)
class ExpandedCalendar:
    """Busy times and all-day dates of a calendar's events, limited to [first, until).

    Canceled, free, zero-length and unreadable events are counted, but their times are left out.
    """

    zone: tzinfo
    first: date
    until: date
    busy: set[tuple[datetime, datetime]] = field(default_factory=set)
    whole_days: set[date] = field(default_factory=set)
    occurrences: int = 0
    cancelled: int = 0
    free: int = 0
    no_length: int = 0
    unreadable: int = 0

    def add_all(self, calendar: Component) -> None:
        """Add every occurrence of the calendar's events. Raises Refused if there are too many occurrences."""
        all_events = AllEvents()
        query = recurring_ical_events.of(calendar, components=[all_events])
        begins, ends = self._midnight(self.first), self._midnight(self.until)
        for series in query.series:
            try:
                for occurrence in series.between(begins, ends):
                    self._add(occurrence)
            except PARSE_ERRORS:
                self.unreadable += 1
        self.unreadable += all_events.unreadable

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def _add(self, occurrence: EventOccurrence) -> None:
        self.occurrences += 1
        if self.occurrences > MAX_OCCURRENCES:
            raise Refused([TooManyOccurrences()])
        if occurrence.event.is_cancelled:
            self.cancelled += 1
        elif occurrence.event.is_free:
            self.free += 1
        elif isinstance(occurrence.start, datetime):
            self._add_time(occurrence.start, occurrence.end)
        else:
            self._add_days(occurrence.start, occurrence.end)

    def _add_days(self, starts: date, ends: date) -> None:
        """Add the dates of an all-day event. The first date is always added.

        The end date is normally exclusive, but many programs write the same start and end date for a one-day event.
        """
        begins, stops = max(starts, self.first), min(max(ends, starts + DAY), self.until)
        self.whole_days.update(begins + number * DAY for number in range((stops - begins).days))

    def _add_time(self, starts: datetime, ends: datetime) -> None:
        """Add a timed event. If clocks skip its start time, the event keeps the duration that the file gives."""
        begins, stops = self._instant(starts), self._instant(ends)
        if _is_skipped(begins, starts):
            stops = begins + (ends.replace(tzinfo=None) - starts.replace(tzinfo=None))
        begins = max(begins, self._midnight(self.first).astimezone(UTC))
        stops = min(stops, self._midnight(self.until).astimezone(UTC))
        if begins < stops:
            self.busy.add((begins, stops))
        elif starts == ends:
            self.no_length += 1

    def _instant(self, wall: datetime) -> datetime:
        return (wall if wall.tzinfo is not None else wall.replace(tzinfo=self.zone)).astimezone(UTC)


def _is_skipped(instant: datetime, wall: datetime) -> bool:
    """Whether a clock change skips the wall-clock time, so that the time does not exist."""
    return wall.tzinfo is not None and instant.astimezone(wall.tzinfo).replace(tzinfo=None) != wall.replace(tzinfo=None)
