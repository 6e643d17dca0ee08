"""Convert the name of a language to its code. Patients' records have names, but pages and letters need codes."""

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
"""Names of the languages in which the product has pages, by language code. Patients' records store these names."""

COMMON_LANGUAGES = (
    "Arabic",
    "Chinese",
    "English",
    "French",
    "Haitian Creole",
    "Korean",
    "Portuguese",
    "Russian",
    "Somali",
    "Spanish",
    "Tagalog",
    "Vietnamese",
)
"""Languages that the form for a patient suggests. Any other language can be typed."""


def language_code(name: str) -> str | None:
    """Return the ISO 639-1 code of the language, or None if the product has no pages in that language.

    `name` is the language's name in English, its name in the language itself, or its code: "Spanish", "español" and "es"
    all give "es". Upper and lower case make no difference.
    """
    return CODES.get(name.strip().casefold())
