"""The result of reading a calendar file, which has times but no titles or places, and the reasons against an import."""

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
"""Of dates that repetitions add or leave out in one file. All limits are product rules: several times what the busiest work
calendar has, and few enough to be read in seconds."""
WEEKS_AHEAD = 26
"""How far ahead a calendar is read: more than twice the weeks for which sessions exist."""


class CalendarNotice(StrEnum):
    """Something that the person who uploaded the file should know."""

    UNKNOWN_ZONE = "unknown_zone"
    """Entries in an unknown time zone; they are read on the wall clock of the site."""
    UNREADABLE = "unreadable"
    """Entries without a readable date; they are left out."""
    PARTLY_READ = "partly_read"
    """Entries of which a part, for example a repetition, could not be read; the rest of them counts."""
    NO_LENGTH = "no_length"
    """Entries that end when they start; they are left out."""
    NO_EVENTS = "no_events"
    """Tasks, notes and so on, which do not say when somebody is busy; they are left out."""


@dataclass(frozen=True, slots=True)
class CountedNotice:
    """A notice, and the number of entries that it is about."""

    notice: CalendarNotice
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCalendar:
    """A calendar file, read for a range of dates.

    `busy` are intervals cut to that range. `whole_days` are the dates of all-day entries: only the person knows whether they
    are busy then. `cancelled` and `free` count the occurrences that were left out because they are canceled or free.
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
    """The file has no calendar in it, or none that can be parsed."""


@dataclass(frozen=True, slots=True)
class CalendarTruncated(Reason):
    """The file starts as a calendar but is cut off."""


@dataclass(frozen=True, slots=True)
class CalendarTooOld(Reason):
    """The file is in the format from before 1998, in which the same properties have other meanings."""


@dataclass(frozen=True, slots=True)
class TooManyEvents(Reason):
    """The file has more entries than the limit."""

    most: int = MAX_EVENTS


@dataclass(frozen=True, slots=True)
class TooManyOccurrences(Reason):
    """The entries occur more often within the weeks ahead than the limit."""

    most: int = MAX_OCCURRENCES
    weeks: int = WEEKS_AHEAD


@dataclass(frozen=True, slots=True)
class TooManyDates(Reason):
    """Repetitions add or leave out more dates than the limit."""

    most: int = MAX_DATES


@dataclass(frozen=True, slots=True)
class RepeatsTooOften(Reason):
    """An entry repeats several times a day."""


@dataclass(frozen=True, slots=True)
class RuleNotAllowed(Reason):
    """An entry has a recurrence rule that never moves on, or that has implausibly long lists."""


@dataclass(frozen=True, slots=True)
class ReadingTimedOut(Reason):
    """Reading the file took longer than the limit."""


@dataclass(frozen=True, slots=True)
class ReadingOutOfMemory(Reason):
    """Reading the file took more memory than the limit."""


@dataclass(frozen=True, slots=True)
class CouldNotBeRead(Reason):
    """Reading the file failed. The error is not shown, because it may quote the file."""


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
"""The reasons by code. Each can be built from its code alone, because its numbers are constants."""


def nonzero_notices(numbers: Iterable[tuple[CalendarNotice, int]]) -> tuple[CountedNotice, ...]:
    """Return the notices that are about at least one entry."""
    return tuple(CountedNotice(notice, number) for notice, number in numbers if number)
