"""Template filters for phone numbers and the links that call them."""

import re

from django import template

from scheduling.formats import phone_number

register = template.Library()
register.filter("phone", phone_number)

EXTENSION = re.compile(r"[\s,]*(?:ext\.?|x|#)\s*(\d+)\s*$", re.IGNORECASE)


@register.filter
def dialable(phone: str) -> str:
    """Return the number as a `tel:` link needs it: "(207) 555-0100 x12" → "2075550100;ext=12". A leading plus sign stays."""
    number, *extension = EXTENSION.split(phone)
    plus = "+" if number.strip().startswith("+") else ""
    return plus + re.sub(r"\D", "", number) + (f";ext={extension[0]}" if extension else "")
