"""Reasons that the product itself stores for its actions, such as the release of a booking.

A reason is stored in English, in the same field as a reason that a person typed.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class StoredReason(models.TextChoices):
    """A reason as it is stored, and its text for readers."""

    GROUP_CHANGED = "The group changed", _("The group changed")
    GROUP_ENDED = "The group ended", _("The group ended")
    TRACK_ENDED = "The track ended", _("The track ended")
    ENROLLMENT_ENDED = "The enrollment ended", _("The enrollment ended")
    DISCHARGED = "Discharged", _("Discharged")
    ADMISSION_CORRECTED = "The admission was corrected", _("The admission was corrected")
    MOVED_TRACK = "Moved to another track", _("Moved to another track")
    MOVED_SITE = "Moved to another site", _("Moved to another site")
    OTHER_GROUPS = "Attends other groups", _("Attends other groups")
    NOT_AVAILABLE = "Not free then", _("Not free then")
    OTHER_SESSION = "In another session at the time", _("In another session at the time")
    COMMITMENT_REMOVED = "The commitment was removed.", _("The commitment was removed.")


def reason_in_words(stored: str) -> str:
    """Return a stored reason in the reader's language. A reason that a person typed is returned unchanged."""
    return str(StoredReason(stored).label) if stored in StoredReason.values else stored
