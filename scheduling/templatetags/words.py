"""How hours, times, days and standings are said on every page."""

from collections.abc import Iterable
from datetime import date, datetime, time, tzinfo
from typing import Any

from django import template

from attendance.domain.ledger import Standing
from scheduling.week_picture import WeekPicture

register = template.Library()

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STANDINGS = {
    Standing.MET: ("Met", "check-circle-fill"),
    Standing.ON_COURSE: ("On course", "arrow-right-circle"),
    Standing.AT_RISK: ("At risk", "exclamation-triangle"),
    Standing.OUT_OF_REACH: ("Out of reach", "x-octagon"),
    Standing.SHORT: ("Short", "dash-circle"),
    Standing.PARTIAL: ("Partial week", "circle-half"),
}
MARKS = {
    "present": ("Present", "check-lg"),
    "partial": ("Partial", "circle-half"),
    "excused": ("Excused", "chat-left-text"),
    "unexcused": ("Unexcused", "x-lg"),
    "no_show": ("No show", "x-lg"),
    "cancelled_by_program": ("Cancelled by the program", "slash-circle"),
}


@register.filter
def hours(minutes: int | None) -> str:
    """450 → "7 h 30"; 540 → "9 h"; 45 → "45 min"."""
    if minutes is None:
        return "–"
    whole, rest = divmod(abs(int(minutes)), 60)
    sign = "−" if minutes < 0 else ""
    if not whole and rest:
        return f"{sign}{rest} min"
    return f"{sign}{whole} h {rest:02}" if rest else f"{sign}{whole} h"


@register.filter
def clock(moment: time | datetime | int) -> str:
    """9:00, from a time, an aware datetime already in its zone, or minutes from midnight."""
    if isinstance(moment, int):
        return f"{moment // 60 % 24}:{moment % 60:02}"
    return f"{moment.hour}:{moment.minute:02}"


@register.filter
def at_zone(instant: datetime | None, zone: tzinfo) -> datetime | None:
    """The instant as clocks in the zone show it."""
    return instant.astimezone(zone) if instant else None


@register.simple_tag
def times(starts: Any, ends: Any, zone: tzinfo | None = None) -> str:
    """9:00–12:00."""
    if zone is not None and isinstance(starts, datetime):
        starts, ends = starts.astimezone(zone), ends.astimezone(zone)
    return f"{clock(starts)}–{clock(ends)}"


@register.filter
def day(moment: date | datetime | None, reference: date | None = None) -> str:
    """Mon 23 Nov; with the year when it differs from the reference's."""
    if moment is None:
        return "–"
    said = f"{moment:%a} {moment.day} {moment:%b}"
    return said if reference is None or reference.year == moment.year else f"{said} {moment.year}"


@register.filter
def dated(moment: date | None) -> str:
    """23 Nov 2026."""
    return "–" if moment is None else f"{moment.day} {moment:%b} {moment.year}"


@register.filter
def weekday(number: int) -> str:
    return DAYS[int(number)]


@register.filter
def weekday_short(number: int) -> str:
    return DAYS[int(number)][:3]


@register.filter
def weekdays(numbers: Iterable[int]) -> str:
    """Mon, Wed, Fri; Mon–Fri when they follow each other."""
    found = sorted(numbers)
    if len(found) > 2 and found == list(range(found[0], found[-1] + 1)):
        return f"{DAYS[found[0]][:3]}–{DAYS[found[-1]][:3]}"
    return ", ".join(DAYS[number][:3] for number in found)


@register.inclusion_tag("_standing.html")
def standing_badge(standing: Standing) -> dict[str, str]:
    word, icon = STANDINGS[Standing(standing)]
    return {"standing": str(standing), "word": word, "icon": icon}


@register.inclusion_tag("_mark.html")
def mark_badge(status: str | None) -> dict[str, str]:
    word, icon = MARKS.get(status or "", ("Not marked yet", "dash"))
    return {"status": status or "none", "word": word, "icon": icon}


@register.inclusion_tag("_meter.html")
def meter(minutes: int, minimum: int, maximum: int, prescribed: int | None = None) -> dict[str, Any]:
    """Hours as a bar against what is allowed, in units of 1/1000 of the bar's width."""
    full = max(maximum * 6 // 5, minutes, 1)
    return {
        "minutes": minutes,
        "minimum": minimum,
        "maximum": maximum,
        "prescribed": prescribed,
        "bar": minutes * 1000 // full,
        "from": minimum * 1000 // full,
        "width": (maximum - minimum) * 1000 // full,
        "mark": None if prescribed is None else prescribed * 1000 // full,
    }


@register.inclusion_tag("_week_picture.html")
def week_picture(picture: WeekPicture) -> dict[str, WeekPicture]:
    return {"picture": picture}
