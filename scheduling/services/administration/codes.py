"""Make short codes from names."""

from collections.abc import Collection

from django.utils.text import slugify

CODE_LENGTH = 40
"""Maximum length of the code of a site, a room or a type of service."""
ROOM_FOR_NUMBER = 5


def free_code(name: str, taken: Collection[str], *, default: str, separator: str = "-") -> str:
    """Return a code made from the name, for example "harbor-street". `default` stands in for a name without letters.

    If the code is in `taken`, it gets a number: "harbor-street-2". `separator` stands between words.
    """
    stem = slugify(name).replace("-", separator)[: CODE_LENGTH - ROOM_FOR_NUMBER] or default
    codes = (stem if number == 1 else f"{stem}{separator}{number}" for number in range(1, len(taken) + 2))
    return next(code for code in codes if code not in taken)
