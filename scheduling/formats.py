"""Text formats for durations, times, days and counts, shared by pages, letters and printouts."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from iopmanager.clock import today
from timekeeping.clock_changes import ClockChange

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MIN_DAY_RANGE = 3
"""Minimum number of weekdays in a row that are shown as a range: "Mon–Wed"."""
BREAK_BEFORE_PUNCTUATION = re.compile(r"\s*\n\s*(?=(?:<\w[^>]*>)?[,.:;])")
BREAK = re.compile(r"\s*\n\s*")


def hours(minutes: int | None) -> str:
    """Format minutes as hours and minutes: 450 → "7 h 30"; 540 → "9 h"; 45 → "45 min"; 0 → "0 h"; None → "–"."""
    if minutes is None:
        return "–"
    whole, rest = divmod(abs(int(minutes)), 60)
    sign = "−" if minutes < 0 else ""
    if not whole and rest:
        return f"{sign}{rest} min"
    return f"{sign}{whole} h {rest:02}" if rest else f"{sign}{whole} h"


def elapsed(time: timedelta) -> str:
    """Format how long a task took: "under 1 s", "42 s", "3 min", "1 h 05"."""
    seconds = int(time.total_seconds())
    if seconds < 60:
        return f"{seconds} s" if seconds else "under 1 s"
    return hours(seconds // 60)


def counted(number: int, noun: str) -> str:
    """Format a count with its noun: 3 and "place" → "3 places". An irregular plural follows a comma: "person,people"."""
    singular, _, plural = noun.partition(",")
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def _local_time(moment: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the wall-clock time in `zone`, or in the datetime's own time zone if `zone` is None.

    Raises ValueError for a datetime in UTC without a zone, because the database returns datetimes in UTC.
    """
    if zone is not None:
        return moment.astimezone(zone)
    if moment.tzinfo is UTC:
        raise ValueError("an instant is shown in a zone: give the site's")
    return moment


def zone_city(name: str) -> str:
    """Return the city of an IANA time zone name: "America/New_York" → "New York"."""
    return name.rpartition("/")[2].replace("_", " ")


def at_zone(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """Convert a datetime to the time zone; None stays None."""
    return moment.astimezone(zone) if moment else None


def clock(moment: time | datetime | int | None, zone: tzinfo | None = None) -> str:
    """Format a time as "9:00". `moment` is a time, a datetime (converted to `zone` if given), or minutes since midnight.

    1440 minutes, the end of the day, are "24:00". None gives an empty string.
    """
    if moment is None:
        return ""
    if isinstance(moment, int):
        return f"{moment // 60}:{moment % 60:02}"
    wall = _local_time(moment, zone) if isinstance(moment, datetime) else moment
    return f"{wall.hour}:{wall.minute:02}"


def times(starts: time | datetime | int, ends: time | datetime | int, zone: tzinfo | None = None) -> str:
    """Format a range of times: "9:00–12:00". If both are the same time of day, the result is "the whole day"."""
    if isinstance(starts, time) and starts == ends:
        return "the whole day"
    return f"{clock(starts, zone)}–{clock(ends, zone)}"


def _date(moment: date, zone: tzinfo | None = None) -> date:
    return _local_time(moment, zone).date() if isinstance(moment, datetime) else moment


def _short_date(on: date, year: int) -> str:
    text = f"{DAYS[on.weekday()][:3]} {on.day} {MONTHS[on.month - 1]}"
    return text if on.year == year else f"{text} {on.year}"


def day(moment: date | datetime | None, reference: date | tzinfo | None = None) -> str:
    """Format a date as "Mon 23 Nov", followed by the year if it is not the current one.

    If `reference` is a date, its year is used in place of the current one. If it is a time zone, a datetime is converted to
    it first, as in `{{ session.starts|day:site.zone }}`.
    """
    if moment is None:
        return "–"
    if isinstance(reference, date):
        return _short_date(_date(moment), reference.year)
    return _short_date(_date(moment, reference), today(reference or UTC).year)


def full_date(moment: date | datetime | None) -> str:
    """Format a date with its year: "23 Nov 2026"."""
    if moment is None:
        return "–"
    on = _date(moment)
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def day_range(first: date, last: date) -> str:
    """Format a range of days, both inclusive: "Mon 23 – Sun 29 Nov"."""
    if first == last:
        return day(first)
    ends = _short_date(last, today(UTC).year)
    if (first.year, first.month) == (last.year, last.month):
        return f"{DAYS[first.weekday()][:3]} {first.day} – {ends}"
    return f"{_short_date(first, last.year)} – {ends}"


def instant(moment: datetime | None, zone: tzinfo | None = None) -> str:
    """Format a datetime: "Mon 23 Nov, 9:00"."""
    return "–" if moment is None else f"{day(moment, zone)}, {clock(moment, zone)}"


def clock_change_text(change: ClockChange) -> str:
    """Describe a clock change: "Clocks go back 1 h in the night to Sunday"."""
    direction = "forward" if change.minutes > 0 else "back"
    return f"Clocks go {direction} {hours(abs(change.minutes))} in the night to {weekday(change.on.weekday())}"


def weekday(number: int) -> str:
    """Return the name of a weekday: 0 → "Monday"."""
    return DAYS[int(number)]


def weekday_short(number: int) -> str:
    """Return the short name of a weekday: 0 → "Mon"."""
    return DAYS[int(number)][:3]


def weekdays(numbers: Iterable[int]) -> str:
    """Format a set of weekdays: {0, 2, 4} → "Mon, Wed, Fri"; {0, 1, 2, 5} → "Mon–Wed, Sat"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts: list[str] = []
    for run in runs:
        if len(run) >= MIN_DAY_RANGE:
            parts.append(f"{weekday_short(run[0])}–{weekday_short(run[-1])}")
        else:
            parts.extend(weekday_short(number) for number in run)
    return ", ".join(parts)


def one_line(text: str) -> str:
    """Join the lines of a rendered template with one space, or with none before a comma, colon, semicolon or period.

    The punctuation mark may come right after a start tag: `<span class="muted">, from Mon 7 Dec</span>`.
    """
    return BREAK.sub(" ", BREAK_BEFORE_PUNCTUATION.sub("", text.strip()))
