"""Write the sessions and bookings that are missing up to the horizon, at every site. Run this command every night."""

from typing import Any

from django.core.management.base import BaseCommand

from iopmanager import clock
from scheduling.models import Site
from scheduling.services.bookings.horizon import extend_horizon


class Command(BaseCommand):
    help = (
        "Writes the sessions and bookings that are missing up to the horizon, at every site. Running it twice is safe."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for site in Site.objects.all():
            written = extend_horizon(site=site, now=clock.now())
            self.stdout.write(f"{site}: {written.sessions} sessions and {written.bookings} bookings written.")
            if written.unplaced:
                self.stderr.write(
                    f"{site}: {written.unplaced} places could not be given, as a session is full or another one clashes."
                )
            if written.unroomed or written.unled:
                self.stderr.write(
                    f"{site}: {written.unroomed} sessions lack their room and {written.unled} somebody who leads them, "
                    "as these are in another session then."
                )
