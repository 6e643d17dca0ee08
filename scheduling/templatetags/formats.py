"""How hours, times, days and standings are said on every page: one place, so that they are said one way."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from iopmanager.clock import today
from scheduling.week_picture import LIFE, TRAVEL, TREATMENT, WeekPicture
from timekeeping.clock_changes import ClockChange

register = template.Library()

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
RUN_OF_DAYS = 3
"""From so many days in a row on, weekdays are said as "Mon–Wed"."""


@register.filter
def hours(minutes: int | None) -> str:
    """450 → "7 h 30"; 540 → "9 h"; 45 → "45 min"; 0 → "0 h"."""
    if minutes is None:
        return "–"
    whole, rest = divmod(abs(int(minutes)), 60)
    sign = "−" if minutes < 0 else ""
    if not whole and rest:
        return f"{sign}{rest} min"
    return f"{sign}{whole} h {rest:02}" if rest else f"{sign}{whole} h"


@register.filter
def minutes_words(minutes: int) -> str:
    """450 → "7 hours 30 minutes": for sentences that are read aloud."""
    whole, rest = divmod(minutes, 60)
    parts = [counted(whole, "hour")] if whole else []
    if rest or not whole:
        parts.append(counted(rest, "minute"))
    return " ".join(parts)


@register.filter
def took(time: timedelta) -> str:
    """How long the computer was at it: "under 1 s", "42 s", "3 min", "1 h 05"."""
    seconds = int(time.total_seconds())
    if seconds < 60:
        return f"{seconds} s" if seconds else "under 1 s"
    return hours(seconds // 60)


@register.filter
def counted(number: int, noun: str) -> str:
    """3 and "place" → "3 places"; a plural of its own stands after a comma: "person,people"."""
    singular, _, plural = noun.partition(",")
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def _wall(moment: datetime, zone: tzinfo | None = None) -> datetime:
    """The wall clock at an instant. What comes from the database is in UTC, which is nobody's wall clock."""
    if zone is not None:
        return moment.astimezone(zone)
    if moment.tzinfo is UTC:
        raise ValueError("an instant is shown in a zone: give the site's")
    return moment


@register.filter
def zone_city(name: str) -> str:
    """America/New_York → "New York": what people call the time there."""
    return name.rpartition("/")[2].replace("_", " ")


@register.filter
def at_zone(moment: datetime | None, zone: tzinfo) -> datetime | None:
    """The instant as clocks in the zone show it."""
    return moment.astimezone(zone) if moment else None


@register.filter
def clock(moment: time | datetime | int | None, zone: tzinfo | None = None) -> str:
    """9:00, from a time, an instant (in `zone`, unless it is in its own already), or minutes from midnight.

    The midnight with which a day ends is 24:00 in minutes.
    """
    if moment is None:
        return ""
    if isinstance(moment, int):
        return f"{moment // 60}:{moment % 60:02}"
    wall = _wall(moment, zone) if isinstance(moment, datetime) else moment
    return f"{wall.hour}:{wall.minute:02}"


@register.simple_tag
def times(starts: time | datetime | int, ends: time | datetime | int, zone: tzinfo | None = None) -> str:
    """9:00–12:00; from midnight to midnight on the wall clock is a whole day."""
    if isinstance(starts, time) and starts == ends:
        return "the whole day"
    return f"{clock(starts, zone)}–{clock(ends, zone)}"


def _date(moment: date, zone: tzinfo | None = None) -> date:
    return _wall(moment, zone).date() if isinstance(moment, datetime) else moment


def _said(on: date, year: int) -> str:
    said = f"{DAYS[on.weekday()][:3]} {on.day} {MONTHS[on.month - 1]}"
    return said if on.year == year else f"{said} {on.year}"


@register.filter
def day(moment: date | datetime | None, reference: date | tzinfo | None = None) -> str:
    """Mon 23 Nov; with the year when it is another than the current one, or than that of the date given.

    An instant that is not in its zone yet is given it instead: `{{ session.starts|day:site.zone }}`.
    """
    if moment is None:
        return "–"
    if isinstance(reference, date):
        return _said(_date(moment), reference.year)
    return _said(_date(moment, reference), today(reference or UTC).year)


@register.filter
def dated(moment: date | datetime | None) -> str:
    """23 Nov 2026: for dates of birth and of record."""
    if moment is None:
        return "–"
    on = _date(moment)
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


@register.simple_tag
def day_range(first: date, last: date) -> str:
    """Mon 23 – Sun 29 Nov: both days are in it."""
    if first == last:
        return day(first)
    ends = _said(last, today(UTC).year)
    if (first.year, first.month) == (last.year, last.month):
        return f"{DAYS[first.weekday()][:3]} {first.day} – {ends}"
    return f"{_said(first, last.year)} – {ends}"


@register.filter
def instant(moment: datetime | None, zone: tzinfo | None = None) -> str:
    """Mon 23 Nov, 9:00."""
    return "–" if moment is None else f"{day(moment, zone)}, {clock(moment, zone)}"


@register.filter
def clocks_change(change: ClockChange) -> str:
    """Clocks go back 1 h in the night to Sunday."""
    way = "forward" if change.minutes > 0 else "back"
    return f"Clocks go {way} {hours(abs(change.minutes))} in the night to {weekday(change.on.weekday())}"


@register.filter
def weekday(number: int) -> str:
    """0 → "Monday"."""
    return DAYS[int(number)]


