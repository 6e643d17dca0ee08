"""Template filter for links that call a phone number."""

import re

from django import template

register = template.Library()


@register.filter
def dialable(phone: str) -> str:
    """Convert a phone number for a `tel:` link: "(207) 555-0100" → "2075550100". A plus sign at the start is kept."""
    return ("+" if phone.strip().startswith("+") else "") + re.sub(r"\D", "", phone)
