"""Confirm that a commitment is saved, and warn about booked sessions that conflict with the commitment."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iopmanager import clock
from patients.models import Commitment
from scheduling.formats import day
from scheduling.services.availability.booking_conflicts import booking_conflicts

NAMED_DAYS = 3
"""Maximum number of days with conflicts that the message names. The patient's chart lists all days."""


def add_conflict_message(request: HttpRequest, commitment: Commitment, *, listed: str | None = None) -> None:
    """Add a message that the commitment is saved, with a warning if the commitment conflicts with booked sessions.

    The message names days but no groups or times, because the browser stores the message for a while. `listed` is the
    sentence that says where all conflicts are listed. The default sentence says that the conflicts are listed below.
    """
    site = commitment.patient.site
    clashes = booking_conflicts(patient=commitment.patient, busy=[commitment.as_busy_time(site=site)], now=clock.now())
    if not clashes:
        messages.success(request, _("Commitment saved."))
        return
    days = [day(clash.booking.starts, site.zone) for clash in clashes]
    conflict = ngettext(
        "Commitment saved. It conflicts with %(number)d booked session: %(days)s.",
        "Commitment saved. It conflicts with %(number)d booked sessions: %(days)s.",
        len(days),
    ) % {"number": len(days), "days": _named(days)}
    messages.warning(request, f"{conflict} {listed or _('They are listed below.')}")


def _named(days: list[str]) -> str:
    named = "; ".join(days[:NAMED_DAYS])
    if len(days) <= NAMED_DAYS:
        return named
    return _("%(days)s and %(number)d more") % {"days": named, "number": len(days) - NAMED_DAYS}
