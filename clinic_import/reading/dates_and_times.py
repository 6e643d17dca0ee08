"""Functions that parse dates, times and weekdays in import files. Each raises ValueError with an error message for the user.

A clinic's spreadsheets have dates and times in many forms. A form is accepted if it can mean only one thing.
"""

import re
from collections.abc import Sequence
from datetime import date, time
from enum import StrEnum

from django.utils.translation import gettext as _

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
FIRST_YEAR, LAST_YEAR = 1900, 2100
CENTURY = 2000
"""The century of years with two digits."""

ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")
NUMERIC_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})")
DAY_FIRST = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4}|\d{2})")
CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*(?:([ap])\.?(?:m\.?)?)?", re.IGNORECASE)
DAY_AND_TIME = re.compile(r"(.+?)(?:T|,?\s+)(\d{1,2}:\d{2})(?::\d{2}(?:\.\d+)?)?(\s*[ap]\.?(?:m\.?)?)?", re.IGNORECASE)
RANGE = re.compile(r"(.+?)\s*(?:-|–|—|\bto\b)\s*(.+)", re.IGNORECASE)
WEEKDAYS_IN_A_ROW = re.compile(r"(?:M|Tu|T(?!h)|W|Th|F)+", re.IGNORECASE)
WEEKDAY_LETTERS = {"m": 0, "t": 1, "tu": 1, "w": 2, "th": 3, "f": 4, "sa": 5, "su": 6}
DAY_GROUPS = {"weekdays": range(5), "weekends": range(5, 7), "daily": range(7), "every day": range(7)}


class DateOrder(StrEnum):
    """The order of the numbers in dates like 1/5/2026."""

    MONTH_FIRST = "mdy"
    DAY_FIRST = "dmy"


def read_date(cell: str, order: DateOrder | None = None) -> date:
    """Parse a date such as `2026-11-23`, `Nov 23, 2026`, `23-Nov-2026` or `11/23/2026`.

    `order` is the order that the user states. Without it, a date like `11/23/2026` is read in US order, and a year with
    two digits is refused. With it, `23` is the year 2023.
    """
    year, month, day = _date_numbers(cell, order)
    try:
        value = date(year, month, day)
    except ValueError:
        raise ValueError(
            _("“%(cell)s” is not on the calendar. Check the day and the month.") % {"cell": cell}
        ) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(_("Check the year of “%(cell)s”.") % {"cell": cell})
    return value


def read_birth_date(cell: str, order: DateOrder | None = None) -> date:
    """Parse a date with a four-digit year. In a birth date, the year `26` could be 1926 or 2026."""
    if not re.search(r"\d{4}", cell) and re.search(r"\d$", cell):
        raise ValueError(_("“%(cell)s” could be in two centuries. Write the year with four digits.") % {"cell": cell})
    return read_date(cell, order)


def _date_numbers(cell: str, order: DateOrder | None) -> tuple[int, int, int]:
    """Return the year, month and day that the cell names. They may be out of range."""
    if found := ISO_DATE.fullmatch(cell):
        year, month, day = found.groups()
        return int(year), int(month), int(day)
    if found := NUMERIC_DATE.fullmatch(cell):
        first, separator, second, year = found.groups()
        if order or (separator == "/" and len(year) == 4):
            month, day = (second, first) if order is DateOrder.DAY_FIRST else (first, second)
            return _full_year(year), int(month), int(day)
        if separator == "/":
            raise ValueError(
                _("“%(cell)s” has a year with two digits. Write it with four digits, or state the order of dates.")
                % {"cell": cell}
            )
    if (found := MONTH_FIRST.fullmatch(cell)) and (named := _month(found[1])):
        return int(found[3]), named, int(found[2])
    if (found := DAY_FIRST.fullmatch(cell)) and (named := _month(found[2])) and (order or len(found[3]) == 4):
        return _full_year(found[3]), named, int(found[1])
    raise ValueError(_("“%(cell)s” is not a date. Write it as 2026-11-23 or 11/23/2026.") % {"cell": cell})


def _full_year(year: str) -> int:
    return int(year) if len(year) == 4 else CENTURY + int(year)


def _month(name: str) -> int | None:
    """Return the number of the month with this English name or its first three letters or more. January is 1."""
    return next((number for number, month in enumerate(MONTHS, start=1) if month.startswith(name.lower())), None)


def read_dates(cell: str, order: DateOrder | None = None) -> tuple[date, ...]:
    """Parse dates separated by semicolons. Return them sorted and without duplicates."""
    return tuple(sorted({read_date(part.strip(), order) for part in cell.split(";") if part.strip()}))


