"""`manage.py load_demo`: load the demo clinic into an empty database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo.load import DatabaseNotEmpty, load_demo
from demo.sign_ins import SIGN_INS
from iopmanager import clock


class Command(BaseCommand):
    help = "Load the demo clinic into an empty database."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo clinic's passwords are public, so it can't be loaded in production.")
        self.is_quiet = options["verbosity"] == 0
        try:
            load_demo(now=clock.now(), say=self._say)
        except DatabaseNotEmpty:
            raise CommandError("The database already has a clinic. The demo needs an empty database.") from None
        for sign_in in SIGN_INS:
            self._say(f"{sign_in.role:15} {sign_in.email:32} {sign_in.password}")

    def _say(self, words: str) -> None:
        if not self.is_quiet:
            self.stdout.write(words)
