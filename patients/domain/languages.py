"""Languages of patients. The record has a language's name as a person typed it; pages and letters need its code."""

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
"""The names with which records store the languages in which the product has pages."""


def language_code(name: str) -> str | None:
    """Return the ISO 639-1 code of the language, or None if the product has no pages in that language.

    `name` is the language's English name, its own name or its code: "Spanish", "español" and "es" all give "es". Upper
    and lower case make no difference.
    """
    return CODES.get(name.strip().casefold())
