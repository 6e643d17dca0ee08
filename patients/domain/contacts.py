"""What a phone number looks like."""

import re

MIN_DIGITS, MAX_DIGITS = 7, 20
PHONE_NUMBER = re.compile(r"\+?[\d\s().\-/]+(?:(?:,|;|\s)?\s*(?:x|ext\.?|extension)\s*\d{1,6})?", re.IGNORECASE)


def is_phone_number(text: str) -> bool:
    """Return whether the text is a phone number, such as `(207) 555-0142`, `+1 207 555 0142` or `207-555-0142 ext. 12`.

    It has 7 to 20 digits, with the extension.
    """
    digits = sum(letter.isdigit() for letter in text)
    return PHONE_NUMBER.fullmatch(text.strip()) is not None and MIN_DIGITS <= digits <= MAX_DIGITS
