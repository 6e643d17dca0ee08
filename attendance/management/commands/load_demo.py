"""The demo clinic: its spreadsheet files, and a past and present made up around today."""

from datetime import datetime
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command
from django.db import transaction

from demo.generate import generate
from iopmanager import clock
from scheduling.models import Site


class Command(BaseCommand):
    help = "Loads the demo clinic into an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--now", type=datetime.fromisoformat, help="An instant with its offset, instead of the present."
        )

    def handle(self, *, now: datetime | None = None, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo clinic's passwords are public: it is never loaded in production.")
        if Site.objects.exists():
            raise CommandError("There is a clinic in the database already; the demo clinic needs an empty one.")
        with transaction.atomic():
            call_command("import_clinic", str(settings.BASE_DIR / "demo"), stdout=StringIO())
            for step in generate(now=now or clock.now()):
                self.stdout.write(f"  {step}")