def read_day_and_time(cell: str, order: DateOrder | None = None) -> tuple[date, time | None]:
    """Parse a date with or without a time, such as `2026-11-23 14:05` or `11/23/2026 2:05 PM`. Seconds are dropped."""
    found = DAY_AND_TIME.fullmatch(cell)
    if found is None:
        return read_date(cell, order), None
    day, at, half = found.groups(default="")
    return read_date(day, order), read_time(at + half)


def read_time(cell: str) -> time:
    """Parse a time of day, such as `9:00`, `09:00`, `21:30`, `9:00 AM`, `9 am` or `5:30p`."""
    error = ValueError(_("“%(cell)s” is not a time. Write it as 9:00 AM or 21:30.") % {"cell": cell})
    found = CLOCK.fullmatch(cell)
    if found is None:
        raise error
    hour_text, minute_text, seconds, half = found.groups()
    hour, minute = int(hour_text), int(minute_text or 0)
    if (minute_text is None and not half) or int(seconds or 0):
        raise error
    if half:
        if not 1 <= hour <= 12:
            raise error
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    if hour > 23 or minute > 59:
        raise error
    return time(hour, minute)


def has_half(cell: str) -> bool:
    """Return whether a time has AM or PM."""
    return re.search(r"[ap]", cell, re.IGNORECASE) is not None


def is_24_hour(cell: str) -> bool:
    """Return whether a time can only be in 24-hour notation, because its hour is 13 or more or begins with 0.

    `9:00` could be either.
    """
    return re.match(r"(0|1[3-9]|2\d)", cell) is not None and not has_half(cell)


def split_time_range(cell: str) -> tuple[str, str] | None:
    """Split a range of two times, such as `9:00-12:00`, `9-12`, `1 to 3 PM` or `9 AM – 12:30 PM`. Return None for other text.

    If only the end has AM or PM, the start gets the same, or the other one if it would not be before the end: `9-12pm`
    is 9 AM to 12 PM.
    """
    found = RANGE.fullmatch(cell)
    if found is None:
        return None
    starts, ends = (f"{part}:00" if re.fullmatch(r"\d{1,2}", part) else part for part in found.groups())
    half = re.search(r"[ap]", ends, re.IGNORECASE)
    if half and not has_half(starts) and not is_24_hour(starts):
        try:
            same = read_time(f"{starts} {half[0]}m")
            starts += f" {half[0]}m" if same < read_time(ends) else " am" if half[0] in "pP" else " pm"
        except ValueError:
            return None
    return starts, ends


def read_weekday(cell: str) -> int:
    """Parse the name of a weekday, such as `Mon`, `Tues`, `Th`, `W` or `Monday`, into a number. Monday is 0."""
    name = cell.lower().rstrip(".")
    if name in WEEKDAY_LETTERS and name != "t":
        return WEEKDAY_LETTERS[name]
    for number, day in enumerate(DAYS):
        if len(name) >= 3 and day.lower().startswith(name):
            return number
    raise ValueError(_("“%(cell)s” is not a day of the week. Write it as Mon, Tue and so on.") % {"cell": cell})


def read_weekdays(cell: str) -> tuple[int, ...]:
    """Parse weekdays such as `Mon, Wed`, `M/W/F`, `TTh`, `Mon-Fri` or `weekdays` into sorted numbers. Monday is 0.

    `T` is Tuesday if another day of the cell is written `Th`.
    """
    if named := DAY_GROUPS.get(cell.lower()):
        return tuple(named)
    parts = re.split(r"[\s,;/+]+", re.sub(r"\s*[-–]\s*", "-", cell.replace("&", " ").replace(" and ", " ")))
    if len(parts) == 1 and WEEKDAYS_IN_A_ROW.fullmatch(cell) and cell.lower() not in {"t", "m", "w", "f", "th", "tu"}:
        parts = re.findall(r"th|tu|[mtwf]", cell, re.IGNORECASE)
    is_t_tuesday = any(part.lower().rstrip(".") == "th" for part in parts)
    days: set[int] = set()
    for part in parts:
        first, to, last = part.partition("-")
        begin = _weekday_in_list(first, is_t_tuesday=is_t_tuesday)
        end = _weekday_in_list(last, is_t_tuesday=is_t_tuesday) if to else begin
        days.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return tuple(sorted(days))


def several_weekdays(cell: str) -> Sequence[str]:
    """Return the names of the weekdays in the cell if there are two or more. Return nothing for any other text."""
    try:
        days = read_weekdays(cell)
    except ValueError:
        return ()
    return [DAYS[day] for day in days] if len(days) > 1 else ()


def _weekday_in_list(part: str, *, is_t_tuesday: bool) -> int:
    return 1 if is_t_tuesday and part.lower() == "t" else read_weekday(part)
