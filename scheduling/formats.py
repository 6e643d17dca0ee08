"""Text formats for durations, times, days and counts, shared by pages, letters and printouts.

Dates and times follow the reader: the active language (its formats are in `iopmanager/locales/`), and a 12-hour or a
24-hour clock (`iopmanager/reader.py`).
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from babel.dates import get_timezone_location
from django.conf import settings
from django.utils.dateformat import format as format_date
from django.utils.dateformat import time_format
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import get_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from iopmanager.clock import today
from iopmanager.reader import uses_24_hours
from timekeeping.clock_changes import ClockChange

WEEKDAYS_PLURAL = (
    gettext_lazy("Mondays"),
    gettext_lazy("Tuesdays"),
    gettext_lazy("Wednesdays"),
    gettext_lazy("Thursdays"),
    gettext_lazy("Fridays"),
    gettext_lazy("Saturdays"),
    gettext_lazy("Sundays"),
)
MIN_DAY_RANGE = 3
"""Minimum number of weekdays in a row that are shown as a range: "Mon–Wed"."""
BREAKABLE = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{NON-BREAKING HYPHEN}": "-", "\N{WORD JOINER}": None})
BREAK_BEFORE_PUNCTUATION = re.compile(r"\s*\n\s*(?=(?:<\w[^>]*>)?[,.:;])")
BREAK = re.compile(r"\s*\n\s*")


def hours(minutes: int | None) -> str:
    """Format minutes as hours and minutes: 450 → "7 h 30 min"; 540 → "9 h"; 45 → "45 min"; 0 → "0 h"; None → "–"."""
    if minutes is None:
        return "–"
    whole, rest = divmod(abs(int(minutes)), 60)
    if not rest:
        text = _("%(hours)d h") % {"hours": whole}
    elif not whole:
        text = _("%(minutes)d min") % {"minutes": rest}
    else:
        text = _("%(hours)d h %(minutes)d min") % {"hours": whole, "minutes": rest}
    return f"−{text}" if minutes < 0 else text


def hours_and_days(minutes: int, days: int) -> str:
    """Format the time that a week lacks: "1 h 30 min", "1 day", or "1 h 30 min and 1 day"; "–" if it lacks nothing."""
    days_text = ngettext("%(number)d day", "%(number)d days", days) % {"number": days}
    if minutes and days:
        return _("%(hours)s and %(days)s") % {"hours": hours(minutes), "days": days_text}
    if days:
        return days_text
    return hours(minutes) if minutes else "–"


def long_hours(minutes: int) -> str:
    """Format minutes for a sentence: 540 → "9 hours"; 450 → "7 h 30 min"."""
    whole, rest = divmod(minutes, 60)
    if rest or not whole:
        return hours(minutes)
    return ngettext("%(hours)d hour", "%(hours)d hours", whole) % {"hours": whole}


def elapsed(time: timedelta) -> str:
    """Format how long a task took: "under 1 s", "42 s", "3 min", "1 h 5 min"."""
    seconds = int(time.total_seconds())
    if seconds < 1:
        return _("under 1 s")
    return _("%(seconds)d s") % {"seconds": seconds} if seconds < 60 else hours(seconds // 60)


def counted(number: int, noun: str) -> str:
    """Format a count with its English noun, for the output of commands: 3 and "job" → "3 jobs". Pages use ngettext."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _local_time(moment: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the wall-clock time in `zone`, or in the datetime's own time zone if `zone` is None.

    Raises ValueError if `zone` is None and the datetime is in UTC: then the caller forgot to convert a datetime from
    the database.
    """
    if zone is not None:
        return moment.astimezone(zone)
    if moment.tzinfo is UTC:
        raise ValueError("an instant is shown in a zone: give the site's")
    return moment


US_TIME_ZONES = {
    "America/New_York": gettext_lazy("Eastern (New York)"),
    "America/Chicago": gettext_lazy("Central (Chicago)"),
    "America/Denver": gettext_lazy("Mountain (Denver)"),
    "America/Phoenix": gettext_lazy("Mountain without daylight saving time (Phoenix)"),
    "America/Los_Angeles": gettext_lazy("Pacific (Los Angeles)"),
    "America/Anchorage": gettext_lazy("Alaska (Anchorage)"),
    "Pacific/Honolulu": gettext_lazy("Hawaii (Honolulu)"),
}
"""The names of the usual time zones of the United States, by IANA name."""


def zone_name(name: str) -> str:
    """Return the name of a time zone in the reader's language: "America/New_York" → "Eastern (New York)".

    Time zones without a usual name are called by their city: "Europe/Berlin" → "Berlin".
    """
    if name in US_TIME_ZONES:
        return str(US_TIME_ZONES[name])
    return get_timezone_location(name, locale=get_language() or settings.LANGUAGE_CODE, return_city=True)


def at_zone(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """Convert a datetime to the time zone; None stays None."""
    return moment.astimezone(zone) if moment else None


def _wall_time(moment: time | datetime | int, zone: tzinfo | None = None) -> time:
    """Return the time of day. For 1440 minutes, which is the end of the day, the result is midnight."""
    if isinstance(moment, int):
        return time(moment // 60 % 24, moment % 60)
    return _local_time(moment, zone).time() if isinstance(moment, datetime) else moment


def clock(moment: time | datetime | int | None, zone: tzinfo | None = None) -> str:
    """Format a time: "9:00 AM". `moment` is a time, a datetime (converted to `zone` if given), or minutes since midnight.

    For readers with a 24-hour clock, the result is "9:00", and the end of the day (1440 minutes) is "24:00". None gives
    an empty string.
    """
    if moment is None:
        return ""
    if uses_24_hours():
        if moment == 1440 and isinstance(moment, int):
            return "24:00"
        return time_format(_wall_time(moment, zone), get_format("TIME_24_FORMAT"))
    return time_format(_wall_time(moment, zone), get_format("TIME_FORMAT"))


def hour_tick(hour: int) -> str:
    """Format a whole hour, from 0 to 24, for the scale of a picture: "9 AM", or "9:00" with a 24-hour clock."""
    if uses_24_hours():
        return clock(hour * 60)
    return time_format(time(hour % 24), get_format("HOUR_FORMAT"))


def times(starts: time | datetime | int, ends: time | datetime | int, zone: tzinfo | None = None) -> str:
    """Format a range of times: "9:00 AM–12:15 PM", or "9:00–11:30 AM" if both are AM or both are PM.

    If both are the same time of day, the result is "all day".
    """
    if isinstance(starts, time) and starts == ends:
        return _("all day")
    first, last = _wall_time(starts, zone), _wall_time(ends, zone)
    if not uses_24_hours() and (first.hour < 12) == (last.hour < 12) and first < last:
        return f"{time_format(first, get_format('TIME_WITHOUT_HALF_FORMAT'))}–{clock(ends, zone)}"
    return f"{clock(starts, zone)}–{clock(ends, zone)}"


def _date(moment: date, zone: tzinfo | None = None) -> date:
    return _local_time(moment, zone).date() if isinstance(moment, datetime) else moment


def _weekday_date(on: date, year: int) -> str:
    return format_date(on, get_format("WEEKDAY_FORMAT" if on.year == year else "WEEKDAY_YEAR_FORMAT"))


def day(moment: date | datetime | None, reference: date | tzinfo | None = None) -> str:
    """Format a date as "Mon, Nov 23", followed by the year if it is not the current one.

    If `reference` is a date, its year is used in place of the current one. If `reference` is a time zone, a datetime is
    first converted to this zone, as in `{{ session.starts|day:site.zone }}`.
    """
    if moment is None:
        return "–"
    if isinstance(reference, date):
        return _weekday_date(_date(moment), reference.year)
    return _weekday_date(_date(moment, reference), today(reference or UTC).year)


def long_day(moment: date | datetime) -> str:
    """Format a date in full, without its year, for a heading: "Monday, November 23"."""
    return format_date(_date(moment), get_format("LONG_WEEKDAY_FORMAT"))


def full_date(moment: date | datetime | None) -> str:
    """Format a date with its year: "Nov 23, 2026"."""
    return "–" if moment is None else format_date(_date(moment), get_format("DATE_FORMAT"))


def day_range(first: date, last: date) -> str:
    """Format a range of days, both inclusive: "Mon, Nov 23 – Sun, Nov 29"."""
    if first == last:
        return day(first)
    return f"{_weekday_date(first, last.year)} – {day(last)}"


def instant(moment: datetime | None, zone: tzinfo | None = None) -> str:
    """Format a datetime: "Mon, Nov 23, 9:00 AM"."""
    return "–" if moment is None else f"{day(moment, zone)}, {clock(moment, zone)}"


def clock_change_text(change: ClockChange) -> str:
    """Describe a clock change: "Clocks go back 1 h overnight into Sunday"."""
    values = {"length": hours(abs(change.minutes)), "weekday": weekday(change.on.weekday())}
    if change.minutes > 0:
        return _("Clocks go forward %(length)s overnight into %(weekday)s") % values
    return _("Clocks go back %(length)s overnight into %(weekday)s") % values


def weekday(number: int) -> str:
    """Return the name of a weekday: 0 → "Monday"."""
    return str(WEEKDAYS[int(number)])


def weekday_short(number: int) -> str:
    """Return the short name of a weekday: 0 → "Mon"."""
    return str(WEEKDAYS_ABBR[int(number)])


def weekday_plural(number: int) -> str:
    """Return the plural of a weekday's name: 0 → "Mondays"."""
    return str(WEEKDAYS_PLURAL[int(number)])


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


