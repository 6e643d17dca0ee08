"""Confirm a saved commitment, and name the booked sessions that it conflicts with."""

from django.contrib import messages
from django.http import HttpRequest

from iopmanager import clock
from patients.models import Commitment
from scheduling.formats import counted, day
from scheduling.services.availability.booking_conflicts import booking_conflicts

NAMED_DAYS = 3
"""How many days of conflicting sessions the message names; the chart lists them all."""


def add_conflict_message(
    request: HttpRequest, commitment: Commitment, *, listed: str = "They are listed below."
) -> None:
    """Confirm that the commitment is saved, and warn about the booked sessions that it conflicts with.

    The message names only days, as the browser keeps it for a while.
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
