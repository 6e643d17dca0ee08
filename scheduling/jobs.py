"""Nightly jobs for the timetable."""

from django.tasks import task
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from iopmanager import clock
from scheduling.models import Site
from scheduling.services.bookings.horizon import extend_horizon


@task
def extend_horizon_at(site_id: int) -> str:
    """Create the sessions and bookings that the site lacks up to the horizon. Return a summary as text."""
    site = Site.objects.get(pk=site_id)
    written = extend_horizon(site=site, now=clock.now())
    if not (written.sessions or written.bookings):
        sentences = [_("Nothing was missing.")]
    else:
        sentences = [
            ngettext("%(number)d session added.", "%(number)d sessions added.", written.sessions)
            % {"number": written.sessions},
            ngettext("%(number)d booking added.", "%(number)d bookings added.", written.bookings)
            % {"number": written.bookings},
        ]
    if written.unplaced:
        text = ngettext(
            "%(number)d booking not made, because its session is full or conflicts with another one.",
            "%(number)d bookings not made, because their sessions are full or conflict with others.",
            written.unplaced,
        )
        sentences.append(text % {"number": written.unplaced})
    if written.unroomed:
        text = ngettext(
            "%(number)d session has no room, because its room is taken.",
            "%(number)d sessions have no room, because their rooms are taken.",
            written.unroomed,
        )
        sentences.append(text % {"number": written.unroomed})
    if written.unled:
        text = ngettext(
            "%(number)d session lacks staff, because they are in another session.",
            "%(number)d sessions lack staff, because they are in other sessions.",
            written.unled,
        )
        sentences.append(text % {"number": written.unled})
    return " ".join(sentences)
