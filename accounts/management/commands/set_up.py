"""Command that shows the code with which the first administrator is created."""

from typing import Any

from django.core.management import BaseCommand

from accounts.services.first_run import is_set_up, set_up_code


class Command(BaseCommand):
    help = "Show the set-up code, with which the first administrator is created in the browser."

    def handle(self, **options: Any) -> None:
        if is_set_up():
            self.stdout.write("This installation already has a user, so it needs no set-up code.")
        else:
            self.stdout.write(f"Open /set-up/ in the browser, and enter this code: {set_up_code()}")
