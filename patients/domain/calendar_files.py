"""The result of reading a calendar file (times, but no titles or places), and the reasons for refusing a file."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from timekeeping.intervals import Interval
from timekeeping.reasons import Reason

MEGABYTE = 1024 * 1024
MAX_MEGABYTES = 5
MAX_BYTES = MAX_MEGABYTES * MEGABYTE
MAX_EVENTS = 5_000
MAX_OCCURRENCES = 5_000
MAX_DATES = 20_000
"""Maximum number of extra and excluded dates that a file lists for its repeating entries.

All limits on calendar files are product rules. They are several times higher than the busiest work calendar
needs, and low enough for a file to be read in seconds.
"""
WEEKS_AHEAD = 26
"""Number of weeks ahead for which a calendar is read. Sessions exist for less than half of this time."""


class CalendarNotice(StrEnum):
    """A notice to the person who uploaded a calendar file, about some of the entries in the file."""

    UNKNOWN_ZONE = "unknown_zone"
    """Entries in an unknown time zone. Their times are taken to be in the time zone of the site."""
    UNREADABLE = "unreadable"
    """Entries without a readable date. These entries are left out."""
    PARTLY_READ = "partly_read"
    """Entries with a part that could not be read, such as a repetition. The other parts of these entries are used."""
    NO_LENGTH = "no_length"
    """Entries that end when they start. These entries are left out."""
    NO_EVENTS = "no_events"
    """Tasks, notes and other items that don't say when a person is busy. These items are left out."""


@dataclass(frozen=True, slots=True)
class CountedNotice:
    """A notice, and the number of entries to which it applies."""

    notice: CalendarNotice
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCalendar:
    """The content of a calendar file for a range of dates.

    `busy` are the busy intervals, cut to the range of dates. `whole_days` are the dates of all-day entries; only the
    patient knows whether an all-day entry makes the patient busy. Occurrences that are canceled or marked as free time
    are left out. `cancelled` and `free` count these occurrences.
    """

    busy: tuple[Interval[datetime], ...]
    whole_days: tuple[date, ...]
    events: int
    occurrences: int
    cancelled: int
    free: int
    notices: tuple[CountedNotice, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarTooLarge(Reason):
    """The file is larger than the limit."""

    megabytes: int = MAX_MEGABYTES


@dataclass(frozen=True, slots=True)
class NotACalendar(Reason):
    """The file contains no calendar, or none that can be parsed."""


@dataclass(frozen=True, slots=True)
class CalendarTruncated(Reason):
    """The file begins like a calendar, but the end of the calendar is missing."""


@dataclass(frozen=True, slots=True)
class CalendarTooOld(Reason):
    """The file is in the format used before 1998, in which the same property names have other meanings."""


@dataclass(frozen=True, slots=True)
class TooManyEvents(Reason):
    """The file has more entries than the limit."""

    most: int = MAX_EVENTS


@dataclass(frozen=True, slots=True)
class TooManyOccurrences(Reason):
    """The entries occur more often in the weeks ahead than the limit allows."""

    most: int = MAX_OCCURRENCES
    weeks: int = WEEKS_AHEAD


@dataclass(frozen=True, slots=True)
class TooManyDates(Reason):
    """The file lists more extra and excluded dates for its repeating entries than the limit allows."""

    most: int = MAX_DATES


@dataclass(frozen=True, slots=True)
class RepeatsTooOften(Reason):
    """An entry repeats several times within a day."""


@dataclass(frozen=True, slots=True)
class RuleNotAllowed(Reason):
    """An entry has too many recurrence rules, or a rule that never advances or is implausibly long."""


@dataclass(frozen=True, slots=True)
class ReadingTimedOut(Reason):
    """Reading the file took longer than the limit."""


@dataclass(frozen=True, slots=True)
class ReadingOutOfMemory(Reason):
    """Reading the file took more memory than the limit."""


@dataclass(frozen=True, slots=True)
class CouldNotBeRead(Reason):
    """Reading the file failed. The error is not shown, because its message may quote the file."""


@dataclass(frozen=True, slots=True)
class ReadingIsBusy(Reason):
    """Too many other files are being read at the moment."""


REFUSALS: dict[str, type[Reason]] = {
    reason.code: reason
    for reason in (
        CalendarTooLarge,
        NotACalendar,
        CalendarTruncated,
        CalendarTooOld,
        TooManyEvents,
        TooManyOccurrences,
        TooManyDates,
        RepeatsTooOften,
        RuleNotAllowed,
        ReadingTimedOut,
        ReadingOutOfMemory,
        CouldNotBeRead,
        ReadingIsBusy,
    )
}
"""Maps each code to the class of a reason for refusing a file. The classes can be called without arguments."""


def nonzero_notices(numbers: Iterable[tuple[CalendarNotice, int]]) -> tuple[CountedNotice, ...]:
    """Return the notices that apply to at least one entry."""
    return tuple(CountedNotice(notice, number) for notice, number in numbers if number)
