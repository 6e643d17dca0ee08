"""Functions that parse the text of one CSV cell. Each raises ValueError with an error message for the user."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from scheduling.reason_text import reason_text
from timekeeping.reasons import Refused
from timekeeping.rotations import parse_runs
from timekeeping.time_zones import city_time_zones

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
YES, NO = {"yes", "y", "true", "1"}, {"no", "n", "false", "0"}
FIRST_YEAR, LAST_YEAR = 1900, 2100

ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")
US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*([ap])?\.?(m)?\.?", re.IGNORECASE)
HOURS = re.compile(r"(\d{1,3}):([0-5]\d)|(\d{1,3}(?:\.\d{1,4})?)")


def read_text(longest: int) -> Callable[[str], str]:
    """Return a function that accepts a cell of at most `longest` characters."""

    def read(cell: str) -> str:
        if len(cell) > longest:
            raise ValueError(
                _("This text has %(number)d characters. Use at most %(longest)d.")
                % {"number": len(cell), "longest": longest}
            )
        return cell

    return read


def read_email(cell: str) -> str:
    """Parse an e-mail address and return it in lower case."""
    try:
        validate_email(cell)
    except ValidationError:
        raise ValueError(_("“%(cell)s” is not an email address.") % {"cell": cell}) from None
    return read_text(254)(cell).lower()


def read_time_zone(cell: str) -> str:
    """Check that the cell is the IANA name of a time zone that is named after a place, and return it."""
    if cell not in city_time_zones():
        raise ValueError(_("“%(cell)s” is not a time zone. Use a name such as America/Chicago.") % {"cell": cell})
    return cell


def read_country(cell: str) -> str:
    """Parse a two-letter ISO 3166 country code, in upper or lower case, and return it in upper case."""
    if not re.fullmatch(r"[A-Za-z]{2}", cell):
        raise ValueError(_("“%(cell)s” is not a country code. Use two letters, such as US.") % {"cell": cell})
    return cell.upper()


def read_date(cell: str) -> date:
    """Parse a date such as `2026-11-23` or, in US order, `11/23/2026`."""
    if found := ISO_DATE.fullmatch(cell):
        year, month, day = map(int, found.groups())
    elif found := US_DATE.fullmatch(cell):
        month, day, year = map(int, found.groups())
    else:
        raise ValueError(_("“%(cell)s” is not a date. Write it as 2026-11-23 or 11/23/2026.") % {"cell": cell})
    try:
        value = date(year, month, day)
    except ValueError:
        raise ValueError(
            _("“%(cell)s” is not on the calendar. Check the day and the month.") % {"cell": cell}
        ) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(_("Check the year of “%(cell)s”.") % {"cell": cell})
    return value


def read_dates(cell: str) -> tuple[date, ...]:
    """Parse dates separated by semicolons. Return them sorted and without duplicates."""
    return tuple(sorted({read_date(part) for part in split(cell)}))


def read_time(cell: str) -> time:
    """Parse a time of day, such as `9:00`, `09:00`, `21:30`, `9:00 AM` or `9 am`."""
    error = ValueError(_("“%(cell)s” is not a time. Write it as 9:00 AM or 21:30.") % {"cell": cell})
    found = CLOCK.fullmatch(cell)
    if found is None:
        raise error
    hour_text, minute_text, seconds, half, m = found.groups()
    hour, minute = int(hour_text), int(minute_text or 0)
    if bool(half) != bool(m) or (minute_text is None and not half) or int(seconds or 0):
        raise error
    if half:
        if not 1 <= hour <= 12:
            raise error
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    if hour > 23 or minute > 59:
        raise error
    return time(hour, minute)


def read_number(least: int, most: int) -> Callable[[str], int]:
    """Return a function that parses whole numbers from `least` to `most`, inclusive.

    The function accepts `9.0` for 9, because spreadsheets often export whole numbers like that.
    """

    def read(cell: str) -> int:
        if not re.fullmatch(r"\d{1,6}(\.0+)?", cell):
            raise ValueError(_("“%(cell)s” is not a whole number.") % {"cell": cell})
        number = int(cell.split(".")[0])
        if not least <= number <= most:
            raise ValueError(
                _("%(number)d is out of range. Enter a number from %(least)d to %(most)d.")
                % {"number": number, "least": least, "most": most}
            )
        return number

    return read


def read_hours(least: int, most: int) -> Callable[[str], int]:
    """Return a function that parses hours (`9`, `9.5` or `9:30`) into minutes.

    The bounds `least` and `most` are in minutes and inclusive.
    """

    def read(cell: str) -> int:
        found = HOURS.fullmatch(cell)
        if found is None:
            raise ValueError(_("“%(cell)s” is not a number of hours. Write it as 9, 9.5 or 9:30.") % {"cell": cell})
        whole, minutes, decimal = found.groups()
        value = int(whole) * 60 + int(minutes) if whole else float(decimal) * 60
        if abs(value - round(value)) > 0.01:
            raise ValueError(
                _("“%(cell)s” hours is not a whole number of minutes. Write it as 9, 9.5 or 9:30.") % {"cell": cell}
            )
        if not least <= round(value) <= most:
            raise ValueError(
                _("“%(cell)s” hours is out of range. Enter %(least)s to %(most)s hours.")
                % {"cell": cell, "least": f"{least / 60:g}", "most": f"{most / 60:g}"}
            )
        return round(value)

    return read


def read_yes_no(cell: str) -> bool:
    """Parse a cell as yes or no. `YES` and `NO` list the accepted words."""
    if cell.lower() in YES:
        return True
    if cell.lower() in NO:
        return False
    raise ValueError(_("“%(cell)s” is not an answer here. Enter yes or no.") % {"cell": cell})


def read_choice[T](choices: Mapping[str, T]) -> Callable[[str], T]:
    """Return a function that maps a word to its value in `choices`. “In person” matches the key in_person."""

    def read(cell: str) -> T:
        word = re.sub(r"[\s_-]+", "_", cell.lower())
        if word not in choices:
            raise ValueError(
                _("“%(cell)s” is not one of the options. Use one of these: %(choices)s.")
                % {"cell": cell, "choices": ", ".join(choices)}
            )
        return choices[word]

    return read


def read_weekday(cell: str) -> int:
    """Parse the name of a weekday, such as `Mon`, `Tues` or `Monday`, into a number. Monday is 0."""
    name = cell.lower().rstrip(".")
    for number, day in enumerate(DAYS):
        if len(name) >= 3 and day.lower().startswith(name):
            return number
    raise ValueError(_("“%(cell)s” is not a day of the week. Write it as Mon, Tue and so on.") % {"cell": cell})


def read_weekdays(cell: str) -> tuple[int, ...]:
    """Parse weekdays such as `Mon, Wed`, `Mon-Fri` or `Sat-Sun` into sorted numbers. Monday is 0."""
    days: set[int] = set()
    for part in re.split(r"[\s,;/]+", re.sub(r"\s*[-–]\s*", "-", cell.replace("&", " "))):
        first, to, last = part.partition("-")
        begin = read_weekday(first)
        end = read_weekday(last) if to else begin
        days.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return tuple(sorted(days))


def read_rotation(cell: str) -> tuple[int, ...]:
    """Parse a shift rotation such as `4 on, 3 off` into alternating numbers of days on and off."""
    try:
        return parse_runs(cell)
    except Refused as refused:
        raise ValueError(" ".join(map(reason_text, refused.reasons))) from None


def read_codes(cell: str) -> tuple[str, ...]:
    """Parse codes separated by semicolons. Keep their order and drop duplicates."""
    return tuple(dict.fromkeys(split(cell)))


def split(cell: str) -> Sequence[str]:
    """Split the cell at semicolons, strip white space from the parts, and drop empty parts."""
    return [part.strip() for part in cell.split(";") if part.strip()]
