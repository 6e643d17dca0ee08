"""Template filters and tags for durations, times, days, status badges and pictures of weeks."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, wraps
from textwrap import wrap
from typing import TYPE_CHECKING

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from scheduling.formats import (
    at_zone,
    clock,
    clock_change_text,
    day,
    day_range,
    elapsed,
    full_date,
    hour_tick,
    hours,
    hours_and_days,
    instant,
    long_day,
    long_hours,
    one_line,
    rotation,
    times,
    weekday,
    weekday_plural,
    weekday_short,
    weekdays,
    zone_name,
)
from scheduling.week_picture import (
    ATTENDED,
    COMMITMENT,
    CURRENT_TREATMENT,
    MISSED,
    TO_COME,
    TRAVEL,
    TREATMENT,
    WeekPicture,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()

BLOCK_LETTERS = 11
"""Letters that fit in one line of a block in the narrowest picture that shows labels."""
TWO_LINES_HIGH = 44
"""Pixels that a block needs for its time and two lines of its label."""

BREAK_INSIDE_TAGS = re.compile(r"(<\w[^>]*>)\s*\n\s*|\s*\n\s*(?=</)")
DOT = re.compile(r"((?:\s*</?\w[^>]*>)*)\s*(?<![^\s>])(?:·\s+)+(?![^<>]*>)")
SEPARATOR = '<span class="separator"> <span class="visually-hidden">·</span></span> '
OUTER_DOT = re.compile(r"^(?:·\s+)+|(?:\s+·)+$")

SPACE_BEFORE_UNIT = re.compile(r"(?<=\d) (?=[^\W\d])")
HYPHEN_AFTER_SHORT_PART = re.compile(r"(?<![\w-])([^\W\d_]{1,3})-(?=[^\W\d_])(?![^<>]*>)")
DASH_OF_RANGE = re.compile(r"(?<=\w)–(?=\w)")


def _keeps_together[**P](text_format: Callable[P, str]) -> Callable[P, str]:
    """Put no-break spaces between a number and its unit ("30 min"), and word joiners around the dash of a range ("Mon–Wed").

    The functions in `scheduling/formats.py` return plain text, because commands, JSON, feeds and forms need it.
    """

    @wraps(text_format)
    def formatted(*args: P.args, **kwargs: P.kwargs) -> str:
        text = SPACE_BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text_format(*args, **kwargs))
        return DASH_OF_RANGE.sub("\N{WORD JOINER}–\N{WORD JOINER}", text)

    return formatted


for _filter in (
    zone_name,
    at_zone,
    day,
    full_date,
    long_day,
    rotation,
    weekday,
    weekday_plural,
    weekday_short,
):
    register.filter(_filter)
for _filter_in_one_line in (hours, elapsed, clock, long_hours, hour_tick, instant, clock_change_text, weekdays):
    register.filter(_filter_in_one_line.__name__, _keeps_together(_filter_in_one_line))
register.simple_tag(day_range)
for _tag_in_one_line in (times, hours_and_days):
    register.simple_tag(_keeps_together(_tag_in_one_line), name=_tag_in_one_line.__name__)


@register.filter
def days(dates: Iterable[date]) -> str:
    """Format each date like `day`, separated by commas."""
    return ", ".join(day(each) for each in dates)


@register.filter
def clock_in_block(moment: time | datetime | int) -> str:
    """Format a time like `clock`, with " AM" or " PM" in its own SVG element, which narrow pictures hide."""
    digits, space, meridiem = clock(moment).partition(" ")
    if not meridiem:
        return digits
    return format_html("{}{}", digits, format_html('<tspan class="block-meridiem">{}{}</tspan>', space, meridiem))


@register.filter
def lines_in_block(label: str, height: int) -> list[str]:
    """Break a label into lines for a block of a narrow week picture: at most two in a high block, otherwise one."""
    return wrap(label, BLOCK_LETTERS, max_lines=2 if height >= TWO_LINES_HIGH else 1, placeholder="…")


@register.simple_block_tag
def oneline(content: SafeString) -> SafeString:
    """Join the lines of a block with spaces. Templates can therefore spread one sentence over several lines.

    No space is left directly after a start tag or directly before an end tag.
    """
    return mark_safe(one_line(BREAK_INSIDE_TAGS.sub(r"\1", content)))


@register.simple_block_tag
def dots(content: SafeString) -> SafeString:
    """Replace each " · " in a block with a separator that is invisible at the end of a line.

    Dots at the beginning and at the end of the block are removed. Several dots in a row become one separator. Dots in
    attributes of tags do not change.
    """
    return mark_safe(DOT.sub(_separator, OUTER_DOT.sub("", content.strip())))


def _separator(dot: re.Match[str]) -> str:
    """Return the tags that come before a dot, followed by the separator that replaces the dot.

    The separator's visible dot is the background of a space. At the end of a line, browsers drop the space and with it
    the dot. Spaces before the tags are removed, because browsers keep only the first of two spaces.
    """
    return re.sub(r"\s+(?=<)", "", dot[1]) + SEPARATOR


@dataclass(frozen=True, slots=True, eq=False)
class Badge:
    """A badge's text, icon and tone. The tone is a class in the stylesheet: met, on-course, at-risk, short or partial."""

    word: "StrOrPromise"
    icon: str
    tone: str


