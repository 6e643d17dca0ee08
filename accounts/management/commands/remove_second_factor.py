"""Command that removes a user's second factor, for example after the only administrator has lost a phone."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services.second_factor import remove_second_factor
from iopmanager import clock
from timekeeping.reasons import Refused


class Command(BaseCommand):
    help = "Remove somebody's second factor and recovery codes after a phone was lost, and end the person's sign-ins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address with which the person signs in")
        parser.add_argument("--reason", required=True, help="why, for the audit trail")

    def handle(self, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError("Nobody signs in with this address.")
        language = user.language or settings.LANGUAGE_CODE
        try:
            remove_second_factor(
                user=user, about=user, reason=options["reason"], language=language, by=None, now=clock.now()
            )
        except Refused as refused:
            raise CommandError("This person has no second factor.") from refused
        self.stdout.write("The second factor is removed. The person sets it up again at the next sign-in.")
