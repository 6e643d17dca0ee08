"""The text of reasons, remarks, suggestions and changed days: the same on pages, in commands and in JSON.

Each class of reasons has a partial of its own. `reason_template` says where.
"""

from django.template import Context
from django.template.engine import Engine
from django.utils.html import strip_tags

from scheduling.domain.search.remarks import Remark
from scheduling.domain.step_down import ChangedDays
from scheduling.domain.suggestions.changes import Adjustment
from scheduling.domain.suggestions.suggestions import Suggestion
from scheduling.formats import one_line
from timekeeping.reasons import Reason


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


def remark_text(remark: Remark) -> str:
    """A phrase about a schedule as plain text without a full stop."""
    return _render_text(f"scheduling/search/remarks.html#{remark.code}", remark=remark)


def suggestion_text(suggestion: Suggestion) -> str:
    """One sentence as plain text: what would have to give way, and how many schedules fit then."""
    return _render_text("scheduling/suggestions/_suggestion.html", suggestion=suggestion)


def adjustment_text(adjustment: Adjustment) -> str:
    """A clause of a suggestion as plain text, such as "treatment began on Mon 7 Dec instead of Mon 2 Nov"."""
    return _render_text(f"scheduling/suggestions/adjustments.html#{adjustment.code}", adjustment=adjustment)


def waitlist_note_text(suggestion: Suggestion) -> str:
    """The spots that a suggestion needs, as a note for the waitlist; empty if it needs none."""
    return _render_text("scheduling/suggestions/_waitlist_note.html", suggestion=suggestion)


def change_text(change: ChangedDays) -> str:
    """What happens to some weekdays from one schedule to the next, as plain text without a full stop."""
    return strip_tags(_render_text("scheduling/enrollment/_changed_days.html", change=change)).strip()


def _render_text(template_name: str, **values: object) -> str:
    """Render in one line and without escaping. The engine keeps the compiled template."""
    template = Engine.get_default().get_template(template_name)
    return one_line(template.render(Context(values, autoescape=False)))
