"""Command that prepares the local database. `make run` calls it before it starts the server."""

from io import StringIO
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from accounts.models import User
from accounts.services.first_run import is_set_up, set_up_code


class Command(BaseCommand):
    help = "Update the local database, load the demo clinic if it is empty and may have it, and show how to sign in."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo clinic's passwords are public, so it can't be loaded in production.")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        # Below, strings name the site model and the commands, because this app must not import scheduling or the demo.
        if settings.STARTS_EMPTY and not is_set_up():
            self.stdout.write(f"\nThe clinic is empty. Set it up at http://{settings.SERVED_AT}/")
            self.stdout.write(f"The set-up code is {set_up_code()}")
            return
        if apps.get_model("scheduling", "Site").objects.exists():
            call_command("extend_horizon", stdout=StringIO())
        elif not settings.STARTS_EMPTY:
            self.stdout.write("Loading the demo clinic …")
            call_command("load_demo", verbosity=0)  # runs silently, because _print_sign_ins lists the accounts
        self.stdout.write(f"\niopmanager is at http://{settings.SERVED_AT}/  (Ctrl+C stops it)")
        self._print_sign_ins()

    def _print_sign_ins(self) -> None:
        from demo.sign_ins import SIGN_INS  # imported here, because a production server has no demo package

        present = set(User.objects.filter(email__in=[each.email for each in SIGN_INS]).values_list("email", flat=True))
        sign_ins = [each for each in SIGN_INS if each.email in present]
        if sign_ins:
            self.stdout.write("Sign in to the demo clinic as:")
        for each in sign_ins:
            self.stdout.write(f"  {each.role:<14} {each.email:<34} {each.password}")
