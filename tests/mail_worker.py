"""A background worker in a process of its own, which tests can kill.

`python -m tests.mail_worker DATABASE FILE MINUTES` sends the mail in the outbox of the database named DATABASE, with a
clock that is MINUTES minutes ahead. It adds the ID of each message that it sends to the file named FILE.
"""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend


def letter(subject: str = "Good night", **fields: Any) -> EmailMultiAlternatives:
    return EmailMultiAlternatives(subject, "Sleep well.", "no-reply@clinic.example", ["rosa@example.test"], **fields)


class RefusingMailer(BaseEmailBackend):
    """A mail server that refuses every message, with an error that names the recipient."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        raise ConnectionRefusedError(f"no mail for {messages[0].to}")


class FileOfIDs(BaseEmailBackend):
    """A slow fake mail server. It writes the ID of each accepted message to a file."""

    def __init__(self, *, path: str, **options: Any) -> None:
        super().__init__(**options)
        self.path = path

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            time.sleep(0.02)
            with Path(self.path).open("a") as file:
                file.write(message.extra_headers["Message-ID"] + "\n")
            time.sleep(0.02)
        return len(messages)


def main(database: str, path: str, minutes: str) -> None:
    os.environ["DEPLOYMENT"] = "test"
    os.environ["DJANGO_SETTINGS_MODULE"] = "iopmanager.settings"

    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    settings.MAILERS["server"] = {"BACKEND": "tests.mail_worker.FileOfIDs", "OPTIONS": {"path": path}}
    django.setup()

    from django.core.management import call_command

    from iopmanager import clock

    clock.now = lambda: datetime.now(UTC) + timedelta(minutes=int(minutes))
    call_command("db_worker", "--backend=background", reload=False, startup_delay=False, interval=0.05, verbosity=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
