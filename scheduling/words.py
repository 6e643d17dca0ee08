"""The sentences of reasons and repairs, for places that are not pages."""

from django.template.loader import render_to_string

from scheduling.domain.reasons import Reason
from scheduling.domain.repairs import Repair


def say(reason: Reason) -> str:
    """One sentence, or two, as plain text; the same words as the pages have."""
    return render_to_string("scheduling/_reason_plain.txt", {"reason": reason}).strip()


def say_repair(repair: Repair) -> str:
    """What gives way and how many schedules fit then, in one sentence of plain text; the same words as the pages have."""
    return render_to_string("scheduling/_repair_plain.txt", {"repair": repair}).strip()
