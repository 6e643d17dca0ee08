"""From the entries of a calendar to when somebody is busy, between two dates."""

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
    """An entry, and whether somebody is busy at it. An occurrence that was changed has an entry of its own."""

    def __init__(self, component: Component) -> None:
        super().__init__(component)
        self.is_cancelled = _has_value(component, "STATUS", "CANCELLED")
        self.is_free = _has_value(component, "TRANSP", "TRANSPARENT") or _has_value(
            component, "X-MICROSOFT-CDO-BUSYSTATUS", "FREE"
        )


def _has_value(component: Component, name: str, value: str) -> bool:
    return str(component.get(name, "")).strip().upper() == value


class EventOccurrence(recurring_ical_events.Occurrence):
    """An occurrence that knows its entry."""

    def __init__(
        self, entry: ImportedEvent, start: date | None = None, end: date | None = None, sequence: int = -1
    ) -> None:
        super().__init__(entry, start, end, sequence)
        self.entry = entry


class EventSeries(recurring_ical_events.Series):
    """An entry with its repetitions, and those that were changed."""

    def occurrence(self, adapter: ImportedEvent, start: date | None = None, end: date | None = None) -> EventOccurrence:
        return EventOccurrence(adapter, start, end)


class AllEvents(recurring_ical_events.SelectComponents):
    """Every entry, also where several that are not one another's repetitions share an id: the library keeps one of these.

    Of entries with one id those hold that were revised most often; an older revision is no entry of its own.
    """

    def __init__(self) -> None:
        self.unreadable = 0

    def collect_series_from(self, source: Component, suppress_errors: Sequence[type[Exception]]) -> list[EventSeries]:
        by_id: dict[str, list[ImportedEvent]] = defaultdict(list)
        for component in source.subcomponents:
            entry = ImportedEvent(component)
            by_id[entry.uid].append(entry)
        return [line for entries in by_id.values() for line in self._lines(entries)]

    def _lines(self, entries: list[ImportedEvent]) -> Iterator[EventSeries]:
        changed = [entry for entry in entries if entry.is_modification()]
        masters = [entry for entry in entries if not entry.is_modification()]
        newest = max((entry.sequence for entry in masters), default=0)
        holding = [entry for entry in masters if entry.sequence == newest]
        for group in ([*holding[:1], *changed], *([entry] for entry in holding[1:])):
            try:
                yield EventSeries(group)
            except PARSE_ERRORS:
                self.unreadable += len(group)


@dataclass(slots=True, kw_only=True)
class ExpandedCalendar:
    """What the entries come to between two dates: stretches of time, and the dates of entries without one."""

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
        """Raises Refused when the entries occur too often."""
        everything = AllEvents()
        query = recurring_ical_events.of(calendar, components=[everything])
        begins, ends = self._midnight(self.first), self._midnight(self.until)
        for line in query.series:
            try:
                for taken in line.between(begins, ends):
                    self._add(taken)
            except PARSE_ERRORS:
                self.unreadable += 1
        self.unreadable += everything.unreadable

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def _add(self, taken: EventOccurrence) -> None:
        self.occurrences += 1
        if self.occurrences > MAX_OCCURRENCES:
            raise Refused([TooManyOccurrences()])
        if taken.entry.is_cancelled:
            self.cancelled += 1
        elif taken.entry.is_free:
            self.free += 1
        elif isinstance(taken.start, datetime):
            self._add_time(taken.start, taken.end)
        else:
            self._add_days(taken.start, taken.end)

    def _add_days(self, starts: date, ends: date) -> None:
        """What ends on the day on which it begins takes that day: that is how many programs write it."""
        begins, stops = max(starts, self.first), min(max(ends, starts + DAY), self.until)
        self.whole_days.update(begins + number * DAY for number in range((stops - begins).days))

    def _add_time(self, starts: datetime, ends: datetime) -> None:
        """What begins in the hour that clocks skip takes as long as is written."""
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
    """Whether no clock ever shows the time."""
    return wall.tzinfo is not None and instant.astimezone(wall.tzinfo).replace(tzinfo=None) != wall.replace(tzinfo=None)
