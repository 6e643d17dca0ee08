"""Compare the clinic's own codes, as people type them and as spreadsheets store them."""

import unicodedata


def clean_code(code: str) -> str:
    """Return the code without invisible characters, and with single spaces for white space."""
    visible = "".join(letter for letter in unicodedata.normalize("NFC", code) if unicodedata.category(letter) != "Cf")
    return " ".join(visible.split())


def fold_code(code: str) -> str:
    """Return the form in which codes are compared: `P1`, `p1` and `P1` with an invisible character are the same."""
    return clean_code(code).casefold()
