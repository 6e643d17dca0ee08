"""The sentences of a letter, used by both its preview page and its PDF.

A letter is written for its recipient, so it is always in US English with 12-hour times. The user's language and clock
are ignored.
"""

from dataclasses import dataclass
from datetime import date

from django.utils import translation

from iopmanager.reader import HourClock, hour_clock_of
from scheduling.domain.letters import LetterContent, WeeklyTime
from scheduling.formats import full_date, times, weekday

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The short form of the notice that must accompany a disclosure, 42 CFR 2.32(a)(2). It reveals less than the long form."""


@dataclass(frozen=True, slots=True)
class LetterText:
    """The parts of a letter from top to bottom, not HTML-escaped.

    `rows` are pairs of days and times: first the weekly appointments, and then the single ones in order of date.
    """

    sender: str
    sender_lines: tuple[str, ...]
    written_on: str
    recipient_lines: tuple[str, ...]
    title: str
    opening: str
    rows: tuple[tuple[str, str], ...]
    closing: str
    consent: str
    notice: str

    @classmethod
    def of(cls, content: LetterContent) -> "LetterText":
        """Return the text of a letter with this content."""
        with translation.override("en"), hour_clock_of(lambda: HourClock.TWELVE):
            return cls._in_english(content)

    @classmethod
    def _in_english(cls, content: LetterContent) -> "LetterText":
        weekly = ((_weekly_text(each), times(each.starts, each.ends)) for each in content.times.weekly)
        single = ((_date_text(each.on), times(each.starts, each.ends)) for each in content.times.single)
        return cls(
            sender=content.sender,
            sender_lines=_nonempty(content.sender_address, content.sender_phone),
            written_on=full_date(content.written_on),
            recipient_lines=_nonempty(content.recipient, content.recipient_address),
            title=f"Appointments for {content.name}",
            opening=(
                f"From {full_date(content.first_day)} to {full_date(content.last_day)}, {content.name} has appointments at "
                "these times:"
            ),
            rows=(*weekly, *single),
            closing="Times can change. A later letter replaces this one.",
            consent=(
                f"Sent with the written consent of {content.name}, signed on {full_date(content.signed_on)}. The consent "
                f"covers appointment times and nothing else, for this purpose: {content.purpose}. It is valid through "
                f"{full_date(content.consent_last_day)} unless it is revoked earlier."
            ),
            notice=NOTICE,
        )


def _nonempty(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def _date_text(on: date) -> str:
    return f"{weekday(on.weekday())}, {full_date(on)}"


def _weekly_text(weekly: WeeklyTime) -> str:
    text = f"Every {weekday(weekly.weekday)} from {full_date(weekly.first)} to {full_date(weekly.last)}"
    return f"{text}, except {_join_dates(weekly.skipped)}" if weekly.skipped else text


def _join_dates(days: tuple[date, ...]) -> str:
    *before, last = map(full_date, days)
    return f"{', '.join(before)} and {last}" if before else last
