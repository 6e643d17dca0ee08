"""`manage.py load_demo`: a clinic to try things in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo.cast import SIGN_INS
from demo.load import NotEmpty, load_demo
from iopmanager import clock


class Command(BaseCommand):
    help = "Loads the demo clinic into an empty database."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load_demo(now=clock.now(), say=self.stdout.write)
        except NotEmpty:
            raise CommandError("There is a clinic in this database already; the demo needs an empty one.") from None
        if options["verbosity"] < 1:
            return
        for sign_in in SIGN_INS:
            self.stdout.write(f"{sign_in.role:15} {sign_in.email:32} {sign_in.password}")
