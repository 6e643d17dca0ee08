"""Find a person by what somebody types: parts of names, a code, an e-mail address, a phone number or a birth date.

Names are compared without diacritics or apostrophes. The comparison is in Python, because SQLite and PostgreSQL
compare such text differently.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

LETTERS_WITHOUT_ACCENT = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
"""Plain letters for letters such as ł, which Unicode does not split into a letter and a diacritic."""
APOSTROPHES = dict.fromkeys(map(ord, "'’‘`´ʼʻʹ′＇"))
HYPHENS = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")

ISO_DATE = re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b")
NUMERIC_DATE = re.compile(r"(?<![\d/.-])(?P<first>\d{1,2})([/.-])(?P<second>\d{1,2})\2(?P<year>\d{4}|\d{2})(?![\d/-])")
MONTH_FIRST = re.compile(r"\b(?P<month>[^\W\d_]{3,})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})\b")
DAY_FIRST = re.compile(r"\b(?P<day>\d{1,2})\.?\s+(?:de\s+)?(?P<month>[^\W\d_]{3,})\.?,?\s+(?:de\s+)?(?P<year>\d{4})\b")
PHONE_NUMBER = re.compile(r"[+(]*\d[\d().+/ -]*\d")
MIN_PHONE_DIGITS = 4
"""Minimum digits of a typed phone number. A number with fewer digits would match too many phone numbers."""
MAX_TYPED = 200
"""Maximum number of characters in the typed text. Longer text is cut, because no real search needs it."""


def fold(text: str) -> str:
    """Return the text in lower case, without diacritics or apostrophes: "Łukaszewicz-O’Brien" → "lukaszewicz-obrien"."""
    plain = text.translate(APOSTROPHES).translate(HYPHENS).casefold().translate(LETTERS_WITHOUT_ACCENT)
    return "".join(letter for letter in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(letter))


def digits_of(text: str) -> str:
    """Return only the digits: "(218) 555-0147" → "2185550147"."""
    return "".join(letter for letter in text if letter.isdecimal())


@dataclass(frozen=True, slots=True)
class Person:
    """The data of one person that a search compares with the typed text.

    `text` has the person's folded names, code and e-mail; `phones` has the digits of each phone number.
    """

    text: str
    phones: tuple[str, ...]
    birth_date: date

    @classmethod
    def of(cls, texts: Iterable[str], phones: Iterable[str], birth_date: date) -> "Person":
        """Make a Person from the texts, phone numbers and birth date in a person's record."""
        return cls(fold("\n".join(texts)), tuple(digits_of(phone) for phone in phones), birth_date)


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """One part of the typed text. It can match a person's names, code, e-mail, phone number or birth date."""

    text: str
    digits: str = ""
    birth_dates: tuple[date, ...] = ()

    def matches(self, person: Person) -> bool:
        """Whether the person is found by this term."""
        return (
            bool(self.text and self.text in person.text)
            or any(self._is_phone_number(phone) for phone in person.phones)
            or person.birth_date in self.birth_dates
        )

    def _is_phone_number(self, phone: str) -> bool:
        """Whether the typed digits match the phone number.

        They match if they are part of the number. They also match if they are the whole number with more digits in
        front, such as a country code. In this case, the number must have at least seven digits.
        """
        if not self.digits or not phone:
            return False
        return self.digits in phone or (len(phone) >= 7 and self.digits.endswith(phone))


def read_terms(typed: str, months: Mapping[str, int]) -> Sequence[SearchTerm]:
    """Split the typed text into dates, phone numbers and other words. Commas separate words, as in "Petrov, Ivan".

    Words without a letter or a digit are left out, so the result can be empty.

    `months` maps the folded name of each month to its number.
    """
    terms: list[SearchTerm] = []

    def take_date(found: re.Match[str]) -> str:
        dates = tuple(_dates_of(found.groupdict(), months))
        if not dates:
            return found[0]
        terms.append(SearchTerm(fold(found[0]), birth_dates=dates))
        return " "

    def take_phone_number(found: re.Match[str]) -> str:
        digits = digits_of(found[0])
        if len(digits) < MIN_PHONE_DIGITS:
            return found[0]
        terms.append(SearchTerm(fold(found[0]), digits))
        return " "

    rest = typed[:MAX_TYPED]
    for pattern in (ISO_DATE, NUMERIC_DATE, MONTH_FIRST, DAY_FIRST):
        rest = pattern.sub(take_date, rest)
    rest = re.sub(rf"(?<!\S){PHONE_NUMBER.pattern}(?!\S)", take_phone_number, rest)
    words = (fold(word) for word in rest.replace(",", " ").split())
    return [*terms, *(SearchTerm(word) for word in words if any(map(str.isalnum, word)))]


def _dates_of(parts: Mapping[str, str], months: Mapping[str, int]) -> Iterator[date]:
    """Yield the dates that the typed month, day and year in `parts` could mean.

    If month and day are both numbers, the first is the month, unless it is above 12. A year with two digits can be in
    the 20th or 21st century.
    """
    if "first" in parts:
        first, second = int(parts["first"]), int(parts["second"])
        month, day = (first, second) if first <= 12 else (second, first)
    else:
        month = int(parts["month"]) if parts["month"].isdecimal() else months.get(fold(parts["month"]), 0)
        day = int(parts["day"])
    years = (int(parts["year"]),) if len(parts["year"]) == 4 else (1900 + int(parts["year"]), 2000 + int(parts["year"]))
    for year in years:
        try:
            yield date(year, month, day)
        except ValueError:
            continue
