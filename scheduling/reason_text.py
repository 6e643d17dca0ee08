"""Render reasons, remarks, suggestions and changed days as text, the same on pages, in commands and in JSON.

Each class of reasons has its own template partial. `reason_template` returns the name of the partial.
"""

from django.template import Context
from django.template.engine import Engine
from django.utils.html import strip_tags

from scheduling.domain.search.remarks import Remark
from scheduling.domain.step_down import ChangedDays
from scheduling.domain.suggestions.changes import Adjustment
from scheduling.domain.suggestions.suggestions import Suggestion
from scheduling.formats import breakable, one_line
from timekeeping.reasons import Reason


def reason_template(kind: type[Reason]) -> str:
    """Return the name of the template partial for a class of reasons.

    The name is made of the class's app, capability and code. The capability is the folder within `domain` or
    `services`. Modules outside such a folder, and modules in `timekeeping`, use "general.html".

    For example, `scheduling.domain.hours.reasons.TooFewMinutes` uses "scheduling/reasons/hours.html#too_few_minutes".
    """
    app, *folders, _module = kind.__module__.split(".")
    capability = folders[1] if len(folders) > 1 else "general"
    return f"{app}/reasons/{capability}.html#{kind.code}"


def reason_text(reason: Reason, *, keeps_units: bool = False) -> str:
    """Return the reason as one or more sentences of plain text.

    With `keeps_units`, there is a no-break space between a number and its unit, as on pages.
    """
    return _render_text(reason_template(type(reason)), keeps_units, reason=reason)


def remark_text(remark: Remark, *, keeps_units: bool = False) -> str:
    """Return the remark about a schedule as a phrase in plain text, without a period."""
    return _render_text(f"scheduling/search/remarks.html#{remark.code}", keeps_units, remark=remark)


def suggestion_text(suggestion: Suggestion, *, keeps_units: bool = False) -> str:
    """Return the suggestion as a plain-text sentence: what would have to change, and how many schedules would fit."""
    return _render_text("scheduling/suggestions/_suggestion.html", keeps_units, suggestion=suggestion)


def adjustment_text(adjustment: Adjustment, *, keeps_units: bool = False) -> str:
    """Return one change of a suggestion as a clause in plain text: "treatment began on Mon, Dec 7 instead of Mon, Nov 2"."""
    template_name = f"scheduling/suggestions/adjustments.html#{adjustment.code}"
    return _render_text(template_name, keeps_units, adjustment=adjustment)


def waitlist_note_text(suggestion: Suggestion) -> str:
    """Return the spots that a suggestion needs, as a note for the waitlist. The note is empty if no spot is needed."""
    return _render_text("scheduling/suggestions/_waitlist_note.html", suggestion=suggestion)


def change_text(change: ChangedDays) -> str:
    """Return how a patient's weekdays change from one schedule to the next, as plain text without a period."""
    return strip_tags(_render_text("scheduling/enrollment/_changed_days.html", change=change)).strip()


def _render_text(template_name: str, keeps_units: bool = False, **values: object) -> str:
    """Render the template as one line without HTML escaping. The template engine caches the compiled template."""
    template = Engine.get_default().get_template(template_name)
    text = one_line(template.render(Context(values, autoescape=False)))
    return text if keeps_units else breakable(text)