STANDING_BADGES = {
    "met": Badge(gettext_lazy("Met"), "check-circle-fill", "met"),
    "on_course": Badge(gettext_lazy("On pace"), "arrow-right-circle-fill", "on-course"),
    "at_risk": Badge(gettext_lazy("At risk"), "exclamation-triangle-fill", "at-risk"),
    "out_of_reach": Badge(gettext_lazy("Can’t be met"), "x-octagon-fill", "short"),
    "short": Badge(gettext_lazy("Short"), "dash-circle-fill", "short"),
    "partial": Badge(gettext_lazy("Partial week"), "circle-half", "partial"),
}
MARK_BADGES = {
    "present": Badge(gettext_lazy("Present"), "check-circle-fill", "met"),
    "partial": Badge(gettext_lazy("Late or left early"), "circle-half", "on-course"),
    "excused": Badge(gettext_lazy("Excused absence"), "chat-left-text", "at-risk"),
    "unexcused": Badge(gettext_lazy("Unexcused absence"), "dash-circle-fill", "short"),
    "no_show": Badge(gettext_lazy("No-show"), "x-octagon-fill", "short"),
    "cancelled_by_program": Badge(gettext_lazy("Canceled by the program"), "slash-circle", "partial"),
}
NOT_MARKED = Badge(gettext_lazy("Not marked yet"), "circle", "partial")
STATUS_BADGES = {
    "scheduled": Badge(gettext_lazy("Scheduled"), "clock", "on-course"),
    "no_leader": Badge(gettext_lazy("No leader"), "exclamation-triangle-fill", "at-risk"),
    "in_progress": Badge(gettext_lazy("In progress"), "clock-history", "on-course"),
    "not_finalized": Badge(gettext_lazy("Not finalized"), "hourglass-split", "at-risk"),
    "over": Badge(gettext_lazy("Over"), "check-circle", "partial"),
    "held": Badge(gettext_lazy("Held"), "check-circle-fill", "met"),
    "finalized": Badge(gettext_lazy("Finalized"), "patch-check-fill", "met"),
    "cancelled": Badge(gettext_lazy("Canceled"), "slash-circle", "partial"),
    "draft": Badge(gettext_lazy("Draft"), "pencil", "partial"),
    "published": Badge(gettext_lazy("Published"), "check-circle-fill", "met"),
    "retired": Badge(gettext_lazy("Retired"), "archive", "partial"),
    "running": Badge(gettext_lazy("Running"), "arrow-repeat", "on-course"),
    "done": Badge(gettext_lazy("Done"), "check-circle-fill", "met"),
    "failed": Badge(gettext_lazy("Failed"), "x-octagon-fill", "short"),
}


def _render_badge(badge: Badge) -> SafeString:
    return _render_badge_in(badge, get_language())


@cache
def _render_badge_in(badge: Badge, language: str | None) -> SafeString:
    """Render a badge as HTML. The result is cached per process, because a page can show hundreds of badges.

    `language` is the active language; it is an argument so that each language has its own entry in the cache.
    """
    return render_to_string("components/badge.html", {"badge": badge})


@register.filter(is_safe=True)
def unbroken_words(html: str) -> str:
    """Keep words such as "co-occurring" on one line, by no-break hyphens after short parts. Tags stay as they are."""
    return HYPHEN_AFTER_SHORT_PART.sub("\\1\N{NON-BREAKING HYPHEN}", html)


@register.filter
def unbroken(days: str) -> str:
    """Keep each date of a range on one line: the line can break only after the dash. Use it in headings."""
    return days.replace(" ", "\N{NO-BREAK SPACE}").replace("–\N{NO-BREAK SPACE}", "– ")


@register.filter
def breaks_at_dash(times: str) -> str:
    """Let a range of times break after its dash, where it may not fit into one line."""
    return times.replace("–\N{WORD JOINER}", "–")


