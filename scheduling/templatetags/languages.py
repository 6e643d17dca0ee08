"""Template filter for the languages in patients' records."""

from unicodedata import normalize

from django import template
from django.conf.locale import LANG_INFO
from django.utils.text import capfirst
from django.utils.translation import gettext

from patients.domain.languages import language_code

register = template.Library()


def _fold(name: str) -> str:
    """Return the name in a form for comparisons. Case and the encoding of accents make no difference."""
    return normalize("NFC", name).strip().casefold()


_CODES = {
    _fold(name): code
    for code, info in LANG_INFO.items()
    for name in (info.get("name_local"), info.get("name"))
    if name is not None
}


@register.filter
def language_name(stored: str) -> str:
    """Translate a stored name of a language into the reader's language: "Vietnamese" → "Vietnamita".

    A name that Django doesn't know is returned as stored.
    """
    code = language_code(stored) or _CODES.get(_fold(stored))
    return capfirst(gettext(LANG_INFO[code]["name"])) if code else stored
