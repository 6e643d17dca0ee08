"""The order of names in lists."""

from patients.domain.person_search import fold


def name_order(last_name: str, first_name: str) -> tuple[str, str]:
    """Return the key by which lists of people are sorted: by last name, then by first name.

    Upper and lower case and diacritics make no difference: Álvarez stands beside Alvarez, and de León beside Deller. A
    person with only one name is sorted by that name.
    """
    last, first = fold(last_name), fold(first_name)
    return last or first, first
