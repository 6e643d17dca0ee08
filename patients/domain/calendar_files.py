"""What was understood of a calendar file that somebody sent, or why it is not imported. Times alone: no titles, no places."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from timekeeping.intervals import Interval
from timekeeping.reasons import Reason

MEGABYTE = 1024 * 1024
MAX_MEGABYTES = 5
MAX_BYTES = MAX_MEGABYTES * MEGABYTE
MAX_EVENTS = 5_000
MAX_OCCURRENCES = 5_000
MAX_DATES = 20_000
"""So many dates may be added to and left out of repetitions in one file. The limits are the product's own choice: several times
what the busiest work calendar holds, and little enough to be read in seconds."""
WEEKS_AHEAD = 26
"""So far ahead a calendar is read: more than twice the weeks for which sessions exist."""


class CalendarNotice(StrEnum):
    """Something that the person who sent the file should know."""

    UNKNOWN_ZONE = "unknown_zone"
    """Entries in a time zone that nobody knows: read on the wall clock of the site."""
    UNREADABLE = "unreadable"
    """Entries of which not even the day could be read: left out."""
    PARTLY_READ = "partly_read"
    """Entries of which something, a repetition for example, could not be read: what could be read counts."""
    NO_LENGTH = "no_length"
    """Entries that end when they begin: left out."""
    NO_EVENTS = "no_events"
    """Tasks, notes and the like, which say nothing of when somebody is busy: left out."""


@dataclass(frozen=True, slots=True)
class CountedNotice:
    """A remark, and of how many entries it is true."""

    remark: CalendarNotice
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCalendar:
    """A calendar file in the window in which it was read.

    `busy` are stretches of time, cut to the window; `whole_days` are the dates of entries without a time, of which only the
    person can say whether they are busy then. `cancelled` and `free` are how many occurrences were left out as such.
    """

    busy: tuple[Interval[datetime], ...]
    whole_days: tuple[date, ...]
    events: int
    occurrences: int
    cancelled: int
    free: int
    remarks: tuple[CountedNotice, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarTooLarge(Reason):
    code: ClassVar[str] = "calendar_too_large"
    megabytes: int = MAX_MEGABYTES


@dataclass(frozen=True, slots=True)
class NotACalendar(Reason):
    """It has no calendar in it, or none that can be taken apart."""

    code: ClassVar[str] = "not_a_calendar"


@dataclass(frozen=True, slots=True)
class CalendarTruncated(Reason):
    """It begins as a calendar and never ends."""

    code: ClassVar[str] = "calendar_cut_short"


@dataclass(frozen=True, slots=True)
class CalendarTooOld(Reason):
    """It is in the format of before 1998, in which the same words mean other things."""

    code: ClassVar[str] = "calendar_too_old"


@dataclass(frozen=True, slots=True)
class TooManyEvents(Reason):
    code: ClassVar[str] = "too_many_events"
    most: int = MAX_EVENTS


@dataclass(frozen=True, slots=True)
class TooManyOccurrences(Reason):
    code: ClassVar[str] = "too_many_occurrences"
    most: int = MAX_OCCURRENCES
    weeks: int = WEEKS_AHEAD


@dataclass(frozen=True, slots=True)
class TooManyDates(Reason):
    code: ClassVar[str] = "too_many_dates"
    most: int = MAX_DATES


@dataclass(frozen=True, slots=True)
class RepeatsTooOften(Reason):
    """An entry repeats within the day."""

    code: ClassVar[str] = "repeats_too_often"


@dataclass(frozen=True, slots=True)
class RuleNotAllowed(Reason):
    """An entry repeats without ever moving on, or by a longer list than anybody writes."""

    code: ClassVar[str] = "rule_not_allowed"


@dataclass(frozen=True, slots=True)
class ReadingTimedOut(Reason):
    code: ClassVar[str] = "took_too_long"


@dataclass(frozen=True, slots=True)
class ReadingOutOfMemory(Reason):
    code: ClassVar[str] = "took_too_much_memory"


@dataclass(frozen=True, slots=True)
class CouldNotBeRead(Reason):
    """Reading it failed, which says nothing of why: what the failure says may quote the file."""

    code: ClassVar[str] = "could_not_be_read"


@dataclass(frozen=True, slots=True)
class ReadingIsBusy(Reason):
    """Several other files are being read."""

    code: ClassVar[str] = "reading_is_busy"


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
"""Each says all that it has to say by its kind: its numbers are limits."""


def nonzero_notices(numbers: Iterable[tuple[CalendarNotice, int]]) -> tuple[CountedNotice, ...]:
    """The remarks that are true of anything."""
    return tuple(CountedNotice(remark, number) for remark, number in numbers if number)
