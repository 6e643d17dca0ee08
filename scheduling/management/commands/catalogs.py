"""Update the message catalogs from the sources: `manage.py catalogs`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from iopmanager.catalogs import extract_messages, update_catalog


class Command(BaseCommand):
    help = "Collect the texts of pages, mail and documents in locale/, and count those without a translation."

    def handle(self, *args: Any, **options: Any) -> None:
        messages = extract_messages(settings.BASE_DIR)
        for language, name in settings.LANGUAGES:
            if language == settings.LANGUAGE_CODE:
                continue
            file = settings.BASE_DIR / "locale" / language / "LC_MESSAGES" / "django.po"
            catalog = update_catalog(file, language, messages)
            missing = sum(1 for message in catalog if message.id and not message.string)
            self.stdout.write(f"{name}: {len(catalog)} texts, {missing} without a translation.")
