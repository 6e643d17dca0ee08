"""Nightly jobs for the timetable."""

from django.tasks import task

from iopmanager import clock
from scheduling.formats import counted
from scheduling.models import Site
from scheduling.services.bookings.horizon import extend_horizon


@task
def extend_horizon_at(site_id: int) -> str:
    """Write the site's sessions and bookings that are missing up to the horizon. Return a summary as text."""
    site = Site.objects.get(pk=site_id)
    written = extend_horizon(site=site, now=clock.now())
    summary = "Nothing was missing"
    if written.sessions or written.bookings:
        summary = f"{counted(written.sessions, 'session')} and {counted(written.bookings, 'booking')} written"
    if written.unplaced:
        summary += f"; {counted(written.unplaced, 'place')} not given, as a session is full or another one clashes"
    if written.unroomed:
        summary += f"; {counted(written.unroomed, 'session')} without their room, which is taken then"
    if written.unled:
        summary += f"; {counted(written.unled, 'session')} without all who lead them, as somebody is in another then"
    return f"{summary}."
