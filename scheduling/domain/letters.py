"""The times of appointments as a letter says them: what repeats once, with its exceptions, and what does not by its date.

It knows times and nothing else, so that nothing else can be told. The few words that people write themselves are held to
the same.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from hashlib import blake2b
from typing import ClassVar

from timekeeping.reasons import Reason

WEEK = timedelta(weeks=1)
MIN_DATES_FOR_WEEKLY = 3
"""Dates on one weekday at the same times from which they are said as a weekly time."""
REVEALING_STEMS = (
    *("addict", "alcohol", "behavioral", "behavioural", "clinic", "counsel", "detox", "drug", "inpatient", "mental"),
    *("opioid", "outpatient", "overdos", "patient", "psych", "recover", "rehab", "relapse", "sober", "sobriet"),
    *("substance", "therap", "treat"),
)
"""How words begin that say what the appointments are for. The product's own list: it catches slips, not cunning."""
REVEALING_ACRONYMS = ("IOP", "PHP", "SUD")
"""Whole words that do."""
_REVEALING = re.compile(
    rf"\b(?:(?:{'|'.join(REVEALING_STEMS)})\w*|(?:{'|'.join(REVEALING_ACRONYMS)})\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, order=True)
class Appointment:
    """One time on one date, on the wall clock of the site."""

    on: date
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """The same time on the same weekday from the first date to the last, but for the dates left `out`."""

    weekday: int
    starts: time
    ends: time
    first: date
    last: date
    out: tuple[date, ...]

    def appointments(self) -> list[Appointment]:
        days = (self.first + week * WEEK for week in range((self.last - self.first).days // 7 + 1))
        return [Appointment(day, self.starts, self.ends) for day in days if day not in self.out]


@dataclass(frozen=True, slots=True)
class LetterTimes:
    """All that a letter says: weekly times in the order of the week, and single ones by date."""

    weekly: tuple[WeeklyTime, ...]
    single: tuple[Appointment, ...]

    def __bool__(self) -> bool:
        return bool(self.weekly or self.single)


def summarize_appointments(appointments: Iterable[Appointment]) -> LetterTimes:
    """The same appointments in the fewest words: at least three on one weekday at the same times are a weekly time, unless
    more dates would have to be left out than are kept.
    """
    alike: dict[tuple[int, time, time], list[date]] = {}
    for each in sorted(set(appointments)):
        alike.setdefault((each.on.weekday(), each.starts, each.ends), []).append(each.on)
    weekly: list[WeeklyTime] = []
    single: list[Appointment] = []
    for (weekday, starts, ends), dates in alike.items():
        weeks = (dates[-1] - dates[0]).days // 7 + 1
        if len(dates) < MIN_DATES_FOR_WEEKLY or weeks - len(dates) > len(dates):
            single += (Appointment(on, starts, ends) for on in dates)
            continue
        out = tuple(day for week in range(weeks) if (day := dates[0] + week * WEEK) not in dates)
        weekly.append(WeeklyTime(weekday, starts, ends, dates[0], dates[-1], out))
    return LetterTimes(
        weekly=tuple(sorted(weekly, key=lambda each: (each.weekday, each.starts, each.ends))),
        single=tuple(sorted(single)),
    )


@dataclass(frozen=True, slots=True)
class PurposeRevealsTreatment(Reason):
    """The purpose of a consent, which stands in its letters, has words that say what the appointments are for."""

    code: ClassVar[str] = "purpose_tells"
    words: tuple[str, ...]


def revealing_words(text: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """What in the text says more than a time: words of treatment, and whole `names`; as they stand there, each once."""
    found = [match.group() for match in _REVEALING.finditer(text)]
    found += (
        match.group()
        for name in names
        if name
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
    )
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class LetterContent:
    """What a letter says, all of it: who writes, to whom, of whom, and when. It names no treatment because it knows none."""

    sender: str
    sender_address: str
    sender_phone: str
    written_on: date
    recipient: str
    recipient_address: str
    name: str
    first_day: date
    last_day: date
    times: LetterTimes
    signed_on: date
    consent_last_day: date
    purpose: str

    @property
    def key(self) -> str:
        """The same for the same words: what was looked at is known again by it."""
        return blake2b(repr(self).encode(), digest_size=16).hexdigest()