def rotation(runs: Iterable[int]) -> str:
    """Format a shift rotation, given as alternating numbers of days on and off: (4, 3) → "4 on, 3 off"."""
    return ", ".join(
        (_("%(days)d off") if number % 2 else _("%(days)d on")) % {"days": days} for number, days in enumerate(runs)
    )


US_PHONE = re.compile(
    r"(?:\+?1[ .-]*)?\(?([2-9]\d\d)\)?[ ./-]*(\d{3})[ .-]*(\d{4})(?:[ ,]*(?:ext\.?|x|#) *(\d{1,6}))?", re.IGNORECASE
)


def phone_number(typed: str) -> str:
    """Format a US phone number: "207.555.0100" → "(207) 555-0100". Other numbers stay as they were typed.

    The format is the same in English and Spanish.
    """
    found = US_PHONE.fullmatch(typed.strip())
    if found is None:
        return typed
    area, exchange, line, extension = found.groups()
    return f"({area}) {exchange}-{line}" + (f" x{extension}" if extension else "")


def breakable(text: str) -> str:
    """Replace no-break spaces and hyphens with plain ones and delete word joiners, for text that is not shown on a page."""
    return text.translate(BREAKABLE)


def one_line(text: str) -> str:
    """Join the lines of a rendered template with one space, or with none before a comma, colon, semicolon or period.

    The punctuation mark may come right after a start tag: `<span class="muted">, from Mon 7 Dec</span>`.
    """
    return BREAK.sub(" ", BREAK_BEFORE_PUNCTUATION.sub("", text.strip()))
