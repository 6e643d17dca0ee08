"""Languages of patients: the record has a name that a person typed, and pages and letters need its code."""

CODES = {
    "english": "en",
    "inglés": "en",
    "ingles": "en",
    "en": "en",
    "spanish": "es",
    "español": "es",
    "espanol": "es",
    "castellano": "es",
    "es": "es",
}

LANGUAGE_NAMES = {"en": "English", "es": "Spanish"}
"""The names under which records have the languages that the product speaks."""


def language_code(name: str) -> str | None:
    """Return the ISO 639-1 code of a language that the product speaks, or None for any other.

    `name` is the language's name in English or in itself, or its code, in any case: "Spanish", "español" and "es" are "es".
    """
    return CODES.get(name.strip().casefold())