@register.filter
def weekday_short(number: int) -> str:
    """0 → "Mon"."""
    return DAYS[int(number)][:3]


@register.filter
def weekdays(numbers: Iterable[int]) -> str:
    """{0, 2, 4} → "Mon, Wed, Fri"; {0, 1, 2, 5} → "Mon–Wed, Sat"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said: list[str] = []
    for run in runs:
        if len(run) >= RUN_OF_DAYS:
            said.append(f"{weekday_short(run[0])}–{weekday_short(run[-1])}")
        else:
            said.extend(weekday_short(number) for number in run)
    return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Badge:
    """A word with its icon and one of the stylesheet's tones: met, on-course, at-risk, short, partial."""

    word: str
    icon: str
    tone: str


STANDINGS = {
    "met": Badge("Met", "check-circle-fill", "met"),
    "on_course": Badge("On course", "arrow-right-circle-fill", "on-course"),
    "at_risk": Badge("At risk", "exclamation-triangle-fill", "at-risk"),
    "out_of_reach": Badge("Out of reach", "x-octagon-fill", "short"),
    "short": Badge("Short", "dash-circle-fill", "short"),
    "partial": Badge("Partial week", "circle-half", "partial"),
}
MARKS = {
    "present": Badge("Present", "check-circle-fill", "met"),
    "partial": Badge("Partial", "circle-half", "on-course"),
    "excused": Badge("Excused", "chat-left-text", "at-risk"),
    "unexcused": Badge("Unexcused", "dash-circle-fill", "short"),
    "no_show": Badge("No show", "x-octagon-fill", "short"),
    "cancelled_by_program": Badge("Cancelled by the program", "slash-circle", "partial"),
}
NOT_MARKED = Badge("Not marked yet", "circle", "partial")
STATUSES = {
    "scheduled": Badge("Scheduled", "clock", "on-course"),
    "held": Badge("Held", "check-circle-fill", "met"),
    "finalized": Badge("Finalized", "patch-check-fill", "met"),
    "cancelled": Badge("Cancelled", "slash-circle", "partial"),
    "draft": Badge("Draft", "pencil", "partial"),
    "published": Badge("Published", "check-circle-fill", "met"),
    "retired": Badge("Retired", "archive", "partial"),
    "running": Badge("Running", "arrow-repeat", "on-course"),
    "done": Badge("Done", "check-circle-fill", "met"),
    "failed": Badge("Failed", "x-octagon-fill", "short"),
}


@cache
def _drawn(badge: Badge) -> SafeString:
    """Drawn once in each process: a page can show hundreds."""
    return render_to_string("_badge.html", {"badge": badge})


@register.simple_tag
def standing_badge(standing: str | None) -> str:
    """How a week stands; nothing for a week without a ledger."""
    return _drawn(STANDINGS[str(standing)]) if standing else ""


@register.simple_tag
def standing_word(standing: str) -> str:
    """How a week stands, in a word alone."""
    return STANDINGS[str(standing)].word


@register.simple_tag
def mark_badge(status: str | None) -> SafeString:
    """What was recorded of somebody at a session; without it, nobody has marked it yet."""
    return _drawn(MARKS[str(status)] if status else NOT_MARKED)


@register.simple_tag
def status_badge(status: str | None) -> SafeString:
    """The status of a session, of a track, of an attendance, or of nightly work."""
    return _drawn({**MARKS, **STATUSES}[str(status)] if status else NOT_MARKED)


@register.inclusion_tag("_meter.html")
def meter(
    minutes: int, minimum: int, maximum: int, prescribed: int | None = None, to_come: int = 0
) -> dict[str, str | None]:
    """Hours against their range as a bar, and in words. All in minutes; `to_come` is drawn behind what there is."""
    full = max(maximum * 11 // 10, minutes + to_come, prescribed or 0, 1)

    def share(part: int) -> str:
        return f"{100 * part / full:.2f}%"

    said = [hours(minutes)]
    if to_come:
        said.append(f"{hours(to_come)} still to come")
    if prescribed is not None:
        said.append(f"{hours(prescribed)} prescribed")
    if minimum != maximum:
        said.append(f"{hours(minimum)} to {hours(maximum)} a week allowed")
    return {
        "said": ", ".join(said),
        "minimum": share(minimum),
        "range": share(maximum - minimum),
        "value": share(minutes),
        "to_come": share(to_come) if to_come else None,
        "mark": None if prescribed is None else share(prescribed),
        "tone": "over" if minutes > maximum else "under" if minutes < (prescribed or minimum) else "enough",
    }


KINDS = {TREATMENT: "Treatment", LIFE: "Life", TRAVEL: "Travel"}
DISCREET_KINDS = {TREATMENT: "Appointment", LIFE: "Yours", TRAVEL: "Travel"}


@register.simple_tag
def kind_word(kind: str, discreet: bool = False) -> str:
    return DISCREET_KINDS[kind] if discreet else KINDS[kind]


@register.inclusion_tag("_week_picture.html")
def week_picture(
    picture: WeekPicture, today: date | None = None, discreet: bool = False
) -> dict[str, WeekPicture | date | str | bool | None]:
    """A week as a picture, with the same as a table behind it. `discreet` on pages that others may look at."""
    what = "appointments" if discreet else "treatment"
    said = f"{hours(picture.treatment_minutes)} of {what} over {counted(picture.treatment_days, 'day')}"
    return {
        "picture": picture,
        "today": today,
        "discreet": discreet,
        "said": said if picture.treatment_days else f"No {what}",
    }
