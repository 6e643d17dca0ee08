"""Functions that parse the text of one CSV cell. Each raises ValueError with an error message for the user."""

import re
from collections.abc import Callable, Mapping, Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from patients.domain.codes import clean_code
from patients.domain.contacts import is_phone_number
from scheduling.reason_text import reason_text
from timekeeping.reasons import Refused
from timekeeping.rotations import parse_runs
from timekeeping.time_zones import city_time_zones

YES, NO = {"yes", "y", "true", "1"}, {"no", "n", "false", "0"}
HOURS = re.compile(r"(\d{1,3}):([0-5]\d)|(\d{1,3}(?:\.\d{1,4})?)")
CHOICES = "choices"
"""The name of the attribute in which a function from `read_choice` has the words that it accepts."""
SPREADSHEET_ERROR = re.compile(r"#(REF!|VALUE!|NAME\?|DIV/0!|N/A|NUM!|NULL!|SPILL!|CALC!|#*)", re.IGNORECASE)
SHORTENED_NUMBER = re.compile(r"\d+(\.\d+)?E[+-]?\d+", re.IGNORECASE)


def refuse_broken_cell(cell: str) -> None:
    """Raise ValueError if the cell is an error of the spreadsheet (`#REF!`) or a formula (`=A1`)."""
    if SPREADSHEET_ERROR.fullmatch(cell):
        raise ValueError(_("“%(cell)s” is an error of the spreadsheet. Enter the value itself.") % {"cell": cell})
    if re.match(r"=\S", cell):
        raise ValueError(_("“%(cell)s” is a formula. Enter its value.") % {"cell": cell[:40]})


def read_code(cell: str) -> str:
    """Read one of the clinic's own codes, of at most 40 characters, without invisible characters."""
    _refuse_shortened_number(cell)
    return read_text(40)(clean_code(cell))


def read_phone(cell: str) -> str:
    """Read a phone number: digits with spaces, parentheses, dots or dashes, and perhaps an extension."""
    _refuse_shortened_number(cell)
    if not is_phone_number(cell):
        raise ValueError(_("“%(cell)s” is not a phone number. Write it as (207) 555-0142.") % {"cell": cell})
    return read_text(40)(cell)


def _refuse_shortened_number(cell: str) -> None:
    if SHORTENED_NUMBER.fullmatch(cell):
        raise ValueError(
            _(
                "“%(cell)s” is a number that the spreadsheet has shortened. Format the column as text and enter it again."
            )
            % {"cell": cell}
        )


def read_text(longest: int) -> Callable[[str], str]:
    """Return a function that accepts a cell with one line of at most `longest` characters."""

    def read(cell: str) -> str:
        if len(cell.splitlines()) > 1:
            raise ValueError(_("This text has a line break. Write it on one line."))
        if len(cell) > longest:
            raise ValueError(
                _("This text has %(number)d characters. Use at most %(longest)d.")
                % {"number": len(cell), "longest": longest}
            )
        return cell

    return read


def read_address(cell: str) -> str:
    """Read a postal address of at most 200 characters. Several lines become one, with commas between them."""
    return read_text(200)(", ".join(line.strip(" ,") for line in cell.splitlines() if line.strip(" ,")))


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

    setattr(read, CHOICES, tuple(choices))
    return read


def read_rotation(cell: str) -> tuple[int, ...]:
    """Parse a shift rotation such as `4 on, 3 off` into alternating numbers of days on and off."""
    try:
        return parse_runs(cell)
    except Refused as refused:
        raise ValueError(" ".join(map(reason_text, refused.reasons))) from None


def read_codes(cell: str) -> tuple[str, ...]:
    """Parse codes separated by semicolons. Keep their order and drop duplicates."""
    return tuple(dict.fromkeys(map(clean_code, split(cell))))


def split(cell: str) -> Sequence[str]:
    """Split the cell at semicolons, strip white space from the parts, and drop empty parts."""
    return [part.strip() for part in cell.split(";") if part.strip()]
