"""Compare the clinic's own codes, as people type them and as spreadsheets store them, and find the next free one."""

import re
import unicodedata
from collections.abc import Iterable

NUMBERED_CODE = re.compile(r"p(\d{1,9})")
FIRST_CODE_DIGITS = 4


def clean_code(code: str) -> str:
    """Return the code without invisible characters, and with single spaces for white space."""
    visible = "".join(letter for letter in unicodedata.normalize("NFC", code) if unicodedata.category(letter) != "Cf")
    return " ".join(visible.split())


def fold_code(code: str) -> str:
    """Return the form in which codes are compared: `P1`, `p1` and `P1` with an invisible character are the same."""
    return clean_code(code).casefold()


def next_code(codes: Iterable[str]) -> str:
    """Return a code that is not in `codes`: P and the number after the highest one, with at least as many digits.

    Only codes like P061 or p61 count, with at most 9 digits: P060 → P061, P999 → P1000. If there is no such code, the
    result is P0001. The numbering is the product's own choice.
    """
    taken = {fold_code(code) for code in codes}
    numbers = [found[1] for code in taken if (found := NUMBERED_CODE.fullmatch(code))]
    highest = max(numbers, key=int, default="0" * FIRST_CODE_DIGITS)
    number = int(highest) + 1
    while f"p{number:0{len(highest)}}" in taken:
        number += 1
    return f"P{number:0{len(highest)}}"
