"""The sentences of reasons, remarks, repairs and changes, for places that are not pages."""

from django.template.loader import render_to_string
from django.utils.html import strip_tags

from scheduling.domain.search.remarks import Remark
from scheduling.domain.step_down import ChangedDays
from scheduling.domain.suggestions.suggestions import Suggestion
from timekeeping.reasons import Reason


def reason_text(reason: Reason) -> str:
    """One sentence, or two, as plain text; the same words as the pages have."""
    return render_to_string("scheduling/reasons/_reason_plain.txt", {"reason": reason}).strip()


def remark_text(remark: Remark) -> str:
    """What is said of a schedule, as plain text without a full stop."""
    return render_to_string("scheduling/search/_remark_plain.txt", {"remark": remark}).strip()


def suggestion_text(repair: Suggestion) -> str:
    """What gives way and how many schedules fit then, in one sentence of plain text; the same words as the pages have."""
    return render_to_string("scheduling/suggestions/_suggestion_plain.txt", {"repair": repair}).strip()


def change_text(change: ChangedDays) -> str:
    """What becomes of some weekdays from one schedule to the next, as plain text without a full stop."""
    return strip_tags(render_to_string("scheduling/enrollment/_changed_days.html", {"change": change})).strip()
