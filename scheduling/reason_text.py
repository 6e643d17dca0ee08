"""The text of reasons, remarks, suggestions and changed days: the same on pages, in commands and in JSON.

Each class of reasons has a partial of its own. `reason_template` says where.
"""

import re

from django.template import Context
from django.template.engine import Engine
from django.template.loader import render_to_string
from django.utils.html import strip_tags

from scheduling.domain.search.remarks import Remark
from scheduling.domain.step_down import ChangedDays
from scheduling.domain.suggestions.suggestions import Suggestion
from timekeeping.reasons import Reason

BREAK = re.compile(r"[ \n]+")
"""Partials are indented and have line breaks, which are one space in the text."""


def reason_template(kind: type[Reason]) -> str:
    """Name the partial with the text of a class of reasons: its app, its capability and its code.

    `scheduling.domain.hours.reasons.TooFewMinutes` has "scheduling/reasons/hours.html#too_few_minutes". The capability is the
    folder below the layer; modules directly in a layer, or in `timekeeping`, share "general.html".
    """
    app, *folders, _module = kind.__module__.split(".")
    capability = folders[1] if len(folders) > 1 else "general"
    return f"{app}/reasons/{capability}.html#{kind.code}"


def reason_text(reason: Reason) -> str:
    """One sentence, or a few, as plain text."""
    return _render_text(reason_template(type(reason)), reason=reason)


def _render_text(template_name: str, **values: object) -> str:
    """Render without escaping, in one line. The engine keeps the compiled template."""
    partial = Engine.get_default().get_template(template_name)
    return BREAK.sub(" ", partial.render(Context(values, autoescape=False))).strip()


def remark_text(remark: Remark) -> str:
    """What is said of a schedule, as plain text without a full stop."""
    return render_to_string("scheduling/search/_remark_plain.txt", {"remark": remark}).strip()


def suggestion_text(repair: Suggestion) -> str:
    """What gives way and how many schedules fit then, in one sentence of plain text; the same words as the pages have."""
    return render_to_string("scheduling/suggestions/_suggestion_plain.txt", {"suggestion": repair}).strip()


def change_text(change: ChangedDays) -> str:
    """What becomes of some weekdays from one schedule to the next, as plain text without a full stop."""
    return strip_tags(render_to_string("scheduling/enrollment/_changed_days.html", {"change": change})).strip()
