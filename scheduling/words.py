"""The sentences of reasons, for places that are not pages."""

from django.template.loader import render_to_string

from scheduling.domain.reasons import Reason


def say(reason: Reason) -> str:
    """One sentence, or two, as plain text; the same words as the pages have."""
    return render_to_string("scheduling/_reason_plain.txt", {"reason": reason}).strip()
