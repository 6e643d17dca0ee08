"""The message catalogs match the sources. Everything that a patient sees has a Spanish translation."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message

from iopmanager.catalogs import extract_messages, read_catalog, source_messages
from tests.paths import PROJECT

PATIENTS_READ = (
    "accounts/adapter.py",
    "accounts/views.py",
    "iopmanager/form_messages.py",
    "patients/forms/availability/",
    "patients/forms/calendars/",
    "patients/views/availability/week.py",
    "patients/views/calendars/",
    "patients/views/portal/",
    "scheduling/formats.py",
    "scheduling/forms/documents/feeds.py",
    "scheduling/services/documents/feeds.py",
    "scheduling/templatetags/formats.py",
    "scheduling/views/portal/",
    "templates/400.html",
    "templates/403.html",
    "templates/403_csrf.html",
    "templates/404.html",
    "templates/500.html",
    "templates/503.html",
    "templates/account/",
    "templates/base.html",
    "templates/bootstrap5/",
    "templates/components/",
    "templates/patients/availability/_commitment.html",
    "templates/patients/availability/_week_grid.html",
    "templates/patients/availability/_week_row.html",
    "templates/patients/calendars/",
    "templates/patients/portal/",
    "templates/patients/reasons/",
    "templates/portal.html",
    "templates/scheduling/documents/_calendar_links.html",
    "templates/scheduling/portal/",
    "templates/scheduling/reasons/availability.html",
    "templates/scheduling/suggestions/_busy_time.html",
    "templates/timekeeping/reasons/",
)
"""Files and folders whose texts a patient can see: the portal, sign-in, mail, and the parts that those pages share."""
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]")


@pytest.fixture(scope="module")
def sources() -> Catalog:
    return extract_messages(PROJECT)


@pytest.fixture(scope="module")
def spanish() -> Catalog:
    return read_catalog(PROJECT / "locale" / "es" / "LC_MESSAGES" / "django.po", "es")


def messages_of(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def keys_of(catalog: Catalog) -> set[tuple[object, str | None]]:
    return {(message.id, message.context) for message in messages_of(catalog)}


def translations_of(message: Message) -> tuple[str, ...]:
    texts = message.string
    return tuple(texts) if isinstance(texts, list | tuple) else (texts or "",)


def originals_of(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, list | tuple) else (message.id,)


def test_the_catalog_has_the_texts_of_the_sources_and_no_others(sources: Catalog, spanish: Catalog) -> None:
    assert keys_of(spanish) == keys_of(sources), "run make catalogs"


def test_everything_that_a_patient_sees_has_spanish(sources: Catalog, spanish: Catalog) -> None:
    translated = {(message.id, message.context): translations_of(message) for message in messages_of(spanish)}
    missing = [
        message.id
        for message in messages_of(sources)
        if any(path.startswith(PATIENTS_READ) for path, _ in message.locations)
        and not all(translated.get((message.id, message.context), ("",)))
    ]
    assert missing == []


def test_a_text_has_the_same_plural_everywhere() -> None:
    """A catalog has only one plural for each singular.

    If two texts differed only in their plurals, both would get the same translation, and placeholders could be missing.
    """
    plurals: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for _path, message, _comments, context in source_messages(PROJECT):
        if isinstance(message, tuple):
            plurals[message[0], context].add(message[1])
    assert plurals
    assert {key: found for key, found in plurals.items() if len(found) > 1} == {}


def test_translations_have_the_values_of_their_originals(spanish: Catalog) -> None:
    for message in messages_of(spanish):
        *_, plural = originals_of(message)
        for translation in filter(None, translations_of(message)):
            assert set(PLACEHOLDER.findall(translation)) <= set(PLACEHOLDER.findall(plural)), message.id
        last = translations_of(message)[-1]
        if last:
            assert set(PLACEHOLDER.findall(last)) == set(PLACEHOLDER.findall(plural)), message.id


def test_patients_are_addressed_as_usted(spanish: Catalog) -> None:
    """US clinics say "usted" to their patients, so no translation may have a word in the familiar form ("tú")."""
    familiar = re.compile(r"\b(tú|tu|tus|ti|te|contigo|tienes|puedes|quieres|tuyo|tuya)\b", re.IGNORECASE)
    found = [text for message in messages_of(spanish) for text in translations_of(message) if familiar.search(text)]
    assert found == []
