"""The content of a letter about a patient's appointments: weekly times with the dates they skip, and single dates.

A letter lists only times and never mentions treatment. The short texts that users enter for a letter are checked for
words that would reveal treatment.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from hashlib import blake2b

from timekeeping.reasons import Reason

WEEK = timedelta(weeks=1)
MIN_DATES_FOR_WEEKLY = 3
"""The fewest appointments at the same time of the week that a letter lists as a weekly time."""
REVEALING_STEMS = (
    *("addict", "alcohol", "behavioral", "behavioural", "clinic", "counsel", "detox", "drug", "inpatient", "mental"),
    *("opioid", "outpatient", "overdos", "patient", "psych", "recover", "rehab", "relapse", "sober", "sobriet"),
    *("substance", "therap", "treat"),
)
"""Beginnings of words that reveal treatment. This product rule catches slips, not deliberate disclosure."""
REVEALING_ACRONYMS = ("IOP", "PHP", "SUD")
"""Acronyms that reveal treatment. They match only as whole words."""
_REVEALING = re.compile(
    rf"\b(?:(?:{'|'.join(REVEALING_STEMS)})\w*|(?:{'|'.join(REVEALING_ACRONYMS)})\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, order=True)
class Appointment:
    """An appointment on one date, in the site's wall-clock time."""

    on: date
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """A weekly appointment time.

    The appointments are on the dates from `first` to `last`, both inclusive, except on the `skipped` dates.
    """

    weekday: int
    starts: time
    ends: time
    first: date
    last: date
    skipped: tuple[date, ...]

    def appointments(self) -> list[Appointment]:
        """Return the appointments of the weekly time by date, without the skipped dates."""
        days = (self.first + week * WEEK for week in range((self.last - self.first).days // 7 + 1))
        return [Appointment(day, self.starts, self.ends) for day in days if day not in self.skipped]


@dataclass(frozen=True, slots=True)
class LetterTimes:
    """The times in a letter: weekly times in the order of the week, and single appointments by date."""

    weekly: tuple[WeeklyTime, ...]
    single: tuple[Appointment, ...]

    def __bool__(self) -> bool:
        return bool(self.weekly or self.single)


def summarize_appointments(appointments: Iterable[Appointment]) -> LetterTimes:
    """Summarize appointments as weekly times and single dates.

    Three or more appointments at the same time on the same weekday become one weekly time. They stay single dates if
    the weekly time would skip more dates than it has appointments. (Product rule.)
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
    """The purpose of a consent contains words that reveal treatment. Letters under the consent quote the purpose."""

    words: tuple[str, ...]


def revealing_words(text: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the distinct words in the text that reveal treatment, and any of `names` that occur as whole words.

    Words and names are returned as they are spelled in the text.
    """
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
    """The whole content of a letter: sender, recipient, patient and times. It has no field for treatment."""

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
        """A hash of the content, to check that a letter is the same as its preview."""
        return blake2b(repr(self).encode(), digest_size=16).hexdigest()
