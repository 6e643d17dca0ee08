"""Names of languages in forms and on pages: shown and typed in the reader's language, stored in English."""

from unicodedata import normalize

from django.conf.locale import LANG_INFO
from django.utils.functional import lazy
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from patients.domain.languages import language_code

FURTHER_NAMES = {
    "Chinese": gettext_lazy("Chinese"),
    "Haitian Creole": gettext_lazy("Haitian Creole"),
    "Somali": gettext_lazy("Somali"),
    "Tagalog": gettext_lazy("Tagalog"),
}
"""Languages that are common in the US but have no name in Django, by their names in English."""


def _fold(name: str) -> str:
    """Return the name in a form for comparisons. Case and the encoding of accents make no difference."""
    return normalize("NFC", name).strip().casefold()


_CODES = {
    _fold(name): code
    for code, info in LANG_INFO.items()
    for name in (info.get("name_local"), info.get("name"))
    if name is not None
}


def language_name(stored: str) -> str:
    """Translate a stored name of a language into the reader's language: "Vietnamese" → "Vietnamita".

    An unknown name is returned as stored.
    """
    if stored in FURTHER_NAMES:
        return str(FURTHER_NAMES[stored])
    code = language_code(stored) or _CODES.get(_fold(stored))
    return capfirst(gettext(LANG_INFO[code]["name"])) if code else stored


language_name_lazy = lazy(language_name, str)


def english_name(typed: str) -> str:
    """Translate a name that a user typed into English: "vietnamita" → "Vietnamese". An unknown name stays as typed."""
    folded = _fold(typed)
    code = language_code(typed) or _CODES.get(folded)
    if code:
        return str(LANG_INFO[code]["name"])
    names = [*FURTHER_NAMES, *(info["name"] for info in LANG_INFO.values() if "name" in info)]
    return next((name for name in names if _fold(language_name(name)) == folded), typed)
