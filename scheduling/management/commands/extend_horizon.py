"""Write the sessions and bookings that are missing up to the horizon, at every site. A nightly job does the same."""

from typing import Any

from django.core.management.base import BaseCommand

from iopmanager import clock
from scheduling.models import Site
from scheduling.services.bookings.horizon import extend_horizon


class Command(BaseCommand):
    help = "Create the missing sessions and bookings of the coming weeks at every site. It is safe to run this again."

    def handle(self, *args: Any, **options: Any) -> None:
        for site in Site.objects.all():
            written = extend_horizon(site=site, now=clock.now())
            self.stdout.write(f"{site}: {written.sessions} sessions and {written.bookings} bookings created.")
            if written.unplaced:
                self.stderr.write(
                    f"{site}: {written.unplaced} bookings not made, because the session is full or overlaps another booking."
                )
            if written.unroomed or written.unled:
                self.stderr.write(
                    f"{site}: {written.unroomed} sessions without their room and {written.unled} without a leader, because the "
                    "room or leader is in another session at that time."
                )
