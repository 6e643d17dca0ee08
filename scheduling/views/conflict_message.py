"""Confirm that a commitment is saved, and warn about booked sessions that it conflicts with."""

from django.contrib import messages
from django.http import HttpRequest

from iopmanager import clock
from patients.models import Commitment
from scheduling.formats import counted, day
from scheduling.services.availability.booking_conflicts import booking_conflicts

NAMED_DAYS = 3
"""How many days with conflicts the message names. The patient's chart lists all of them."""


def add_conflict_message(
    request: HttpRequest, commitment: Commitment, *, listed: str = "They are listed below."
) -> None:
    """Add a message that the commitment is saved, with a warning if it conflicts with booked sessions.

    The message names days but no groups or times, because the browser stores it for a while.
    """
    site = commitment.patient.site
    clashes = booking_conflicts(patient=commitment.patient, busy=[commitment.as_busy_time(site=site)], now=clock.now())
    if not clashes:
        messages.success(request, "The commitment is kept.")
        return
    days = [day(clash.booking.starts, site.zone) for clash in clashes]
    named = ", ".join(days[:NAMED_DAYS]) + (f" and {len(days) - NAMED_DAYS} more" if len(days) > NAMED_DAYS else "")
    sessions = counted(len(days), "booked session")
    messages.warning(request, f"The commitment is kept. It runs into {sessions}: {named}. {listed}")
