"""Phone numbers, addresses and emergency contacts: what is valid, and values that can be compared."""

import re
from dataclasses import dataclass

MAX_ADDRESS_LINES = 4
MIN_DIGITS, MAX_DIGITS = 7, 20
PHONE_NUMBER = re.compile(r"\+?[\d\s().\-/]+(?:(?:,|;|\s)?\s*(?:x|ext\.?|extension)\s*\d{1,6})?", re.IGNORECASE)


def is_phone_number(text: str) -> bool:
    """Return whether the text is a phone number, such as `(207) 555-0142`, `+1 207 555 0142` or `207-555-0142 ext. 12`.

    It has 7 to 20 digits, with the extension.
    """
    digits = sum(letter.isdigit() for letter in text)
    return PHONE_NUMBER.fullmatch(text.strip()) is not None and MIN_DIGITS <= digits <= MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Phone:
    """A patient's phone number. `kind` is a `PhoneKind` value, or blank if it is not known.

    `may_leave_message` is false unless the patient has said otherwise: whoever hears or reads a message could learn of the
    treatment, which 42 CFR Part 2 protects.
    """

    number: str
    kind: str = ""
    may_leave_message: bool = False


@dataclass(frozen=True, slots=True)
class ContactPerson:
    """Somebody to call in an emergency. `relationship` says what the person is to the patient, and may be blank."""

    name: str
    relationship: str
    phone: str


@dataclass(frozen=True, slots=True)
class Contacts:
    """A patient's phone numbers and emergency contacts, each in the order in which staff call them."""

    phones: tuple[Phone, ...] = ()
    emergency: tuple[ContactPerson, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.phones or self.emergency)


def clean_address(text: str) -> str:
    """Return the address without blank lines and extra spaces. Its lines are separated by line feeds."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