@register.simple_tag
def standing_badge(standing: str | None) -> str:
    """Show the standing of a week as a badge. If there is no standing, show nothing."""
    return _render_badge(STANDING_BADGES[str(standing)]) if standing else ""


@register.simple_tag
def standing_text(standing: str) -> str:
    """Return the standing of a week in words."""
    return str(STANDING_BADGES[str(standing)].word)


@register.simple_tag
def mark_badge(status: str | None) -> SafeString:
    """Show an attendance status as a badge, or "Not marked yet" if there is none."""
    return _render_badge(MARK_BADGES[str(status)] if status else NOT_MARKED)


@register.simple_tag
def status_badge(status: str | None) -> SafeString:
    """Show the status of a session, a track, an attendance record or a nightly job as a badge."""
    return _render_badge({**MARK_BADGES, **STATUS_BADGES}[str(status)] if status else NOT_MARKED)


@register.inclusion_tag("components/meter.html")
def meter(
    minutes: int, minimum: int, maximum: int, prescribed: int | None = None, to_come: int = 0, scale: bool = False
) -> dict[str, object]:
    """Show weekly hours as a bar and in words, compared with the allowed range. All values are minutes.

    The bar shows `minutes`, followed by `to_come`. The bar is full at the `prescribed` minutes or, without a
    prescription, at 110% of the `maximum`. With `scale`, the prescription or the bounds of the range are written below
    the bar.
    """
    full = max(prescribed if prescribed is not None else maximum * 11 // 10, minutes + to_come, 1)
    bounds = {minimum, maximum} if prescribed is None else {prescribed}

    def share(part: int) -> str:
        return f"{100 * min(part, full) / full:.2f}%"

    parts = [hours(minutes)]
    if to_come:
        parts.append(_("%(hours)s more booked") % {"hours": hours(to_come)})
    if prescribed is not None:
        parts.append(_("%(hours)s prescribed") % {"hours": hours(prescribed)})
    if minimum != maximum:
        allowed = {"minimum": hours(minimum), "maximum": hours(maximum)}
        parts.append(_("%(minimum)s to %(maximum)s a week allowed") % allowed)
    return {
        "said": ", ".join(parts),
        "minimum": share(minimum),
        "range": share(min(maximum, full) - min(minimum, full)),
        "value": share(minutes),
        "to_come": share(to_come) if to_come else None,
        "mark": None if prescribed in (None, full) else share(prescribed or 0),
        "ticks": [(share(each), hours(each), each == full) for each in sorted(bounds)] if scale else [],
        "tone": "over" if minutes > maximum > minimum else "under" if minutes < (prescribed or minimum) else "enough",
    }


KIND_NAMES = {
    TREATMENT: gettext_lazy("Treatment"),
    CURRENT_TREATMENT: gettext_lazy("Current treatment"),
    COMMITMENT: gettext_lazy("Commitments"),
    TRAVEL: gettext_lazy("Travel"),
    ATTENDED: gettext_lazy("Attended"),
    TO_COME: gettext_lazy("Not marked yet"),
    MISSED: gettext_lazy("Missed"),
}
DISCREET_KIND_NAMES = {
    TREATMENT: gettext_lazy("Appointment"),
    COMMITMENT: gettext_lazy("When I’m busy"),
    TRAVEL: gettext_lazy("Travel"),
}


@register.simple_tag
def kind_text(kind: str, discreet: bool = False) -> str:
    return str(DISCREET_KIND_NAMES[kind] if discreet else KIND_NAMES[kind])


@register.inclusion_tag("components/week_picture.html")
def week_picture(
    picture: WeekPicture, today: date | None = None, discreet: bool = False, hides_commitments: bool = False
) -> dict[str, WeekPicture | date | str | bool | None]:
    """Show a week as a picture, and as a table for screen readers.

    With `discreet`, the texts do not mention treatment. Use it on pages that other people may see. With
    `hides_commitments`, the picture says that it has no commitments. Use it for people who may not see them.
    """
    values = {"hours": hours(picture.treatment_minutes), "number": picture.treatment_days}
    if not picture.treatment_days:
        summary = _("No appointments") if discreet else _("No treatment")
    elif discreet:
        summary = ngettext(
            "%(hours)s of appointments on %(number)d day",
            "%(hours)s of appointments on %(number)d days",
            picture.treatment_days,
        )
    else:
        summary = ngettext(
            "%(hours)s of treatment on %(number)d day",
            "%(hours)s of treatment on %(number)d days",
            picture.treatment_days,
        )
    return {
        "picture": picture,
        "today": today,
        "discreet": discreet,
        "hides_commitments": hides_commitments,
        "said": summary % values,
    }
